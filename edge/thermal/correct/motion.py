"""Has the scene moved over the sensor? What then stays at its pixel belongs to the sensor, not to the scene."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Counts16 = npt.NDArray[np.uint16]

EVERY = 8  # frames from one check to the next
CELL = 8  # px: the check looks at means of 8x8 px
MOVED_PX = 2.0
ABOVE_NOISE = 3.0
PATIENCE = 20  # checks after which a still scene's reference is renewed: slow cooling is no motion


class Motion:
    """Says of every 8th frame whether most of the scene lies 2 px or more from where it last was.

    The change of the cells, against their slope from cell to cell, tells how far the scene moved; a common
    step of all counts is no motion. Where the ground is too flat to tell, it says no. Cars that pass a hovering
    drone are no motion either: the median cell must change.
    """

    def __init__(self) -> None:
        self._before: npt.NDArray[np.int32] | None = None
        self._frame = self._still = 0

    def check(self, pixels: Counts16) -> float | None:
        """Noise (1 sigma, counts) of this frame where the scene has moved since it last had, else None.

        ``pixels``: (H, W) uint16. The noise is that of `fine_noise`.
        """
        self._frame += 1
        if self._frame % EVERY or min(pixels.shape) < 2 * CELL:
            return None
        h, w = pixels.shape
        cells = cv2.resize(pixels, (w // CELL, h // CELL), interpolation=cv2.INTER_AREA).astype(np.int32)
        before, self._before = self._before, cells
        if before is None:
            return None
        change = cells - before
        change = np.abs(change - int(median(change)))
        slope = np.abs(cells[:, 1:] - cells[:, :-1])
        noise = fine_noise(pixels)
        if median(change) > max(ABOVE_NOISE * noise / CELL, MOVED_PX / CELL * median(slope)):
            self._still = 0
            return noise
        self._still += 1
        if self._still < PATIENCE:
            self._before = before
        else:
            self._still = 0
        return None


def fine_noise(pixels: Counts16) -> float:
    """1 sigma, counts, of what differs between neighbours in a row: noise, fixed pattern, finest texture.

    From the median size of second differences on every 16th row, at least half a count.
    """
    rows = pixels[::16].astype(np.int32)
    first = rows[:, 1:] - rows[:, :-1]
    second = np.abs(first[:, 1:] - first[:, :-1])
    return max(median(second) / (0.6745 * 6**0.5), 0.5)


def median(values: npt.NDArray[np.int32]) -> float:
    """What `numpy.median` says of whole numbers, in a fifth of its time; NaN of none."""
    if not values.size:
        return float("nan")
    half = values.size // 2
    parted = np.partition(values, half, axis=None)
    upper = float(parted[half])
    return upper if values.size % 2 else (float(parted[:half].max()) + upper) / 2
