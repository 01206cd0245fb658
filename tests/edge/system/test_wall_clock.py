"""UTC beside the monotonic clock, on clocks in the test's hand."""

from __future__ import annotations

import pytest

from edge.system.wall_clock import APART_S, EARLIEST, JUMP_S, Relation, WallClock, synchronised

SET = EARLIEST.timestamp() + 1e6


class World:
    def __init__(self, wall: float = SET, kept: bool | None = True) -> None:
        self.t, self.off, self.kept = 100.0, wall - 100.0, kept
        self.gps: float | None = None
        self.clock = WallClock(lambda: self.gps, lambda: self.t, lambda: self.t + self.off, lambda: self.kept)

    def look(self, after_s: float = 1.0, jump_s: float = 0.0) -> Relation | None:
        self.t += after_s
        self.off += jump_s
        return self.clock.look()


def test_a_clock_that_is_right_is_told_once() -> None:
    world = World()
    assert world.look() == (101.0, pytest.approx(SET + 1), "synchronised", "system", None)
    assert [world.look() for _ in range(5)] == 5 * [None]


def test_from_1970_to_a_clock_that_is_set() -> None:
    world = World(wall=5.0, kept=False)
    first = world.look()
    assert first == (101.0, None, "unset", "system", None)
    assert first.utc is None
    assert world.look() is None
    world.kept = True
    told = world.look(jump_s=SET)
    assert told is not None
    assert told == (103.0, pytest.approx(SET + 8), "synchronised", "system", pytest.approx(SET))
    assert told.utc is not None
    assert told.utc.startswith("2026-01-12T13:46:48")
    assert world.look() is None


def test_a_date_that_can_be_but_that_nobody_keeps() -> None:
    for kept in (False, None):
        world = World(kept=kept)
        told = world.look()
        assert told == (101.0, pytest.approx(SET + 1), "unsynchronised", "system", None)
    world.kept = True
    again = world.look()
    assert again is not None
    assert (again.state, again.jump_s) == ("synchronised", None)


def test_each_jump_is_told_and_slewing_is_not() -> None:
    world = World()
    world.look()
    assert world.look(jump_s=JUMP_S / 2) is None
    drifted = world.look(jump_s=JUMP_S * 0.6)  # together more than JUMP_S since the last line
    assert drifted is not None
    assert drifted.jump_s is None
    assert world.look() is None
    for jump_s in (-3600.0, 3e8, JUMP_S * 1.1):
        told = world.look(jump_s=jump_s)
        assert told is not None
        assert told.jump_s == pytest.approx(jump_s, abs=1e-5)
        assert told.utc_s == pytest.approx(world.t + world.off)


def test_the_autopilot_helps_out_where_the_machine_does_not_know() -> None:
    world = World(wall=5.0, kept=False)
    world.look()
    world.gps = SET
    assert world.look() == (102.0, SET + 102, "synchronised", "autopilot", None)
    assert world.look() is None
    told = world.look(jump_s=1000.0)  # of the machine: what the autopilot says is as it was
    assert told == (104.0, SET + 104, "synchronised", "autopilot", pytest.approx(1000.0))
    world.gps += 2 * JUMP_S
    assert world.look() is not None
    world.kept = True
    told = world.look(jump_s=SET)
    assert told is not None
    assert (told.by, told.state) == ("system", "synchronised")


def test_a_stop_between_the_two_clocks_is_no_jump() -> None:
    times = iter([100.0, 100.0, 200.0, 210.0, 220.0, 220.0])  # the second look is held up for 10 s at first
    walls = iter([SET, SET + 101.0, SET + 120.0])
    clock = WallClock(lambda: None, lambda: next(times), lambda: next(walls), lambda: True)
    assert clock.look() is not None
    assert clock.look() is None
    assert APART_S < 10


def test_the_kernel_is_asked() -> None:
    assert synchronised() in (True, False, None)
