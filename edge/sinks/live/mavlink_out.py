"""``--mavlink-out``: the run as a MAVLink camera on a link to a ground station or a router (extra ``mavlink``)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from edge.data import Result
from edge.errors import InputError, SinkError
from edge.pose.link import Serial, read_key
from edge.seams import Sink
from edge.sinks.live.link import Address
from edge.sinks.live.wire import Peer, Wire
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.budget import MAVLINK_OUT_S as JOIN_S
from edge.system.files import reason_of

TICK_S = 0.02  # the longest wait for bytes
SLICE_S, MOST_A_SLICE = 0.1, 4096  # bytes that are looked at in so long: more is a flood, and costs time
AGAIN_S = 2.0  # between two tries to open the link
DEPTH = 8

log = logging.getLogger(__name__)


class Component(Protocol):
    """What `edge.sinks.live.camera_component.CameraComponent` is."""

    @property
    def unsigned(self) -> int: ...

    def see(self, result: Result, now: float) -> None: ...
    def say(self, text: str) -> None: ...
    def hear(self, data: bytes, now: float) -> None: ...
    def due(self, now: float) -> Iterable[bytes]: ...


class MavlinkSink(Sink):
    """Hands results to ``component``, which speaks over ``wire`` in a thread of its own."""

    def __init__(self, wire: Wire | Serial, component: Component) -> None:
        self._wire, self._component = wire, component
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.flooded = self.sent = self.dropped = self.reconnects = 0
        self._away, self._error = False, ""
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

    def notice(self, text: str) -> None:
        """Send it as a STATUSTEXT, severity WARNING."""
        with self._lock:
            self._component.say(text)

    def close(self) -> None:
        """End the thread and the link. May be called twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join(JOIN_S)
        if self.flooded:
            log.warning("mavlink out: %d bytes were not looked at: the other side sent too many", self.flooded)
        if unsigned := self._component.unsigned:
            log.warning("mavlink out: %d messages were not signed with the key, or old: nothing was done", unsigned)

    def link_report(self) -> dict[str, Any]:
        return {
            "to": self._wire.name,
            "sent": self.sent,
            "waiting": 0,
            "dropped": self.dropped,
            "refused": 0,
            "reconnects": self.reconnects,
            "away": self._away,
            "error": self._error or None,
            "unread_bytes": self.flooded,
        }

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._wire.open()
                self._turn()
                if self._away:
                    self._away = False
                    self.reconnects += 1
                    log.warning("mavlink out: %s is back", self._wire.name)
            except OSError as error:
                self._wire.close()
                self._error = reason_of(error)
                if not self._away:
                    self._away = True
                    log.warning("mavlink out: %s cannot be reached (%s): tried again", self._wire.name, self._error)
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
            if self._wire.write(message):
                self.sent += 1
            else:
                self.dropped += 1


def spec_of(to: Peer | Address, dots: bool = False) -> SinkSpec:
    """The sink of a run that is a camera on the link to this peer; ``dots``: see `CameraComponent`."""
    peer = Peer(to) if isinstance(to, Address) else to

    def make(to: SinkContext) -> MavlinkSink:
        from edge.sinks.live.camera_component import CameraComponent

        key = read_key(peer.signing) if peer.signing else None
        return MavlinkSink(peer.wire(), CameraComponent(to.classes, to.model, time.monotonic(), dots, key))

    def check(_path: Path) -> None:
        try:
            from edge.sinks.live import camera_component  # noqa: F401 - whether it can be
        except ModuleNotFoundError as error:
            raise InputError(f"--mavlink-out: {error}") from None
        peer.wire()
        if peer.signing:
            read_key(peer.signing)

    return SinkSpec("mavlink", None, make, lossless=False, depth=DEPTH, check=check)
