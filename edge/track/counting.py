"""How many there are: tracks on the ground, of several passes over it, to a count with an interval and its proof.

Two tracks of one pass never are one object. Tracks of different passes are merged one to one, where they may be the
same: as near as their positions' uncertainty, the passes' common error and what an animal walks in between allow; and
no more of them than can be expected to have been on ground that an earlier pass looked at. The interval comes from
doing all that again, many times, with redrawn positions, passes' errors, speeds, scores and missed objects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import lap
import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.track.kalman import Float64, Indices

GATE = 9.2  # squared distance in 1 sigma of two axes that 99 % of true pairs keep
SPEED_SPREAD = 0.5  # 1 sigma of the log of an animal's speed, in the draws
DRAWN, REDRAWN = 64, 12  # points that tell how likely a pass looked at an object: in the count, in each redraw
METHOD = (
    "tracks of different passes merged one to one, redrawn {draws} times: positions, passes' errors, speeds, scores, "
    "missed objects"
)


@dataclass(frozen=True, slots=True)
class GroundTrack:
    """A track on the ground. ``id``: of the track. ``label``: its class. ``score``: 0..1, how likely it is one of the
    class at all, by what was seen of it alone. ``east``, ``north``: metres from any fixed point, its mean position.
    ``sigma_m``: 1 sigma of that along each axis, without what all tracks of the pass have in common. ``first_t``,
    ``last_t``: seconds. ``pass_number``: see `edge.track.passes.pass_numbers`.
    """

    id: int
    label: int
    score: float
    east: float
    north: float
    sigma_m: float
    first_t: float
    last_t: float
    pass_number: int


@dataclass(frozen=True, slots=True)
class Count:
    """Of one class. ``tracks``: how many. ``count``: objects. ``low``, ``high``: an interval that holds their number
    with probability ``level``, by ``method``. ``animals``: the ids of each object's tracks, in the order of the passes.
    """

    tracks: int
    count: int
    low: int
    high: int
    level: float
    method: str
    animals: tuple[tuple[int, ...], ...]


def count(
    tracks: Sequence[GroundTrack],
    *,
    speed: float | Mapping[int, float] = 0.3,
    pass_error_m: float = 2.0,
    areas: Mapping[int, npt.ArrayLike] | None = None,
    found: float = 0.95,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> dict[int, Count]:
    """How many objects of each label the tracks are of.

    ``speed``: m/s that an object of a class goes between two passes, by its label or of all. ``pass_error_m``: 1 sigma,
    metres along each axis, of the error that all positions of one pass share (alignment, position of the aircraft).
    ``areas``: by pass number (M, 2) metres east and north, points whose convex hull a pass looked at: the corners of
    its footprints; None where that is not known: then too many are merged of animals that walk far. ``found``: how
    likely a pass makes a track of an object that it looks at. What was missed has no proof and is not in ``count``,
    but it is in the interval. ``level``: of the interval. ``draws``: how often all is done again for it. ``seed``: the
    same gives the same.

    Raises InputError where a setting or a track's number cannot be one.
    """
    if not 0 < level < 1 or draws < 1 or not 0 <= pass_error_m < math.inf or not 0 < found <= 1:
        raise InputError(
            f"counting: level={level}, draws={draws}, pass_error_m={pass_error_m}, found={found}: expected a level "
            "between 0 and 1, 1 draw or more, metres from 0 on, a part above 0 and up to 1"
        )
    hulls = {} if areas is None else {number: _hull(points) for number, points in areas.items()}
    for one in tracks:
        numbers = (one.east, one.north, one.sigma_m, one.first_t, one.last_t)
        if not all(map(math.isfinite, numbers)) or one.sigma_m < 0 or not 0 <= one.score <= 1:
            raise InputError(f"counting: {one}: expected finite metres and seconds, sigma_m from 0, a score of 0..1")
    counts: dict[int, Count] = {}
    for label in sorted({one.label for one in tracks}):
        walks = speed if isinstance(speed, int | float) else speed.get(label, 0.0)
        if not 0 <= walks < math.inf:
            raise InputError(f"counting: speed {walks} of label {label}: expected m/s from 0 on")
        of_it = sorted((one for one in tracks if one.label == label), key=lambda one: (one.pass_number, one.id))
        rng = np.random.default_rng([seed, label])
        counts[label] = _count(of_it, _Ground(walks, pass_error_m, hulls), found, level, draws, rng)
    return counts


def _count(
    tracks: Sequence[GroundTrack], ground: _Ground, found: float, level: float, draws: int, rng: np.random.Generator
) -> Count:
    at = np.array([(one.east, one.north) for one in tracks])
    sigma = np.array([one.sigma_m for one in tracks])
    times = np.array([(one.first_t + one.last_t) / 2 for one in tracks])
    scores = np.array([one.score for one in tracks])
    passes = np.array([one.pass_number for one in tracks])
    numbers, which = np.unique(passes, return_inverse=True)
    animal = merge(at, sigma, times, passes, scores, ground)
    sure = _likely(animal, scores, passes, times, at, sigma, ground, found)
    drawn, more = np.zeros(draws), np.zeros(draws)
    for k in range(draws):
        real = rng.random(len(tracks)) < sure[animal]
        shift = rng.normal(0, ground.error, (len(numbers), 2)) if len(numbers) > 1 else np.zeros((1, 2))
        moved = at + rng.normal(0, 1, at.shape) * sigma[:, None] + shift[which]
        # positions that were wrong once are wrong twice now, and the gate is as much wider
        wider = _Ground(ground.speed * math.exp(rng.normal(0, SPEED_SPREAD)), ground.error * 2**0.5, ground.hulls)
        again = merge(moved[real], sigma[real] * 2**0.5, times[real], passes[real], np.ones(real.sum()), wider, rng)
        looks = np.bincount(again)
        missed = (1 - found) ** looks
        drawn[k], more[k] = len(looks), rng.poisson((missed / (1 - missed)).sum())
    # redrawn positions find each other less often: the spread is taken from them, to both sides, not the mean
    off = drawn - drawn.mean()
    drawn = float(sure.sum()) + np.concatenate((off, -off))
    # what was missed can only be more
    low = float(np.quantile(drawn, (1 - level) / 2))
    high = float(np.quantile(drawn + np.tile(more, 2), (1 + level) / 2))
    number = round(float(sure.sum()))
    return Count(
        tracks=len(tracks),
        count=number,
        low=max(min(math.floor(low), number), 0),
        high=max(math.ceil(high), number),
        level=level,
        method=METHOD.format(draws=draws),
        animals=tuple(tuple(tracks[i].id for i in (animal == k).nonzero()[0]) for k in range(animal.max() + 1)),
    )


def _likely(
    animal: Indices,
    scores: Float64,
    passes: npt.NDArray[np.integer],
    times: Float64,
    at: Float64,
    sigma: Float64,
    ground: _Ground,
    found: float,
) -> Float64:
    """How likely each object is one: by its tracks' scores, and by the passes that looked there and saw nothing."""
    chance = np.array([np.prod(1 - scores[animal == k]) for k in range(animal.max() + 1)])
    first = np.unique(animal, return_index=True)[1]
    unseen, points = np.ones(len(first)), np.random.default_rng(0)
    for number in np.unique(passes).tolist():
        if number not in ground.hulls:
            continue
        flown = passes == number
        others = np.flatnonzero(~np.isin(np.arange(len(first)), animal[flown]))
        who, when = first[others], float(times[flown].mean())
        looked = ground.looked_at(at[who], sigma[who], times[who], number, when, points, DRAWN)
        unseen[others] *= 1 - found * looked
    sure = (1 - chance) * unseen
    return np.asarray(sure / np.maximum(sure + chance, 1e-12))


@dataclass(frozen=True, slots=True)
class _Ground:
    """What objects and passes do there. ``speed``: m/s. ``error``: m, of a pass. ``hulls``: (M, 2) m by pass number."""

    speed: float
    error: float
    hulls: Mapping[int, npt.NDArray[np.float32]]

    def looked_at(
        self, at: Float64, sigma: Float64, times: Float64, number: int, other_s: float, rng: np.random.Generator, n: int
    ) -> Float64:
        """How likely (N,) an earlier pass, flown about ``other_s``, looked at each of these objects."""
        hull = self.hulls[number]
        # a deviation of each axis: both positions' errors, and the way in between
        wide = np.sqrt(sigma**2 + 2 * self.error**2 + (self.speed * (times - other_s)) ** 2 / 2)
        points = at[:, None] + wide[:, None, None] * rng.normal(0, 1, (n, 2))
        after = np.roll(hull, -1, axis=0)
        edge = after - hull  # anticlockwise: inside is left of every edge
        aside = points[:, :, None] - hull
        left = edge[:, 0] * aside[..., 1] - edge[:, 1] * aside[..., 0]
        return np.asarray((left >= 0).all(2).mean(1))


def _hull(points: npt.ArrayLike) -> npt.NDArray[np.float32]:
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
    ground: _Ground,
    rng: np.random.Generator | None = None,
) -> Indices:
    """The object (N,), numbered from 0, that each track belongs to; no two of one pass belong to one.

    ``at``: (N, 2) m. ``sigma``: (N,) m. ``times``: (N,) s. ``passes``: (N,), ``scores``: (N,). ``rng``: draws how many
    were looked at before; without it that is the number to be expected.
    """
    animal = np.full(len(at), -1, np.intp)
    latest = np.zeros(0, np.intp)  # the newest track of each object
    points, drawn = rng or np.random.default_rng(0), DRAWN if rng is None else REDRAWN
    past: list[tuple[int, float]] = []
    for number in np.unique(passes).tolist():
        now = (passes == number).nonzero()[0]
        rows, columns, cost = _same(at, sigma, times, latest, now, ground)
        if len(rows) and all(earlier in ground.hulls for earlier, _ in past):
            not_before = np.ones(len(now))
            for earlier, when in past:
                not_before *= 1 - ground.looked_at(at[now], sigma[now], times[now], earlier, when, points, drawn)
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


def _same(
    at: Float64, sigma: Float64, times: Float64, before: Indices, now: Indices, ground: _Ground
) -> tuple[Indices, Indices, Float64]:
    """Rows of ``before`` and of ``now`` that may be one object, one to one, and the squared distances in 1 sigma."""
    nothing = np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    if not len(before) or not len(now):
        return nothing
    way = at[before][:, None] - at[now]
    walked = ground.speed * np.abs(times[before][:, None] - times[now])
    variance = sigma[before][:, None] ** 2 + sigma[now] ** 2 + 2 * ground.error**2 + walked**2 / 2
    far = (way**2).sum(-1) / np.maximum(variance, 1e-6)
    if not (far < GATE).any():
        return nothing
    table = np.where(far < GATE, far, 1e6)
    partner = lap.lapjv(table, extend_cost=True, cost_limit=2 * GATE, return_cost=False)[0]
    rows = ((partner >= 0) & (table[np.arange(len(partner)), partner] < GATE)).nonzero()[0]
    columns = partner[rows].astype(np.intp)
    return rows, columns, table[rows, columns]
