"""What a tracker is given, checked: a wrong number would go on in every track that it touches."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.track.association import Found
from edge.track.kalman import AREA, HITS, LABEL, ROWS, SCORES, VX, VY, Float64, H, W, X, Y

Limit = float | Float64
"""A score: of all labels, or (C,) by label; the last holds for all labels that are higher, too."""

FARTHEST, MOST_CLASSES = 1e6, 10_000  # px; labels


def checked(boxes: npt.ArrayLike, scores: npt.ArrayLike, labels: npt.ArrayLike) -> Found:
    """Raises ValueError where a shape or a value cannot be one; says which."""
    b = np.asarray(boxes, np.float64)
    if b.size == 0:
        b = b.reshape(0, 4)
    if b.ndim != 2 or b.shape[1] != 4:
        raise ValueError(f"boxes are {b.shape}: expected (N, 4), xyxy pixels")
    n, given_scores, given = len(b), np.asarray(scores, np.float64), np.asarray(labels)
    for name, array in (("scores", given_scores), ("labels", given)):
        if array.shape != (n,):
            raise ValueError(f"{name} are {array.shape} beside {n} boxes: expected one each")
    s = np.zeros((ROWS, n))
    if not n:
        return Found(s, 1.0, 0)
    s[X : VY + 1], s[SCORES], s[LABEL] = b.T, given_scores, given  # the corners, for now
    # the least and the most of every row at once; compared so that a NaN fails
    least, most = np.minimum.reduce(s, axis=1).tolist(), np.maximum.reduce(s, axis=1).tolist()
    fine = least[X] > -FARTHEST and least[Y] > -FARTHEST and most[VX] < FARTHEST and most[VY] < FARTHEST
    if fine:
        np.subtract(s[VX : VY + 1], s[X : Y + 1], out=s[W : H + 1])
        fine = bool(np.minimum.reduce(s[W : H + 1], axis=None) > 0)
    if not fine:
        wrong = ~((b[:, 2:] > b[:, :2]).all(1) & (abs(b) < FARTHEST).all(1))
        i = int(wrong.nonzero()[0][0])
        raise ValueError(f"box {i} is {b[i].tolist()}: expected numbers, x1 < x2 and y1 < y2")
    if not (least[SCORES] >= 0 and most[SCORES] <= 1):
        raise ValueError(f"scores are {least[SCORES]}..{most[SCORES]}: expected 0..1")
    whole = given.dtype.kind in "iu" or (s[LABEL] == np.floor(s[LABEL])).all()
    if not (whole and least[LABEL] >= 0 and most[LABEL] < MOST_CLASSES):
        raise ValueError(f"labels are {given.tolist()[:8]}: expected whole numbers from 0 to {MOST_CLASSES - 1}")
    middle = s[X : Y + 1]
    middle += s[VX : VY + 1]
    middle *= 0.5
    np.multiply(s[W], s[H], out=s[AREA])
    s[HITS] = 1
    return Found(s, least[SCORES], int(most[LABEL]) + 1)


def checked_limits(low: Limit, begin: Limit, high: Limit) -> None:
    """Raises InputError where a score cannot be one, or ``low`` is not the least of a class."""
    try:
        fine = bool(np.all((low >= 0) & (low <= begin) & (begin <= 1) & (low <= high) & (high <= 1)))
    except ValueError:  # of different numbers of labels
        fine = False
    if not fine:
        raise InputError(
            f"tracker: low={low}, begin={begin}, high={high}: expected scores from 0 to 1, low the least of them"
        )


def reaching(found: Found, limit: Limit) -> npt.NDArray[np.bool_]:
    """(N,) bool: which of the detections have the score ``limit`` or more, each that of its label."""
    if isinstance(limit, np.ndarray):
        limit = limit.take(found.s[LABEL].astype(np.intp), mode="clip")
    return np.asarray(found.s[SCORES] >= limit)


def checked_motion(given: npt.ArrayLike) -> Float64:
    """(2, 3) float64. Raises ValueError where it is no affine of a moving camera."""
    motion = np.asarray(given, np.float64)
    if motion.shape != (2, 3) or not all(map(math.isfinite, motion.ravel().tolist())):
        raise ValueError(f"motion is {motion.tolist()}: expected a (2, 3) affine of numbers, or None")
    (a, b, _), (c, d, _) = motion.tolist()
    area = a * d - b * c
    if not 0.01 < area < 100:
        raise ValueError(
            f"motion changes areas by {area:g}: expected 0.01 to 100, the affine from the frame before to this one"
        )
    return motion
