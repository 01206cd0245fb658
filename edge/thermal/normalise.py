"""Raw counts -> uint8 grey, white = hot: one function for training, evaluation and flight.

    spec = DEFAULT_16BIT                        # or NormaliseSpec.parse("percentile:low=1,high=99")
    normaliser = Normaliser(spec)               # one for each flight: it smooths its window over time
    grey = normaliser(frame.pixels, frame.temperature)

Tone mapping only: denoising or sharpening before a detector costs accuracy (arXiv 2407.04484). Of the methods
only `anchored` has a memory; for a single image `normalise` gives what a new Normaliser gives first.

    anchored     uint16         a window hung on the background's median and MAD; see `AnchoredWindow`
    window       uint16         a fixed window, low .. high in counts or deg C
    percentile   uint8, uint16  a window between two percentiles of the frame
    minmax       uint8, uint16  a window between the coldest and the hottest pixel
    plateau      uint8, uint16  plateau histogram equalisation; see `plateau_table`
    clahe        uint8, uint16  percentile window (16 bit), then contrast-limited adaptive equalisation
    identity     uint8          unchanged: the camera has done it

All but clahe never show a hotter pixel darker, and give the same bytes with any version of numpy and OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.data import Pixels, Scale
from edge.errors import InputError
from edge.thermal.spec import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec
from edge.thermal.windows import (
    AnchoredWindow,
    Grey,
    Window,
    fixed_window,
    histogram,
    levels,
    looked_up,
    minmax_window,
    on_grid,
    percentile_window,
    plateau_table,
    window_table,
)

__all__ = ["DEFAULT_8BIT", "DEFAULT_16BIT", "NormaliseSpec", "Normaliser", "normalise"]


class Normaliser:
    """Turns the frames of one flight into grey, one after the other.

    ``low``, ``high``: counts that became black and white in the last frame (for plateau the coldest and the
    hottest count present); None before the first frame.
    """

    def __init__(self, spec: NormaliseSpec) -> None:
        self.spec = spec
        self.low: float | None = None
        self.high: float | None = None
        self._anchored = AnchoredWindow(spec)
        self._table: Grey = np.zeros(0, np.uint8)

    def reset(self) -> None:
        """Forget the past, as after a shutter event: the next frame is treated as the first."""
        self._anchored.reset()

    def __call__(self, pixels: Pixels, temperature: Scale | None = None) -> Grey:
        """Grey of one frame.

        ``pixels``: (H, W) uint8 or uint16 in the machine's byte order, any strides, at least one pixel; not
        written to. ``temperature``: scale of the counts, or None.

        Returns (H, W) uint8, 0 = cold .. 255 = hot, C-contiguous and the caller's own; only ``identity``
        returns ``pixels`` itself.

        Raises InputError where the method does not take such pixels, or lacks a temperature scale.
        """
        self._check(pixels, temperature)
        method = self.spec.method
        if method == "identity":
            self.low, self.high = 0.0, 255.0
            return np.asarray(pixels, np.uint8)
        if method == "plateau":
            counts = histogram(pixels)
            present = np.flatnonzero(counts)
            self.low, self.high = float(present[0]), float(present[-1])
            return looked_up(plateau_table(counts, self.spec.number("plateau")), pixels)
        grey = self._windowed(pixels, self._window(pixels, temperature))
        return self._clahe(grey) if method == "clahe" else grey

    def _window(self, pixels: Pixels, temperature: Scale | None) -> Window:
        method, number = self.spec.method, self.spec.number
        if method == "anchored":
            return self._anchored.update(pixels, temperature)
        if method == "window":
            return fixed_window(self.spec, temperature)
        if method == "minmax":
            return minmax_window(pixels)
        if method == "clahe" and pixels.dtype == np.uint8:
            return 0.0, 255.0
        return percentile_window(pixels, number("low"), number("high"))

    def _windowed(self, pixels: Pixels, window: Window) -> Grey:
        low, high = on_grid(window)
        size = levels(pixels)
        if (low, high) != (self.low, self.high) or len(self._table) != size:
            self._table = window_table((low, high), size)
            self.low, self.high = low, high
        return looked_up(self._table, pixels)

    def _clahe(self, grey: Grey) -> Grey:
        """Zuiderveld, Graphics Gems IV (1994) 474, by OpenCV: on 8 bit, a fifth of the time of 16 bit."""
        tiles = int(self.spec.number("tiles"))
        clahe = cv2.createCLAHE(self.spec.number("clip_limit"), (tiles, tiles))
        return np.asarray(clahe.apply(grey), np.uint8)

    def _check(self, pixels: Pixels, temperature: Scale | None) -> None:
        method = self.spec.method
        if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype not in (np.uint8, np.uint16):
            raise InputError(
                f"pixels are {pixels.dtype} {pixels.shape}: expected (height, width) uint8 or uint16 in this "
                "machine's byte order, one channel"
            )
        if method == "identity" and pixels.dtype == np.uint16:
            raise InputError(
                "normalise method 'identity' takes 8-bit pixels and these are 16-bit counts: "
                "use 'anchored' or another 16-bit method"
            )
        if method in ("anchored", "window") and pixels.dtype == np.uint8:
            raise InputError(
                f"normalise method '{method}' takes 16-bit counts and these pixels are 8-bit: "
                "use 'identity', or switch the camera to its 16-bit format"
            )
        if method == "window" and self.spec.params["unit"] == "celsius" and temperature is None:
            raise InputError(
                "normalise method 'window' has its ends in celsius and the frame has no temperature scale: "
                "give the camera's scale, or use unit=counts"
            )


def normalise(pixels: Pixels, spec: NormaliseSpec, temperature: Scale | None = None) -> Grey:
    """Grey of a single image: what a new `Normaliser` gives for its first frame; arguments as there."""
    return Normaliser(spec)(pixels, temperature)
