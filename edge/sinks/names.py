"""Where the names of boxes stand in a picture: none covers another name, nor any box; a name for which there is no room
becomes shorter, moves away on a line, or is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]
Place = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""

GAP = 3  # px between a name and its box
ROWS = (1, 2)  # heights of a name that it stands away from its box at most: longer lines would cross the animals


class Name(NamedTuple):
    """``which``: of the texts that were given for the box, 0 the longest. ``line``: it stands away from its box."""

    place: Place
    which: int
    line: bool


def place_names(
    boxes: Sequence[Place], sizes: Sequence[Sequence[tuple[int, int]]], picture: Place
) -> list[Name | None]:
    """The name of each box, those before choosing first; None: there is no room.

    ``boxes``: what must not be covered. ``sizes``: of each box the width and height of each of its texts, the longest
    first; as many boxes as here have a name. ``picture``: names stay inside of it.
    """
    taken = np.zeros((len(boxes) + len(sizes), 4), np.int64)
    taken[: len(boxes)] = np.array(boxes, np.int64).reshape(-1, 4)
    used, found = len(boxes), list[Name | None]()
    for box, texts in zip(boxes, sizes, strict=False):
        chosen = None
        # the whole name beside its box, then a shorter one, and only then the shortest further away
        for which, away in [*((which, False) for which in range(len(texts))), (len(texts) - 1, True)]:
            wide, high = texts[which]
            corners = _away(box, wide, high) if away else _beside(box, wide, high)
            places = _inside(np.concatenate((corners, corners + np.array([wide, high])), axis=1), picture)
            free = np.flatnonzero(~_meets(places, taken[:used]))
            if len(free):
                left, top, right, bottom = places[free[0]].tolist()
                chosen = Name((left, top, right, bottom), which, away)
                break
        if chosen is not None:
            taken[used] = chosen.place
            used += 1
        found.append(chosen)
    return found


def _beside(box: Place, wide: int, high: int) -> Int:
    """Left and top of the places next to a box: above, below, right, left; then aligned with its other side."""
    x1, y1, x2, y2 = box
    above, below = y1 - high - GAP, y2 + GAP
    return np.array(
        [
            *((x1, above), (x1, below), (x2 + GAP, y1), (x1 - wide - GAP, y1)),
            *((x2 - wide, above), (x2 - wide, below), (x2 + GAP, y2 - high), (x1 - wide - GAP, y2 - high)),
        ]
    )


def _away(box: Place, wide: int, high: int) -> Int:
    """The same further away, the nearest first."""
    x1, y1, x2, y2 = box
    found = []
    for row in ROWS:
        off = row * (high + GAP)
        for x in (x2 + GAP, x1 - wide - GAP, x1):
            found += [(x, y1 - off - high), (x, y2 + off)]
    return np.array(found)


def _inside(places: Int, picture: Place) -> Int:
    """Those that lie in the picture; one that would not, is moved there."""
    left, top, right, bottom = picture
    low = np.maximum(np.array([left, top]) - places[:, :2], 0)
    high = np.minimum(np.array([right, bottom]) - places[:, 2:], 0)
    moved: Int = np.where(low > 0, low, high)
    return places + np.concatenate((moved, moved), axis=1)


def _meets(places: Int, taken: Int) -> npt.NDArray[np.bool_]:
    """Which of the places (N, 4) share a pixel with any that is taken."""
    one, other = places[:, None], taken[None]
    return np.asarray(((one[..., :2] < other[..., 2:]) & (other[..., :2] < one[..., 2:])).all(-1).any(-1))
