"""A MAVLink camera: what it says of itself and of what was found, and how it answers. No link, no thread, no clock.

It speaks protocol version 2, and 1 to a peer that has spoken 1 only. It never tells the aircraft where to fly: no
LANDING_TARGET.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edge.data import Result, class_name
from edge.pose.dialect import SIGNATURE, Decoder, Encoder
from edge.pose.dialect import mavlink as mav
from edge.sinks.live.known import Known, Sightings

COMPONENT = mav.MAV_COMP_ID_CAMERA  # 100, the first of six
TEXT_S = 2.0  # between two texts: a radio carries little, and a pilot reads little
TEXT_CHARS = 50
LEAST_S, LONGEST_S = 0.1, 3600.0  # between two messages that were asked for at an interval
SEEN_S = 1.0  # a target that was found so long ago is not where it was
NEAR = 0.05  # of the picture's side: who points at a small box misses it by as much
MOST_ANSWERS = 20  # that wait; a ground station that floods asks again
TRACKING = mav.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS
THERMAL = mav.MAVLINK_MSG_ID_CAMERA_THERMAL_RANGE
INFORMATION = mav.MAVLINK_MSG_ID_CAMERA_INFORMATION
SETTINGS = mav.MAVLINK_MSG_ID_CAMERA_SETTINGS
OLD_REQUESTS = {
    mav.MAV_CMD_REQUEST_CAMERA_INFORMATION: INFORMATION,
    mav.MAV_CMD_REQUEST_CAMERA_SETTINGS: SETTINGS,
}
HEARD = frozenset({mav.MAVLINK_MSG_ID_HEARTBEAT, mav.MAVLINK_MSG_ID_COMMAND_LONG, mav.MAVLINK_MSG_ID_COMMAND_INT})
ACCEPTED: int = mav.MAV_RESULT_ACCEPTED
DENIED: int = mav.MAV_RESULT_DENIED
UNSUPPORTED: int = mav.MAV_RESULT_UNSUPPORTED
FAILED: int = mav.MAV_RESULT_FAILED
NOT_NOW: int = mav.MAV_RESULT_TEMPORARILY_REJECTED


class CameraComponent:
    """Of one thread. Times are seconds of one clock; ``begin``: when it started.

    ``dots``: say CAMERA_IMAGE_CAPTURED at the position of each track: QGroundControl draws a dot there, and counts a
    picture that was never taken. ``key``: of a signed link, 32 bytes: others are not listened to.
    """

    def __init__(
        self,
        classes: Sequence[str],
        model: str | None,
        begin: float = 0.0,
        dots: bool = False,
        key: bytes | None = None,
    ) -> None:
        self._classes, self._model, self._begin, self._dots = classes, model or "", begin, dots
        self._out, self._in = Encoder(key, COMPONENT), Decoder(key, HEARD)
        self._sightings = Sightings()
        self._texts: list[tuple[int, str, int]] = []  # track, class, hundredths of the score
        self._told: set[int] = set()
        self._notices: deque[str] = deque(maxlen=MOST_ANSWERS)
        self._answers: deque[Any] = deque(maxlen=MOST_ANSWERS)
        self._intervals: dict[int, float] = {}
        self._next: dict[int, float] = {0: begin}
        self._next_text = begin
        self._result: Result | None = None
        self._seen_at = begin
        self._target: int | None = None  # the track that was chosen; None: whatever has the highest score
        self._following = False

    # ---- what was found ----

    def see(self, result: Result, now: float) -> None:
        """Take one result. What is followed stays over frames that were not searched."""
        if not result.inferred and not result.frame.shutter_closed:
            return
        self._result, self._seen_at = result, now
        found = result.detections
        if found.track_ids is not None:
            for i in np.flatnonzero(found.track_ids > 0):
                number = int(found.track_ids[i])
                if number not in self._told:
                    self._told.add(number)
                    name = class_name(self._classes, int(found.labels[i]))
                    self._texts.append((number, name, round(100 * float(found.scores[i]))))
        if self._dots:
            self._answers.extend(self._dot(known, now) for known in self._sightings.add(result) if known.told == 1)

    def say(self, text: str) -> None:
        """A text of its own, sent at once: the run gives something up."""
        self._notices.append(text)

    def _text(self) -> str:
        """Of the tracks that are new: the one, or how many."""
        new, self._texts = self._texts, []
        if len(new) == 1:
            number, name, score = new[0]
            text = f"{name} {number} found, score 0.{score:02d}" if score < 100 else f"{name} {number} found, score 1"
        else:
            counts = Counter(name for _, name, _ in new)
            text = f"{len(new)} found: " + ", ".join(f"{n} {name}" for name, n in counts.items())
        return text.encode("ascii", "replace").decode()[:TEXT_CHARS]

    # ---- what is said ----

    @property
    def unsigned(self) -> int:
        """Messages that were not signed with the key, or are older than one before: nothing was done."""
        return self._in.counts[SIGNATURE]

    def due(self, now: float) -> Iterator[bytes]:
        """What is to be sent now, packed, one message each."""
        if now >= self._next[0]:
            self._next[0] = now + 1.0
            yield self._out.pack(
                mav.MAVLink_heartbeat_message(
                    mav.MAV_TYPE_CAMERA, mav.MAV_AUTOPILOT_INVALID, 0, 0, mav.MAV_STATE_ACTIVE, 3
                )
            )
        while self._answers:
            yield self._out.pack(self._answers.popleft())
        while self._notices:
            text = self._notices.popleft().encode("ascii", "replace")[:TEXT_CHARS]
            yield self._out.pack(mav.MAVLink_statustext_message(mav.MAV_SEVERITY_WARNING, text))
        if self._texts and now >= self._next_text:
            self._next_text = now + TEXT_S
            yield self._out.pack(mav.MAVLink_statustext_message(mav.MAV_SEVERITY_NOTICE, self._text().encode()))
        for number, interval in self._intervals.items():
            if now >= self._next[number]:
                self._next[number] = now + interval
                if (message := self._message(number, now)) is not None:
                    yield self._out.pack(message)

    def _message(self, number: int, now: float) -> Any:
        """One of this number; None where there is nothing to say."""
        if number == INFORMATION:
            return self._information(now)
        if number == SETTINGS:
            return mav.MAVLink_camera_settings_message(self._boot_ms(now), mav.CAMERA_MODE_VIDEO, math.nan, math.nan)
        return self._tracking(now) if number == TRACKING else self._thermal(now)

    def _boot_ms(self, now: float) -> int:
        return int((now - self._begin) * 1000) & 0xFFFFFFFF  # it wraps after 49 days

    def _information(self, now: float) -> Any:
        frame = self._result.frame if self._result else None
        flags = mav.CAMERA_CAP_FLAGS_HAS_TRACKING_POINT | mav.CAMERA_CAP_FLAGS_HAS_TRACKING_RECTANGLE
        if frame is not None and frame.temperature is not None:
            flags |= mav.CAMERA_CAP_FLAGS_HAS_THERMAL_RANGE
        width, height = (frame.width, frame.height) if frame else (0, 0)
        return mav.MAVLink_camera_information_message(
            *(self._boot_ms(now), _name("thermal-edge"), _name(self._model), 0, math.nan, math.nan, math.nan),
            *(width, height, 0, flags, 0, b""),
        )

    def _tracking(self, now: float) -> Any:
        box = self._target_box(now)
        if not self._following or box is None:
            idle, none = mav.CAMERA_TRACKING_STATUS_FLAGS_IDLE, mav.CAMERA_TRACKING_MODE_NONE
            return mav.MAVLink_camera_tracking_image_status_message(idle, none, 0, *[math.nan] * 7)
        return mav.MAVLink_camera_tracking_image_status_message(
            mav.CAMERA_TRACKING_STATUS_FLAGS_ACTIVE,
            mav.CAMERA_TRACKING_MODE_RECTANGLE,
            mav.CAMERA_TRACKING_TARGET_DATA_IN_STATUS,
            *(math.nan, math.nan, math.nan, *box),
        )

    def _boxes(self, now: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(N, 4) boxes as parts of the picture, and (N,) numbers of their tracks, of the last frame; the best first."""
        if self._result is None or now - self._seen_at > SEEN_S:
            return np.zeros((0, 4)), np.zeros(0, np.int32)
        found, frame = self._result.detections, self._result.frame
        order = np.argsort(-found.scores, kind="stable")
        side = np.array([frame.width, frame.height] * 2)
        numbers = np.full(len(found), -1, np.int32) if found.track_ids is None else found.track_ids
        return found.boxes[order] / side, numbers[order]

    def _target_box(self, now: float) -> list[float] | None:
        boxes, numbers = self._boxes(now)
        if self._target is not None:
            boxes = boxes[numbers == self._target]
        return [float(v) for v in boxes[0]] if len(boxes) else None

    def _thermal(self, now: float) -> Any:
        """The coldest and the hottest pixel, degrees C; None: no frame, no value, or counts without a scale."""
        frame = self._result.frame if self._result else None
        if frame is None or frame.temperature is None or frame.shutter_closed or now - self._seen_at > SEEN_S:
            return None
        without = frame.pixels == 0  # no temperature
        if frame.mask is not None:
            without |= frame.mask
        if without.all():
            return None
        pixels = np.ma.masked_array(frame.pixels, without)
        low, high = int(pixels.argmin()), int(pixels.argmax())
        values: list[float] = []
        for place in (high, low):
            y, x = divmod(place, frame.width)
            celsius = float(frame.temperature.celsius(frame.pixels[y, x]))
            values += [celsius, (x + 0.5) / frame.width, (y + 0.5) / frame.height]
        return mav.MAVLink_camera_thermal_range_message(self._boot_ms(now), 1, 0, *values)

    def _dot(self, known: Known, now: float) -> Any:
        latitude, longitude = known.position or (0.0, 0.0)
        return mav.MAVLink_camera_image_captured_message(
            *(self._boot_ms(now), 0, 0, round(latitude * 1e7), round(longitude * 1e7), 0, 0, [1.0, 0.0, 0.0, 0.0]),
            *(known.number, 1, b""),
        )

    # ---- what is asked ----

    def hear(self, data: bytes, now: float) -> None:
        """Take what came over the link: whole messages, parts of them, or anything else."""
        for message in self._in.feed(data):
            system, versions = self._out.system, self._in.versions
            if message.get_type() == "HEARTBEAT" and message.get_srcComponent() == mav.MAV_COMP_ID_AUTOPILOT1:
                system = message.get_srcSystem()  # a camera is a part of its vehicle's system
            self._out.speak_to(system, old=not versions[2])
            if message.get_type() != "HEARTBEAT" and message.target_system in (0, system):
                mine = message.target_component == COMPONENT
                if mine or message.target_component == 0:
                    self._answer(message, mine, now)

    def _answer(self, message: Any, mine: bool, now: float) -> None:
        sent: list[Any] = []
        result = self._do(message, sent, now)
        if result == UNSUPPORTED and not mine:
            return  # said to all: others may know it
        ack = mav.MAVLink_command_ack_message(
            message.command, result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
        )
        self._answers.extend([ack, *sent])

    def _do(self, message: Any, sent: list[Any], now: float) -> int:
        """Do what a command says, if it can be done; returns its result. ``sent``: what goes out with the answer."""
        command = message.command
        if command in (mav.MAV_CMD_CAMERA_TRACK_POINT, mav.MAV_CMD_CAMERA_TRACK_RECTANGLE):
            return self._follow(message, command == mav.MAV_CMD_CAMERA_TRACK_POINT, now)
        if command == mav.MAV_CMD_CAMERA_STOP_TRACKING:
            self._following, self._target = False, None
            return ACCEPTED
        if command in OLD_REQUESTS:
            return self._request(OLD_REQUESTS[command], sent, now) if message.param1 == 1 else DENIED
        if command in (mav.MAV_CMD_REQUEST_MESSAGE, mav.MAV_CMD_SET_MESSAGE_INTERVAL):
            if not math.isfinite(message.param1):
                return DENIED
            number = int(message.param1)
            if command == mav.MAV_CMD_REQUEST_MESSAGE:
                return self._request(number, sent, now)
            return self._interval(number, message.param2, now)
        return UNSUPPORTED

    def _request(self, number: int, sent: list[Any], now: float) -> int:
        if number not in (INFORMATION, SETTINGS, TRACKING, THERMAL):
            return UNSUPPORTED
        if (answer := self._message(number, now)) is None:
            return NOT_NOW
        sent.append(answer)
        return ACCEPTED

    def _interval(self, number: int, microseconds: float, now: float) -> int:
        if number not in (TRACKING, THERMAL):
            return UNSUPPORTED
        if microseconds == -1:
            self._intervals.pop(number, None)
            return ACCEPTED
        seconds = 1.0 if microseconds == 0 else microseconds / 1e6  # 0: as is usual
        if not LEAST_S <= seconds <= LONGEST_S:
            return DENIED
        self._intervals[number], self._next[number] = seconds, now
        self._following = self._following or number == TRACKING
        return ACCEPTED

    def _follow(self, message: Any, point: bool, now: float) -> int:
        """Choose the track at a point or in a rectangle; a detection that is none is not followed."""
        corners = (
            [message.param1, message.param2] * 2 if point else [getattr(message, f"param{n}") for n in range(1, 5)]
        )
        if not all(0 <= v <= 1 for v in corners):
            return DENIED
        boxes, numbers = self._boxes(now)
        margin = NEAR if point else 0.0
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        half_x, half_y = (boxes[:, 2] - boxes[:, 0]) / 2 * point, (boxes[:, 3] - boxes[:, 1]) / 2 * point
        inside = (x >= corners[0] - margin - half_x) & (x <= corners[2] + margin + half_x)
        inside &= (y >= corners[1] - margin - half_y) & (y <= corners[3] + margin + half_y) & (numbers > 0)
        if not inside.any():
            return FAILED
        self._target, self._following = int(numbers[inside][0]), True
        return ACCEPTED


def _name(text: str) -> list[int]:
    data = text.encode("ascii", "replace")[:31]
    return [*data, *[0] * (32 - len(data))]
