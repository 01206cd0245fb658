"""How the camera moved between two frames, from the pictures alone: for flights without a pose.

    picture -> reduced -> phase correlation (a first guess) -> sparse optical flow -> RANSAC -> affine, or why not

The warm objects are left out, as they may move by themselves. A picture of bland ground has little but noise to hold
on to: where too few points agree, nothing is said rather than something wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.track.kalman import Float64

WIDEST = 320  # px, of the picture that is looked at
POINTS, QUALITY, APART_PX = 80, 0.005, 8  # corners, the weakest against the best, and their distance
WINDOW, LEVELS = (11, 11), 2  # of the optical flow
AGREE_PX = 0.75  # distance in the reduced picture up to which a point agrees with the motion
LEAST_POINTS, LEAST_PART = 12, 0.6  # that agree, of those that were found again
LEAST_SPREAD = 0.12  # 1 sigma of where they are, part of the picture's width and height
SCALES = (0.8, 1.25)  # a picture does not grow by more from a frame to the next
RESPONSE = 0.05  # of the phase correlation, from which its shift is a first guess
MARGIN = 0.5  # part of a box's sides by which what is left out is wider

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Measured:
    """``affine``: (2, 3) float64 that takes a point of the ground from its pixel in the picture before to its pixel in
    this one, or None where it cannot be told: then ``reason`` says why. ``points``: that agree with it.
    """

    affine: Float64 | None
    reason: str = ""
    points: int = 0


class MeasuredMotion:
    """Measures the motion from each picture to the next; `measure` is given them in order."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The next picture is a first one: the source was changed, or what is in between is not known."""
        self._before: Picture | None = None
        self._tiny: npt.NDArray[np.float32] | None = None
        self._corners: npt.NDArray[np.float32] | None = None
        self._window: npt.NDArray[np.float32] | None = None

    def measure(self, picture: Picture, boxes: npt.ArrayLike = ()) -> Measured:
        """From the picture before to this one. ``picture``: (H, W) uint8, as normalised. ``boxes``: (N, 4) xyxy px of
        it, detections, which are left out.

        Raises ValueError where the picture is none.
        """
        if picture.ndim != 2 or picture.dtype != np.uint8:
            raise ValueError(f"picture is {picture.dtype} {picture.shape}: expected (H, W) uint8")
        h, w = picture.shape
        times = max(1, -(-max(h, w) // WIDEST))
        size = max(w // times, 1), max(h // times, 1)
        small: Picture = picture.copy()
        if times > 1:
            small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        scale = np.array([w / size[0], h / size[1]])
        mask = _mask(small, np.asarray(boxes, np.float64).reshape(-1, 4), scale)
        tiny = self._reduced(small, mask)
        if self._before is not None and self._before.shape != small.shape:
            self.reset()
        before, corners, tiny_before = self._before, self._corners, self._tiny
        self._before, self._tiny = small, tiny
        half = cv2.resize(small, tiny.shape[::-1], interpolation=cv2.INTER_AREA)
        open_ = cv2.resize(mask, tiny.shape[::-1], interpolation=cv2.INTER_NEAREST)
        found = cv2.goodFeaturesToTrack(half, POINTS, QUALITY, APART_PX / 2, mask=open_, blockSize=3)
        self._corners = None if found is None else np.asarray(2 * found + 0.5, np.float32)
        if before is None or tiny_before is None:
            return Measured(None, "it is the first picture")
        if corners is None or len(corners) < LEAST_POINTS:
            return Measured(None, f"the picture before has {0 if corners is None else len(corners)} corners")
        guess = self._guess(tiny_before, tiny)
        return _told(corners[:, 0], *_flow(before, small, corners, guess), scale, small.shape)

    def _reduced(self, small: Picture, mask: Picture) -> npt.NDArray[np.float32]:
        """Half as large again, without its mean, its detections and its edges: for the phase correlation."""
        h, w = small.shape
        size = max(w // 2, 2), max(h // 2, 2)
        tiny = cv2.resize(small, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        open_ = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0
        tiny -= tiny[open_].mean() if open_.any() else 0.0
        tiny *= open_
        return tiny

    def _guess(self, before: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Shift (2,) in pixels of the reduced picture; 0 where the correlation has no clear peak."""
        if self._window is None or self._window.shape != now.shape:
            self._window = np.asarray(cv2.createHanningWindow(now.shape[::-1], cv2.CV_32F), np.float32)
        shift, response = cv2.phaseCorrelate(before, now, self._window)
        return np.array(shift if response > RESPONSE else (0, 0), np.float32) * 2


def _mask(small: Picture, boxes: Float64, scale: Float64) -> Picture:
    """255 where the ground is looked at, 0 at the detections."""
    mask = np.full(small.shape, 255, np.uint8)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * (-MARGIN, -MARGIN, MARGIN, MARGIN)
    for x1, y1, x2, y2 in np.maximum((boxes + sides) / np.tile(scale, 2), 0).astype(int).tolist():
        mask[y1 : y2 + 1, x1 : x2 + 1] = 0
    return mask


def _flow(
    before: Picture, now: Picture, corners: npt.NDArray[np.float32], guess: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Where the corners are now, (N, 2), and which were found again."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, now, corners, corners + guess, winSize=WINDOW, maxLevel=LEVELS, flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03),
    )  # fmt: skip
    h, w = now.shape
    moved, again = np.asarray(there[:, 0], np.float32), found[:, 0] > 0
    return moved, again & (moved >= 0).all(1) & (moved < (w, h)).all(1)


def _told(
    corners: npt.NDArray[np.float32],
    moved: npt.NDArray[np.float32],
    again: npt.NDArray[np.bool_],
    scale: Float64,
    shape: tuple[int, ...],
) -> Measured:
    n = int(again.sum())
    if n < LEAST_POINTS:
        return Measured(None, f"{n} of {len(corners)} corners were found again: expected {LEAST_POINTS} or more")
    # pixel i covers [i, i + 1) in boxes, OpenCV counts from the middle of a pixel
    old, new = (corners[again] + 0.5) * scale, (moved[again] + 0.5) * scale
    affine, agree = cv2.estimateAffine2D(
        old, new, method=cv2.RANSAC, ransacReprojThreshold=AGREE_PX * float(scale.mean()), maxIters=200
    )
    agreed = 0 if affine is None else int(agree.sum())
    if affine is None or agreed < max(LEAST_POINTS, LEAST_PART * n):
        return Measured(None, f"{agreed} of {n} points agree: expected {max(LEAST_POINTS, LEAST_PART * n):.0f} or more")
    spread = old[agree[:, 0] > 0].std(0) / (np.array(shape[::-1]) * scale)
    if spread.min() < LEAST_SPREAD:
        return Measured(None, "the points that agree lie in one place", agreed)
    grown = np.linalg.svd(affine[:, :2], compute_uv=False)
    if not SCALES[0] < grown[1] <= grown[0] < SCALES[1] or np.linalg.det(affine[:, :2]) < 0:
        return Measured(None, f"the picture would have grown {grown[1]:.2f} to {grown[0]:.2f} times", agreed)
    return Measured(np.asarray(affine, np.float64), "", agreed)
