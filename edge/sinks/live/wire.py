"""The wire of ``--mavlink-out``: bytes to and from one peer, by UDP, TCP or a serial line."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from edge.camera.options import split_query
from edge.errors import InputError, SourceError
from edge.pose.link import BAUD, Serial
from edge.sinks.live.link import Address
from edge.system.budget import LINK_S as WAIT_S
from edge.system.files import readable

MOST_READ = 4096  # bytes at once
EXPECTED = "expected udp:HOST:PORT, tcp:HOST:PORT or /dev/ttyN?baud=921600, each perhaps with signing=FILE behind a ?"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is spoken to. ``where``: an address, or the path of a serial line, at ``baud``. ``signing``: the file with
    the key of a signed link.
    """

    where: Address | str
    baud: int = BAUD
    signing: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Peer:
        """``udp:HOST:PORT``, ``tcp:HOST:PORT`` or ``/dev/ttyN``, with options behind a ``?``. Raises InputError."""
        try:
            rest, options = split_query(text)
        except SourceError:
            raise InputError(f"{text!r}: {EXPECTED}") from None
        signing, baud = options.pop("signing", None), options.pop("baud", None)
        where = rest if rest.startswith("/") else Address.parse(rest, EXPECTED)
        if options or signing == "" or (baud is not None and not (isinstance(where, str) and baud.isdecimal())):
            raise InputError(f"{text!r}: {EXPECTED}")
        return cls(where, BAUD if baud is None else int(baud), None if signing is None else Path(signing))

    def __str__(self) -> str:
        where = f"{self.where}?baud={self.baud}" if isinstance(self.where, str) else str(self.where)
        return where + (" (signed)" if self.signing else "")

    def wire(self) -> Wire | Serial:
        """The wire to it. Raises InputError for a serial line that may not be opened, or not at that rate."""
        if isinstance(self.where, str):
            return Serial(self.where, self.baud, "--mavlink-out")
        return Wire(self.where)


class Wire:
    """Bytes to and from one address, nobody else's. `open`, `read` and `write` raise OSError where it is away."""

    def __init__(self, address: Address) -> None:
        self.name = str(address)
        self._address = address
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Be ready; again after `close`."""
        if self._socket is not None:
            return
        address = self._address
        if address.kind == "tcp":
            made = socket.create_connection((address.host, address.port), WAIT_S)
        else:
            family, _, _, _, to = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0]
            made = socket.socket(family, socket.SOCK_DGRAM)
            made.connect(to)  # from then on the system drops what others send
        made.setblocking(False)
        self._socket = made

    def read(self, wait_s: float) -> bytes:
        """What came; b"" where nothing came for so long."""
        assert self._socket is not None
        if not readable(self._socket.fileno(), wait_s):
            return b""
        try:
            data = self._socket.recv(MOST_READ)
        except (BlockingIOError, ConnectionRefusedError):  # by UDP: nobody listens there, today
            return b""
        if not data and self._address.kind == "tcp":
            raise ConnectionResetError("the other side has closed the connection")
        return data

    def write(self, data: bytes) -> bool:
        """Send one message; False where it was dropped: the line is full, or nobody listens."""
        assert self._socket is not None
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, ConnectionRefusedError):
            return False
        return sent == len(data)

    def close(self) -> None:
        """May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
