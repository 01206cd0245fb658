"""What stays at the same pixels while the scene moves: text, crosshairs and scales, and boxes found on them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Detections

Grey = npt.NDArray[np.uint8]
Ground = npt.NDArray[np.float32]

SHRINK = 4  # to tell whether the scene has moved
ALIKE, STRUCTURED = 0.35, 0.3  # correlations: below the one it moved, and below the other it is only noise
THIN_PX, THIN = 5, 40  # a line that is so thin, pixels, and so many levels brighter or darker than both its sides
STEADY = 20  # levels: more than an encoder changes a line
AT_FIRST, EVERY, AT = 8, 6, 5  # every frame of the first, then the 11th, 17th: odd, as `Motion` looks at each eighth
WINDOW, LOOKS = 32, frozenset({4, 8, 12, 16, 24, 32})  # looks
LEAST_PX = 40  # a few letters have more, moving scenes none
WHITE, STARK = 245, 90  # letters: saturated, and so many levels from what is around
LETTERS, LETTER_PX, BASELINE_PX = 5, 8, 3
SAME_PX, SAME_SIZE = 1.5, 0.2
LEAST_TIMES = 8
MOST_BOXES = 64


class Scene:
    """The ground of a frame, small and without slow shades, to compare with another's."""

    def __init__(self, picture: Grey) -> None:
        """``picture``: (H, W) uint8."""
        half = SHRINK // 2
        height, width = (n // SHRINK * SHRINK for n in picture.shape)
        some = picture[:height, :width]
        small = some[::SHRINK, ::SHRINK].astype(np.float32) + some[half::SHRINK, half::SHRINK]
        fine = small - cv2.blur(small, (9, 9))
        # what is drawn into a picture is stark: it must not outweigh the ground
        limit = 2 * float(np.abs(fine).mean()) + 1e-6
        self._fine: Ground = np.clip(fine, -limit, limit)
        self._square = float((self._fine * self._fine).mean()) + 1e-6
        self._structured = float((self._fine[:, 1:] * self._fine[:, :-1]).mean()) > STRUCTURED * self._square

    def moved_since(self, before: Scene) -> bool:
        """Whether it shows another ground than ``before``, or the same from elsewhere."""
        if self._fine.shape != before._fine.shape or not self._structured:
            return False
        both = float((self._fine * before._fine).mean())
        return both < ALIKE * float(np.sqrt(self._square * before._square))


class Fixed:
    """Watches the 8-bit pictures of one flight for pixels, and all pictures for boxes, that do not move with it."""

    def __init__(self) -> None:
        self._given = self._looks = 0
        self._began: Scene | None = None
        self._start = 0  # the frame in which it began
        self._low = self._high = np.zeros((0, 0), np.uint8)
        self._lines = np.zeros((0, 0), bool)  # in the first picture
        self._boxes = np.zeros((0, 4), np.float32)  # (M, 4) xyxy, where each was first seen
        self._times = self._ages = np.zeros(0, np.int32)  # (M,) how often it was there since, in how many looks
        self._since = np.zeros(0, np.int32)  # (M,) in which frame that was
        self._first: list[Scene] = []  # M scenes in which it was
        self.overlay = self.fixed_boxes = ""  # what was seen, in words; "" = nothing

    def look(self, picture: Grey, drawn: bool, found: Detections | None) -> None:
        """Take one frame: ``picture`` (H, W) uint8; ``drawn``: something may be drawn into it, it is no raw counts."""
        self._given += 1
        if self._given > AT_FIRST and self._given % EVERY != AT:
            return
        if min(picture.shape) <= 2 * THIN_PX:  # a side on which no line has both its sides
            return
        scene = Scene(picture)
        if drawn:
            self._look_for_lines(picture, scene)
        if found is not None:
            self._look_for_boxes(found, scene)

    def _look_for_lines(self, picture: Grey, scene: Scene) -> None:
        before = self._began
        if before is None or self._low.shape != picture.shape:
            if before is None and (letters := written_letters(picture)):
                self.overlay = f"{letters} letters in a row"
            self._begin(picture, scene)
            before = scene
        self._looks += 1
        np.minimum(self._low, picture, out=self._low)
        np.maximum(self._high, picture, out=self._high)
        if self._looks in LOOKS and scene.moved_since(before):
            n = int((self._lines & _lines(picture) & (self._high - self._low <= STEADY)).sum())
            stays = n >= LEAST_PX
            self.overlay = (
                f"{n} pixels of lines have not changed in {self._given - self._start + 1} frames" if stays else ""
            )
        if self._looks >= WINDOW:
            self._begin(picture, scene)

    def _begin(self, picture: Grey, scene: Scene) -> None:
        self._looks, self._began, self._start = 0, scene, self._given
        self._low, self._high, self._lines = picture.copy(), picture.copy(), _lines(picture)

    def _look_for_boxes(self, found: Detections, scene: Scene) -> None:
        boxes = found.boxes
        same = _same(self._boxes, boxes)
        times, ages = self._times + same.any(axis=1), self._ages + 1
        new = np.flatnonzero(~same.any(axis=0))
        kept = np.flatnonzero(times >= 0.7 * ages - 1)[: max(MOST_BOXES - len(new), 0)]
        self._boxes = np.concatenate([self._boxes[kept], boxes[new]])
        ones = np.ones(len(new), np.int32)
        self._times, self._ages = np.concatenate([times[kept], ones]), np.concatenate([ages[kept], ones])
        self._since = np.concatenate([self._since[kept], ones * self._given])
        self._first = [self._first[i] for i in kept] + [scene] * len(new)
        still = [i for i in np.flatnonzero(self._times >= LEAST_TIMES) if scene.moved_since(self._first[i])]
        self.fixed_boxes = ""
        if still:
            x, y = (self._boxes[still[0], :2] + self._boxes[still[0], 2:]) / 2
            what = f"1 box, at {x:.0f},{y:.0f}," if len(still) == 1 else f"{len(still)} boxes, one at {x:.0f},{y:.0f},"
            self.fixed_boxes = f"{what} not moved in {self._given - int(self._since[still].min()) + 1} frames"


def written_letters(picture: Grey) -> int:
    """How many letters stand in one row of a single picture, (H, W) uint8: stark, saturated, thin, on one line.

    0 where there are fewer than 5. Of 290 frames of HIT-UAV without text none has more than one such piece.
    """
    most = 0
    for grey in (picture, np.bitwise_not(picture)):
        stark = (_line(grey, STARK) & (grey >= WHITE)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(stark, connectivity=8)
        letters = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= LETTER_PX]
        below = np.sort(letters[:, cv2.CC_STAT_TOP] + letters[:, cv2.CC_STAT_HEIGHT])
        in_row = np.searchsorted(below, below + BASELINE_PX, "right") - np.arange(len(below))
        most = max(most, int(in_row.max(initial=0)))
    return most if most >= LETTERS else 0


def _lines(picture: Grey) -> npt.NDArray[np.bool_]:
    return _line(picture, THIN) | _line(np.bitwise_not(picture), THIN)


def _line(picture: Grey, levels: int) -> npt.NDArray[np.bool_]:
    """(H, W) bool: so much brighter than what is beside it on both sides, or above and below."""
    line, k = np.zeros(picture.shape, bool), THIN_PX
    for before, here, behind, there in (
        (picture[:, : -2 * k], picture[:, k:-k], picture[:, 2 * k :], line[:, k:-k]),
        (picture[: -2 * k], picture[k:-k], picture[2 * k :], line[k:-k]),
    ):
        there |= cv2.subtract(here, cv2.max(before, behind)) >= levels  # never below 0
    return line


def _same(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(M, N) bool: which of the boxes ``before``, (M, 4) xyxy, lie where one of ``now``, (N, 4), does, of its size."""
    a, b = before[:, None], now[None]
    off = np.abs((a[..., :2] + a[..., 2:]) - (b[..., :2] + b[..., 2:])).max(axis=2) / 2
    size, its = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    alike = np.abs(size - its).max(axis=2) <= np.maximum(2, SAME_SIZE * size.max(axis=2))
    return np.asarray((off <= SAME_PX) & alike)
