"""Bad pixels, dead or hot: found while the scene moves, replaced by their neighbours' median.

The first duty is not to erase a target. A person is 3x3 px or more from usual heights, and even one of a
single pixel does not stay at the very same pixel of the sensor while everything around it moves. So a pixel is
bad only if it stands out alone, or with one neighbour, 24 times in a row or nearly so, and only frames count between
which the scene moved (`Motion`). A hover of any length adds nothing.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.thermal.correct.motion import Counts16

OUTSTANDING = 8.0  # sigma of the frame's fine noise
LEAST = 4.0  # counts
LARGEST = 2  # px: more of them together are something in the scene
SURE = 24  # looks
MOST = 2 * SURE  # points: a miss takes two, so 24 misses clear a bad pixel
MISS = 2
AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


class BadPixels:
    """The known bad pixels of one sensor; its frames have one size. ``count``: how many are replaced at present."""

    def __init__(self) -> None:
        self.count = 0
        self._seen = np.zeros((0, 0), np.uint8)
        self._known = np.zeros((0, 0), np.bool_)
        self._where = np.zeros(0, np.intp)
        self._neighbours = np.zeros((0, len(AROUND)), np.intp)

    def look(self, pixels: Counts16, noise: float) -> None:
        """Learn from a frame, unpatched, in which the scene is elsewhere than in the last; ``noise``: its sigma."""
        if not self._seen.size:  # the first look
            self._seen, self._known = np.zeros(pixels.shape, np.uint8), np.zeros(pixels.shape, np.bool_)
        away = cv2.absdiff(pixels, cv2.medianBlur(pixels, 5))
        out = (away > max(OUTSTANDING * noise, LEAST)).view(np.uint8)
        near = cv2.boxFilter(out, cv2.CV_8U, (5, 5), normalize=False, borderType=cv2.BORDER_CONSTANT)
        alone = out & (near <= LARGEST)
        # standing out in a crowd says nothing for or against it
        self._seen = np.minimum(cv2.subtract(cv2.add(self._seen, alone), (1 - out) * np.uint8(MISS)), MOST)
        known = np.where(self._known, self._seen > 0, self._seen >= SURE)
        if not np.array_equal(known, self._known):
            self._known = known
            self._index()

    def patch(self, pixels: Counts16) -> None:
        """Replace the known bad pixels of ``pixels``, (H, W) uint16 C-contiguous, in place."""
        if self.count:
            flat = pixels.reshape(-1)
            flat[self._where] = np.sort(flat[self._neighbours], axis=1)[:, len(AROUND) // 2]

    def _index(self) -> None:
        """The neighbours of each bad pixel that are in the frame and sound; of one without any nothing is known."""
        height, width = self._known.shape
        where, neighbours = [], []
        for y, x in zip(*np.nonzero(self._known), strict=True):
            around = ((int(y) + dy, int(x) + dx) for dy, dx in AROUND)
            sound = [i * width + j for i, j in around if 0 <= i < height and 0 <= j < width and not self._known[i, j]]
            if sound:
                where.append(int(y) * width + int(x))
                neighbours.append((sound * len(AROUND))[: len(AROUND)])
        self.count = len(where)
        self._where = np.array(where, np.intp)
        self._neighbours = np.array(neighbours, np.intp).reshape(-1, len(AROUND))
