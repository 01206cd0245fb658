"""Column stripes: each column's amplifier has an offset of its own, which the shutter does not always level."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.thermal.correct.motion import Counts16, fine_noise

NARROW = 33  # px: wider patterns are left alone: they may be the scene, and do a detector no harm
CLIP = 3.0  # sigma: what stands out more is an object, not a stripe
BANDS = 4  # an even number; a stripe goes through all of them, an upright object hardly
ENOUGH = 8  # looks before anything is taken away
MEMORY = 32  # looks
VISIBLE = 0.2  # of the frame's fine noise
AGREE = 0.4  # mean correlation of a look with those before it: chance and texture give next to none
ROWS = 64  # at once, so that what is added to them stays in the processor's cache
AFTER_SHUTTER = 4  # looks that the old estimate still counts for
LEFT = 0.5  # of the old stripes: with less of them in the picture, the shutter has levelled the columns


class Destriping:
    """The offsets of one sensor's columns, learnt while the scene moves: what then stays is the sensor's.

    ``active``: whether stripes are taken away at present.
    """

    def __init__(self) -> None:
        self.active = False
        self._looks = 0
        self._agreement = 0.0
        self._offset = np.zeros(0, np.float64)
        self._add = self._subtract = np.zeros((0, 0), np.uint16)  # to each of some rows
        self._shape: tuple[int, ...] = ()
        self._doubtful = False
        self._rows = np.zeros((0, 0), np.float32)  # memory of `_columns`

    def look(self, pixels: Counts16, noise: float) -> None:
        """Learn from a frame, uncorrected, in which the scene is elsewhere than in the last; ``noise``: its sigma."""
        if self._offset.shape != pixels.shape[1:]:
            self._offset, self._looks = np.zeros(pixels.shape[1]), 0
        seen = self._columns(pixels, noise)
        self._looks += 1
        part = 1 / min(self._looks, MEMORY)  # of the first look all: what was known before is gone
        self._agreement += (_correlation(seen, self._offset) - self._agreement) * part
        self._offset += (seen - self._offset) * part
        if self._looks >= ENOUGH:
            self._correct_by(self._offset, pixels.shape, noise)

    def after_shutter(self) -> None:
        """The camera may have levelled its columns: let the old estimate go soon, or, if it did, at once."""
        self._looks = min(self._looks, AFTER_SHUTTER)
        self._doubtful = True

    def correct(self, pixels: Counts16) -> None:
        """Take the stripes out of ``pixels``, (H, W) uint16, in place; counts stop at 0 and 65535."""
        if self._doubtful and pixels.shape == self._shape:
            self._doubt(pixels)
        if self.active and pixels.shape == self._shape:
            for top in range(0, len(pixels), ROWS):
                some = pixels[top : top + ROWS]
                cv2.subtract(some, self._subtract[: len(some)], dst=some)
                cv2.add(some, self._add[: len(some)], dst=some)

    def _doubt(self, pixels: Counts16) -> None:
        """Forget the old stripes if they are not in the first frame after the shutter: a hover would keep them."""
        self._doubtful = False
        seen, old = self._columns(pixels, fine_noise(pixels)), self._offset
        if float(seen @ old) < LEFT * float(old @ old):
            self.active = False
            self._offset, self._looks = np.zeros_like(old), 0

    def _correct_by(self, offset: npt.NDArray[np.float64], shape: tuple[int, ...], noise: float) -> None:
        counts = np.rint(offset).astype(np.int64)
        visible = float(np.sqrt(np.mean(offset**2))) >= VISIBLE * noise
        self.active = visible and self._agreement >= AGREE and bool(counts.any())
        if self.active:
            self._shape = shape
            if self._add.shape != (ROWS, len(counts)):  # else in the memory of the look before: new pages cost more
                self._subtract, self._add = np.empty((2, ROWS, len(counts)), np.uint16)
            self._subtract[:] = np.maximum(counts, 0)
            self._add[:] = np.maximum(-counts, 0)

    def _columns(self, pixels: Counts16, noise: float) -> npt.NDArray[np.float64]:
        """(W,) counts by which each column of a frame lies above those around it, objects left out."""
        bands = np.array_split(pixels[::2], BANDS)  # one after the other, in a quarter of the memory
        if self._rows.shape != bands[0].shape:
            self._rows = np.empty(bands[0].shape, np.float32)
        means = []
        for band in bands:
            rows = self._rows[: len(band)]
            # `cv2.blur` in 0.7 of its time and bit by bit: sums of whole numbers, made in integers, fit into float32
            cv2.boxFilter(band, cv2.CV_32F, (NARROW, 1), dst=rows, normalize=False)
            np.divide(rows, np.float32(NARROW), out=rows)
            np.subtract(band, rows, out=rows)
            np.clip(rows, -CLIP * noise, CLIP * noise, out=rows)
            # float64 holds such sums exactly, in whatever order they are made
            means.append(cv2.reduce(rows, 0, cv2.REDUCE_SUM, dtype=cv2.CV_64F) / len(rows))
        ordered = np.sort(np.concatenate(means), axis=0)
        return np.asarray((ordered[BANDS // 2 - 1] + ordered[BANDS // 2]) / 2, np.float64)  # their median


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Of two patterns with a mean near 0; 0 where one of them is nothing."""
    power = float(a @ a) * float(b @ b)
    return float(a @ b) / power**0.5 if power > 0 else 0.0
