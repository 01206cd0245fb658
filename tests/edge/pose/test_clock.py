"""The autopilot's clock: delays, reboots, leaps, and how well TIMESYNC knows it."""

from __future__ import annotations

import math
import random

import pytest

from edge.pose.clock import CLOCK_JUMPED, BootClock, GpsTime, Learning, LogClock, TimeSync


def feed(clock: BootClock, times: list[tuple[float, float]]) -> list[float | None]:
    """What the clock makes of ``(boot time, arrival)``."""
    return [clock.take(*one)[0] for one in times]


def test_the_shortest_delay_tells_the_offset() -> None:
    clock = BootClock()
    assert feed(clock, [(1.0, 101.20), (2.0, 102.05), (3.0, 103.4)]) == [
        pytest.approx(101.2), pytest.approx(102.05), pytest.approx(103.05),
    ]  # fmt: skip
    assert clock.sigma_s is None
    assert (clock.restarts, clock.corrections) == (0, 0)


def test_the_offset_follows_clocks_that_drift_apart() -> None:
    clock = BootClock()
    for t in range(100):
        made, _ = clock.take(t, 1000 + 1.001 * t)
    assert made == pytest.approx(1099 + 0.069, abs=0.002)  # the shortest delay of the last 30 s


def test_times_that_were_wrong_are_told() -> None:
    clock = BootClock()
    feed(clock, [(1.0, 103.0), (1.5, 103.1)])
    assert clock.corrections == 1  # the first came 0.4 s later than the second
    assert feed(clock, [(2.0, 103.55)]) == [pytest.approx(103.55)]
    assert clock.corrections == 1


def test_messages_out_of_order_are_no_reboot() -> None:
    clock = BootClock()
    assert None not in feed(clock, [(10.0, 110), (9.5, 110.1), (10.1, 110.2), (9.2, 110.3)])
    assert clock.restarts == 0


def test_a_reboot_is_believed_after_three_messages() -> None:
    clock = BootClock()
    feed(clock, [(300.0, 1300.0), (300.1, 1300.1)])
    assert feed(clock, [(20.0, 1301.0), (20.1, 1301.1), (20.2, 1301.2), (20.3, 1301.3)]) == [
        None, None, pytest.approx(1301.2), pytest.approx(1301.3),
    ]  # fmt: skip
    assert clock.restarts == 1


def test_one_strange_message_is_refused_and_changes_nothing() -> None:
    clock = BootClock()
    feed(clock, [(300.0, 1300.0)])
    assert clock.take(5.0, 1300.1) == (None, CLOCK_JUMPED)
    assert clock.take(900.0, 1300.2) == (None, CLOCK_JUMPED)  # from the future
    assert clock.take(300.3, 1300.3) == (pytest.approx(1300.3), "")
    assert [clock.take(5.0, 1300.4)[0], clock.take(5.1, 1300.5)[0]] == [None, None]  # counted from the start again
    assert clock.restarts == 0


def test_strange_messages_that_do_not_agree_are_refused_for_ever() -> None:
    clock, chance = BootClock(), random.Random(3)
    feed(clock, [(300.0, 1300.0)])
    assert set(feed(clock, [(chance.uniform(0, 200), 1300 + n / 10) for n in range(50)])) == {None}


def test_a_leap_forward_is_a_new_clock() -> None:
    clock = BootClock()
    feed(clock, [(10.0, 110.0)])
    assert feed(clock, [(100.0, 110.1), (100.1, 110.2), (100.2, 110.3)])[2] == pytest.approx(110.3)
    assert clock.restarts == 1


def test_a_link_that_stood_still_is_no_reboot() -> None:
    """All that waited comes at once: late, and at its right time."""
    clock = BootClock()
    feed(clock, [(10.0, 110.0)])
    assert feed(clock, [(11.0, 131.0), (20.0, 131.01), (31.0, 131.02)]) == [
        pytest.approx(111.0), pytest.approx(120.0), pytest.approx(131.0),
    ]  # fmt: skip
    assert clock.restarts == 0


def test_a_time_that_is_no_number() -> None:
    assert BootClock().take(math.nan, 5.0)[0] is None


# ---- TIMESYNC ----


def test_the_shortest_round_trip_is_believed() -> None:
    sync = TimeSync()
    for asked, there, back in ((100.0, 20.08, 100.1), (101.0, 21.005, 101.01), (102.0, 22.3, 102.4)):
        sync.answer(sync.ask(asked), round(there * 1e9), back)
    assert sync.offset == pytest.approx(80.0, abs=1e-6)
    assert sync.sigma_s == pytest.approx(0.005, abs=1e-6)
    assert sync.answers == 3


def test_answers_that_were_not_asked_for_are_counted() -> None:
    sync = TimeSync()
    asked = sync.ask(100.0)
    sync.answer(asked + 1, 20_000_000_000, 100.1)
    sync.answer(asked, 20_000_000_000, 101.5)  # too late
    sync.answer(sync.ask(102.0), 22_000_000_000, 101.0)  # before it was asked
    assert (sync.offset, sync.sigma_s, sync.strange) == (None, None, 3)
    again = sync.ask(103.0)
    sync.answer(again, 23_000_000_000, 103.0)
    sync.answer(again, 99_000_000_000, 103.0)  # twice
    assert (sync.offset, sync.strange) == (pytest.approx(80.0), 4)


def test_old_answers_are_forgotten() -> None:
    sync = TimeSync()
    sync.answer(sync.ask(100.0), 20_000_000_000, 100.0)
    sync.answer(sync.ask(111.0), 30_000_000_000, 111.2)
    assert sync.offset == pytest.approx(81.1)


def test_answers_that_do_not_come_any_more_are_forgotten_too() -> None:
    """Clocks drift apart: what was half a millisecond an hour ago tells nothing now."""
    clock = BootClock()
    clock.take(20.0, 100.2)
    clock.sync.answer(clock.sync.ask(100.2), 20_205_000_000, 100.21)
    clock.sync.ask(110.2)
    assert clock.sigma_s == pytest.approx(0.005, abs=1e-6)
    clock.sync.ask(110.3)
    assert (clock.sync.offset, clock.sigma_s) == (None, None)
    assert clock.take(30.1, 110.31) == (pytest.approx(110.3), "")


def test_times_are_those_of_timesync_where_it_tells_the_clock_of_the_messages() -> None:
    clock = BootClock()
    clock.take(20.0, 100.2)
    clock.sync.answer(clock.sync.ask(100.2), 20_205_000_000, 100.21)
    assert clock.take(20.3, 100.5) == (pytest.approx(100.3), "")
    assert clock.sigma_s == pytest.approx(0.005, abs=1e-6)


def test_timesync_of_another_clock_is_not_believed() -> None:
    """Some answer with the time of day."""
    clock = BootClock()
    clock.take(20.0, 100.2)
    clock.sync.answer(clock.sync.ask(100.2), 1_800_000_000_000_000_000, 100.21)
    assert clock.take(20.3, 100.5) == (pytest.approx(100.5), "")
    assert clock.sigma_s is None


def test_after_a_reboot_timesync_begins_anew() -> None:
    clock = BootClock()
    clock.take(20.0, 100.0)
    clock.sync.answer(clock.sync.ask(100.0), 20_000_000_000, 100.0)
    feed(clock, [(1.0, 101.0), (1.1, 101.1), (1.2, 101.2)])
    assert clock.sync.offset is None
    assert clock.take(1.3, 101.3) == (pytest.approx(101.3), "")


# ---- a log ----


def replayed(seen: list[tuple[float, float]]) -> tuple[list[float | None], LogClock]:
    learning = Learning()
    assert [learning.take(*one)[0] for one in seen] == [None] * len(seen)
    clock = LogClock(learning.seen)
    return [clock.take(*one)[0] for one in seen], clock


def test_a_log_knows_the_delays_that_follow() -> None:
    """The first messages came 2 s late: live nobody knows it, in a log everybody."""
    seen = [(t / 10, 500 + t / 10 + (2.0 if t < 20 else 0.1)) for t in range(400)]
    times, clock = replayed(seen)
    assert times == [pytest.approx(500.1 + boot) for boot, _ in seen]
    assert (clock.restarts, clock.corrections, clock.sigma_s) == (0, 0, None)


def test_a_log_of_two_flights() -> None:
    seen = [(float(t), 500.0 + t) for t in range(100)] + [(5.0 + t, 620.0 + t) for t in range(50)]
    times, clock = replayed(seen)
    assert times[99:103] == [pytest.approx(599), None, None, pytest.approx(622)]
    assert clock.restarts == 1


def test_gps_time_is_that_of_the_message_that_was_least_late() -> None:
    utc, clock = 1.8e9, GpsTime()
    for utc_s, arrival in ((0.0, 100.0), (utc + 1, 101.3), (1e9, 101.5), (5e9, 101.6), (utc + 2, 102.1)):
        clock.take(utc_s, arrival)
        assert clock.offset is None  # before the third one that can be
    clock.take(utc + 3, 103.4)
    assert clock.offset == pytest.approx(utc - 100 - 0.1, abs=1e-5)
    clock.take(utc + 4 + 60, 104.2)  # it was set by a minute
    assert clock.offset is None
    for t in range(5, 40):
        clock.take(utc + t + 60, 100.3 + t)
    assert clock.offset == pytest.approx(utc - 100 + 60 - 0.3, abs=1e-5)  # the one that was less late is forgotten
