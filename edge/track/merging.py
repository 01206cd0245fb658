"""Which tracks of different passes are of one object: one to one, no more of them than were looked at before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import lap
import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.track.herds import HERD_M, velocities
from edge.track.kalman import Float64, Indices

GATE = 9.2  # squared distance in 1 sigma of two axes that 99 % of true pairs keep
ROWS = 256  # of a table of distances that are computed at a time: of thousands of tracks all would be hundreds of MB
DRAWN = 64  # points that tell how likely a pass looked at an object


@dataclass(frozen=True, slots=True)
class Ground:
    """What objects and passes do there. ``speed``: m/s. ``error``: m, of a pass. ``hulls``: (M, 2) m by pass number,
    anticlockwise. ``herd``: how likely neighbours are of one herd, see `edge.track.herds.together`.
    """

    speed: float
    error: float
    hulls: Mapping[int, npt.NDArray[np.float32]]
    herd: float = 0.0

    def looked_at(
        self, at: Float64, sigma: Float64, times: Float64, number: int, other_s: float, rng: np.random.Generator
    ) -> Float64:
        """How likely (N,) an earlier pass, flown about ``other_s``, looked at each of these objects."""
        # a deviation of each axis: both positions' errors, and the way in between
        wide = np.sqrt(sigma**2 + 2 * self.error**2 + (self.speed * (times - other_s)) ** 2 / 2)
        points = at[:, None] + wide[:, None, None] * rng.normal(0, 1, (DRAWN, 2))
        return np.asarray(inside(self.hulls[number], points).mean(1))


def inside(hull: npt.NDArray[np.float32], points: Float64) -> npt.NDArray[np.bool_]:
    """Which of the points (..., 2) m lie within the corners (M, 2), anticlockwise."""
    within = np.ones(points.shape[:-1], np.bool_)
    for corner, (x, y) in zip(hull, np.roll(hull, -1, axis=0) - hull, strict=True):  # inside is left of every edge
        aside = points - corner
        within &= x * aside[..., 1] - y * aside[..., 0] >= 0
    return within


def hull_of(points: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Corners (M, 2) of the convex hull, anticlockwise. Raises InputError where there is none."""
    given = np.asarray(points, np.float32)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) < 3 or not np.isfinite(given).all():
        raise InputError(f"counting: an area is {given.shape}: expected (M, 2) metres, 3 corners or more")
    hull = cv2.convexHull(given)[:, 0]
    after = np.roll(hull, -1, axis=0)
    turn = (hull[:, 0] * after[:, 1] - hull[:, 1] * after[:, 0]).sum()
    return np.asarray(hull if turn > 0 else hull[::-1], np.float32)


def merge(
    at: Float64,
    sigma: Float64,
    times: Float64,
    passes: npt.NDArray[np.integer],
    scores: Float64,
    ground: Ground,
    rng: np.random.Generator | None = None,
) -> Indices:
    """The object (N,), numbered from 0, that each track belongs to; no two of one pass belong to one.

    ``at``: (N, 2) m. ``sigma``: (N,) m. ``times``: (N,) s. ``passes``: (N,), ``scores``: (N,). ``rng``: draws the ways
    that the objects went, those of a herd together, and so who was looked at before; without it the number of those is
    what is to be expected.
    """
    animal = np.full(len(at), -1, np.intp)
    latest = np.zeros(0, np.intp)  # the newest track of each object
    numbers = np.unique(passes).tolist()
    going = None if rng is None or len(numbers) < 2 else _going(at, times, ground, rng)
    points = np.random.default_rng(0)
    past: list[tuple[int, float]] = []
    for number in numbers:
        now = (passes == number).nonzero()[0]
        rows, columns, cost = _same(at, sigma, times, latest, now, ground)
        if len(rows) and all(earlier in ground.hulls for earlier, _ in past):
            not_before = np.ones(len(now))
            for earlier, when in past:
                if rng is None or going is None:
                    looked = ground.looked_at(at[now], sigma[now], times[now], earlier, when, points)
                else:
                    off = np.sqrt(sigma[now] ** 2 + 2 * ground.error**2)[:, None] * rng.normal(0, 1, (len(now), 2))
                    there = at[now] + off - going[now] * (times[now] - when)[:, None]
                    looked = inside(ground.hulls[earlier], there).astype(np.float64)
                not_before *= 1 - looked
            likely = scores[now] * (1 - not_before)
            most = round(float(likely.sum())) if rng is None else int((rng.random(len(now)) < likely).sum())
            nearest = np.argsort(cost, kind="stable")[:most]
            rows, columns = rows[nearest], columns[nearest]
        animal[now[columns]] = rows
        latest[rows] = now[columns]
        fresh = now[animal[now] < 0]
        animal[fresh] = len(latest) + np.arange(len(fresh))
        latest = np.concatenate((latest, fresh))
        past.append((number, float(times[now].mean())))
    return animal


def _going(at: Float64, times: Float64, ground: Ground, rng: np.random.Generator) -> Float64:
    """A draw of their velocities, (N, 2) m/s: a herd goes on as it went through all passes."""
    return velocities(at, ground.speed, ground.herd, HERD_M + ground.speed * float(np.ptp(times)), rng)


def _same(
    at: Float64, sigma: Float64, times: Float64, before: Indices, now: Indices, ground: Ground
) -> tuple[Indices, Indices, Float64]:
    """Rows of ``before`` and of ``now`` that may be one object, one to one, and the squared distances in 1 sigma."""
    nothing = np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    if not len(before) or not len(now):
        return nothing
    kept, which_rows = [], []
    for begin in range(0, len(before), ROWS):
        part = before[begin : begin + ROWS]
        walked = ground.speed * np.abs(times[part][:, None] - times[now])
        variance = sigma[part][:, None] ** 2 + sigma[now] ** 2 + 2 * ground.error**2 + walked**2 / 2
        far = ((at[part][:, None] - at[now]) ** 2).sum(-1) / np.maximum(variance, 1e-6)
        near = (far < GATE).any(1)
        kept.append(far[near])
        which_rows.append(begin + near.nonzero()[0])
    rows, far = np.concatenate(which_rows), np.concatenate(kept)
    if not len(rows):
        return nothing
    columns = (far < GATE).any(0).nonzero()[0]  # the solver's time grows with the table's cube
    far = far[:, columns]
    # what a pair saves, as alone each of the two would cost the gate; lap's own cost_limit says the same by a table of
    # rows and columns together, and takes three times as long, of a thousand tracks twenty times
    partner = lap.lapjv(np.where(far < GATE, far - 2 * GATE, 0.0), extend_cost=True, return_cost=False)[0]
    paired = ((partner >= 0) & (partner < far.shape[1])).nonzero()[0]
    which = paired[far[paired, partner[paired]] < GATE]
    theirs = partner[which].astype(np.intp)
    return rows[which], columns[theirs], far[which, theirs]
