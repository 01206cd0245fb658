"""READY, STATUS, WATCHDOG: what a service manager hears of a loop, on a clock in the test's hand."""

from __future__ import annotations

from edge.app.watch.manager import Manager
from edge.system.activity import INFERRING, WAITING_FOR_A_FRAME, Activity, State
from edge.system.notify import Notify

LOADING = State("loading the engine", "the engine is not loaded", start=True)


class Heard(Notify):
    def __init__(self, watchdog_s: float | None = 90.0) -> None:
        self.watchdog_s, self.heard = watchdog_s, list[str]()

    def send(self, **values: str) -> None:
        self.heard += [f"{key}={value}" for key, value in values.items()]

    def new(self, *keys: str) -> list[str]:
        heard, self.heard = self.heard, []
        return [line for line in heard if line.partition("=")[0] in keys]


class Service:
    def __init__(self, watchdog_s: float | None = 90.0) -> None:
        self.now = 100.0
        self.heard = Heard(watchdog_s)
        self.activity = Activity("loop", lambda: self.now)
        self.manager = Manager(self.heard, lambda: self.now)

    def look(self, seconds: float = 0.0, results: int = 0, dropped: int = 0) -> None:
        self.now += seconds
        self.manager.look(self.activity, results, dropped)


def test_a_start_asks_for_time_and_a_wait_is_ready() -> None:
    service = Service()
    service.look()
    assert service.heard.heard == []  # it is at nothing yet
    service.activity.works(LOADING)
    for _ in range(31):
        service.look(1.0)
    assert service.heard.new("EXTEND_TIMEOUT_USEC", "READY") == ["EXTEND_TIMEOUT_USEC=30000000"] * 4
    service.activity.waits(WAITING_FOR_A_FRAME)
    service.look(0.1)
    service.look(50.0)
    service.activity.works(LOADING)
    service.look(50.0)
    assert service.heard.new("EXTEND_TIMEOUT_USEC", "READY") == ["READY=1"]  # once


def test_the_status_is_a_line_a_second() -> None:
    service = Service()
    service.activity.works(LOADING)
    service.look()
    service.activity.works(INFERRING)
    service.look(0.5)
    for n in range(1, 4):
        service.activity.works(INFERRING)
        service.look(0.5, 5 * n, n)
    service.activity.waits(WAITING_FOR_A_FRAME)
    service.look(0.5, 20, 4)
    service.look(2.0, 20, 4)
    assert service.heard.new("STATUS") == [
        "STATUS=loading the engine for 0 s; 0 frames, 0.0 frames/s, 0 dropped",
        "STATUS=detecting; 5 frames, 5.0 frames/s, 1 dropped",
        "STATUS=detecting; 15 frames, 10.0 frames/s, 3 dropped",
        "STATUS=waiting for a frame for 2 s; 20 frames, 2.0 frames/s, 4 dropped",
    ]


def test_signs_of_life_come_only_from_a_loop_that_goes_on() -> None:
    service = Service(watchdog_s=8.0)
    service.activity.works(INFERRING)
    for _ in range(20):
        service.look(1.0)
    assert service.heard.new("WATCHDOG") == ["WATCHDOG=1"]  # of the state that it began with
    for _ in range(20):
        service.activity.works(INFERRING)
        service.look(1.0)
    assert len(service.heard.new("WATCHDOG")) == 10  # each 2 s, a quarter of 8
    service.activity.waits(WAITING_FOR_A_FRAME)
    service.look(2.0)
    service.heard.new()
    for _ in range(20):
        service.look(1.0)
    assert service.heard.new("WATCHDOG") == []  # it says that it renews, and does not
    service.activity.waits(WAITING_FOR_A_FRAME, renews=False)
    for _ in range(20):
        service.look(1.0)
    assert len(service.heard.new("WATCHDOG")) == 10


def test_nobody_asks_for_signs_of_life() -> None:
    service = Service(watchdog_s=None)
    service.activity.works(INFERRING)
    service.look()
    assert service.heard.new("WATCHDOG") == []
    service.manager.stopping("the run ends: interrupted")
    assert service.heard.heard == ["STOPPING=1", "STATUS=the run ends: interrupted"]
