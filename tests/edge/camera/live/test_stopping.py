"""What a stop does to those who wait for a frame, and to those who bring one."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

import edge.camera.live.latest as latest
from edge.camera import EveryFrame, LatestFrames
from edge.data import Frame
from edge.errors import CameraError
from tests.edge.camera.live.test_live_limits import One, frame
from tests.support.scripted_camera import WAIT_S


class Silent(One):
    """Waits until it is closed, as a camera that gives nothing more."""

    def __init__(self, *frames: Frame) -> None:
        super().__init__(*frames)
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        if self.given:
            return super().read()
        assert self.closed.wait(WAIT_S)
        raise CameraError("closed")

    def close(self) -> None:
        self.closed.set()


def test_the_newest_frame_is_waited_for_until_it_comes_or_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop, got = Silent(), threading.Event(), queue.Queue[Any]()
    frames = LatestFrames(camera, stop)
    assert (frames.dropped, frames.duplicates, frames.lost, frames.frozen_s) == (0, 0, 0, 0.0)
    waiting = threading.Thread(target=lambda: got.put(frames.get()))
    waiting.start()
    with pytest.raises(queue.Empty):
        got.get(timeout=0.05)  # five looks
    stop.set()
    assert got.get(timeout=WAIT_S) is None
    waiting.join(WAIT_S)
    camera.close()
    frames.close()


def test_a_frame_that_came_before_a_stop_is_not_given_after_it() -> None:
    camera, stop = Silent(frame(0, 0, 1)), threading.Event()
    frames = LatestFrames(camera, stop)
    while frames._slot is None:
        pass
    stop.set()
    assert frames.get() is None
    camera.close()
    frames.close()


@pytest.mark.parametrize("live", [True, False])
def test_every_frame_of_a_live_camera_ends_with_a_stop(live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop = Silent(frame(0, 0, 1)), threading.Event()
    camera.live = live
    every = EveryFrame(camera, stop)
    assert every.get() is not None
    assert not camera.closed.wait(0.03)
    stop.set()
    assert camera.closed.wait(WAIT_S if live else 0.03) is live  # a file is read on, it does not wait
    camera.close()
    assert every.get() is None
    every.close()


def test_a_source_that_is_closed_wakes_nobody_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop = Silent(), threading.Event()
    every = EveryFrame(camera, stop)
    every.close()
    stop.set()
    assert not camera.closed.wait(0.05)
    camera.close()


def test_what_breaks_is_told_unless_it_was_stopped() -> None:
    camera, stop = Silent(), threading.Event()
    camera.close()
    every = EveryFrame(camera, stop)
    with pytest.raises(CameraError, match="closed"):
        every.get()
    stop.set()
    assert every.get() is None
