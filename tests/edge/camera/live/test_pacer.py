"""When the next frame is due, on a clock of the test's own that passes only while somebody waits."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.live.pacer import Paced, Pacer
from edge.camera.stills import Stills
from edge.errors import CameraError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def pause(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def pacer(self, **rules: float) -> Pacer:
        return Pacer(**rules, clock=lambda: self.now, pause=self.pause)  # type: ignore[arg-type]


def test_each_frame_is_due_a_step_after_the_one_before() -> None:
    clock = Clock()
    pacer = clock.pacer()
    due = [pacer.wait(step) for step in (7.0, 0.1, 0.0, 0.3, -5.0)]
    assert due == pytest.approx([1000.0, 1000.1, 1000.1, 1000.4, 1000.4])
    assert clock.now == pytest.approx(1000.4)


def test_who_comes_late_gets_old_frames_at_once() -> None:
    clock = Clock()
    pacer = clock.pacer()
    pacer.wait(0.0)
    clock.now += 1.0
    assert [pacer.wait(0.25) for _ in range(6)] == [1000.25, 1000.5, 1000.75, 1001.0, 1001.25, 1001.5]
    assert clock.now == 1001.5


def test_the_longest_step() -> None:
    pacer = Clock().pacer(longest_s=5.0)
    assert [pacer.wait(step) for step in (0.0, 4.0, 3600.0)] == [1000.0, 1004.0, 1009.0]


def test_starting_again_after_a_whole_step() -> None:
    clock = Clock()
    pacer = clock.pacer(starts_again=True)
    pacer.wait(0.0)
    clock.now = 1000.5  # exactly a step late: the beat is kept
    assert pacer.wait(0.25) == 1000.25
    clock.now = 1000.8  # later: a new beat
    assert [pacer.wait(0.25), pacer.wait(0.25)] == [1000.8, pytest.approx(1001.05)]


def test_closed() -> None:
    pacer = Pacer()
    assert pacer.wait(0.0) is not None
    pacer.close()
    pacer.close()
    assert pacer.wait(3600.0) is None


def test_a_file_at_its_own_speed_is_a_live_camera(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((8, 8), i, np.uint8))
    clock = Clock()
    camera = Paced(Stills(tmp_path, fps=4.0), 4.0, clock.pacer())
    assert (camera.live, camera.once_live, camera.fps, camera.frames) == (True, True, 4.0, 3)
    frames = list(iter(camera.read, None))
    assert [frame.t_capture for frame in frames] == [1000.0, 1000.25, 1000.5]
    assert [frame.origin for frame in frames] == ["0.png", "1.png", "2.png"]
    assert camera.description.endswith("8-bit grey; played live at 4 fps")
    camera.close()
    with pytest.raises(CameraError, match="was closed: open it again"):
        camera.read()


def test_a_frame_that_the_file_has_lost_leaves_a_gap_in_time(tmp_path: Path) -> None:
    class Gap(Stills):
        def read(self):  # type: ignore[no-untyped-def]
            frame = super().read()
            return super().read() if frame is not None and frame.seq == 1 else frame

    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((8, 8), i, np.uint8))
    camera = Paced(Gap(tmp_path), 4.0, Clock().pacer())
    assert [frame.t_capture for frame in iter(camera.read, None)] == [1000.0, 1000.5, 1000.75]
