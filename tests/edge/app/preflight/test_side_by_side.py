"""Checks that run at once: what they say stays in their order, and one that hangs costs no other its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from edge.app.preflight.side_by_side import Check, Line, side_by_side, worst
from edge.errors import CameraError


def saying(*lines: Line) -> Iterator[Line]:
    yield from lines


GREEN, YELLOW, RED = Line("a", "green", "good"), Line("b", "yellow", "so so", "do"), Line("c", "red", "bad", "do more")


def test_lines_stand_in_the_order_of_their_checks() -> None:
    checks = [Check("one", lambda: saying(RED)), Check("two", lambda: saying(GREEN, YELLOW)), Check("none", saying)]
    found = side_by_side(checks, 60)
    assert [(line.check, line.name, line.state) for line in found.lines] == [
        ("one", "c", "red"),
        ("two", "a", "green"),
        ("two", "b", "yellow"),
    ]
    assert found.cut_off == ()
    assert found.seconds.keys() == {"one", "two", "none"}


def test_they_run_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def waits() -> Iterator[Line]:
        both.wait(60)
        yield GREEN

    assert len(side_by_side([Check("one", waits), Check("two", waits)], 60).lines) == 2


def test_one_that_hangs_is_cut_off_and_named_and_what_it_said_is_kept() -> None:
    over = threading.Event()

    def hangs() -> Iterator[Line]:
        yield GREEN
        over.wait(60)
        yield RED

    found = side_by_side([Check("camera", hangs, "unplug it"), Check("disk", lambda: saying(YELLOW))], 0.2)
    over.set()
    assert found.cut_off == ("camera",)
    assert [(line.name, line.state, line.todo) for line in found.lines] == [
        ("a", "green", ""),
        ("camera", "red", "unplug it"),
        ("b", "yellow", "do"),
    ]
    assert found.lines[1].value == "no answer within 0.2 s: cut off"


def test_what_a_check_raises_is_its_red_line() -> None:
    def fails(error: Exception) -> Iterator[Line]:
        yield GREEN
        raise error

    checks = [
        Check("camera", lambda: fails(CameraError("unplugged")), "plug it in"),
        Check("pose", lambda: fails(ZeroDivisionError("ours"))),
    ]
    found = side_by_side(checks, 60)
    assert [(line.name, line.state, line.value) for line in found.lines] == [
        ("a", "green", "good"),
        ("camera", "red", "unplugged"),
        ("a", "green", "good"),
        ("pose", "red", "it failed: ZeroDivisionError('ours')"),
    ]
    assert found.lines[1].todo == "plug it in"


def test_the_worst_of_all() -> None:
    assert worst([]) == worst([GREEN]) == "green"
    assert worst([GREEN, YELLOW, GREEN]) == "yellow"
    assert worst([YELLOW, RED, GREEN]) == "red"
