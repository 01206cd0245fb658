"""From media times to frame numbers: losses where the rate is constant, pauses, varying rates, damaged times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera.decode.timeline import Timeline, clock, constant_period

AHEAD = 8


def seqs_of(times: list[float], timeline: Timeline) -> list[int]:
    """As a video gives them: some frames are decoded before the first is given."""
    seqs, seq, learnt = [], -1, 0
    for i, t in enumerate(times):
        while learnt < min(max(i + 1, AHEAD), len(times)):
            timeline.learn(times[learnt])
            learnt += 1
        seq += timeline.place(t)
        seqs.append(seq)
    return seqs


def without(n: int, *holes: range) -> list[int]:
    return [i for i in range(n) if not any(i in hole for hole in holes)]


@pytest.mark.parametrize("fps", [1.0, 8.7, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("stamp", [6, 3], ids=["microseconds", "milliseconds"])
@pytest.mark.parametrize("named", [True, False])
def test_holes_at_a_constant_rate_are_losses(fps: float, stamp: int, named: bool) -> None:
    kept = without(400, range(1, 2), range(30, 39), range(200, 201), range(398, 399))
    timeline = Timeline(1 / fps if named else None, over_a_link=True)
    assert seqs_of([round(5 + i / fps, stamp) for i in kept], timeline) == kept
    assert timeline.notes == f"; 12 frames lost in 4 holes of its time stamps, from {clock(5.0)} on"


def test_a_link_that_loses_most_of_it() -> None:
    kept = [*range(4), *(5 + np.flatnonzero(np.random.default_rng(4).random(600) < 0.4)).tolist()]
    assert seqs_of([i * 0.04 for i in kept], Timeline(0.04, over_a_link=True)) == kept
    assert seqs_of([i * 0.04 for i in kept], Timeline(0.04))[-1] < 0.7 * kept[-1]  # a file: its rate varies


def test_nothing_is_said_of_a_whole_video() -> None:
    timeline = Timeline(0.04)
    assert seqs_of([i * 0.04 for i in range(100)], timeline) == list(range(100))
    assert timeline.notes == ""


@pytest.mark.parametrize(
    ("gap_s", "over_a_link", "lost"),
    [(1.6, False, 39), (20.0, False, 0), (20.0, True, 499), (59.0, True, 1474), (200.0, True, 0)],
)
def test_a_long_hole_is_a_pause_where_no_link_explains_it(gap_s: float, over_a_link: bool, lost: int) -> None:
    times = [i * 0.04 for i in range(20)]
    times += [times[-1] + gap_s + i * 0.04 for i in range(20)]
    timeline = Timeline(0.04, over_a_link)
    assert seqs_of(times, timeline) == [*range(20), *range(20 + lost, 40 + lost)]
    pause = f"; a gap of {gap_s:.3g} s at 0:00.760, taken as pause: no frame is counted as lost there"
    assert timeline.notes == (
        f"; {lost} frames lost in one hole of its time stamps, from 0:00.760 on" if lost else pause
    )


def test_several_pauses() -> None:
    timeline = Timeline(0.1)
    times = np.cumsum([0.1] * 20 + [5.0] + [0.1] * 20 + [9.0] + [0.1] * 20).tolist()
    assert seqs_of(times, timeline) == list(range(len(times)))
    assert "; a gap of 9 s at 0:09.000 and 1 shorter ones, taken as pauses" in timeline.notes


def test_at_a_slow_rate_a_lost_frame_is_a_loss_all_the_same() -> None:
    kept = without(60, range(20, 25))
    assert seqs_of([float(5 * i) for i in kept], Timeline(None)) == kept


@pytest.mark.parametrize("over_a_link", [False, True])
def test_a_varying_rate_loses_nothing(over_a_link: bool) -> None:
    steps = np.random.default_rng(3).uniform(0.03, 0.4, 300)
    times = np.cumsum(steps).tolist()
    timeline = Timeline(None, over_a_link)
    assert seqs_of(times, timeline) == list(range(300))
    assert timeline.notes == ""


def test_a_camera_that_leaves_out_what_does_not_change_loses_nothing() -> None:
    steps = np.random.default_rng(3).integers(1, 6, 300) * 0.04  # whole multiples, and no usual one
    assert seqs_of(np.cumsum(steps).tolist(), Timeline(0.04)) == list(range(300))


def test_a_rate_that_is_known_to_vary() -> None:
    kept = without(50, range(20, 25))
    times = [i * 0.04 for i in kept]
    assert seqs_of(times, Timeline(0.04, varies=True)) == list(range(45))


def test_jitter_is_no_loss() -> None:
    times = (np.arange(500) * 0.04 + np.random.default_rng(5).uniform(-0.012, 0.012, 500)).tolist()
    assert seqs_of(times, Timeline(0.04)) == list(range(500))


def test_times_that_stand_still_or_go_back() -> None:
    times = [0.0, 0.04, 0.08, 0.08, 0.12, 0.16, 0.02, 0.2, 0.24, 0.28]
    timeline = Timeline(0.04)
    assert seqs_of(times, timeline) == list(range(10))
    assert timeline.notes == "; 2 frames with a time that is not after that of the one before"


def test_a_time_just_behind_the_one_before_opens_no_hole() -> None:
    times = [i * 0.04 for i in range(50)]
    times[29] = times[28] + 1e-5  # as FFmpeg repairs a time stamp in a stream
    assert seqs_of(times, Timeline(0.04)) == list(range(50))


def test_two_frames_without_a_named_rate() -> None:
    assert seqs_of([0.0, 5.0], Timeline(None)) == [0, 1]
    assert seqs_of([0.0, 5.0], Timeline(0.04, over_a_link=True)) == [0, 1]  # named, and nothing confirms it
    assert seqs_of([0.0, 0.04, 0.16], Timeline(0.04)) == [0, 1, 4]


@pytest.mark.parametrize(
    ("steps", "period"),
    [
        ([0.04] * 10, 0.04),
        ([0.033, 0.034, 0.033], 0.1 / 3),
        ([0.04] * 9 + [0.4], 0.04),
        ([0.04, 0.06, 0.09, 0.13], None),
    ],
)
def test_constant_period(steps: list[float], period: float | None) -> None:
    found = constant_period(np.array(steps))
    assert found == (None if period is None else pytest.approx(period))


def test_clock() -> None:
    assert [clock(s) for s in (0.0, -1.0, 59.9996, 61.25, 3723.4)] == [
        *("0:00.000", "0:00.000", "1:00.000", "1:01.250", "1:02:03.400")
    ]


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=40), st.booleans())
def test_seq_always_rises(times: list[float], over_a_link: bool) -> None:
    seqs = seqs_of(times, Timeline(0.04, over_a_link))
    assert seqs == sorted(set(seqs))
