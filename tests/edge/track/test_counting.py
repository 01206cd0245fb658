"""Passes of made flights, and counts of made surveys."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.track import counting
from edge.track.counting import GroundTrack, count
from edge.track.herds import together, velocities
from edge.track.merging import GATE, Ground, _same, hull_of
from edge.track.passes import pass_numbers


def track(number: int, east: float, north: float, flown: int, score: float = 0.99, label: int = 0) -> GroundTrack:
    return GroundTrack(number, label, score, east, north, 0.5, 60.0 * flown, 60.0 * flown + 2, flown)


def one(tracks: list[GroundTrack], **settings: object) -> tuple[int, tuple[tuple[int, ...], ...]]:
    told = count(tracks, **{"draws": 5, **settings})[0]  # type: ignore[arg-type]
    assert told.low <= told.count <= told.high
    return told.count, told.animals


def test_two_passes_merge_and_one_never_does() -> None:
    assert one([track(1, 0, 0, 0), track(2, 1, 0, 1)], speed=0.0) == (1, ((1, 2),))
    assert one([track(1, 0, 0, 0), track(2, 1, 0, 0)], speed=0.0) == (2, ((1,), (2,)))


def test_merging_is_one_to_one() -> None:
    tracks = [track(1, 0, 0, 0), track(2, 3, 0, 0), track(3, 1, 0, 1), track(4, 2, 0, 1), track(5, 1.5, 0, 1)]
    number, animals = one(tracks, speed=0.0)
    assert number == 3
    assert sorted(animals) == [(1, 3), (2, 4), (5,)]


def test_an_animal_is_carried_through_all_passes() -> None:
    number, animals = one([track(k, 0.5 * k, 0, k) for k in range(5)], speed=0.0)
    assert (number, animals) == (1, ((0, 1, 2, 3, 4),))


@pytest.mark.parametrize(("far", "speed", "error", "number"), [
    (8.8, 0.0, 2.0, 1), (8.9, 0.0, 2.0, 2), (2.1, 0.0, 0.0, 1), (2.2, 0.0, 0.0, 2), (60, 0.5, 2, 1), (80, 0.5, 2, 2),
])  # fmt: skip
def test_the_gate(far: float, speed: float, error: float, number: int) -> None:
    """99 % of true pairs: 3.03 times the root of both positions', the passes' and the way's variance an axis."""
    assert one([track(1, 0, 0, 0), track(2, far, 0, 1)], speed=speed, pass_error_m=error)[0] == number


def test_a_longer_time_lets_it_walk_further() -> None:
    pair = [track(1, 0, 0, 0), track(2, 30, 0, 1)]
    assert one(pair, speed=0.1)[0] == 2
    assert one([pair[0], replace(pair[1], first_t=600.0, last_t=602.0)], speed=0.1)[0] == 1


def test_classes_are_counted_apart_and_have_speeds_of_their_own() -> None:
    tracks = [track(k, 20.0 * (k % 2), 0, k % 2, label=k // 2) for k in range(4)]
    told = count(tracks, speed={0: 0.5, 1: 0.0}, draws=5)
    assert {label: (c.tracks, c.count) for label, c in told.items()} == {0: (2, 1), 1: (2, 2)}


def test_no_more_are_merged_than_were_looked_at_before() -> None:
    """Two lines side by side that overlap by 5 m; the animals walk fast, the gate is wide."""
    areas = {0: [(0, 0), (200, 0), (200, 50), (0, 50)], 1: [(0, 45), (200, 45), (200, 95), (0, 95)]}
    tracks = [track(k, 20.0 * k, 25, 0) for k in range(10)] + [track(10 + k, 20.0 * k, 70, 1) for k in range(10)]
    assert one(tracks, speed=0.5)[0] == 10
    assert 16 <= one(tracks, speed=0.5, areas=areas)[0] <= 19
    turned = {number: list(reversed(corners)) for number, corners in areas.items()}
    assert one(tracks, speed=0.5, areas=turned) == one(tracks, speed=0.5, areas=areas)


def test_scores_weigh_and_widen() -> None:
    sure = count([track(k, 50.0 * k, 0, 0, score=1.0) for k in range(40)], found=1.0)[0]
    unsure = count([track(k, 50.0 * k, 0, 0, score=0.5) for k in range(40)], found=1.0)[0]
    assert (sure.count, sure.low, sure.high) == (40, 40, 40)
    assert unsure.count == 20
    assert 11 <= unsure.low < 17
    assert 23 < unsure.high <= 29
    assert count([track(k, 50.0 * k, 0, 0) for k in range(40)], found=0.8)[0].high > 46  # a fifth was missed


def test_the_same_seed_gives_the_same_and_the_method_is_named() -> None:
    rng = np.random.default_rng(0)
    tracks = [track(k, *rng.uniform(0, 40, 2), k % 3, score=0.7) for k in range(30)]
    first = count(tracks, draws=30)[0]
    assert first == count(tracks, draws=30)[0]
    assert len({(c.low, c.high) for c in (count(tracks, draws=9, seed=seed)[0] for seed in range(9))}) > 1
    assert (first.level, "redrawn 30 times" in first.method) == (0.9, True)
    assert (
        count(tracks, draws=30, level=0.5)[0].high - count(tracks, draws=30, level=0.5)[0].low < first.high - first.low
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.integers(0, 3), st.integers(0, 5))
def test_where_it_lies_and_how_it_is_turned_changes_nothing(east: float, north: float, quarter: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarter]
    tracks = [track(k, *rng.uniform(0, 60, 2), int(rng.integers(0, 3))) for k in range(25)]
    moved = [replace(t, east=c * t.east - s * t.north + east, north=s * t.east + c * t.north + north) for t in tracks]
    assert one(moved, draws=1) == one(tracks, draws=1)
    _, animals = one(rng.permutation(np.array(tracks, object)).tolist(), draws=1)
    assert animals == one(tracks, draws=1)[1]
    passes = {t.id: t.pass_number for t in tracks}
    assert all(len({passes[k] for k in animal}) == len(animal) for animal in animals)


def test_nothing_is_nothing_and_what_cannot_be_is_refused() -> None:
    good = track(1, 0, 0, 0)
    assert count([]) == {}
    for wrong in ({"level": 1.0}, {"draws": 0}, {"pass_error_m": math.nan}, {"found": 0.0}, {"speed": -1.0}):
        with pytest.raises(InputError, match="counting: "):
            count([good], **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="an area is"):
        count([good], areas={0: [(0, 0), (1, 1)]})
    for change in ({"east": math.nan}, {"sigma_m": -1.0}, {"score": 1.5}, {"last_t": math.inf}):
        with pytest.raises(InputError, match="expected finite metres"):
            count([replace(good, **change)])  # type: ignore[arg-type]


# ---- passes ----


def footprint(east: float, north: float, heading: float = 0.0, wide: float = 40.0, long: float = 30.0) -> np.ndarray:
    c, s = math.cos(heading), math.sin(heading)
    corners = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)]) * (wide / 2, long / 2)
    return corners @ np.array([[c, -s], [s, c]]) + (east, north)


def flown(*points: tuple[float, float], speed: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and footprints, one a second, along straight ways between the points."""
    places = [np.array(points[0], float)]
    for a, b in pairwise(points):
        way = np.subtract(b, a)
        steps = max(round(float(np.hypot(*way)) / speed), 1)
        places += [np.array(a) + way * (k + 1) / steps for k in range(steps)]
    return np.arange(len(places), dtype=float), np.array([footprint(*p) for p in places])


def test_a_straight_way_is_one_pass_and_the_way_back_another() -> None:
    assert set(pass_numbers(*flown((0, 0), (0, 300)))) == {0}
    t, there = flown((0, 0), (0, 300), (0, 0))
    numbers = pass_numbers(t, there)
    assert numbers.dtype == np.int32
    assert set(numbers) == {0, 1}
    turned = int((numbers == 1).argmax())
    assert 60 < turned < 70  # it turns after 60 s


def test_lines_that_overlap_are_passes_and_lines_that_do_not_are_one() -> None:
    for apart, passes in ((30.0, 3), (60.0, 1)):
        t, there = flown((0, 0), (0, 300), (apart, 300), (apart, 0), (2 * apart, 0), (2 * apart, 300))
        numbers = pass_numbers(t, there)
        assert numbers.max() + 1 == passes
        assert (np.diff(numbers) >= 0).all()


def test_to_hover_is_one_pass_and_to_turn_away_and_back_two() -> None:
    still = np.array([footprint(0, 0)] * 100)
    assert set(pass_numbers(np.arange(100.0), still)) == {0}
    looks = np.array([footprint(0, 0 if k < 20 or k > 40 else 200) for k in range(60)])
    assert pass_numbers(np.arange(60.0), looks).tolist() == [0] * 41 + [1] * 19


def test_frames_without_a_footprint_stay_where_they_are() -> None:
    t, there = flown((0, 0), (0, 300), (0, 0))
    whole = pass_numbers(t, there)
    there[5:9] = np.nan
    there[-1] = np.nan
    assert np.array_equal(pass_numbers(t, there), whole)
    assert pass_numbers([], np.zeros((0, 4, 2))).shape == (0,)
    assert pass_numbers([0.0], np.full((1, 4, 2), np.nan)).tolist() == [0]
    with pytest.raises(ValueError, match="t does not rise"):
        pass_numbers(t[::-1], there)
    with pytest.raises(ValueError, match=r"expected \(N,\) and \(N, 4, 2\)"):
        pass_numbers(t, there[:, :3])


# ---- herds ----

FIELD = {0: [(0, 0), (400, 0), (400, 50), (0, 50)], 1: [(0, 35), (400, 35), (400, 85), (0, 85)]}
HULLS = {number: hull_of(corners) for number, corners in FIELD.items()}


def test_neighbours_tell_how_far_animals_stand_in_herds() -> None:
    rng = np.random.default_rng(0)
    alone = rng.uniform(0, 1, (60, 2)) * (400, 50)
    herds = np.repeat([(80.0, 25.0), (200.0, 15.0), (320.0, 35.0)], 8, axis=0) + rng.normal(0, 4, (24, 2))
    one_pass = np.zeros(24, int)
    assert together(alone, np.zeros(60, int), HULLS) < 0.3
    assert together(herds, one_pass, HULLS) > 0.75
    assert together(herds, one_pass + 2, HULLS) == 0.0  # of a pass of which nobody knows what it looked at
    assert together(herds[:1], one_pass[:1], HULLS) == 0.0
    both = np.arange(4) % 2  # pairs of two passes are none
    pair = np.array([(0.0, 0.0), (0.0, 19.9)])
    assert together(pair, both[:2], HULLS) == 0.0
    assert together(pair, both[::2][:2], HULLS) == pytest.approx(1 - math.pi * 400 / 20000)
    assert together(pair * 1.01, both[::2][:2], HULLS) == 0.0


def test_a_herd_goes_one_way_and_single_animals_each_its_own() -> None:
    rng = np.random.default_rng(0)
    at = np.array([(0.0, 0.0), (5.0, 0.0), (3000.0, 0.0)])
    drawn = np.array([[velocities(at, 0.5, herd, 50.0, rng) for _ in range(600)] for herd in (0.0, 0.8, 1.0)])
    assert drawn.std((1, 3)) == pytest.approx(0.5 / 2**0.5, rel=0.1)
    for k, (near, far) in enumerate([(0.0, 0.0), (0.8, 0.0), (1.0, 0.0)]):
        east = np.corrcoef(drawn[k, :, :, 0].T)
        assert (east[0, 1], east[0, 2]) == pytest.approx((near, far), abs=0.12)


def test_of_herds_that_walk_the_interval_is_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four herds of eight beside the first line, which may have been on it, where four others were: all or none."""
    rng = np.random.default_rng(2)
    spots = np.array([(50.0, 20.0), (150, 20), (250, 20), (350, 20), (50, 52), (150, 52), (250, 52), (350, 52)])
    at = np.repeat(spots, 8, axis=0) + rng.normal(0, 3, (64, 2))
    tracks = [track(k, *place, k // 32) for k, place in enumerate(at.tolist())]

    def told() -> counting.Count:
        return count(tracks, speed=0.5, areas=FIELD, draws=60)[0]

    herds = told()
    monkeypatch.setattr(counting, "together", lambda *_: 0.0)
    each_alone = told()
    assert each_alone.count == herds.count
    assert herds.high - herds.low > 1.4 * (each_alone.high - each_alone.low)


def test_with_many_tracks_it_is_redrawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MANY", 10)
    tracks = [track(k, 50.0 * k, 0, 0) for k in range(20)]
    for asked, done in ((200, 50), (40, 20), (5, 5)):
        assert f"redrawn {done} times" in count(tracks, draws=asked)[0].method
    assert "redrawn 200 times" in count(tracks[:10], draws=200)[0].method


def cheapest(far: np.ndarray) -> float:
    """Of all ways to pair rows with columns: two that stay alone cost the gate each. By trying every way."""
    rows, columns = far.shape
    best = 2 * GATE * min(rows, columns)
    for pairs in range(1, min(rows, columns) + 1):
        for left in combinations(range(rows), pairs):
            for right in permutations(range(columns), pairs):
                costs = far[list(left), list(right)]
                if (costs < GATE).all():
                    best = min(best, float(costs.sum()) + 2 * GATE * (min(rows, columns) - pairs))
    return best


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 4), st.floats(0.5, 8.0), st.integers(0, 2**16))
def test_no_other_pairs_are_nearer(before: int, now: int, wide: float, seed: int) -> None:
    at = np.random.default_rng(seed).uniform(0, 2 * wide, (before + now, 2))
    sigma, times = np.full(len(at), 1.0), np.zeros(len(at))
    rows, columns, cost = _same(
        at, sigma, times, np.arange(before), np.arange(before, before + now), Ground(0.0, 0.0, {})
    )
    far = ((at[:before, None] - at[before:]) ** 2).sum(-1) / 2
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows)
    assert cost == pytest.approx(far[rows, columns])
    assert (cost < GATE).all()
    assert cost.sum() + 2 * GATE * (min(before, now) - len(cost)) == pytest.approx(cheapest(far))
