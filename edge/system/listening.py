"""Where a program listens, as the user names it: ``--status``, ``--web``; by default on this machine alone."""

from __future__ import annotations

import fcntl
import ipaddress
import re
import socket
from dataclasses import dataclass

from edge.errors import InputError
from edge.system.files import reason_of

HERE = "127.0.0.1"
WAITING = 8  # connections that the system keeps until they are taken
EXPECTED = "expected PORT or HOST:PORT, such as 9100 or 127.0.0.1:9100"
ADDRESS_OF, NAME_BYTES = 0x8915, 256  # SIOCGIFADDR of linux/sockios.h, and room for its answer


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """``HOST:PORT``, or ``PORT`` of this machine alone; HOST is a name or a number, an IPv6 one in brackets. ``what``
    listens there, for messages.
    """

    host: str
    port: int
    what: str = "status"

    @classmethod
    def parse(cls, text: str, what: str = "status") -> ListenAddress:
        """Raises InputError for anything else."""
        found = re.fullmatch(r"(?:(\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}):)?([0-9]{1,5})", text, re.ASCII)
        if not found or not 1 <= int(found[2]) <= 65535:
            raise InputError(f"{what} {text!r}: {EXPECTED}")
        return cls((found[1] or HERE).strip("[]"), int(found[2]), what)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self) -> socket.socket:
        """A socket that listens there. Raises InputError where that cannot be."""
        try:
            family, kind, protocol, _, to = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            made = socket.socket(family, kind, protocol)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{self.what} {self}: {_reason(error)}: {EXPECTED}") from None
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a run that starts anew must not wait
            made.bind(to)
            made.listen(WAITING)
        except OSError as error:
            made.close()
            said = f"{self.what} {self}: {_reason(error)}: give another port, or end what listens there"
            raise InputError(said) from None
        return made


def is_open(listening: socket.socket) -> bool:
    """Whether other machines reach it, too."""
    return not ipaddress.ip_address(str(listening.getsockname()[0]).partition("%")[0]).is_loopback


def addresses_here() -> list[str]:
    """The IPv4 numbers by which other machines may reach this one; it asks the kernel, and sends nothing."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            try:
                told = fcntl.ioctl(asking.fileno(), ADDRESS_OF, name.encode()[:15].ljust(NAME_BYTES, b"\0"))
            except OSError:  # it has none
                continue
            number = ipaddress.ip_address(told[20:24])
            if not number.is_loopback:
                found.append(str(number))
    return found


def _reason(error: OSError | UnicodeError) -> str:
    return reason_of(error) if isinstance(error, OSError) else "it is no name of a host"
