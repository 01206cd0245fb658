"""The degrade ladder: one step at a time, no faster than it says, never the detections, and back in reverse."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.health.ladder import (
    DOWN_S,
    EVERY,
    FULL,
    SURE_S,
    TIMES,
    UP_S,
    Change,
    Effort,
    Ladder,
    Rung,
    Trouble,
    effort_of,
)
from edge.health.strain import ALL, KEPT, LATE

HELPS = {"heat": ALL, "disk": KEPT, "frame age": LATE}
OVER, BETWEEN, CLEAR, UNKNOWN = "over", "between", "clear", "unknown"
STATES = st.sampled_from([OVER, BETWEEN, CLEAR, UNKNOWN])
# stretches of time, s, in each of which every thing is in one state
FLIGHTS = st.lists(st.tuples(st.integers(1, 60), st.fixed_dictionaries(dict.fromkeys(HELPS, STATES))), max_size=6)
FEW = settings(max_examples=40)


def trouble(name: str, state: str) -> Trouble:
    return Trouble(name, f"{name} is {state}", 1.0, 0.5, state == OVER, state == CLEAR, HELPS[name])


def fly(ladder: Ladder, flight: list[tuple[int, dict[str, str]]], start: int = 0) -> list[Change]:
    """A look a second."""
    changes, t = [], start
    for seconds, states in flight:
        for _ in range(seconds):
            seen = [trouble(name, state) for name, state in states.items() if state != UNKNOWN]
            if (change := ladder.look(float(t), seen)) is not None:
                changes.append(change)
            t += 1
    return changes


def states_at(flight: list[tuple[int, dict[str, str]]], t: float) -> dict[str, str]:
    end = 0
    for seconds, states in flight:
        end += seconds
        if t < end:
            return states
    raise AssertionError


def test_heat_takes_one_rung_after_the_other_and_gives_them_back_in_reverse() -> None:
    changes = fly(Ladder(), [(60, {"heat": OVER}), (200, {"heat": CLEAR})])
    assert [(c.t, c.rung, c.down) for c in changes] == [
        (3, Rung.SLOWER, True),
        (13, Rung.BETWEEN, True),
        (23, Rung.PICTURES, True),
        (33, Rung.RECORDING, True),
        (90, Rung.RECORDING, False),
        (120, Rung.PICTURES, False),
        (150, Rung.BETWEEN, False),
        (180, Rung.SLOWER, False),
    ]


def test_between_the_limits_nothing_changes() -> None:
    ladder = Ladder()
    assert len(fly(ladder, [(10, {"heat": OVER}), (600, {"heat": BETWEEN})])) == 1
    assert ladder.taken == {Rung.SLOWER: "heat"}


def test_one_wrong_reading_is_no_reason() -> None:
    assert fly(Ladder(), [(3, {"heat": OVER}), (1, {"heat": CLEAR})] * 20) == []


def test_a_full_disk_does_not_lower_the_rate() -> None:
    changes = fly(Ladder(), [(100, {"disk": OVER})])
    assert [c.rung for c in changes] == [Rung.PICTURES, Rung.RECORDING]


def test_only_what_is_there_is_given_up() -> None:
    changes = fly(Ladder([Rung.RECORDING]), [(100, {"heat": OVER})])
    assert [c.rung for c in changes] == [Rung.RECORDING]
    assert fly(Ladder([]), [(100, {"heat": OVER, "disk": OVER})]) == []


def test_what_another_trouble_still_needs_does_not_come_back() -> None:
    ladder = Ladder()
    fly(ladder, [(60, {"heat": OVER}), (300, {"heat": CLEAR, "disk": OVER})])
    assert set(ladder.taken) == {Rung.PICTURES, Rung.RECORDING}


def test_what_is_not_measured_any_more_neither_begins_nor_ends_anything() -> None:
    ladder = Ladder()
    fly(ladder, [(10, {"heat": OVER}), (300, {"heat": UNKNOWN})])
    assert set(ladder.taken) == {Rung.SLOWER}


def test_it_counts_the_seconds_of_each() -> None:
    ladder = Ladder()
    fly(ladder, [(20, {"heat": OVER})])
    assert ladder.seconds() == {Rung.SLOWER: 16.0, Rung.BETWEEN: 6.0}


def test_whatever_is_given_up_frames_are_searched() -> None:
    assert effort_of(()) == FULL == Effort(1.0, 1)
    assert effort_of(tuple(Rung)) == Effort(TIMES, EVERY) == Effort(2.0, 3)
    assert effort_of([Rung.PICTURES, Rung.RECORDING]) == FULL


@FEW
@given(FLIGHTS)
def test_it_never_changes_faster_than_it_says(flight: list[tuple[int, dict[str, str]]]) -> None:
    changes = fly(Ladder(), flight)
    for one, other in pairwise(changes):
        assert other.t - one.t >= (DOWN_S if other.down else UP_S)
    for rung in Rung:  # each is given up and taken up again in turns, and lasts
        own = [c for c in changes if c.rung is rung]
        assert [c.down for c in own] == [i % 2 == 0 for i in range(len(own))]
        assert all(up.t - down.t >= UP_S for down, up in zip(own[::2], own[1::2], strict=False))
    assert all(c.t >= SURE_S for c in changes)


@FEW
@given(FLIGHTS)
def test_each_step_is_the_next_one_that_helps(flight: list[tuple[int, dict[str, str]]]) -> None:
    taken: dict[Rung, str] = {}
    for c in fly(Ladder(), flight):
        helps = sorted(HELPS[c.trouble.because])
        if c.down:
            assert c.trouble.over
            assert c.rung == next(rung for rung in helps if rung not in taken)
            taken[c.rung] = c.trouble.because
        else:
            assert c.trouble.clear
            assert taken.pop(c.rung) == c.trouble.because
            now = states_at(flight, c.t)
            needed = {rung for name, state in now.items() if state == OVER for rung in HELPS[name]}
            later = {rung for rung, name in taken.items() if name == c.trouble.because and rung > c.rung}
            assert later <= needed  # the reverse order, but for what is still needed
            assert c.rung not in needed


@FEW
@given(FLIGHTS)
def test_in_the_end_all_comes_back(flight: list[tuple[int, dict[str, str]]]) -> None:
    ladder = Ladder()
    fly(ladder, flight)
    t = sum(seconds for seconds, _ in flight)
    changes = fly(ladder, [(int(6 * UP_S), dict.fromkeys(HELPS, CLEAR))], t)
    assert ladder.taken == {}
    for name in HELPS:
        own = [c.rung for c in changes if c.trouble.because == name]
        assert own == sorted(own, reverse=True)
