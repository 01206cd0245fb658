"""Where a run answers questions about itself: ``--status``, by default on this machine alone."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from edge.errors import InputError
from edge.system.files import reason_of

HERE = "127.0.0.1"
WAITING = 8  # connections that the system keeps until they are taken
EXPECTED = "expected PORT or HOST:PORT, such as 9100 or 127.0.0.1:9100"


@dataclass(frozen=True, slots=True)
class StatusAddress:
    """``HOST:PORT``, or ``PORT`` of this machine alone; HOST is a name or a number, an IPv6 one in brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> StatusAddress:
        """Raises InputError for anything else."""
        found = re.fullmatch(r"(?:(\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}):)?([0-9]{1,5})", text, re.ASCII)
        if not found or not 1 <= int(found[2]) <= 65535:
            raise InputError(f"status {text!r}: {EXPECTED}")
        return cls((found[1] or HERE).strip("[]"), int(found[2]))

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
            raise InputError(f"status {self}: {_reason(error)}: {EXPECTED}") from None
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a run that starts anew must not wait
            made.bind(to)
            made.listen(WAITING)
        except OSError as error:
            made.close()
            raise InputError(f"status {self}: {_reason(error)}: give another port, or end what listens there") from None
        return made


def is_open(listening: socket.socket) -> bool:
    """Whether other machines reach it, too."""
    return not ipaddress.ip_address(str(listening.getsockname()[0]).partition("%")[0]).is_loopback


def _reason(error: OSError | UnicodeError) -> str:
    return reason_of(error) if isinstance(error, OSError) else "it is no name of a host"
