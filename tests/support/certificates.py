"""Certificates for tests, made by the openssl command, and a TLS server that asks for one."""

from __future__ import annotations

import shutil
import socket
import ssl
from pathlib import Path

import pytest

from tests.support.children import run_child
from tests.support.local_server import LocalServer

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_certificates(folder: Path) -> Path:
    """``NAME.pem`` and ``NAME.key`` of a ``ca`` and an ``other`` one; of servers ``good``, ``expired`` and ``named``
    (for tak.test only); of clients ``client``, ``late`` (expired) and ``stranger`` (of the other CA).
    ``locked.key``: the client's, with a password.
    """
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    for ca in ("ca", "other"):
        openssl(folder, "req", "-x509", *CURVE, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}")
    here = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    for name, ca, days, more in (
        ("good", "ca", 3, here),
        ("expired", "ca", -1, here),
        ("named", "ca", 3, "subjectAltName=DNS:tak.test"),
        ("client", "ca", 3, "extendedKeyUsage=clientAuth"),
        ("late", "ca", -1, "extendedKeyUsage=clientAuth"),
        ("stranger", "other", 3, "extendedKeyUsage=clientAuth"),
    ):
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", more)
        openssl(folder, "req", *CURVE, *request)
        sign = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-copy_extensions", "copy")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *sign, "-days", str(days), "-out", f"{name}.pem")
    openssl(folder, "pkey", "-in", "client.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
    return folder


def openssl(folder: Path, *words: str) -> None:
    run_child(["openssl", *words], cwd=folder, check=True, capture_output=True)


class TlsServer(LocalServer):
    """At ``127.0.0.1:port``: takes connections by TLS one after the other; ``got``: all that came."""

    def __init__(self, folder: Path, certificate: str = "good", asks: bool = False, port: int = 0) -> None:
        """``asks``: for a client's certificate."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
        if asks:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(folder / "ca.pem")
        self.got, self.connections = b"", 0
        super().__init__(self.context, port)

    def _speak(self, connection: socket.socket) -> None:
        self.connections += 1
        while self._goes_on:
            try:
                data = connection.recv(1 << 16)
            except TimeoutError:
                continue
            if not data:
                return
            self.got += data
