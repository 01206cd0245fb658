"""Temperature of what was found, and the scale of cameras whose counts follow Planck's law."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from edge.data import KELVIN_AT_0_C, Float32, Frame
from edge.errors import InputError


@dataclass(frozen=True, slots=True)
class PlanckScale:
    """FLIR's map from raw counts to temperature: ``kelvin = b / ln(r1 / (r2 * (counts + o)) + f)``.

    The five constants stand in each radiometric file (``PlanckR1, B, F, O, R2``). The temperature is apparent: that of
    a black body (emissivity 1), without what the air in between adds and takes.

    The map rises only where ``counts + o`` is positive and the logarithm too: below, counts are taken for the lowest
    for which it does, above for the highest.

    Raises InputError for constants that are none.
    """

    r1: float
    b: float
    f: float
    o: float
    r2: float

    def __post_init__(self) -> None:
        positive = all(math.isfinite(v) and v > 0 for v in (self.r1, self.b, self.r2))
        if not (positive and math.isfinite(self.f) and 0 < self.f <= 10 and math.isfinite(self.o)):
            raise InputError(f"Planck constants R1, B, F, O, R2 = {astuple(self)}: expected positive, finite ones")

    def celsius(self, counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Degrees C of raw counts (any shape)."""
        light = np.maximum(np.asarray(counts, np.float64) + self.o, 1.0)
        if self.f < 1:  # at r1 / r2 / (1 - f) the temperature would be infinite
            light = np.minimum(light, 0.999 * self.r1 / self.r2 / (1 - self.f))
        return np.asarray(self.b / np.log(self.r1 / (self.r2 * light) + self.f) - KELVIN_AT_0_C, np.float64)

    def counts(self, celsius: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Raw counts (not rounded) of degrees C (any shape); absolute zero and less give the lowest."""
        kelvin = np.maximum(np.asarray(celsius, np.float64) + KELVIN_AT_0_C, 1.0)
        light = self.r1 / self.r2 / np.maximum(np.expm1(np.minimum(self.b / kelvin, 600.0)) + (1 - self.f), 1e-300)
        return np.asarray(light - self.o, np.float64)

    def kelvin_per_count(self, counts: float) -> float:
        """What one count more means where the raw value is ``counts``."""
        return max(float(self.celsius(counts + 1) - self.celsius(counts)), 1e-9)


def box_temperatures(frame: Frame, boxes: Float32) -> Float32 | None:
    """(N, 3) float32: minimum, mean and maximum degrees C of the pixels that each box touches.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, inside the frame. None where the frame has no temperature scale; NaN
    for a box of which no pixel has a value (0 counts are none). These are apparent temperatures: as of a black body,
    without what the air in between changes. A box holds some background too; of a body smaller than a few pixels even
    the maximum is too low.
    """
    scale = frame.temperature
    if scale is None:
        return None
    counts = np.full((len(boxes), 3), np.nan)
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        inside = frame.pixels[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
        inside = inside[inside > 0]  # 0 is no temperature: a pixel without a value
        if inside.size:
            counts[i] = inside.min(), inside.mean(), inside.max()
    return scale.celsius(counts).astype(np.float32)
