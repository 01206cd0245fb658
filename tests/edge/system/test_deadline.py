"""An event that time sets, on a clock in the test's hand."""

from __future__ import annotations

import threading
import time

from edge.system.deadline import Deadline


def test_time_sets_it_and_start_counts_anew() -> None:
    now = [10.0]
    deadline = Deadline(2.0, clock=lambda: now[0])
    for now[0], over in ((10.0, False), (11.9, False), (12.0, True)):
        assert (deadline.is_set(), deadline.passed) == (over, over)
    deadline.start()
    assert not deadline.is_set()
    now[0] = 14.0
    assert deadline.is_set()


def test_without_a_time_only_an_event_sets_it() -> None:
    stop = threading.Event()
    deadline = Deadline(None, stop, clock=lambda: 1e9)
    assert not deadline.is_set()
    stop.set()
    assert deadline.is_set()
    assert not deadline.passed


def test_it_never_sets_the_callers_event() -> None:
    stop = threading.Event()
    deadline = Deadline(0.0, stop)
    assert deadline.is_set()
    deadline.set()
    assert not stop.is_set()


def test_whoever_waits_wakes() -> None:
    stop = threading.Event()
    assert Deadline(0.01).wait(30)
    assert not Deadline(None).wait(0.01)
    begun = time.monotonic()
    threading.Timer(0.05, stop.set).start()
    assert Deadline(None, stop).wait(30)
    assert time.monotonic() - begun < 2
