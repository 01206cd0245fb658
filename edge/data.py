"""What flows through the pipeline. A leaf: of ours it imports only the errors.

camera -> Frame -> repair -> normalise -> engine -> RawDetections -> Detections -> Result -> sinks
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from edge.errors import CameraError, InputError

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

FLAGS = frozenset({"ffc", "frozen", "repaired", "resumed"})
KELVIN_AT_0_C = 273.15


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


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera was and where it looked when the frame was taken.

    ``latitude``, ``longitude``: WGS84 degrees. ``height``: metres above the ground below.
    ``yaw``: heading of the optical axis (of the image's up direction when it looks straight down),
    degrees clockwise from true north. ``pitch``: degrees, 0 = horizon, -90 = straight down.
    ``roll``: degrees about the optical axis, positive = right side down.
    """

    latitude: float
    longitude: float
    height: float
    yaw: float
    pitch: float
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What really is in a simulated frame.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, clipped to the frame. ``names``: N class names
    in lower case (``person``, ``deer``, ``car``). ``visible``: (N,) float32, 0..1, the part of the
    body that is seen: inside the frame, and not behind trees.
    """

    boxes: Float32
    names: tuple[str, ...]
    visible: Float32


@dataclass(frozen=True, slots=True)
class Frame:
    """One image as the sensor gave it.

    ``pixels``: (H, W) uint16 raw counts, or (H, W) uint8 white-hot grey. The frame owns them; nobody
    writes to them. ``seq``: counts every frame the source produced, from 0, so that a gap is a
    loss. ``t_capture``: ``time.monotonic()`` seconds. ``utc``: aware datetime, or None where the
    clock is not to be trusted. ``flags``: any of ``ffc`` (shutter closed), ``frozen`` (identical to
    the frame before), ``repaired`` (pixels were patched), ``resumed`` (the first new one after the camera
    stood still or was away: counts may have stepped, as behind a shutter). ``temperature``: scale of the counts, or
    None. ``pose``: camera pose, or None. ``truth``: only from the simulator. ``t_replayed``: None but in a
    replay, where ``t_capture`` is the flight's, by the clock of then: when it came again, by this clock.
    """

    pixels: Pixels
    seq: int
    t_capture: float
    utc: datetime | None = None
    flags: frozenset[str] = frozenset()
    temperature: TemperatureScale | None = None
    pose: Pose | None = None
    truth: Truth | None = None
    t_replayed: float | None = None

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 2 or p.dtype not in (np.uint8, np.uint16) or 0 in p.shape:
            raise CameraError(f"frame {self.seq} is {p.dtype} {p.shape}: expected (height, width) uint8 or uint16")
        if not self.flags <= FLAGS:
            raise ValueError(f"unknown frame flags {sorted(self.flags - FLAGS)}: expected {sorted(FLAGS)}")

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


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


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one frame; checked when made.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, 0 <= x1 < x2 <= W and 0 <= y1 < y2 <= H.
    ``scores``: (N,) float32 in 0..1. ``labels``: (N,) int32, index into the bundle's classes.
    ``track_ids``: (N,) int32 or None. ``celsius``: (N, 3) float32 min, mean, max degrees C inside
    the box, or None. ``positions``: (N, 3) float64 latitude, longitude (deg), 1-sigma error (m), or None.

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

    def __post_init__(self) -> None:
        n = len(self.boxes)
        for name, shape, dtype in (
            ("boxes", (n, 4), np.float32),
            ("scores", (n,), np.float32),
            ("labels", (n,), np.int32),
            ("track_ids", (n,), np.int32),
            ("celsius", (n, 3), np.float32),
            ("positions", (n, 3), np.float64),
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

    @classmethod
    def none(cls, width: int, height: int) -> Detections:
        """No detections in a frame of this size."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), width, height)


@dataclass(frozen=True, slots=True)
class Result:
    """A frame, what was found in it, and how long that took.

    ``t_result``: ``time.monotonic()`` when the detections were ready. ``stages_ms``: milliseconds
    by stage name (``wait``, ``repair``, ``normalise``, ``infer``, ``map``). ``picture``: (H, W) uint8, the
    frame's pixels after normalising, sensor pixels; it belongs to the result. ``inferred``: False
    where the engine was not asked (the shutter was closed). ``converged``, ``finite``: see
    `RawDetections`.
    ``dropped``: frames so far that came and went unseen; ``duplicates``: frames so far that only
    repeated the one before; ``frozen_s``: see `edge.camera.FrameSource`. ``warnings``: conditions that hold now,
    names of `edge.health.scene.CONDITIONS`.
    """

    frame: Frame
    detections: Detections
    t_result: float
    picture: npt.NDArray[np.uint8]
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    inferred: bool = True
    converged: bool = True
    dropped: int = 0
    duplicates: int = 0
    warnings: frozenset[str] = frozenset()
    finite: bool = True
    frozen_s: float = 0.0

    @property
    def latency_ms(self) -> float:
        """Capture, or replay, to detections, milliseconds."""
        frame = self.frame
        return (self.t_result - (frame.t_capture if frame.t_replayed is None else frame.t_replayed)) * 1e3
