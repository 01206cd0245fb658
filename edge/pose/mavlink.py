"""``mavlink:``: the poses of an autopilot, live, read in a thread of their own.

It says heartbeat, asks for the messages that it needs, and asks the time ten times a second (TIMESYNC). Nothing else is
sent, and nothing of it changes how the aircraft flies.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.data import Pose
from edge.errors import InputError
from edge.pose.clock import BootClock, GpsTime
from edge.pose.dialect import ASKED_FOR_NOW, Decoder, Encoder
from edge.pose.link import Link, open_link, read_key
from edge.pose.options import Spec
from edge.pose.source import Moment, PoseSource
from edge.pose.vehicle import Mounting, Vehicle
from edge.seams import Camera
from edge.system.budget import POSE_JOIN_S
from edge.system.files import reason_of

TICK_S = 0.02  # the longest wait for bytes
SYNC_S, HEARTBEAT_S, ASK_S = 0.1, 1.0, 5.0  # between two of each
LOST_S = 3.0  # without a heartbeat or a position, the link is lost
AGAIN_S = 1.0  # between two tries to open it
KEEP_S = 30.0  # seconds of samples that are kept
SLICE_S, MOST_A_SLICE = 0.1, 16 << 10  # bytes that are looked at in so long: more is a flood
MOST_MESSAGES = 200  # of a slice; an autopilot sends some 20
RATES_HZ = {
    "ATTITUDE": 30,
    "GLOBAL_POSITION_INT": 10,
    "GPS_RAW_INT": 2,
    "DISTANCE_SENSOR": 10,
    "TERRAIN_REPORT": 4,
    "SYSTEM_TIME": 1,
}
GIMBAL_HZ = {"GIMBAL_DEVICE_ATTITUDE_STATUS": 30, "MOUNT_STATUS": 10}
BROKEN = "reading the link has failed"
FLOOD, LINK_LOST, WAITING = "flood: slices left out", "times that the link was lost", "waiting for an autopilot"
OTHERS = "datagrams of other senders"

log = logging.getLogger(__name__)


def open_source(spec: Spec) -> PoseSource:
    """``udp:HOST:PORT``, ``tcp:HOST:PORT`` or ``/dev/ttyN?baud=921600``, with ``mount``, ``gimbal``, ``system`` and
    ``signing=FILE``.
    """
    mounting, system = spec.mounting(), spec.system()
    key = spec.take("signing", str, "a file")
    baud = spec.take("baud", int, "a rate, such as 921600")
    secret = None if key is None else read_key(Path(key))
    return Mavlink(open_link(spec.text, spec.rest, baud), mounting, system, secret)


class Mavlink(PoseSource):
    """The autopilot at the other end of ``link``; see the module. A link that is not there is waited for."""

    def __init__(
        self,
        link: Link,
        mounting: Mounting,
        system: int | None = None,
        key: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes over ``link`` and closes it. ``key``: of signed links: others are not listened to."""
        super().__init__()
        self._link, self._now = link, clock
        self._time, self._utc = BootClock(), GpsTime()
        self._vehicle = Vehicle(mounting, self._time, system, KEEP_S)
        self._gimbal = mounting.fixed is None
        self._decoder, self._encoder = Decoder(key, ASKED_FOR_NOW), Encoder(key)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._own: Counter[str] = Counter()
        self._heard: float | None = None  # when the autopilot said something last
        self._state = WAITING
        self._due = {self._say_heartbeat: 0.0, self._ask_time: 0.0, self._ask_rates: 0.0}
        self._seen: dict[str, int] = {}  # messages by name, when rates were asked for last
        self._link_error = self._broken = ""
        self.description = f"MAVLink, {link.name}" + (", signed messages only" if key else "")
        log.warning("pose: %s on %s; frames have no pose until one is heard", WAITING, link.name)
        self._thread = threading.Thread(target=self._work, name="mavlink", daemon=True)
        self._thread.start()

    def check(self, camera: Camera) -> None:
        if not camera.live:
            raise InputError(
                f"pose mavlink: the source is no live camera ({camera.description}): its frames are not of now; give "
                "the log of that flight, such as tlog:FILE"
            )

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        if moment.replayed:
            return None, "the frame is of a replay, not of now"
        if self._broken:
            return None, self._broken
        with self._lock:
            if self._vehicle.system is None:
                return None, WAITING
            return self._vehicle.at(moment.t)

    @property
    def counts(self) -> Mapping[str, int]:
        with self._lock:
            sync = Counter({"TIMESYNC": self._time.sync.answers, "TIMESYNC: not asked": self._time.sync.strange})
            versions = Counter({f"MAVLink {n} messages": count for n, count in self._decoder.versions.items()})
            others = Counter({OTHERS: self._link.others})
            return self._vehicle.counts + self._decoder.counts + self._own + sync + versions + others

    def utc_offset(self) -> float | None:
        with self._lock:
            return self._utc.offset

    def close(self) -> None:
        """End the thread and the link. May be called twice."""
        self._over.set()
        self._thread.join(POSE_JOIN_S)

    # ---- the thread ----

    def _work(self) -> None:
        slice_ends, left, messages, others = 0.0, 0, 0, 0
        try:
            while not self._over.is_set():
                now = self._now()
                if now >= slice_ends:
                    slice_ends, left, messages = now + SLICE_S, MOST_A_SLICE, MOST_MESSAGES
                if left <= 0 or messages <= 0:
                    with self._lock:
                        self._own[FLOOD] += 1
                    self._over.wait(slice_ends - now)  # what comes meanwhile is dropped by the system
                    continue
                data = self._receive()
                left -= len(data)
                messages -= self._take(data) + self._link.others - others
                others = self._link.others
                self._send_due(self._now())
                self._judge(self._now())
        except Exception as error:  # a thread that dies quietly would look like an autopilot that is away
            self._broken = BROKEN
            log.error("pose: %s: %r; frames have no pose from here on", BROKEN, error)
        finally:
            self._link.close()

    def _receive(self) -> bytes:
        """Bytes, b"" where none came; a link that is not there is tried again."""
        try:
            self._link.open()
            data = self._link.read(TICK_S)
            self._link_error = ""
            return data
        except OSError as error:
            self._link.close()
            why = reason_of(error)
            if why != self._link_error:
                log.warning("pose: %s: %s; it is tried again", self._link.name, why)
            self._link_error = why
            self._over.wait(AGAIN_S)
            return b""

    def _take(self, data: bytes) -> int:
        """Read the messages in it; returns how many there were."""
        if not data:
            return 0
        n = 0
        with self._lock:
            for message in self._decoder.feed(data):
                n += 1
                self._message(message, self._now())
            for line in self._vehicle.assumed:
                self.assume(line)
        return n

    def _message(self, message: Any, now: float) -> None:
        vehicle, kind = self._vehicle, message.get_type()
        if kind == "TIMESYNC":
            sender = message.get_srcSystem(), message.get_srcComponent()
            if message.tc1 and sender == (vehicle.system, vehicle.component):
                self._time.sync.answer(message.ts1, message.tc1, now)
            return
        if kind == "SYSTEM_TIME":
            if (message.get_srcSystem(), message.get_srcComponent()) == (vehicle.system, vehicle.component):
                self._utc.take(message.time_unix_usec / 1e6, now)
                vehicle.counts[kind] += 1
            return
        before = vehicle.system
        vehicle.take(message, now)
        if vehicle.system is not None and message.get_srcSystem() == vehicle.system:
            if kind in ("HEARTBEAT", "GLOBAL_POSITION_INT", "ATTITUDE"):
                self._heard = now
                self._link.hold()
            if before is None:
                self._due[self._ask_rates] = self._due[self._say_heartbeat] = now
            self._encoder.speak_to(vehicle.system, old=not self._decoder.versions[2])

    def _send_due(self, now: float) -> None:
        for send, period in ((self._say_heartbeat, HEARTBEAT_S), (self._ask_time, SYNC_S), (self._ask_rates, ASK_S)):
            if now >= self._due[send]:
                self._due[send] = now + period
                send(now)

    def _say_heartbeat(self, _now: float) -> None:
        self._write(self._encoder.heartbeat())

    def _ask_time(self, now: float) -> None:
        if self._heard is not None and self._vehicle.system is not None:
            with self._lock:
                asked = self._time.sync.ask(now)
            self._write(self._encoder.timesync(asked))

    def _ask_rates(self, _now: float) -> None:
        """Ask for each message that came less than half as often as it should."""
        system = self._vehicle.system
        if system is None:
            return
        with self._lock:
            came = Counter[str]()
            for key, n in self._vehicle.counts.items():
                came[key.partition(":")[0]] += n
        for name, rate in {**RATES_HZ, **(GIMBAL_HZ if self._gimbal else {})}.items():
            if came[name] - self._seen.get(name, 0) < rate * ASK_S / 2:
                self._write(self._encoder.message_interval(system, name, rate))
            self._seen[name] = came[name]

    def _write(self, data: bytes) -> None:
        with suppress(OSError):  # reading finds it out, and says it
            self._link.write(data)

    def _judge(self, now: float) -> None:
        """Say that the link is there, or lost."""
        heard = self._heard is not None and now - self._heard < LOST_S
        if heard and self._state:
            self._state = ""
            log.info("pose: autopilot %s is heard on %s", self._vehicle.system, self._link.name)
        elif not heard and not self._state:
            self._state = f"nothing came from the autopilot for {LOST_S:g} s"
            with self._lock:
                self._own[LINK_LOST] += 1
            self._link.let_go()  # it may come back from another address
            log.warning("pose: %s; it is waited for", self._state)
