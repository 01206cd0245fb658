"""From the pixels of a frame to the window of counts that becomes black .. white, and to the grey table.

Every method ends as a table with one grey level for each possible count. It is built with integers only,
so that another numpy, another OpenCV or another processor gives the same bytes for the same window.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Pixels, Scale
from edge.thermal.spec import NormaliseSpec

Grey = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Window = tuple[float, float]

_STEP = 16  # a window's ends are whole sixteenths of a count


class AnchoredWindow:
    """A window hung on the background: [median - 3 MAD, median + max(10 K, 6 MAD)], smoothed in time.

    Median and MAD (median absolute deviation) describe the background as long as it fills more than half
    of the frame, so a fire, a car or a hot roof does not darken everything else, as it does with windows
    taken from the tail of the histogram. MAD as a robust scale: Rousseeuw and Croux, JASA 88 (1993) 1273.

    Where the median lies on cold sky, all ground would be white. So the high end is lifted by what the upper
    quartile has over median + MAD, which is next to nothing over ordinary ground, and at least a quarter of
    the range stays above the ground: high = median + lift + max(10 K, 6 MAD, lift / 3).

    Without a temperature scale a count's worth in kelvin is unknown, and the top is 9 MAD above the median:
    the background then gets the grey level and contrast it has in an ordinary scene with a scale.
    """

    def __init__(self, spec: NormaliseSpec) -> None:
        self._spec = spec
        self._window: Window | None = None
        self._temperature: Scale | None = None

    def reset(self) -> None:
        """Forget the frames seen so far."""
        self._window = None

    def update(self, pixels: Pixels, temperature: Scale | None) -> Window:
        """Window in counts after this frame, (H, W) uint16."""
        median, mad, quartile = background(pixels)
        target = self._target(median, mad, quartile, temperature)
        known = self._window if temperature == self._temperature else None
        if known is None or not known[0] <= median <= known[1]:
            # The first frame, another gain, or a scene that the old window would show all black or all white.
            self._window = target
        else:
            weight = self._spec.number("weight")
            self._window = (
                known[0] + weight * (target[0] - known[0]),
                known[1] + weight * (target[1] - known[1]),
            )
        self._temperature = temperature
        return self._window

    def _target(self, median: int, mad: int, quartile: int, temperature: Scale | None) -> Window:
        """The window that this frame alone would get."""
        p = self._spec.number
        if temperature is None:
            spread = max(float(mad), p("min_mad_counts"))
            above, widest = p("above_unscaled") * spread, np.inf
        else:
            kelvin = 1 / temperature.kelvin_per_count(median)  # in counts, where the background is
            widest = p("max_kelvin") * kelvin
            spread = min(max(mad, p("min_mad_kelvin") * kelvin), widest / (p("below") + p("above")))
            above = max(p("above_kelvin") * kelvin, p("above") * spread)
        low = median - p("below") * spread
        lift = max(quartile - spread - median, 0.0)
        return low, min(median + lift + max(above, lift / 3), low + widest)


def background(pixels: Pixels) -> tuple[int, int, int]:
    """``(median, MAD, upper quartile)`` in counts of a frame, (H, W) uint16.

    Of every 4th pixel of every 4th row, without the codes 0 and 65535: telemetry words and dead pixels.
    Integers: elements n // 2 and 3n // 4 of the n sorted values.
    """
    some = every = pixels[::4, ::4].ravel()
    if every.min() == 0 or every.max() == 65535:  # seldom: dead pixels are repaired by now
        some = every[(every != 0) & (every != 65535)]
        if some.size == 0:
            some = every
    # by histogram: a third of the time of two partitions
    coldest = some.min()
    counts = np.bincount(some - coldest)
    middle = some.size // 2
    median, quartile = (int(i) for i in counts.cumsum().searchsorted((middle, 3 * some.size // 4), "right"))
    away = np.zeros(max(median + 1, len(counts) - median), np.int64)  # the histogram folded at the median
    away[: len(counts) - median] = counts[median:]
    away[1 : median + 1] += counts[:median][::-1]
    mad = int(away.cumsum().searchsorted(middle, "right"))
    return int(coldest) + median, mad, int(coldest) + quartile


def fixed_window(spec: NormaliseSpec, temperature: Scale | None) -> Window:
    """The window that ``spec`` names, in counts; ``temperature`` is needed where its unit is celsius."""
    low, high = spec.number("low"), spec.number("high")
    if temperature is not None and spec.params["unit"] == "celsius":
        low, high = (float(c) for c in temperature.counts([low, high]))
    return low, high


def percentile_window(pixels: Pixels, low: float, high: float) -> Window:
    """Counts at two percentiles (0..100) of all pixels, linear between counts as in `numpy.percentile`."""
    up_to = np.cumsum(histogram(pixels))
    last = int(up_to[-1]) - 1

    def at(percent: float) -> float:
        rank = percent / 100 * last
        below = int(rank)
        a, b = np.searchsorted(up_to, [below, min(below + 1, last)], "right")
        return float(a + (b - a) * (rank - below))

    return at(low), at(high)


def minmax_window(pixels: Pixels) -> Window:
    """The coldest and the hottest count."""
    return float(pixels.min()), float(pixels.max())


def histogram(pixels: Pixels) -> Counts:
    """(256,) or (65536,) int64: how many pixels have each count."""
    return np.bincount(pixels.ravel(), minlength=levels(pixels)).astype(np.int64, copy=False)


def levels(pixels: Pixels) -> int:
    """How many counts the type of ``pixels`` can hold."""
    return 256 if pixels.dtype == np.uint8 else 65536


def on_grid(window: Window) -> Window:
    """The window as the table uses it: ends on whole sixteenths of a count, at least one sixteenth wide."""
    low, high = (int(np.floor(np.clip(end, -1e9, 1e9) * _STEP + 0.5)) for end in window)
    return low / _STEP, max(high, low + 1) / _STEP


def window_table(window: Window, size: int) -> Grey:
    """(size,) uint8: grey of every count, linear from 0 at the window's low to 255 at its high end.

    ``window`` as `on_grid` gives it. grey = floor(255 (count - low) / (high - low) + 1/2), held in 0..255.
    """
    low, high = (int(end * _STEP) for end in window)
    width = high - low
    first, last = (min(max(end // _STEP, 0), size) for end in (low, high + _STEP))
    above_low = np.arange(first, last, dtype=np.int64) * _STEP - low
    table = np.zeros(size, np.uint8)
    table[first:last] = np.maximum((510 * above_low + width) // (2 * width), 0)  # none of these is above high
    table[last:] = 255
    return table


def looked_up(table: Grey, pixels: Pixels) -> Grey:
    """(H, W) uint8, C-contiguous: of each pixel, (H, W), its grey in ``table``, (256,) or (65536,) by their type."""
    if pixels.dtype == np.uint8 or _LOOKS_UP_16_BIT:
        return np.asarray(cv2.LUT(pixels, table), np.uint8)
    return np.take(table, pixels)  # it widens each pixel to 8 bytes first: four times the memory of the frame


def _looks_up_16_bit() -> bool:
    """Whether OpenCV looks up 16 bits: from 4.13 on it does, half as long as numpy; before that bytes only."""
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros(65536, np.uint8))
    except cv2.error:
        return False
    return True


_LOOKS_UP_16_BIT = _looks_up_16_bit()


def plateau_table(counts: Counts, plateau: float) -> Grey:
    """(size,) uint8: grey of every count by plateau equalisation of the histogram ``counts``, (size,) int64.

    No count weighs more than ``plateau`` (0..1) of all pixels, so that a large even background does not
    take all grey levels; 1 is plain histogram equalisation. With W the running sum of the weights, n its
    total and w0 the weight of the coldest count present: grey = floor(255 (W - w0) / (n - w0) + 1/2).
    Vickers, Optical Engineering 35(7) (1996) 1921, doi 10.1117/1.601006.
    """
    limit = max(int(plateau * int(counts.sum())), 1)
    weight = np.minimum(counts, limit)
    first = int(weight[np.flatnonzero(weight)[0]])
    span = max(int(weight.sum()) - first, 1)
    above = np.maximum(np.cumsum(weight) - first, 0)
    return np.asarray((510 * above + span) // (2 * span), np.uint8)
