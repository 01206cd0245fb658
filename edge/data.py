"""What flows through the pipeline. A leaf: of ours it imports only the errors.

camera -> Frame -> repair -> normalise -> engine -> RawDetections -> Detections -> Result -> sinks
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge.errors import CameraError, InputError

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

FLAGS = frozenset({"ffc", "ffc_inferred", "frozen", "repaired", "resumed"})
KELVIN_AT_0_C = 273.15


class Scale(Protocol):
    """From raw counts to temperature, rising: `TemperatureScale`, or `edge.thermal.temperature.PlanckScale`."""

    def celsius(self, counts: npt.ArrayLike) -> npt.NDArray[np.float64]: ...
    def counts(self, celsius: npt.ArrayLike) -> npt.NDArray[np.float64]: ...
    def kelvin_per_count(self, counts: float) -> float: ...


@dataclass(frozen=True, slots=True)
class TemperatureScale:
    """Linear map from raw counts to temperature: ``kelvin = gain * counts + offset``.

    FLIR TLinear in high-gain mode is ``TemperatureScale(gain=0.01, offset=0.0)`` (0.01 K a count).
    """

    gain: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.gain) and self.gain > 0 and np.isfinite(self.offset)):
            raise InputError(
                f"temperature scale gain={self.gain} K/count, offset={self.offset} K: expected a "
                "positive finite gain and a finite offset"
            )

    def celsius(self, counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Degrees C of raw counts (any shape)."""
        return np.asarray(counts, np.float64) * self.gain + (self.offset - KELVIN_AT_0_C)

    def counts(self, celsius: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Raw counts (not rounded) of degrees C (any shape)."""
        return (np.asarray(celsius, np.float64) + (KELVIN_AT_0_C - self.offset)) / self.gain

    def kelvin_per_count(self, counts: float) -> float:  # noqa: ARG002 - the same everywhere
        return self.gain


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera was and where it looked when the frame was taken.

    ``latitude``, ``longitude``: WGS84 degrees. ``height``: metres above the ground below.
    ``yaw``: heading of the optical axis (of the image's up direction when it looks straight down),
    degrees clockwise from true north. ``pitch``: degrees, 0 = horizon, -90 = straight down.
    ``roll``: degrees about the optical axis, positive = right side down.
    One standard deviation, None where nobody said: ``sigma_position_m`` (horizontal), ``sigma_height_m``,
    ``sigma_attitude_deg``, ``sigma_time_s`` (of the moment that the pose belongs to). ``speed_m_s``: over the ground.
    ``height_source``: what ``height`` was measured with, in a few words; "" = not said.
    """

    latitude: float
    longitude: float
    height: float
    yaw: float
    pitch: float
    roll: float = 0.0
    sigma_position_m: float | None = None
    sigma_height_m: float | None = None
    sigma_attitude_deg: float | None = None
    sigma_time_s: float | None = None
    speed_m_s: float | None = None
    height_source: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image as the sensor gave it.

    ``pixels``: (H, W) uint16 raw counts, or (H, W) uint8 white-hot grey. The frame owns them; nobody writes to them.
    ``seq``: counts every frame the source produced, so that a gap is a loss.
    ``t_capture``: seconds of `time.monotonic`; in a replay those of the flight, by the clock of the machine of then.
    ``utc``: aware datetime, or None where the clock is not to be trusted.
    ``flags``: any of
        ``ffc`` (the shutter is closed: the camera said so, or it was seen),
        ``ffc_inferred`` (beside ``ffc``: the camera did not say so),
        ``frozen`` (identical to the frame before),
        ``repaired`` (pixels were corrected),
        ``resumed`` (the first new one after the camera stood still or was away: counts may have stepped).
    ``temperature``: scale of the counts, or None. ``pose``: where the camera was, or None.
    ``origin``: the still's name (``name.tif#3``: page 3 of several, from 1), or in a video its media time: seconds
        since the first picture of the file; or None.
    ``t_arrival``: when it came into this program, seconds of `time.monotonic`. ``replayed``: ``t_capture`` is of
    another time, so that a latency counts from ``t_arrival``.
    ``mask``: (H, W) bool, True where the user does not want to look, or None; the pixels there mean nothing.

    Raises CameraError where the pixels are none of those, ValueError for an unknown flag.
    """

    pixels: Pixels
    seq: int
    t_capture: float
    utc: datetime | None = None
    flags: frozenset[str] = frozenset()
    temperature: Scale | None = None
    pose: Pose | None = None
    origin: str | float | None = None
    t_arrival: float = field(default_factory=time.monotonic)
    replayed: bool = False
    mask: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 2 or p.dtype not in (np.uint8, np.uint16) or 0 in p.shape:
            raise CameraError(f"frame {self.seq} is {p.dtype} {p.shape}: expected (height, width) uint8 or uint16")
        if not self.flags <= FLAGS:
            raise ValueError(f"unknown frame flags {sorted(self.flags - FLAGS)}: expected {sorted(FLAGS)}")

    @property
    def shutter_closed(self) -> bool:
        """Whether the shutter was closed: nothing new can be seen in the picture."""
        return "ffc" in self.flags

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


def monotonic_of(epoch_s: float) -> float:
    """The moment ``epoch_s``, seconds since 1970 by this machine's wall clock, as seconds of `time.monotonic`.

    For ``Frame.t_capture`` of drivers that stamp with the wall clock. Where that was set in between, it is off by as
    much.
    """
    return time.monotonic() - (time.time() - epoch_s)


def class_name(classes: Sequence[str], label: int) -> str:
    """The name of a detection's label; its number where a model has more classes than its model.json names."""
    return classes[label] if label < len(classes) else str(label)


@dataclass(frozen=True, slots=True)
class RawDetections:
    """The engine's four outputs for one image, copied out of the engine's buffers.

    ``boxes``: (K, 4) float32 xyxy, model input pixels, rows past the last detection are zero.
    ``scores``: (K,) float32 descending, 0 in unused rows. ``labels``: (K,) int32, 0 = first class.
    ``converged``: False where the unrolled NMS needed more steps than it has. ``finite``: False where the
    network's numbers overflowed somewhere: rows that are not numbers are zeroed, and others may be missing.
    """

    boxes: Float32
    scores: Float32
    labels: Int32
    converged: bool = True
    finite: bool = True

    def of_numbers(self) -> RawDetections:
        """The same; rows that hold no finite numbers are zeroed, and ``finite`` is False then: such a score compares as
        false with every threshold, and a detection would be lost without a word.
        """
        numbers = np.isfinite(self.boxes).all(-1) & np.isfinite(self.scores)
        if numbers.all():
            return self
        boxes, scores = np.where(numbers[:, None], self.boxes, 0), np.where(numbers, self.scores, 0)
        return replace(self, boxes=boxes, scores=scores, finite=False)


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one frame; checked when made.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, 0 <= x1 < x2 <= W and 0 <= y1 < y2 <= H.
    ``scores``: (N,) float32 in 0..1. ``labels``: (N,) int32, index into the bundle's classes.
    ``track_ids``: (N,) int32 or None. ``celsius``: (N, 3) float32 min, mean, max degrees C inside
    the box, or None; a row of NaN where none of its pixels has a value. ``positions``: (N, 3) float64 latitude,
    longitude (deg), 1-sigma error (m), or None; a row of NaN where the ray was refused. Beside them
    ``position_covariances``: (N, 2, 2) float64 m^2, east and north, and ``position_factors``: (N, 2, 8) float64 m, what
    errs in all frames of a pass alike, see `edge.geo.Located`.

    Raises ValueError where a shape, a type or a value is not as said.
    """

    boxes: Float32
    scores: Float32
    labels: Int32
    width: int
    height: int
    track_ids: Int32 | None = None
    celsius: Float32 | None = None
    positions: npt.NDArray[np.float64] | None = None
    position_covariances: npt.NDArray[np.float64] | None = None
    position_factors: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n = len(self.boxes)
        for name, shape, dtype in (
            ("boxes", (n, 4), np.float32),
            ("scores", (n,), np.float32),
            ("labels", (n,), np.int32),
            ("track_ids", (n,), np.int32),
            ("celsius", (n, 3), np.float32),
            ("positions", (n, 3), np.float64),
            ("position_covariances", (n, 2, 2), np.float64),
            ("position_factors", (n, 2, 8), np.float64),
        ):
            array = getattr(self, name)
            if array is not None and (array.shape != shape or array.dtype != dtype):
                raise ValueError(f"{name} is {array.dtype} {array.shape}: expected {np.dtype(dtype)} {shape}")
        if n == 0:
            return
        x1, y1, x2, y2 = self.boxes.T
        # written so that a NaN fails
        inside = (x1 >= 0) & (x1 < x2) & (x2 <= self.width) & (y1 >= 0) & (y1 < y2) & (y2 <= self.height)
        if not inside.all():
            i = int(np.flatnonzero(~inside)[0])
            raise ValueError(
                f"box {i} is {self.boxes[i].tolist()}: expected 0 <= x1 < x2 <= {self.width} and "
                f"0 <= y1 < y2 <= {self.height}"
            )
        if not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError(f"scores {self.scores.min()}..{self.scores.max()}: expected 0..1")
        if self.labels.min() < 0:
            raise ValueError(f"label {self.labels.min()}: expected 0 (the first class) or more")

    def __len__(self) -> int:
        return len(self.boxes)

    def where(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Detections:
        """Those detections for which ``keep``, (N,) bool, is true; or those of the indices ``keep``, (M,) int."""
        kept: dict[str, Any] = {
            field.name: None if (array := getattr(self, field.name)) is None else array[keep]
            for field in fields(self)
            if field.name not in ("width", "height")
        }
        return replace(self, **kept)

    @classmethod
    def none(cls, width: int, height: int) -> Detections:
        """No detections in a frame of this size."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), width, height)


@dataclass(frozen=True, slots=True)
class Faint:
    """What was found in one frame, also below the score from which it is shown, and followed for itself.

    ``found``: all of it, with track numbers of its own. ``shown``: (N,) bool. ``ended``: as `Result.ended_tracks`.
    """

    found: Detections
    shown: npt.NDArray[np.bool_]
    ended: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A frame, what was found in it, and how long that took.

    ``t_result``: seconds of `time.monotonic` when the detections were ready.
    ``picture``: (H, W) uint8, the frame's pixels after normalising, sensor pixels; it belongs to the result.
    ``stages_ms``: milliseconds by stage, in order: ``wait`` (for the camera), ``correct``, ``normalise``, ``infer``,
    ``postprocess``, ``health``; as ``engine.NAME`` where the engine says the time of ``infer`` went; ``consumer``: how
    long whoever takes the results had the one before.
    ``inferred``: False where the engine was not asked (the shutter was closed, or a `Stream` of less effort spares it).
    ``converged``, ``finite``: see `RawDetections`. ``faint``: see `Faint`; None: nobody asked for it.
    Counts of the frames so far: ``dropped`` came and went unseen; ``duplicates`` only repeated the one before;
    ``lost`` never came (gaps in ``Frame.seq``; an outage of a camera counts once, as nobody knows how many).
    ``frozen_s``: seconds so far in which the camera gave nothing new. ``warnings``: conditions that hold now, names of
    `edge.health.conditions.CONDITIONS`; ``seen``: by the same names, what of it was seen, in words.
    ``t_source``: seconds, see `edge.camera.source_clock`. ``ended_tracks``: tracks that ended with this frame.
    ``footprint``: (4, 2) float64 latitude, longitude (deg) of the ground at the corners, clockwise from top left, of
    ``footprint_part``: left, top, right, bottom px of what looks at ground near enough. None: no pose, no such ground.
    """

    frame: Frame
    detections: Detections
    t_result: float
    picture: npt.NDArray[np.uint8]
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    inferred: bool = True
    converged: bool = True
    finite: bool = True
    dropped: int = 0
    duplicates: int = 0
    lost: int = 0
    frozen_s: float = 0.0
    warnings: frozenset[str] = frozenset()
    seen: Mapping[str, str] = field(default_factory=dict)
    t_source: float = 0.0
    ended_tracks: tuple[int, ...] = ()
    footprint: npt.NDArray[np.float64] | None = None
    footprint_part: tuple[int, int, int, int] | None = None
    faint: Faint | None = None

    @property
    def latency_ms(self) -> float:
        """From capture, in a replay from arrival, to detections: milliseconds."""
        frame = self.frame
        return (self.t_result - (frame.t_arrival if frame.replayed else frame.t_capture)) * 1e3
