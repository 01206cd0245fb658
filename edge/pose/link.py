"""The wire to an autopilot: UDP, TCP or a serial line, as bytes. Waits for a peer, and for a lost one again.

And the key of a signed one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import termios
import tty
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from edge.errors import InputError
from edge.seams import Closing
from edge.system.budget import POSE_CONNECT_S as CONNECT_S
from edge.system.files import open_regular, readable, reason_of

log = logging.getLogger(__name__)

MOST_READ = 4096  # bytes at once
BUFFER = 64 << 10  # bytes that the system keeps of UDP: of a flood the rest is lost there, at no cost
BAUD = 57600
KEY_BYTES, MOST_KEY_FILE = 32, 1024


class Link(Closing):
    """``name``: for messages. ``others``: datagrams of others than the one that is held. Used by one thread, but
    `close`, which ends it from any.
    """

    name: str = ""
    others: int = 0

    @abstractmethod
    def open(self) -> None:
        """Be ready to read. Raises OSError where that cannot be now; it is tried again later."""

    @abstractmethod
    def read(self, wait_s: float) -> bytes:
        """What came, b"" where nothing came for so long. Raises OSError where the link is lost."""

    @abstractmethod
    def write(self, data: bytes) -> bool:
        """Send it to whoever is there; where nobody is, or the line is full, it is dropped: False. Raises OSError."""

    def hold(self) -> None:
        """From now on hear only who sent last."""

    def let_go(self) -> None:
        """Hear anybody again."""


class Udp(Link):
    """Listens at an address, and answers whoever sent last; once one is held, hears and answers only that one."""

    def __init__(self, host: str, port: int) -> None:
        """Raises InputError where the address cannot be listened at, such as one that another program has."""
        self.name = f"udp {host or '*'}:{port}"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise InputError(
                f"pose mavlink: {self.name} cannot be listened at: {reason_of(error)}; expected an address of this "
                "machine at which no other program listens"
            ) from None
        self._socket.setblocking(False)
        self.name = f"udp {host or '*'}:{self.port}"
        self._peer: tuple[object, ...] | None = None
        self._held: tuple[object, ...] | None = None

    @property
    def port(self) -> int:
        """That is listened at; of port 0 the one that the system chose."""
        return int(self._socket.getsockname()[1])

    def open(self) -> None:
        pass

    def read(self, wait_s: float) -> bytes:
        if not _ready(self._socket.fileno(), wait_s):
            return b""
        try:
            data, peer = self._socket.recvfrom(MOST_READ)
        except (BlockingIOError, ConnectionError):  # what was sent before reached nobody
            return b""
        if self._held is not None and peer != self._held:
            self.others += 1
            if self.others == 1:
                log.warning(
                    "pose: %s:%s sends to %s, too: only %s:%s is listened to", *peer[:2], self.name, *self._held[:2]
                )
            return b""
        self._peer = peer
        return data

    def write(self, data: bytes) -> bool:
        if self._peer is not None:
            with suppress(BlockingIOError, ConnectionError):
                return self._socket.sendto(data, self._peer) == len(data)
        return False

    def hold(self) -> None:
        self._held = self._peer

    def let_go(self) -> None:
        self._held = None

    def close(self) -> None:
        self._socket.close()


class Tcp(Link):
    """Connects to an address, again and again."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"tcp {host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, CONNECT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)

    def read(self, wait_s: float) -> bytes:
        if self._socket is None:
            raise OSError("not connected")
        if not _ready(self._socket.fileno(), wait_s):
            return b""
        data = self._socket.recv(MOST_READ)
        if not data:
            raise OSError("the other side has closed the connection")
        return data

    def write(self, data: bytes) -> bool:
        if self._socket is not None:
            with suppress(BlockingIOError):
                return self._socket.send(data) == len(data)
        return False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Serial(Link):
    """A serial line, 8N1, without flow control; one that is unplugged is waited for."""

    def __init__(self, path: str, baud: int = BAUD, what: str = "pose mavlink") -> None:
        """``what``: asks for it, for messages. Raises InputError for a rate that the system does not know, or a device
        that may not be opened.
        """
        self.name = f"{path} at {baud} baud"
        self._path, self._handle = path, -1
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise InputError(f"{what}: baud={baud}; expected a usual rate, such as 57600, 115200, 921600")
        self._speed = int(speed)
        if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
            raise InputError(f"{what}: {path} may not be opened: add the user to the group that owns it (dialout)")

    def open(self) -> None:
        if self._handle >= 0:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(handle)
            settings = termios.tcgetattr(handle)
            settings[2] |= termios.CLOCAL | termios.CREAD
            settings[4] = settings[5] = self._speed
            termios.tcsetattr(handle, termios.TCSANOW, settings)
        except termios.error as error:
            os.close(handle)
            raise OSError(f"no serial line ({error.args[-1]})") from None
        self._handle = handle

    def read(self, wait_s: float) -> bytes:
        if self._handle < 0:
            raise OSError("not open")
        if not _ready(self._handle, wait_s):
            return b""
        data = os.read(self._handle, MOST_READ)
        if not data:
            raise OSError("the device is gone")
        return data

    def write(self, data: bytes) -> bool:
        if self._handle >= 0:
            with suppress(BlockingIOError):
                return os.write(self._handle, data) == len(data)
        return False

    def close(self) -> None:
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            os.close(handle)


def open_link(text: str, address: str, baud: int | None) -> Link:
    """``udp:HOST:PORT``, ``tcp:HOST:PORT`` or the path of a device. Raises InputError for anything else."""
    kind, _, rest = address.partition(":")
    if kind in ("udp", "tcp"):
        host, _, port = rest.rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= 65535) or (kind == "tcp" and not host):
            raise InputError(
                f"pose {text!r}: expected mavlink:{kind}:HOST:PORT, such as mavlink:{kind}:127.0.0.1:14550"
            )
        if baud is not None:
            raise InputError(f"pose {text!r}: baud= is the rate of a serial line: leave it out")
        host = host.removeprefix("[").removesuffix("]")
        return Udp(host, int(port)) if kind == "udp" else Tcp(host, int(port))
    if not address.startswith("/"):
        raise InputError(
            f"pose {text!r}: expected mavlink:udp:HOST:PORT, mavlink:tcp:HOST:PORT or mavlink:/dev/ttyN?baud=921600"
        )
    return Serial(address, baud or BAUD)


def read_key(path: Path) -> bytes:
    """The key of a signed link: 32 bytes, 64 hexadecimal digits, or a passphrase, of which SHA-256 makes a key, as
    ground stations do.

    Raises InputError where the file cannot be read or holds none of them.
    """
    try:
        with open_regular(path) as file:
            data = file.read(MOST_KEY_FILE + 1)
    except OSError as error:
        raise InputError(f"signing={path}: {reason_of(error)}; expected a file with the key") from None
    if len(data) == KEY_BYTES:
        return data
    text = data.strip()
    if not text or len(data) > MOST_KEY_FILE:
        raise InputError(f"signing={path}: expected a file of 32 bytes, of 64 hexadecimal digits or of a passphrase")
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    return key if len(key) == KEY_BYTES else hashlib.sha256(text).digest()


def _ready(handle: int, wait_s: float) -> bool:
    return handle >= 0 and readable(handle, wait_s)
