"""Seconds by the source's own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from edge.camera.source_clock import SourceClock
from edge.data import Frame
from edge.seams import Camera

UTC = datetime(2026, 5, 1, 4, 30, tzinfo=timezone.utc)
PIXELS = np.zeros((2, 2), np.uint8)


class Source(Camera):
    def __init__(self, fps: float | None = None, live: bool = False, once: bool | None = None) -> None:
        self.fps, self.live, self._once = fps, live, live if once is None else once

    @property
    def once_live(self) -> bool:
        return self._once

    def read(self) -> None:
        return None


def seconds(camera: Camera, *frames: dict[str, Any]) -> list[float]:
    """Of frames that are read two milliseconds after each other."""
    clock = SourceClock(camera)
    return [clock(Frame(PIXELS, **{"seq": 3 * i, "t_capture": 50 + i / 500, **said})) for i, said in enumerate(frames)]


ALL = [{"origin": 7 + i / 10, "utc": UTC + timedelta(seconds=i)} for i in range(3)]


def test_of_a_live_camera_and_of_a_replay_of_one_it_is_the_capture() -> None:
    for camera in (Source(10, live=True), Source(10, once=True)):
        assert seconds(camera, *ALL) == [50, 50.002, 50.004]


def test_of_a_film_it_is_its_media_time() -> None:
    assert seconds(Source(10), *ALL) == [7, 7.1, 7.2]


def test_of_other_files_the_wall_clock_then_the_rate_then_the_reading() -> None:
    named = [{**said, "origin": f"{i}.tif"} for i, said in enumerate(ALL)]
    assert seconds(Source(10), *named) == [0, 1, 2]
    timeless = [{"origin": "a.tif"}] * 3
    assert seconds(Source(10), *timeless) == pytest.approx([0, 0.3, 0.6])  # seq, where frames are missing
    assert seconds(Source(), *timeless) == [50, 50.002, 50.004]
    gap = [{**named[0], "seq": 90}, {**timeless[0], "seq": 100}, {**named[2], "seq": 110}]
    assert seconds(Source(10), *gap) == [0, 1, 2]  # a frame without a wall clock is no jump
    late = [timeless[0], *named[1:]]  # the first has no wall clock: none is used
    assert seconds(Source(10), *late) == pytest.approx([0, 0.3, 0.6])
