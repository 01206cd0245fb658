"""CoT by TLS: ``tls:HOST:PORT``, as TAK servers speak it, with certificates in PEM files, by Python's own ssl.

The server's certificate is always checked: who signed it, that it is of this server, that it is valid today.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.camera.options import split_query
from edge.errors import InputError, SourceError
from edge.sinks.live.link import Address, Link
from edge.system.files import read_limited, readable, reason_of

SETTLE_S = 0.5  # for a server that does not want our certificate to say so; others say something at once
KEYS = ("ca", "cert", "key", "name")
EXPECTED = (
    "expected udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT, of tls perhaps with ca=FILE, cert=FILE, key=FILE, "
    "name=NAME behind a ?, such as 'tls:tak.example.org:8089?ca=ca.pem&cert=me.pem&key=me.key'"
)
MOST_PEM = 16 << 20  # bytes: a bundle of every authority there is has some 200 kB
PEM = b"-----BEGIN "
# of X509_V_ERR_...: openssl/x509_vfy.h
NOT_YET, EXPIRED, NAMES = 9, 10, (62, 64)
UNKNOWN_SIGNER = (2, 18, 19, 20, 21)


@dataclass(frozen=True, slots=True)
class TlsAddress:
    """``ca``: file with the certificates that may have signed the server's; None: those that this machine trusts.
    ``cert``, ``key``: files with our certificate and its key, where the server asks for one. ``name``: of the server in
    its certificate, where that is another than the host's.
    """

    address: Address
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> TlsAddress:
        """``tls:HOST:PORT`` with options behind a ``?``. Raises InputError for anything else."""
        try:
            rest, options = split_query(text)
        except SourceError:
            raise InputError(f"{text!r}: {EXPECTED}") from None
        address = Address.parse(rest, EXPECTED, ("tls",))
        files = {key: Path(options[key]) for key in ("ca", "cert", "key") if options.get(key)}
        name = options.get("name")
        if set(options) - set(KEYS) or not all(options.values()) or ("key" in files and "cert" not in files):
            raise InputError(f"{text!r}: {EXPECTED}")
        return cls(address, files.get("ca"), files.get("cert"), files.get("key"), name)

    def __str__(self) -> str:
        return str(self.address)

    @property
    def server(self) -> str:
        """The name that the server's certificate must have."""
        return self.name or self.address.host.partition("%")[0]

    def context(self) -> ssl.SSLContext:
        """The checks and certificates of a connection. Raises InputError where a file cannot be what it is to be."""
        if self.ca is None:
            context = ssl.create_default_context()
        else:
            _check_pem("ca", self.ca)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no other signers than these
            try:
                context.load_verify_locations(cafile=str(self.ca))
            except ssl.SSLError:
                raise InputError(f"ca={self.ca}: expected certificates in a PEM file") from None
        if self.cert is not None:
            _check_pem("cert", self.cert)
            if self.key is not None:
                _check_pem("key", self.key)
            self._load(context, self.cert)
        return context

    def _load(self, context: ssl.SSLContext, cert: Path) -> None:
        where = f"key={self.key}" if self.key else f"cert={cert}"

        def no_password() -> str:  # nobody is there to type it
            raise InputError(
                f"{where}: the key has a password: openssl pkey -in FILE -out NEW writes one without; keep that from "
                "others (chmod 600)"
            )

        try:
            context.load_cert_chain(cert, self.key, no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InputError(f"{where}: it is not the key of the certificate in cert={cert}") from None
            raise InputError(
                f"cert={cert}: expected a certificate and its key in PEM files: cert= and key=, or both in cert="
            ) from None

    def told(self, error: ssl.SSLError) -> str:
        """Why there is no connection, for who has made the certificates."""
        today = f"this machine's clock says {datetime.now(timezone.utc):%Y-%m-%d}"
        if isinstance(error, ssl.SSLCertVerificationError):
            signers = f"the CA in {self.ca}" if self.ca else "a CA that this machine trusts: ca=FILE names another"
            words = {NOT_YET: f"is not valid yet; {today}", EXPIRED: f"has expired; {today}"}
            words |= dict.fromkeys(NAMES, f"is not of {self.server}: name=NAME says which name it has")
            words |= dict.fromkeys(UNKNOWN_SIGNER, f"is not signed by {signers}")
            return f"the server's certificate {words.get(error.verify_code, error.verify_message)}"
        reason = (error.reason or str(error)).removeprefix("SSLV3_").removeprefix("TLSV1_").removeprefix("TLSV13_")
        ours = "our certificate (cert=)" if self.cert else "a client's certificate: cert= and key= name one"
        return {
            "ALERT_CERTIFICATE_REQUIRED": f"the server asks for {ours}",
            "ALERT_HANDSHAKE_FAILURE": f"the server refuses the connection: it may ask for {ours}",
            "ALERT_UNKNOWN_CA": "the server does not know who signed our certificate (cert=)",
            "ALERT_CERTIFICATE_EXPIRED": f"the server says that our certificate (cert=) has expired; {today}",
            "ALERT_CERTIFICATE_REVOKED": "the server says that our certificate (cert=) was revoked",
            "WRONG_VERSION_NUMBER": "no TLS is spoken at that port",
            "RECORD_LAYER_FAILURE": "no TLS is spoken at that port",
        }.get(reason, f"TLS: {reason.lower().replace('_', ' ')}")


class TlsLink(Link):
    """`Link` by TLS. Nothing is sent before the server has been checked."""

    def __init__(self, to: TlsAddress) -> None:
        super().__init__(to.address)
        self._tls, self._context = to, to.context()

    def send(self, data: bytes) -> None:
        with self._in_words():
            super().send(data)

    def tend(self) -> None:
        with self._in_words():
            super().tend()

    def _open(self) -> None:
        super()._open()
        plain, self._socket = self._socket, None
        assert plain is not None
        try:
            self._socket = self._context.wrap_socket(plain, server_hostname=self._tls.server)
        except BaseException:
            plain.close()
            raise
        if readable(self._socket.fileno(), SETTLE_S):
            super().tend()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLError as error:
            raise ConnectionError(self._tls.told(error)) from None


def _check_pem(what: str, path: Path) -> None:
    try:
        data = read_limited(path, MOST_PEM)
    except OSError as error:
        raise InputError(f"{what}={path}: {reason_of(error)}; expected a PEM file") from None
    if PEM not in data:
        raise InputError(
            f"{what}={path}: expected a PEM file, with lines -----BEGIN ...; openssl pkcs12 -in FILE.p12 -nodes -out "
            "FILE.pem makes one of a .p12"
        )
