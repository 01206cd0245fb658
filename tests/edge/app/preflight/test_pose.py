"""The checks of a preflight for poses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import edge.app.preflight.pose as pose_module
from edge.app.preflight.pose import pose_lines
from edge.data import Pose
from edge.errors import InputError
from edge.pose import PoseSource
from tests.support.planned import plan, told


class Heard(PoseSource):
    """Gives what it is told to, after ``n`` questions."""

    description = "autopilot"

    def __init__(self, pose: Pose | None, counts: dict[str, int], n: int = 0) -> None:
        super().__init__()
        self.pose, self.told, self.n = pose, counts, n

    def at(self, _moment: Any) -> tuple[Pose | None, str]:
        self.n -= 1
        return (self.pose, "") if self.pose and self.n < 0 else (None, "waiting for a fix")

    @property
    def counts(self) -> dict[str, int]:
        return self.told

    def close(self) -> None:
        pass


POSE = Pose(47.1, 8.2, 61.04, 90.0, -89.6, 0.0, height_source="rangefinder")


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (
            Heard(POSE, {"ATTITUDE": 9}, 2),
            "green",
            "47.100000, 8.200000, 61.0 m above ground (rangefinder), yaw 90, pitch -90",
        ),
        (Heard(None, {"ATTITUDE": 9, "GPS_RAW_INT": 0}), "yellow", "no pose: waiting for a fix; heard: ATTITUDE 9"),
        (Heard(None, {"ATTITUDE": 0}), "red", "nothing was heard in 5 s"),
    ],
)
def test_an_autopilot(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, source: Heard, state: str, words: str
) -> None:
    monkeypatch.setattr(pose_module, "open_pose", lambda *_: source)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(pose_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    made = plan(tmp_path, tiny_bundle, '[pose]\nsource = "mavlink:udp:127.0.0.1:14550"\n')
    said = told(pose_lines(made))["pose"]
    assert said[0] == state
    assert words in said[1]
    assert bool(said[2]) == (state != "green")
    assert now[0] == pytest.approx(0.2 if state == "green" else pose_module.WAIT_S, abs=pose_module.LOOK_S)


def test_no_pose_and_poses_of_a_file(tmp_path: Path, tiny_bundle: Path) -> None:
    assert told(pose_lines(plan(tmp_path, tiny_bundle)))["pose"][:2] == ("green", "none is asked for")
    made = plan(tmp_path, tiny_bundle, "[coverage]\n", source="a.mp4")
    assert told(pose_lines(made))["pose"][:2] == ("yellow", "none, and coverage need one: no positions")
    assert (
        told(pose_lines(plan(tmp_path, tiny_bundle, "[coverage]\n")))["pose"][0] == "green"
    )  # the simulator has its own
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:01,000\n[latitude: 41.4] [longitude: 2.2] [rel_alt: 9.0 abs_alt: 45]\n"
    )
    said = told(pose_lines(plan(tmp_path, tiny_bundle, '[pose]\nsource = "srt:a.srt"\n')))["pose"]
    assert said[0] in ("green", "yellow")
    assert "a.srt" in said[1]
    with pytest.raises(InputError):
        list(pose_lines(plan(tmp_path, tiny_bundle, '[pose]\nsource = "srt:none.srt"\n')))
