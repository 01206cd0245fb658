"""``--mavlink-out``: the run as a MAVLink camera on a link to a ground station or a router (extra ``mavlink``)."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from edge.data import Result
from edge.errors import InputError, SinkError
from edge.seams import Sink
from edge.sinks.live.link import WAIT_S, Address
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of

TICK_S = 0.02  # the longest wait for bytes
SLICE_S, MOST_A_SLICE = 0.1, 4096  # bytes that are looked at in so long: more is a flood, and costs time
AGAIN_S = 2.0  # between two tries to open the link
JOIN_S = 2.0
DEPTH = 8

log = logging.getLogger(__name__)


class Component(Protocol):
    """What `edge.sinks.live.camera_component.CameraComponent` is."""

    def see(self, result: Result, now: float) -> None: ...
    def hear(self, data: bytes, now: float) -> None: ...
    def due(self, now: float) -> Iterable[bytes]: ...


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
        if not select.select([self._socket], [], [], wait_s)[0]:
            return b""
        try:
            data = self._socket.recv(MOST_A_SLICE)
        except (BlockingIOError, ConnectionRefusedError):  # by UDP: nobody listens there, today
            return b""
        if not data and self._address.kind == "tcp":
            raise ConnectionResetError("the other side has closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """Send one message; dropped where the line is full, or nobody listens."""
        assert self._socket is not None
        with suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.send(data)

    def close(self) -> None:
        """May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class MavlinkSink(Sink):
    """Hands results to ``component``, which speaks over ``wire`` in a thread of its own."""

    def __init__(self, wire: Wire, component: Component) -> None:
        self._wire, self._component = wire, component
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.flooded = 0
        self._slice_end, self._slice_left = 0.0, 0
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="mavlink out", daemon=True)
        self._thread.start()

    def write(self, result: Result) -> None:
        """Note one result; what is to be said of it is said soon. Raises SinkError where the thread has ended."""
        if self._broken is not None:
            raise SinkError(f"mavlink out: {self._broken!r}")
        with self._lock:
            self._component.see(result, time.monotonic())

    def close(self) -> None:
        """End the thread and the link. May be called twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join(JOIN_S)
        if self.flooded:
            log.warning("mavlink out: %d bytes were not looked at: the other side sent too many", self.flooded)

    def _work(self) -> None:
        away = False
        while not self._stop.is_set():
            try:
                self._wire.open()
                self._turn()
                if away:
                    away = False
                    log.warning("mavlink out: %s is back", self._wire.name)
            except OSError as error:
                self._wire.close()
                if not away:
                    away = True
                    log.warning(
                        "mavlink out: %s cannot be reached (%s): tried again", self._wire.name, reason_of(error)
                    )
                self._stop.wait(AGAIN_S)
            except Exception as error:  # a fault of ours: the run is to know
                log.debug("mavlink out raised", exc_info=True)
                self._broken = error
                break
        self._wire.close()

    def _turn(self) -> None:
        data, now = self._wire.read(TICK_S), time.monotonic()
        if now >= self._slice_end:
            self._slice_end, self._slice_left = now + SLICE_S, MOST_A_SLICE
        taken = data[: self._slice_left]
        self._slice_left -= len(taken)
        self.flooded += len(data) - len(taken)
        with self._lock:
            if taken:
                self._component.hear(taken, now)
            said = list(self._component.due(now))
        for message in said:
            self._wire.write(message)


def spec_of(address: Address, dots: bool = False) -> SinkSpec:
    """The sink of a run that is a camera on the link to this address; ``dots``: see `CameraComponent`."""

    def make(to: SinkContext) -> MavlinkSink:
        from edge.sinks.live.camera_component import CameraComponent

        return MavlinkSink(Wire(address), CameraComponent(to.classes, to.model, time.monotonic(), dots))

    return SinkSpec("mavlink", None, make, lossless=False, depth=DEPTH, check=_check)


def _check(_path: Path) -> None:
    try:
        from edge.sinks.live import camera_component  # noqa: F401 - whether it can be
    except ModuleNotFoundError as error:
        raise InputError(f"--mavlink-out: {error}") from None
