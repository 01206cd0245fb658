"""Times of frames: the driver's where they can be believed, otherwise those of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import edge.camera.v4l2 as device
from edge.camera import open_camera
from tests.support.fake_v4l2 import FakeV4l2
from tests.support.scripted_camera import frame_of


@pytest.fixture
def driver_time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The device's monotonic clock in the test's hand."""
    clock = SimpleNamespace(now=500.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    clock.monotonic, clock.sleep = lambda: clock.now, sleep
    monkeypatch.setattr(device, "time", clock)
    return clock


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch, driver_time: SimpleNamespace) -> Callable[..., FakeV4l2]:
    """A camera of so many hertz: a grab waits until the next frame is there, 2 ms after it was taken."""

    def make(hertz: float, stamp: Callable[[float], float] = lambda now: now) -> FakeV4l2:
        fake = FakeV4l2(free=True, clock=lambda: stamp(driver_time.now - 0.002))
        grab = fake.grab

        def next_frame() -> bool:
            driver_time.now += 1 / hertz
            return grab()

        monkeypatch.setattr(fake, "grab", next_frame)
        monkeypatch.setattr(cv2, "VideoCapture", fake)
        return fake

    return make


Ticking = Callable[..., FakeV4l2]


def stamps(n: int) -> Iterator[float]:
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        for i in range(n):
            frame = frame_of(camera)
            assert frame.seq == i
            yield frame.t_capture


@pytest.mark.parametrize("hertz", [9, 30, 60, 120])
def test_rates(ticking: Ticking, hertz: int) -> None:
    ticking(hertz)
    times = list(stamps(20))
    assert np.diff(times) == pytest.approx(1 / hertz)
    assert times[0] == pytest.approx(500.0 + 2 / hertz - 0.002)  # the driver's time, not the arrival


@pytest.mark.parametrize(
    "stamp",
    [
        lambda now: now if now < 500.2 else 500.2,  # stops
        lambda now: now if now < 500.2 else now - 3,  # jumps back, less than a buffer may be old
        lambda now: now if now < 500.2 else now + 60,  # jumps ahead
        lambda now: now if now < 500.2 else now - 60,
        lambda now: now if now < 500.2 else 0.0,  # is no more said
    ],
    ids=["stops", "back", "ahead", "far back", "none"],
)
def test_a_clock_that_goes_wrong_loses_no_frame(
    ticking: Ticking, driver_time: SimpleNamespace, stamp: Callable[[float], float]
) -> None:
    ticking(30, stamp)
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        times = []
        for i in range(60):
            frame = frame_of(camera)
            assert frame.seq == i
            assert 0 <= driver_time.now - frame.t_capture < 1 / 30 + 0.003
            times.append(frame.t_capture)
        assert np.diff(times).min() > 0
        assert "times are of arrival, the driver's do not fit" in camera.description
