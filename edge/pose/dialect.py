"""MAVLink messages out of bytes, by pymavlink (pip install 'thermal-edge[mavlink]'; LGPL-3).

Frames are cut, and those that nobody asks for left out, before pymavlink decodes: a link may be flooded.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from edge.system.host import install_line

try:
    from pymavlink.dialects.v20 import ardupilotmega
    from pymavlink.generator.mavcrc import x25crc
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "pymavlink":
        raise
    raise ModuleNotFoundError(
        f"MAVLink needs the package pymavlink, which is not installed: {install_line('mavlink')}",
        name="pymavlink",
    ) from error

mavlink: Any = ardupilotmega  # the dialect with all messages that are read or sent here
V1, V2, SIGNED = 0xFE, 0xFD, 1
HIGHEST_OF_V1 = 255  # the highest number of a message of version 1
MOST_HELD = 4096  # bytes of a stream that may wait for the rest of a frame; the longest frame has 293
ASKED_FOR = frozenset(
    {
        mavlink.MAVLINK_MSG_ID_HEARTBEAT,
        mavlink.MAVLINK_MSG_ID_GPS_RAW_INT,
        mavlink.MAVLINK_MSG_ID_ATTITUDE,
        mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT,
        mavlink.MAVLINK_MSG_ID_COMMAND_ACK,
        mavlink.MAVLINK_MSG_ID_TIMESYNC,
        mavlink.MAVLINK_MSG_ID_DISTANCE_SENSOR,
        mavlink.MAVLINK_MSG_ID_TERRAIN_REPORT,
        mavlink.MAVLINK_MSG_ID_MOUNT_STATUS,
        mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS,
    }
)
ASKED_FOR_NOW = ASKED_FOR | {mavlink.MAVLINK_MSG_ID_SYSTEM_TIME}  # of an autopilot that is heard, not of a log
SIGNING_BEGAN = 1420070400  # 2015-01-01 UTC, from which signed messages count
BAD, UNKNOWN, SIGNATURE, FIELDS = (
    "bad checksum",
    "unknown message",
    "not signed with the key, or old",
    "cannot be decoded",
)


class Decoder:
    """Bytes -> messages. ``counts``: what was no message, by reason; ``versions``: frames by protocol version."""

    def __init__(self, key: bytes | None = None, asked_for: frozenset[int] = ASKED_FOR) -> None:
        """``key``: 32 bytes; then only messages that are signed with it are taken. ``asked_for``: numbers of those that
        are decoded.
        """
        self._asked_for = asked_for
        self.counts: Counter[str] = Counter()
        self.versions: Counter[int] = Counter()
        self._held = bytearray()
        self._mavlink = mavlink.MAVLink(None)
        self._key = key
        self._signed: dict[bytes, int] = {}  # the newest time of each signed stream

    def feed(self, data: bytes) -> Iterator[Any]:
        """The messages that are asked for, and end in ``data``, which goes on where the last one ended."""
        self._held += data
        at = 0
        while (at := next_frame(self._held, at)) < len(self._held):
            size = frame_size(self._held, at)
            if size == 0 or at + size > len(self._held):
                break
            frame = self._held[at : at + size]
            ends = at + size == len(self._held) or self._held[at + size] in (V1, V2)
            if self.good(frame) and (ends or is_known(frame)):
                at += size
                if (message := self.decode(frame)) is not None:
                    yield message
            else:
                at += 1  # the mark was a byte of something else
        del self._held[:at]
        if len(self._held) > MOST_HELD:
            self._held.clear()

    def good(self, frame: bytearray) -> bool:
        """Whether the checksum of a whole frame is right; of an unknown message nobody can tell: taken as right."""
        number = message_number(frame)
        known = mavlink.mavlink_map.get(number)
        if known is None:
            self.counts[UNKNOWN] += 1
            return True
        end = len(frame) - (13 if frame[0] == V2 and frame[2] & SIGNED else 0)
        checked = bytearray(frame[1 : end - 2])
        checked.append(known.crc_extra)
        if x25crc(checked).crc != int.from_bytes(frame[end - 2 : end], "little"):
            self.counts[BAD] += 1
            return False
        self.versions[1 if frame[0] == V1 else 2] += 1
        return True

    def decode(self, frame: bytearray) -> Any:
        """The message in a good frame; None for one that nobody asked for, or whose signature is wrong."""
        if message_number(frame) not in self._asked_for:
            return None
        if self._key is not None and not self._is_signed(frame, self._key):
            self.counts[SIGNATURE] += 1
            return None
        try:
            return self._mavlink.decode(frame)
        except mavlink.MAVError:
            self.counts[FIELDS] += 1
            return None

    def _is_signed(self, frame: bytearray, key: bytes) -> bool:
        """Whether it is signed with ``key``, and newer than those before it: an old one was recorded and sent again.

        pymavlink remembers the time of a message before it looks at the signature, so that a forged one shuts out all
        that are good.
        """
        if frame[0] != V2 or not frame[2] & SIGNED:
            return False
        if hashlib.sha256(key + frame[:-6]).digest()[:6] != frame[-6:]:
            return False
        stream, when = bytes((frame[-13], frame[5], frame[6])), int.from_bytes(frame[-12:-6], "little")
        if when <= self._signed.get(stream, -1):
            return False
        self._signed[stream] = when
        return True


def next_frame(data: bytearray, at: int) -> int:
    """Where the next mark of a frame is; the length of ``data`` where there is none."""
    found = [i for mark in (b"\xfe", b"\xfd") if (i := data.find(mark, at)) >= 0]
    return min(found, default=len(data))


def frame_size(data: bytearray, at: int) -> int:
    """Bytes of the frame that begins at ``at``; 0 where its header has not come yet."""
    if at + 3 > len(data):
        return 0
    return data[at + 1] + (8 if data[at] == V1 else 25 if data[at + 2] & SIGNED else 12)


def is_asked_for(frame: bytearray) -> bool:
    """Whether a whole frame holds a message that somebody asks for."""
    return message_number(frame) in ASKED_FOR


def is_known(frame: bytearray) -> bool:
    """Whether the checksum of a whole frame could be looked at."""
    return message_number(frame) in mavlink.mavlink_map


def message_number(frame: bytearray) -> int:
    """Which message a whole frame holds."""
    return frame[5] if frame[0] == V1 else int.from_bytes(frame[7:10], "little")


class Encoder:
    """What is said as a part of an aircraft's system: usually as its companion computer, component 191."""

    def __init__(self, key: bytes | None = None, component: int = mavlink.MAV_COMP_ID_ONBOARD_COMPUTER) -> None:
        """``key``: 32 bytes that messages are signed with."""
        self._old, self._signs = False, key is not None
        self._mavlink = mavlink.MAVLink(None, srcSystem=1, srcComponent=component)
        if key is not None:
            signing = self._mavlink.signing
            signing.secret_key, signing.sign_outgoing, signing.timestamp = key, True, 0

    @property
    def system(self) -> int:
        """The number of the system that it is a part of."""
        return int(self._mavlink.srcSystem)

    def speak_to(self, system: int, old: bool) -> None:
        """From now on as a part of this system; ``old``: it has spoken version 1 only, which cannot be signed."""
        self._mavlink.srcSystem, self._old = system, old and not self._signs

    def heartbeat(self) -> bytes:
        """HEARTBEAT: routers then know where this component is."""
        kind, none = mavlink.MAV_TYPE_ONBOARD_CONTROLLER, mavlink.MAV_AUTOPILOT_INVALID
        return self.pack(mavlink.MAVLink_heartbeat_message(kind, none, 0, 0, mavlink.MAV_STATE_ACTIVE, 3))

    def timesync(self, ts1: int) -> bytes:
        """The question for the other side's time; ``ts1``: ours, nanoseconds."""
        return self.pack(mavlink.MAVLink_timesync_message(0, ts1))

    def message_interval(self, system: int, name: str, rate_hz: float) -> bytes:
        """MAV_CMD_SET_MESSAGE_INTERVAL for one message, by its name."""
        number = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
        command = mavlink.MAV_CMD_SET_MESSAGE_INTERVAL
        return self.pack(
            mavlink.MAVLink_command_long_message(
                system, mavlink.MAV_COMP_ID_AUTOPILOT1, command, 0, number, 1e6 / rate_hz, 0, 0, 0, 0, 0
            )
        )

    def pack(self, message: Any) -> bytes:
        """Any message, in version 1 where it is spoken to so and version 1 has that message; signed with the key."""
        if self._signs:  # by the wall clock, so that a receiver that was started anew takes it; never backwards
            signing = self._mavlink.signing
            signing.timestamp = max(signing.timestamp, int((time.time() - SIGNING_BEGAN) * 1e5))
        old = self._old and message.id <= HIGHEST_OF_V1
        packed: bytes = bytes(message.pack(self._mavlink, force_mavlink1=old))
        self._mavlink.seq = (self._mavlink.seq + 1) % 256
        return packed
