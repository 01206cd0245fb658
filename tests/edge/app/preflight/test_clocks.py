"""The checks of a preflight for clocks."""

from __future__ import annotations

import pytest

import edge.app.preflight.clocks as clocks
from edge.app.preflight.clocks import clock_lines
from tests.support.planned import told


@pytest.mark.parametrize(("kept", "state"), [(True, "green"), (False, "yellow"), (None, "yellow")])
def test_a_clock(kept: bool | None, state: str) -> None:
    said = told(clock_lines(lambda _seconds: None, lambda: kept))
    assert said["clock"][0] == state
    assert said["clock jumps"][0] == "green"


def test_a_clock_that_was_never_set_and_one_that_is_set_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "EARLIEST", clocks.datetime(2999, 1, 1, tzinfo=clocks.timezone.utc))
    times = iter((1000.0, 1000.5))
    monkeypatch.setattr(clocks.time, "time", lambda: next(times))
    monkeypatch.setattr(clocks.time, "monotonic", lambda: 5.0)
    said = told(clock_lines(lambda _seconds: None))
    assert said["clock"][0] == "red"
    assert "never set" in said["clock"][1]
    assert said["clock jumps"][:2] == ("yellow", "UTC moved by +0.500 s against the monotonic clock in 1 s")


def test_the_kernel_is_asked() -> None:
    assert clocks._synchronised() in (True, False, None)
