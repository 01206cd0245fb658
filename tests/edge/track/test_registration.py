"""The shift that the detections of a frame share: what is taken for one, and what it saves."""

from __future__ import annotations

import numpy as np
import pytest

from edge.track import Tracker
from edge.track.association import alone, candidates
from edge.track.inputs import checked
from edge.track.kalman import HITS, ROWS, SPREAD, born, predict
from edge.track.registration import CHANCE, SURE, shift_beside

STILL = np.array([[1.0, 0, 0], [0, 1, 0]])
GRID = np.stack(np.meshgrid(np.arange(4), np.arange(3)), -1).reshape(-1, 2) * 60.0 + 100


def boxes(at: np.ndarray, size: float = 12.0) -> np.ndarray:
    return np.hstack([at - size / 2, at + size / 2])


def moved(at: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    return at + np.array([x, y])


def beside(at: np.ndarray, seen: np.ndarray, hits: int = 3) -> tuple[list[float], list[float], float] | None:
    """The shift, what of it is sure, and 1 sigma of a median by chance; tracks are ``at``, detections ``seen``."""
    tracks, found = (checked(boxes(one), np.ones(len(one)), np.zeros(len(one), int)) for one in (at, seen))
    s = born(tracks.s, 0.0, 1.0, np.zeros(2), ROWS)
    s[HITS] = hits
    predict(s, 0.1)
    pairs = candidates(s, found)
    told = shift_beside(s, found, pairs, alone(pairs))
    chance = np.sqrt(np.pi / 2 * s[SPREAD].mean() / len(at))
    return None if told is None else (told[0].tolist(), told[1].tolist(), float(chance))


def test_a_shift_that_no_chance_makes_is_told_and_what_of_it_is_sure() -> None:
    assert beside(GRID, GRID) is None
    told = beside(GRID, moved(GRID, 3, -4))
    assert told is not None
    shift, sure, chance = told
    assert shift == pytest.approx([3, -4])
    assert sure == pytest.approx([3 * (1 - SURE * chance / 5), -4 * (1 - SURE * chance / 5)])
    assert 0 < sure[0] < 3
    assert beside(GRID, moved(GRID, 0.99 * CHANCE * chance)) is None
    little = beside(GRID, moved(GRID, 1.01 * CHANCE * chance))
    assert little is not None
    assert little[1] == [0, 0]


def test_few_pairs_and_new_ones_tell_no_shift_and_who_has_a_rival_does_not_count() -> None:
    assert beside(GRID[:4], moved(GRID[:4], 4)) is not None
    assert beside(GRID[:3], moved(GRID[:3], 4)) is None
    assert beside(GRID, moved(GRID, 4), hits=1) is None
    assert beside(GRID[:4], np.vstack((moved(GRID[:4], 4), moved(GRID[:1], -4)))) is None


def test_one_of_a_pair_that_is_missed_takes_nothing_from_the_other_when_the_pose_is_off() -> None:
    """Eight stand alone and four pairs 9 px apart, of which one is missed every second frame; up to 4 px beside."""
    rng, tracker, all_of_them = np.random.default_rng(0), Tracker(), np.vstack((GRID, moved(GRID[8:], 9)))
    owners: dict[int, set[int]] = {}
    for k in range(60):
        missed = 8 + np.arange(4) + 4 * rng.integers(0, 2, 4) if k > 4 and k % 2 else np.zeros(0, int)
        who = np.delete(np.arange(16), missed)
        at = all_of_them[who] + (rng.uniform(-4, 4, 2) if k > 4 else 0) + rng.normal(0, 0.5, (len(who), 2))
        ids = tracker.update(boxes(at, 8.0), np.full(len(who), 0.9), np.zeros(len(who), int), k / 30, STILL)
        for one, number in zip(who.tolist(), ids.tolist(), strict=True):
            if number > 0:
                owners.setdefault(one, set()).add(number)
    assert [len(numbers) for numbers in owners.values()] == [1] * 16


def test_who_begins_to_walk_together_is_followed_and_his_velocity_is_learnt() -> None:
    """A herd of 12: not the whole of what it does is taken for the pose's error."""
    tracker = Tracker()
    for k in range(60):
        at = moved(GRID, max(0.0, k - 20.0))
        ids = tracker.update(boxes(at), np.full(12, 0.9), np.zeros(12, int), k / 30, STILL)
    assert ids.tolist() == list(range(1, 13))
    assert np.mean([track.velocity[0] for track in tracker.tracks]) == pytest.approx(30, abs=6)
