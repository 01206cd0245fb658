"""Which 256 numbers an activation is rounded to: those whose errors, each to the power 2.5, add up to least over the
calibration frames.

From the least to the greatest number seen, one hot pixel would coarsen the steps for everything else. So the range
ends where what is lost by clipping equals what is gained by finer steps, found by trying ends on a histogram. To the
power 2.5, not 2: great numbers are what a detector looks for, and squares clip more of them than boxes can bear. Not 3
either: steps become coarser than scores can bear (docs/speed.md has the figures).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.errors import InputError

METHOD = "least error to the power 2.5"
LEVELS = 255  # steps of uint8
_BINS = 8192  # over the whole range, half of them for negative numbers
_ENDS = np.linspace(1.0, 0.1, 181)  # of the greatest number seen
_MANTISSA = 256  # steps of a scale between two powers of two: a scale is a short number, the same on other processors

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """uint8 q stands for ``(q - zero) * scale``."""

    scale: float
    zero: int


class Histogram:
    """Of all values of an activation, in bins that grow by pairs where a greater number comes."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._limit = 0.0  # a power of two; bins cover -limit .. limit

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Raises InputError where one of them is no number."""
        most = float(np.abs(values).max(initial=0.0))
        if not np.isfinite(most):
            raise InputError("the detector's numbers overflow in a calibration frame: take other frames, or weights")
        if most == 0.0:
            self._counts[_BINS // 2] += values.size
            return
        if not self._limit:
            self._limit = 2.0 ** (np.floor(np.log2(most)) + 1)
        while most >= self._limit:
            pairs = self._counts.reshape(-1, 2).sum(1)
            self._counts[:] = 0
            self._counts[_BINS // 4 : _BINS * 3 // 4] = pairs
            self._limit *= 2
        # adding half of the bins first makes the cast a floor
        bins = (values.ravel() * np.float32(_BINS / 2 / self._limit) + np.float32(_BINS / 2)).astype(np.uint16)
        self._counts += np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)

    def grid(self) -> Grid:
        """The grid of least error to the power 2.5; zero is one of its numbers."""
        seen = np.flatnonzero(self._counts)
        width = 2 * self._limit / _BINS
        if not len(seen) or not width:
            return Grid(1.0, 0)
        counts = self._counts[seen].astype(np.float64)
        values: Float64 = ((seen - _BINS / 2 + 0.5) * width).astype(np.float64)
        values[seen == _BINS // 2] = 0.0  # of a ReLU, most are exactly that
        low, high = min(0.0, float(values[0])), max(0.0, float(values[-1]))
        grids = [_grid(low * end, high * end) for end in _ENDS]
        best = min(range(len(grids)), key=lambda i: _error(values, counts, grids[i]))
        if low < 0.0 < high:  # each end on its own, from where both together are best
            both = _ENDS[best]
            grids = [_grid(low * both, high * end) for end in _ENDS]
            grids += [_grid(low * end, high * both) for end in _ENDS]
            best = min(range(len(grids)), key=lambda i: _error(values, counts, grids[i]))
        return grids[best]


def short(scale: float) -> float:
    """The next number up that `_MANTISSA` steps between powers of two hold: exact in float32."""
    power = 2.0 ** np.floor(np.log2(scale))
    return float(np.ceil(scale / power * _MANTISSA) / _MANTISSA * power)


def _grid(low: float, high: float) -> Grid:
    scale = short((high - low) / LEVELS)
    return Grid(scale, int(np.clip(np.rint(-low / scale), 0, LEVELS)))


def _error(values: Float64, counts: Float64, grid: Grid) -> float:
    steps = np.clip(np.rint(values / grid.scale) + grid.zero, 0, LEVELS) - grid.zero
    off = np.abs(steps * grid.scale - values)
    return float((off * off * np.sqrt(off) * counts).sum())  # a square root is the same on all processors, a power not
