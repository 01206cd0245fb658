"""What a tracker is given, checked: a wrong number would go on in every track that it touches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.track.association import Found
from edge.track.kalman import Float64

FARTHEST, MOST_CLASSES = 1e6, 10_000  # px; labels


def checked(boxes: npt.ArrayLike, scores: npt.ArrayLike, labels: npt.ArrayLike) -> Found:
    """Raises ValueError where a shape or a value cannot be one; says which."""
    b = np.asarray(boxes, np.float64)
    if b.size == 0:
        b = b.reshape(0, 4)
    if b.ndim != 2 or b.shape[1] != 4:
        raise ValueError(f"boxes are {b.shape}: expected (N, 4), xyxy pixels")
    n, s, given = len(b), np.asarray(scores, np.float64), np.asarray(labels)
    for name, array in (("scores", s), ("labels", given)):
        if array.shape != (n,):
            raise ValueError(f"{name} are {array.shape} beside {n} boxes: expected one each")
    whole, exact = given.astype(np.intp, copy=False), given.dtype.kind in "iu"
    corners = np.ascontiguousarray(b.T)
    sides = corners[2:] - corners[:2]
    if n:
        # written so that a NaN fails
        if not (sides.min() > 0 and abs(b).max() < FARTHEST):
            wrong = ~((sides > 0).all(0) & (abs(b) < FARTHEST).all(1))
            i = int(wrong.nonzero()[0][0])
            raise ValueError(f"box {i} is {b[i].tolist()}: expected numbers, x1 < x2 and y1 < y2")
        if not (s.min() >= 0 and s.max() <= 1):
            raise ValueError(f"scores are {s.min()}..{s.max()}: expected 0..1")
        if not ((exact or (whole == given).all()) and whole.min() >= 0 and whole.max() < MOST_CLASSES):
            raise ValueError(f"labels are {given.tolist()[:8]}: expected whole numbers from 0 to {MOST_CLASSES - 1}")
    return Found(b, (corners[:2] + corners[2:]) / 2, sides, s, whole)


def checked_motion(given: npt.ArrayLike) -> Float64:
    """(2, 3) float64. Raises ValueError where it is no affine of a moving camera."""
    motion = np.asarray(given, np.float64)
    if motion.shape != (2, 3) or not np.isfinite(motion).all():
        raise ValueError(f"motion is {motion.tolist()}: expected a (2, 3) affine of numbers, or None")
    area = motion[0, 0] * motion[1, 1] - motion[0, 1] * motion[1, 0]
    if not 0.01 < area < 100:
        raise ValueError(
            f"motion changes areas by {area:g}: expected 0.01 to 100, the affine from the frame before to this one"
        )
    return motion
