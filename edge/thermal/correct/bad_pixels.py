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
    """The known bad pixels of one sensor; its frames have one size. ``count``: how many are replaced at present.

    A look that cannot change what is known is done in parts, at the frames after it, so that none has to wait for all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._seen = np.zeros((0, 0), np.uint8)
        self._known = np.zeros((0, 0), np.bool_)
        self._where = np.zeros(0, np.intp)
        self._neighbours = np.zeros((0, len(AROUND)), np.intp)
        self._close = False  # the next look may change what is known
        self._part = 0  # of the look that is not done: the next one; 0 = there is none
        self._least = 0  # counts that its pixels must stand out by more than

    def look(self, pixels: Counts16, noise: float) -> None:
        """Learn from a frame, unpatched, in which the scene is elsewhere than in the last; ``noise``: its sigma.

        At once where that may change what is known, else in `go_on`.
        """
        while self._part:
            self.go_on()
        if not self._seen.size:  # the first look
            self._begin(pixels.shape)
        np.copyto(self._pixels, pixels)
        # whole counts: more than the limit is more than its whole part
        self._least = min(int(max(OUTSTANDING * noise, LEAST)), 65535)
        self._part = 1
        while self._close and self._part:
            self.go_on()

    def go_on(self) -> None:
        """The next part of a look that is not done; to be called at every frame without a look."""
        parts = (self._level, self._stand_out, self._count_up)
        if self._part:
            parts[self._part - 1]()
            self._part = (self._part + 1) % (len(parts) + 1)

    def patch(self, pixels: Counts16) -> None:
        """Replace the known bad pixels of ``pixels``, (H, W) uint16 C-contiguous, in place."""
        if self.count:
            flat = pixels.reshape(-1)
            flat[self._where] = np.sort(flat[self._neighbours], axis=1)[:, len(AROUND) // 2]

    def _begin(self, shape: tuple[int, ...]) -> None:
        """Memory for every look to come."""
        self._seen, self._known = np.zeros(shape, np.uint8), np.zeros(shape, np.bool_)
        self._pixels, self._usual = np.empty(shape, np.uint16), np.empty(shape, np.uint16)
        self._known_at = np.nonzero(self._known)
        self._out, self._few = np.empty(shape, np.bool_), np.empty(shape, np.bool_)
        self._near = np.empty(shape, np.uint8)

    def _level(self) -> None:
        cv2.medianBlur(self._pixels, 5, dst=self._usual)

    def _stand_out(self) -> None:
        away = cv2.absdiff(self._pixels, self._usual, dst=self._usual)
        np.greater(away, self._least, out=self._out)
        out = self._out.view(np.uint8)
        cv2.boxFilter(out, cv2.CV_8U, (5, 5), dst=self._near, normalize=False, borderType=cv2.BORDER_CONSTANT)

    def _count_up(self) -> None:
        seen, out, few, near = self._seen, self._out.view(np.uint8), self._few, self._near
        np.less_equal(near, LARGEST, out=few)
        np.bitwise_and(out, few.view(np.uint8), out=near)  # alone
        cv2.add(seen, near, dst=seen)
        # standing out in a crowd says nothing for or against it
        np.multiply(np.logical_not(self._out, out=few).view(np.uint8), np.uint8(MISS), out=near)
        cv2.subtract(seen, near, dst=seen)
        np.minimum(seen, np.uint8(MOST), out=seen)
        if self._sure(SURE) or not seen[self._known_at].all():
            self._known = (seen >= SURE) | (self._known & (seen > 0))
            self._known_at = np.nonzero(self._known)
            self._index()
        self._close = self._sure(SURE - 1) or bool((seen[self._known_at] <= MISS).any())

    def _sure(self, looks: int) -> bool:
        """Whether a pixel that is not known has stood out so often."""
        often = np.count_nonzero(np.greater_equal(self._seen, np.uint8(looks), out=self._few))
        return bool(often > np.count_nonzero(self._seen[self._known_at] >= looks))

    def _index(self) -> None:
        """The neighbours of each bad pixel that are in the frame and sound; of one without any nothing is known."""
        height, width = self._known.shape
        where, neighbours = [], []
        for y, x in zip(*self._known_at, strict=True):
            around = ((int(y) + dy, int(x) + dx) for dy, dx in AROUND)
            sound = [i * width + j for i, j in around if 0 <= i < height and 0 <= j < width and not self._known[i, j]]
            if sound:
                where.append(int(y) * width + int(x))
                neighbours.append((sound * len(AROUND))[: len(AROUND)])
        self.count = len(where)
        self._where = np.array(where, np.intp)
        self._neighbours = np.array(neighbours, np.intp).reshape(-1, len(AROUND))
