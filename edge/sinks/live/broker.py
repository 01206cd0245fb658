"""Where an MQTT broker is, what topics begin with there, and who we are to it: ``mqtts://HOST/TOPIC?login=FILE``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge.camera.options import split_query
from edge.errors import InputError, SourceError, without_password
from edge.sinks.live.link import Address
from edge.sinks.live.tls import TlsAddress
from edge.system.files import open_regular, reason_of

KEYS = ("login", "ca", "cert", "key")
PORTS = {"mqtt": 1883, "mqtts": 8883}
MOST_TOPIC, MOST_LOGIN = 200, 1024  # bytes

EXPECTED = (
    "expected mqtt://HOST/TOPIC or mqtts://HOST/TOPIC (TLS), without a login, perhaps with login=FILE, and of TLS with "
    "ca=FILE, cert=FILE, key=FILE behind a ?"
)


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """``topic``: what all topics begin with. ``login``: a file with the user's name in its first line, the password in
    its second. ``tls``: None = not encrypted.
    """

    address: Address
    topic: str
    login: Path | None = None
    tls: TlsAddress | None = None

    @classmethod
    def parse(cls, text: str) -> MqttAddress:
        """``mqtt://HOST:PORT/TOPIC`` or ``mqtts://``, with options behind a ``?``. Raises InputError."""
        wrong = InputError(f"{without_password(text)!r}: {EXPECTED}")
        try:
            rest, options = split_query(text)
            url = urlsplit(rest)
            host, port, topic = url.hostname or "", url.port, url.path.strip("/")
            port = PORTS[url.scheme] if port is None else port
            host = f"[{host}]" if ":" in host else host
            address = Address.parse(f"tcp:{host}:{port}")
        except (SourceError, InputError, ValueError, KeyError):
            raise wrong from None
        ca, cert, key = (Path(options[name]) if options.get(name) else None for name in ("ca", "cert", "key"))
        known = set(KEYS if url.scheme == "mqtts" else KEYS[:1])
        good = topic.isprintable() and 0 < len(topic.encode()) <= MOST_TOPIC and not set(topic) & set("+#\0")
        if not good or url.username is not None or set(options) - known or not all(options.values()):
            raise wrong
        if key and not cert:
            raise wrong
        login = Path(options["login"]) if "login" in options else None
        return cls(address, topic, login, TlsAddress(address, ca, cert, key) if url.scheme == "mqtts" else None)

    def __str__(self) -> str:
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return f"mqtt{'s' * (self.tls is not None)}://{host}:{self.address.port}/{self.topic}"

    def user(self) -> tuple[str, str | None] | None:
        """Name and password; None without a login. Raises InputError where the file cannot be one."""
        if self.login is None:
            return None
        try:
            with open_regular(self.login) as file:
                text = file.read(MOST_LOGIN + 1).decode()
        except OSError as error:
            raise InputError(f"login={self.login}: {reason_of(error)}; expected a file with a login") from None
        except UnicodeDecodeError:
            text = ""
        name, _, password = text.strip("\r\n").partition("\n")
        if not name.strip() or "\n" in password or len(text) > MOST_LOGIN:
            raise InputError(
                f"login={self.login}: expected the user's name in its first line, the password in its second"
            )
        return name.strip("\r"), password.strip("\r") or None
