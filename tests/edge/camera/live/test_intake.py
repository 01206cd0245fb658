"""Frames as they come in: what cannot be one is refused by name, and a time that goes back is told."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from edge.camera.live.intake import ImpossibleError, Intake
from edge.data import Frame
from edge.errors import CameraError
from edge.seams import Camera


class Giving(Camera):
    """Gives whatever it was made with."""

    def __init__(self, *given: Any) -> None:
        self._given = list(given)

    def read(self) -> Any:
        return self._given.pop(0)


def frame(seq: Any = 0, t: Any = None, **more: Any) -> Frame:
    pixels = np.full((20, 20), 7 + hash(seq) % 90, np.uint16)
    return Frame(pixels, seq, time.monotonic() if t is None else t, **more)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((20, 20), np.uint16), "the camera gave a ndarray: expected an edge.Frame, or None at the end"),
        (False, "the camera gave a bool: expected an edge.Frame"),
        (frame(seq="7"), "seq='7', .* expected a whole number that counts up"),
        (frame(seq=1.0), r"seq=1\.0, .* expected a whole number"),
        (frame(t="now"), "t_capture='now': expected .* seconds of time.monotonic"),
        (frame(utc=datetime(2026, 11, 27, 9)), "frame 0 has utc=2026-11-27T09:00:00 without a time zone: .* aware"),
    ],
    ids=["array", "bool", "text as seq", "float as seq", "text as time", "naive utc"],
)
def test_what_is_no_frame_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ImpossibleError, match=words):
        Intake(Giving(given)).take()


def test_numbers_of_numpy_and_a_date_with_its_zone_are_taken() -> None:
    good = frame(np.int64(3), np.float64(time.monotonic()), utc=datetime.now(timezone.utc))
    assert Intake(Giving(good)).take() == (True, good)


def test_a_number_that_does_not_rise_is_refused() -> None:
    intake = Intake(Giving(frame(3), frame(3)))
    intake.take()
    with pytest.raises(ImpossibleError, match="frame 3 after frame 3: expected Frame.seq to count up"):
        intake.take()


def test_how_long_ago_a_capture_may_be_is_said() -> None:
    intake = Intake(Giving(frame(0, time.monotonic() - 90)))
    with pytest.raises(CameraError, match=r"nor more than 60 s before the first read, at \d+\.\d+ s"):
        intake.take()


def test_a_time_that_goes_back_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    t = time.monotonic()
    intake = Intake(Giving(frame(0, t), frame(1, t), frame(2, t - 0.5), frame(3, t), frame(4, t - 1)))
    for _ in range(2):
        intake.take()
    assert caplog.messages == []
    for _ in range(3):
        assert intake.take()[0]
    assert caplog.messages == [
        "frame 2 was captured 0.500 s before frame 1, which came before it: expected t_capture to rise; tracks break "
        "where it does not, and one object counts as several"
    ]


def test_times_of_a_replay_are_not_judged(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake(Giving(*(frame(seq, t, replayed=True) for seq, t in ((0, 5e6), (1, 4e6)))))
    assert (intake.take()[0], intake.take()[0], caplog.messages) == (True, True, [])
