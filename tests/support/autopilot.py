"""A scripted autopilot: what ArduPilot or PX4 would send, by pymavlink, over UDP on this machine or as plain bytes.

It flies north-east at 10 m/s and turns; everything that it says follows from the time since its start.
"""

from __future__ import annotations

import hashlib
import math
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

LATITUDE, LONGITUDE, SPEED = 47.0, 8.0, 10.0
METRES = 111_195.0
PERIOD_S = 0.02
CAUGHT_UP = 25  # periods


def truth(t: float) -> tuple[float, float, float, float]:
    """``t``: seconds since the start. Latitude, longitude, metres above home, yaw in degrees."""
    north = SPEED * t / math.sqrt(2)
    return (
        LATITUDE + north / METRES,
        LONGITUDE + north / METRES / math.cos(math.radians(LATITUDE)),
        60.0,
        (350.0 + 5 * t) % 360,
    )


class Autopilot:
    """Makes messages. ``version``: 1 or 2. ``key``: signs them. ``asked``: microseconds by number of message."""

    def __init__(self, version: int = 2, key: bytes | None = None, system: int = 1, component: int = 1) -> None:
        self.version, self.asked, self.heartbeats = version, dict[int, float](), 0
        self.heard: list[Any] = []
        self.utc_at_start: float | None = None  # seconds since 1970: it then sends SYSTEM_TIME
        self._mavlink = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
        self._reader = mavlink.MAVLink(None)
        if key is not None:
            self._mavlink.signing.secret_key = key
            self._mavlink.signing.sign_outgoing = True
            self._mavlink.signing.timestamp = int((time.time() - 1420070400) * 1e5)

    def pack(self, message: Any) -> bytes:
        data = bytes(message.pack(self._mavlink, force_mavlink1=self.version == 1))
        self._mavlink.seq = (self._mavlink.seq + 1) % 256
        return data

    def heartbeat(self) -> bytes:
        return self.pack(mavlink.MAVLink_heartbeat_message(2, 3, 0, 0, 4, 3))

    def attitude(self, t: float, roll: float = 0.0, pitch: float = 0.0) -> bytes:
        yaw = (truth(t)[3] + 180) % 360 - 180
        angles = (math.radians(angle) for angle in (roll, pitch, yaw))
        return self.pack(mavlink.MAVLink_attitude_message(_ms(t), *angles, 0, 0, 0))

    def position(self, t: float, **changed: int) -> bytes:
        latitude, longitude, height, _ = truth(t)
        fields = {
            "time_boot_ms": _ms(t), "lat": round(latitude * 1e7), "lon": round(longitude * 1e7), "alt": 500_000,
            "relative_alt": round(height * 1000), "vx": 707, "vy": 707, "vz": 0, "hdg": 65535,
        }  # fmt: skip
        return self.pack(mavlink.MAVLink_global_position_int_message(**{**fields, **changed}))

    def gps(self, t: float, fix: int = 3, accuracy_mm: int = 800) -> bytes:
        return self.pack(
            mavlink.MAVLink_gps_raw_int_message(round(t * 1e6), fix, 0, 0, 0, 0, 0, 0, 0, 12, 0, accuracy_mm)
        )

    def system_time(self, t: float) -> bytes:
        utc_us = 0 if self.utc_at_start is None else round((self.utc_at_start + t) * 1e6)
        return self.pack(mavlink.MAVLink_system_time_message(utc_us, _ms(t)))

    def rangefinder(self, t: float, cm: int, orientation: int = 25, quality: int = 0) -> bytes:
        message = mavlink.MAVLink_distance_sensor_message(
            _ms(t), 20, 10_000, cm, 0, 1, orientation, 255, signal_quality=quality
        )
        return self.pack(message)

    def terrain(self, height: float, spacing: int = 100) -> bytes:
        return self.pack(mavlink.MAVLink_terrain_report_message(470000000, 80000000, spacing, 440.0, height, 0, 100))

    def gimbal(self, t: float, yaw: float, pitch: float, flags: int = 64, device: int = 0) -> bytes:
        y, p = math.radians(yaw) / 2, math.radians(pitch) / 2
        q = [
            math.cos(y) * math.cos(p),
            -math.sin(y) * math.sin(p),
            math.cos(y) * math.sin(p),
            math.sin(y) * math.cos(p),
        ]
        return self.pack(
            mavlink.MAVLink_gimbal_device_attitude_status_message(
                0, 0, _ms(t), flags, q, 0, 0, 0, 0, gimbal_device_id=device
            )
        )

    def mount_status(self, pitch: float, roll: float, yaw: float) -> bytes:
        return self.pack(mavlink.MAVLink_mount_status_message(0, 0, *(round(100 * a) for a in (pitch, roll, yaw))))

    def burst(self, t: float) -> list[bytes]:
        """What is sent at once, 50 times a second."""
        ticks = round(t / PERIOD_S)
        sent = [self.attitude(t)]
        if self.version == 2:  # the number of the gimbal's message is too high for version 1
            sent.append(self.gimbal(t, 0.0, -90.0, 32))
        if ticks % 5 == 0:
            sent.append(self.position(t))
        if ticks % 5 == 0 and self.utc_at_start is not None:
            sent.append(self.system_time(t))
        if ticks % 25 == 0:
            sent += [self.gps(t), self.heartbeat()]
        return sent

    def hear(self, data: bytes) -> list[Any]:
        """The messages in what somebody sent; `heard` keeps them."""
        messages = self._reader.parse_buffer(data) or []
        self.heard += messages
        return list(messages)

    def answer(self, data: bytes, t: float) -> list[bytes]:
        """Its answers to what a companion sent."""
        answers: list[bytes] = []
        if self.version == 1 and data[:1] == b"\xfd":
            return answers  # as old ones, which know no other
        for message in self.hear(data):
            kind = message.get_type()
            self.heartbeats += kind == "HEARTBEAT"
            if kind == "TIMESYNC" and message.tc1 == 0:
                answers.append(self.pack(mavlink.MAVLink_timesync_message(round(t * 1e9), message.ts1)))
            if kind == "COMMAND_LONG" and message.command == mavlink.MAV_CMD_SET_MESSAGE_INTERVAL:
                self.asked[int(message.param1)] = message.param2
        return answers


class FlyingAutopilot:
    """One that sends to ``127.0.0.1:port``, or where that is None to whoever sent first, until it is closed, in a
    thread. ``port`` is then its own.

    ``started``: when it was started, seconds of `time.monotonic`; `reboot` starts it anew. ``loss``: part of its
    messages that is lost; ``reorder``: that comes one later. ``silent``: sends nothing while it is set.
    """

    def __init__(
        self,
        port: int | None,
        autopilot: Autopilot | None = None,
        loss: float = 0.0,
        reorder: float = 0.0,
        flood: int = 0,
    ) -> None:
        self.autopilot = autopilot or Autopilot()
        self.silent = threading.Event()
        self.started = time.monotonic()
        self._port, self._loss, self._reorder, self._flood = port, loss, reorder, flood
        self._random, self._late = random.Random(7), list[bytes]()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._fly, name="autopilot", daemon=True)
        self._thread.start()

    def reboot(self) -> None:
        self.started = time.monotonic()

    def leap(self, seconds: float) -> None:
        """Its clock jumps by so much."""
        self.started -= seconds

    def __enter__(self) -> FlyingAutopilot:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _fly(self) -> None:
        done = -1
        while not self._over.wait(PERIOD_S / 4):
            t = time.monotonic() - self.started
            tick = int(t / PERIOD_S)
            self._answer()
            if tick == done or self.silent.is_set() or self._port is None:
                done = tick
                continue
            # a busy machine lets this thread sleep; an autopilot would have sent those messages, too
            missed = range(max(done + 1, tick - CAUGHT_UP), tick) if done >= 0 else ()
            done = tick
            for one in (*missed, tick):
                for data in self.autopilot.burst(one * PERIOD_S):
                    self._send(data)
            for _ in range(self._flood):
                self._socket.sendto(self.autopilot.attitude(t), ("127.0.0.1", self._port))

    def _answer(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4096)
                self._port = self._port or peer[1]
            except OSError:
                return
            if not self.silent.is_set():
                for answer in self.autopilot.answer(data, time.monotonic() - self.started):
                    self._send(answer)

    def _send(self, data: bytes) -> None:
        late, self._late = self._late, []
        if self._random.random() < self._reorder:
            self._late = [data]
        elif self._random.random() >= self._loss:
            late = [data, *late]
        for one in late:
            self._socket.sendto(one, ("127.0.0.1", self._port))


def wait_for(true: Callable[[], bool], most_s: float = 30.0) -> None:
    """Until ``true`` says so. Raises TimeoutError where it does not."""
    end = time.monotonic() + most_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.01)


def key_of(passphrase: str) -> bytes:
    return hashlib.sha256(passphrase.encode()).digest()


def _ms(t: float) -> int:
    return round(t * 1000) % (1 << 32)
