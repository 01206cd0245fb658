"""The lens and the detector: blur, fixed pattern, drift, temporal noise, stuck pixels, and the shutter.

A microbolometer core as its user sees it: each column's amplifier has its own offset; the housing's own heat
grows over the picture, more at the corners, until a flat-field correction (FFC: a shutter closes for a moment
and every pixel is levelled against it) takes it away and leaves another small offset behind.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import KELVIN_AT_0_C, Float32
from edge.sim.ground import KELVIN_PER_COUNT
from edge.sim.settings import SimulatorSettings

FFC_STEP_K = 0.15  # 1 sigma of the offset that each flat-field correction leaves
_SHEET_MARGIN = (511, 639)  # rows, columns: how much larger the noise sheet is than a frame


class Sensor:
    """`expose` makes raw counts of a blurred scene; `flat_field` is what the shutter does."""

    def __init__(self, settings: SimulatorSettings, rng: np.random.Generator) -> None:
        h, w = settings.height, settings.width
        self._rng = rng
        self._blur = settings.blur
        self._columns = rng.standard_normal(w, np.float32)
        self._columns *= np.float32(settings.column_noise / KELVIN_PER_COUNT)
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        # the housing glows 1 at the middle and 1.5 at the corners
        self._glow = (1 + 0.25 * (x**2 + y**2)).astype(np.float32)
        self._glow *= np.float32(settings.drift / 60 / KELVIN_PER_COUNT)  # counts a second
        self._sheet = rng.standard_normal((h + _SHEET_MARGIN[0], w + _SHEET_MARGIN[1]), np.float32)
        self._sheet *= np.float32(settings.netd / KELVIN_PER_COUNT)
        where = rng.permutation(h * w)[: round(settings.dead * h * w)]
        self._dead = np.unravel_index(where, (h, w))
        # some read nothing, some are full, most are off by a few to many kelvin
        level = (settings.ground + KELVIN_AT_0_C + rng.normal(0, 25, len(where))) / KELVIN_PER_COUNT
        kind = rng.random(len(where))
        stuck = np.select([kind < 0.15, kind < 0.3], [0, 65535], level.clip(0, 65535))
        self._stuck = stuck.astype(np.uint16)
        self._offset = 0.0  # counts, since the last correction
        self._corrected_at = 0.0

    def flat_field(self, t: float) -> None:
        """Level all pixels at ``t`` seconds: the glow starts from nothing, a small common offset stays."""
        self._corrected_at = t
        self._offset = float(self._rng.normal(0, FFC_STEP_K)) / KELVIN_PER_COUNT

    def expose(self, scene: Float32, t: float) -> npt.NDArray[np.uint16]:
        """Raw counts (H, W) uint16, a fresh array; ``scene``, (H, W) float32 counts, is overwritten."""
        if self._blur:
            side = 2 * max(1, round(3 * self._blur)) + 1
            cv2.GaussianBlur(scene, (side, side), self._blur, dst=scene, borderType=cv2.BORDER_REPLICATE)
        cv2.scaleAdd(self._glow, t - self._corrected_at, scene, dst=scene)
        scene += self._columns
        scene += self._offset
        # rounds and saturates
        raw = np.asarray(cv2.add(scene, self._noise(), dtype=cv2.CV_16U), np.uint16)
        raw[self._dead] = self._stuck
        return raw

    def _noise(self) -> Float32:
        """White Gaussian noise (H, W): a random window of a fixed sheet, far cheaper than fresh numbers.

        Two frames see the sheet shifted against each other, so the noise of a pixel is as good as independent
        from frame to frame; one pair of frames in 330 000 has the same window.
        """
        h, w = self._glow.shape
        rows, columns = _SHEET_MARGIN
        top, left = self._rng.integers(0, (rows + 1, columns + 1))
        return self._sheet[top : top + h, left : left + w]
