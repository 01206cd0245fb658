"""Which parts of a flight saw the same ground again: within one pass, two tracks are two objects."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.track.kalman import Float64

AWAY_S = 5.0  # ground that was out of sight for so long, and is seen again, begins a new pass
CELLS = 16  # in the width of the median footprint
AGAIN, LEAST_CELLS = 0.1, 3  # part of the ground that comes into sight which must have been there before; its cells
MOST_CELLS = 4096  # of the map's side


def pass_numbers(t: npt.ArrayLike, footprints: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The pass (N,) int32, from 0, that each frame of a flight belongs to.

    ``t``: (N,) seconds, rising. ``footprints``: (N, 4, 2) metres east and north: the ground's corners in the picture,
    in their order around it; NaN where they are not known, which stays in the pass before.
    A pass ends where ground is seen that the same pass has seen before and lost sight of for `AWAY_S`: the next line
    of a survey that overlaps the one before, the way back, a circle.

    Raises ValueError where the times do not rise or the shapes are others.
    """
    times, corners = np.asarray(t, np.float64), np.asarray(footprints, np.float64)
    if times.ndim != 1 or corners.shape != (len(times), 4, 2):
        raise ValueError(f"t is {times.shape}, footprints are {corners.shape}: expected (N,) and (N, 4, 2)")
    if not (np.diff(times) >= 0).all() or not np.isfinite(times).all():
        raise ValueError("t does not rise: expected the frames in the order of their times, in seconds")
    numbers = np.zeros(len(times), np.int32)
    known = np.isfinite(corners).all((1, 2)).nonzero()[0]
    if not len(known):
        return numbers
    cells, size = _on_map(corners[known])
    seen = np.full((size[1], size[0]), -np.inf)
    number, began = 0, times[known[0]]
    for i, place in zip(known.tolist(), cells, strict=True):
        (x, y), (right, low) = place.min(0), place.max(0) + 1
        part = seen[y:low, x:right]
        inside = cv2.fillConvexPoly(np.zeros(part.shape, np.uint8), place - (x, y), (1,)) > 0
        last, now = part[inside], times[i]
        comes = last < now - AWAY_S
        again = np.count_nonzero(comes & (last >= began))
        if again >= max(LEAST_CELLS, AGAIN * np.count_nonzero(comes)):
            number, began = number + 1, now
        part[inside] = now
        numbers[i:] = number
    return numbers


def _on_map(corners: Float64) -> tuple[npt.NDArray[np.int32], tuple[int, int]]:
    """Corners in cells of a map, and its width and height."""
    widths = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    least, most = corners.min((0, 1)), corners.max((0, 1))
    cell = max(float(np.median(widths)) / CELLS, float((most - least).max()) / MOST_CELLS, 1e-3)
    cells = np.floor((corners - least) / cell).astype(np.int32)
    width, height = (cells.max((0, 1)) + 1).tolist()
    return cells, (width, height)
