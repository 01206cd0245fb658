"""How many there are: tracks on the ground, of several passes over it, to a count with an interval and its proof.

Two tracks of one pass never are one object. Tracks of different passes are merged one to one, where they may be the
same: as near as their positions' uncertainty, the passes' common error and what an animal walks in between allow; and
no more of them than can be expected to have been on ground that an earlier pass looked at. The interval comes from
doing all that again, many times, with redrawn positions, passes' errors, speeds, scores and missed objects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.track.herds import together
from edge.track.kalman import Float64, Indices
from edge.track.merging import Ground, hull_of, merge

MANY = 200  # tracks of a class; with more it is redrawn less often, as their square,
LEAST_DRAWS = 20  # at the least
SPEED_SPREAD = 0.5  # 1 sigma of the log of an animal's speed, in the draws
METHOD = (
    "tracks of different passes merged one to one, redrawn {draws} times: positions, passes' errors, the ways of herds "
    "and of single animals, speeds, scores, missed objects"
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
    alive: Callable[[], None] = lambda: None,
) -> dict[int, Count]:
    """How many objects of each label the tracks are of.

    ``speed``: m/s that an object of a class goes between two passes, by its label or of all. ``pass_error_m``: 1 sigma,
    metres along each axis, of the error that all positions of one pass share (alignment, position of the aircraft).
    ``areas``: by pass number (M, 2) metres east and north, points whose convex hull a pass looked at: the corners of
    its footprints; None where that is not known: then too many are merged of animals that walk far. ``found``: how
    likely a pass makes a track of an object that it looks at. What was missed has no proof and is not in ``count``,
    but it is in the interval. ``level``: of the interval. ``draws``: how often all is done again for it; less often
    with more than `MANY` tracks of a class. ``seed``: the same gives the same. ``alive``: called before each draw,
    for who watches how long a step takes: with thousands of tracks all of them may take a minute.

    Raises InputError where a setting or a track's number cannot be one.
    """
    if not 0 < level < 1 or draws < 1 or not 0 <= pass_error_m < math.inf or not 0 < found <= 1:
        raise InputError(
            f"counting: level={level}, draws={draws}, pass_error_m={pass_error_m}, found={found}: expected a level "
            "between 0 and 1, 1 draw or more, metres from 0 on, a part above 0 and up to 1"
        )
    hulls = {} if areas is None else {number: hull_of(points) for number, points in areas.items()}
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
        again = max(min(draws, LEAST_DRAWS), int(draws * min(1.0, MANY / len(of_it)) ** 2))
        counts[label] = _count(of_it, Ground(walks, pass_error_m, hulls), found, level, again, rng, alive)
    return counts


def _count(
    tracks: Sequence[GroundTrack],
    ground: Ground,
    found: float,
    level: float,
    draws: int,
    rng: np.random.Generator,
    alive: Callable[[], None],
) -> Count:
    at = np.array([(one.east, one.north) for one in tracks])
    sigma = np.array([one.sigma_m for one in tracks])
    times = np.array([(one.first_t + one.last_t) / 2 for one in tracks])
    scores = np.array([one.score for one in tracks])
    passes = np.array([one.pass_number for one in tracks])
    numbers, which = np.unique(passes, return_inverse=True)
    ground = replace(ground, herd=together(at, passes, ground.hulls))
    animal = merge(at, sigma, times, passes, scores, ground)
    sure = _likely(animal, scores, passes, times, at, sigma, ground, found)
    drawn, more = np.zeros(draws), np.zeros(draws)
    for k in range(draws):
        alive()
        real = rng.random(len(tracks)) < sure[animal]
        shift = rng.normal(0, ground.error, (len(numbers), 2)) if len(numbers) > 1 else np.zeros((1, 2))
        moved = at + rng.normal(0, 1, at.shape) * sigma[:, None] + shift[which]
        # positions that were wrong once are wrong twice now, and the gate is as much wider
        speed = ground.speed * math.exp(rng.normal(0, SPEED_SPREAD))
        wider = replace(ground, speed=speed, error=ground.error * 2**0.5)
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
    ground: Ground,
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
        looked = ground.looked_at(at[who], sigma[who], times[who], number, when, points)
        unseen[others] *= 1 - found * looked
    sure = (1 - chance) * unseen
    return np.asarray(sure / np.maximum(sure + chance, 1e-12))
