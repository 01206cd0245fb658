"""What a thread is at: for how long, how long it waited, and what took longest."""

from __future__ import annotations

import math
import threading

import pytest

from edge.system.activity import INFERRING, SHOWING, WAITING_FOR_A_FRAME, WORKING, Activity, here, watched_here


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_times_of_states_add_up() -> None:
    clock = Clock()
    activity = Activity("loop", clock)
    assert activity.now is None
    for took_s in (2.0, 5.0, 3.0):
        activity.works(INFERRING)
        clock.now += took_s
        activity.waits(WAITING_FOR_A_FRAME)
        clock.now += 0.5
        activity.waits(WAITING_FOR_A_FRAME)  # still
        clock.now += 0.5
    activity.works(WORKING)
    assert activity.waited == {"waiting for a frame": 3.0}
    assert activity.longest == {"inferring": 5.0}
    assert activity.report() == {
        "waiting_seconds": {"waiting for a frame": 3.0},
        "longest_step": {"doing": "inferring", "seconds": 5.0},
    }


def test_a_wait_goes_on_while_it_is_renewed_and_work_begins_anew() -> None:
    clock = Clock()
    activity = Activity("loop", clock)
    activity.waits(WAITING_FOR_A_FRAME)
    clock.now += 7.0
    activity.waits(WAITING_FOR_A_FRAME)
    assert activity.now == (WAITING_FOR_A_FRAME, 100.0, 107.0, True)
    activity.waits(WAITING_FOR_A_FRAME, renews=False)
    assert activity.now == (WAITING_FOR_A_FRAME, 100.0, math.inf, True)
    activity.works(INFERRING)
    clock.now += 1.0
    activity.works(INFERRING)
    assert activity.now == (INFERRING, 108.0, 108.0, False)
    activity.rests()
    assert activity.now is None
    clock.now += 50.0
    activity.works(INFERRING)
    assert activity.longest == {"inferring": 1.0}  # rest is no work


def test_work_that_comes_on_keeps_its_begin() -> None:
    clock = Clock()
    activity = Activity("sink", clock)
    activity.goes_on(INFERRING)
    for _ in range(2):
        clock.now += 5.0
        activity.goes_on(INFERRING)
    assert activity.now == (INFERRING, 100.0, 110.0, False)
    clock.now += 1.0
    activity.rests()
    assert activity.longest == {"inferring": 11.0}
    activity.waits(INFERRING)
    activity.goes_on(INFERRING)
    assert activity.now == (INFERRING, 111.0, 111.0, False)


def test_the_report_has_what_is_not_over() -> None:
    clock = Clock()
    activity = Activity("loop", clock)
    assert activity.report() == {"waiting_seconds": {}, "longest_step": None}
    activity.works(INFERRING)
    clock.now += 31.0
    assert activity.report()["longest_step"] == {"doing": "inferring", "seconds": 31.0}
    activity.waits(WAITING_FOR_A_FRAME)
    clock.now += 4.0
    assert activity.report()["waiting_seconds"] == {"waiting for a frame": 4.0}


def test_meanwhile_it_is_at_something_else_and_then_begins_anew() -> None:
    clock = Clock()
    activity = Activity("loop", clock)
    opening = INFERRING._replace(limit_s=300.0, start=True)
    activity.works(opening)
    clock.now += 2.0
    with activity.meanwhile(SHOWING):
        assert activity.now == (SHOWING._replace(start=True), 102.0, 102.0, False)  # not the 300 s, still the start
        clock.now += 7.0
    assert activity.now == (opening, 109.0, 109.0, False)
    assert activity.longest == {"inferring": 2.0, "showing a result": 7.0}


def test_what_waits_without_looking_up_does_so_again_after_it_said_something() -> None:
    clock = Clock()
    activity = Activity("loop", clock)
    activity.waits(WAITING_FOR_A_FRAME, renews=False)

    def say() -> None:
        with activity.meanwhile(SHOWING):
            clock.now += 1.0
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        say()
    assert activity.now == (WAITING_FOR_A_FRAME, 101.0, math.inf, True)


def test_who_is_at_nothing_is_not_watched_while_it_says_something() -> None:
    activity = Activity("loop", Clock())
    with activity.meanwhile(SHOWING):
        assert activity.now is None
    assert activity.now is None


def test_each_thread_has_its_own() -> None:
    mine, others = Activity("mine"), []
    with watched_here(mine):
        assert here() is mine
        thread = threading.Thread(target=lambda: others.append(here()))
        thread.start()
        thread.join()
        assert others[0] is not mine
    assert here() is not mine
    assert here() is here()
