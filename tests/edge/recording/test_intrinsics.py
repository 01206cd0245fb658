"""The lens that a source knows of itself: through a crop, into a recording, and out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.camera import open_camera
from edge.data import Frame
from edge.geo.lens import LensSpec
from edge.recording import Origin, RecordingWriter
from edge.recording.contents import Header
from edge.recording.format import Damaged
from edge.recording.recorder import Recorder
from edge.recording.replay import Replay

LENS = (700.25, 710.5, 300.0, -12.5)
SIM = "sim:live=0,frames=2,width=128,height=96,pitch=-90,people=0,deer=0,cars=0"


def test_a_simulated_camera_knows_its_lens() -> None:
    with open_camera(f"{SIM},focal=19,pixel=17") as camera:
        assert camera.intrinsics == pytest.approx((19e3 / 17, 19e3 / 17, 64, 48))


def test_of_a_part_the_axis_lies_elsewhere() -> None:
    with open_camera(SIM) as whole, open_camera(f"{SIM}?crop=30,20,64,32") as part:
        assert whole.intrinsics is not None
        fx, fy, cx, cy = whole.intrinsics
        assert part.intrinsics == (fx, fy, cx - 30, cy - 20)


def test_a_replay_knows_it_and_a_part_of_the_replay_too(tmp_path: Path) -> None:
    with open_camera(f"{SIM}?crop=30,20,64,32") as camera:
        expected = camera.intrinsics
        assert expected is not None
        with Recorder.behind(camera, tmp_path / "r") as recorder:
            for frame in iter(camera.read, None):
                recorder.write(frame)
    with open_camera(f"rec:{tmp_path / 'r'}") as replay:
        assert replay.intrinsics == expected
    with open_camera(f"rec:{tmp_path / 'r'}?crop=4,2,40,20") as part:
        assert part.intrinsics == (*expected[:2], expected[2] - 4, expected[3] - 2)


def test_a_replay_of_a_part_knows_the_whole_so_that_a_lens_needs_no_size(tmp_path: Path) -> None:
    lens = LensSpec.parse("hfov=40")
    with open_camera(f"{SIM}?crop=30,20,64,32") as camera:
        assert camera.whole == (128, 96)
        expected = lens.model(64, 32, camera.crop, camera.whole)
        with Recorder.behind(camera, tmp_path / "r") as recorder:
            for frame in iter(camera.read, None):
                recorder.write(frame)
    with open_camera(f"rec:{tmp_path / 'r'}") as replay:
        assert (replay.crop, replay.whole) == ((30, 20, 64, 32), (128, 96))
        assert lens.model(64, 32, replay.crop, replay.whole) == expected
    with open_camera(f"rec:{tmp_path / 'r'}?crop=4,2,40,20") as part:
        assert (part.crop, part.whole) == ((34, 22, 40, 20), (128, 96))
    old = Header.here("r", 0, Origin("a", False, 9.0, crop=(30, 20, 64, 32))).to_json()  # of before
    assert "whole" not in old
    assert Header.from_json(old).origin.whole is None


def test_it_is_recorded_to_the_last_bit_and_left_out_where_nobody_knows_it(tmp_path: Path) -> None:
    for name, lens in (("known", LENS), ("unknown", None)):
        writer = RecordingWriter(tmp_path / name, Origin("a", False, 9.0, intrinsics=lens), reserve=0)
        writer.write(Frame(np.zeros((4, 4), np.uint16), 0, 0.0))
        writer.close()
        with Replay(tmp_path / name) as replay:
            assert replay.intrinsics == lens
    assert "intrinsics" not in Header.here("r", 0, Origin("a", False, 9.0)).to_json()


@pytest.mark.parametrize(
    "wrong", [[0, 700, 1, 1], [700, -1, 1, 1], [700, 700, 1], [700, 700, 1, 1, 1], "700", [1e400] * 4]
)
def test_what_cannot_be_a_lens_is_damage(wrong: Any) -> None:
    said = json.loads(json.dumps(Header.here("r", 0, Origin("a", False, 9.0, intrinsics=LENS)).to_json()))
    assert Header.from_json(said).origin.intrinsics == LENS
    with pytest.raises(Damaged, match="intrinsics"):
        Header.from_json({**said, "intrinsics": wrong})
