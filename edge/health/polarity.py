"""Is white hot? The model itself is asked: now and then it also looks at the inverted picture.

Grey levels alone cannot tell: in 63 of 100 frames of HIT-UAV's validation part, all of them white-hot, the cold tail
of the histogram is the longer one (sun, roofs, water). What the model finds can: over 8 of these frames the inverse
never has more of it, and in 92 of 100 draws of 8 inverted frames it has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections

Look = Callable[[npt.NDArray[np.uint8]], RawDetections]

TIMES = 1.3  # so much more must be found in the inverse
MORE, MORE_AT_FIRST = 1.1, 0.9  # and so many bodies a look more; at a single look both, as one scene may mislead
OF_NEWEST = 0.15  # weight of the newest look
MOST_BETWEEN = 64  # frames between two looks, which then take less than 2 % of the engine's time


class Polarity:
    """What the model finds in the pictures as they are and in their inverse, summed up over a flight."""

    def __init__(self) -> None:
        self._given = self._next = self._looks = 0
        self._found = np.zeros(2)  # sum of the scores a look: as it is, inverted; smoothed
        self._boxes = np.zeros(2, int)

    def look(self, image: npt.NDArray[np.uint8], raw: RawDetections, threshold: float, again: Look) -> None:
        """Take one frame: ``image`` (H, W) uint8, the model's input, and what was found in it.

        ``threshold``: scores from here on count. ``again``: looks at another picture of the same size.
        """
        self._given += 1
        if self._given <= self._next:
            return
        self._next = self._given + min(self._given // 4, MOST_BETWEEN)
        self._looks += 1
        scores = [found.scores[found.scores >= threshold] for found in (raw, again(np.bitwise_not(image)))]
        sums = np.array([float(s.sum()) for s in scores])
        self._found += (sums - self._found) * max(OF_NEWEST, 1 / self._looks)
        self._boxes += [len(s) for s in scores]

    @property
    def figure(self) -> float:
        """1 and more: it looks black-hot."""
        if not self._looks:
            return 0.0
        straight, inverted = self._found
        return float(inverted / (TIMES * straight + MORE + MORE_AT_FIRST / self._looks))

    @property
    def seen(self) -> str:
        """The evidence in words."""
        straight, inverted = self._boxes
        frames = "1 frame" if self._looks == 1 else f"{self._looks} frames"
        return f"in {frames} {straight} found as it is, {inverted} in the inverse"
