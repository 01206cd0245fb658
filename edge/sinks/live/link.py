"""Where messages go: an address that the user gave, by UDP or TCP. Errors are those of the system (OSError)."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from edge.errors import InputError
from edge.system.budget import LINK_S as WAIT_S

DEAD_S = 10.0  # a peer that confirms nothing for so long is gone
EXPECTED = "expected udp:HOST:PORT or tcp:HOST:PORT, such as udp:239.2.3.1:6969"
HOPS = 1  # of a multicast: it stays in the local network


@dataclass(frozen=True, slots=True)
class Address:
    """``udp:HOST:PORT`` or ``tcp:HOST:PORT``, for some also ``tls:HOST:PORT``; HOST is a name or a number, an IPv6 one
    in brackets.
    """

    kind: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str, expected: str = EXPECTED, kinds: tuple[str, ...] = ("udp", "tcp")) -> Address:
        """Raises InputError, which says what was ``expected``, for anything else."""
        found = re.fullmatch(r"([a-z]+):(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[\w.-]+):([0-9]{1,5})", text, re.ASCII)
        if not (
            found
            and found[1] in kinds
            and 1 <= int(found[3]) <= 65535
            and all(0 < len(part) < 64 for part in found[2].split("."))
        ):
            raise InputError(f"{text!r}: {expected}")
        return cls(found[1], found[2].strip("[]"), int(found[3]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}:{host}:{self.port}"


class Link:
    """One way to an address, opened when it is first used, and again after `close`. Of one thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._socket: socket.socket | None = None
        self._to: tuple[object, ...] = ()

    def send(self, data: bytes) -> None:
        """Send one message whole; by UDP it is one datagram, and nobody says whether it came.

        Raises OSError where it cannot; then `close` it, so that no half message stands before the next.
        """
        if self._socket is None:
            self._open()
        self.tend()
        assert self._socket is not None
        if self.address.kind == "udp":
            self._socket.sendto(data, self._to)
        else:
            self._socket.sendall(data)

    def tend(self) -> None:
        """Throw away what the peer said: a server that repeats everything would wait for us. Raises OSError where it
        has gone.
        """
        if self._socket is None or self.address.kind == "udp":
            return
        self._socket.settimeout(0)
        try:
            for _ in range(64):  # a peer that floods must not hold us
                if not self._socket.recv(1 << 16):
                    raise ConnectionResetError("the other side has closed the connection")
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            self._socket.settimeout(WAIT_S)

    def close(self) -> None:
        """May be called twice."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _open(self) -> None:
        address = self.address
        if address.kind != "udp":
            self._socket = socket.create_connection((address.host, address.port), timeout=WAIT_S)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_S * 1000))
            return
        family, _, _, _, self._to = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.settimeout(WAIT_S)
        if ipaddress.ip_address(str(self._to[0]).partition("%")[0]).is_multicast:
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
            else:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
