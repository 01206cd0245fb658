"""Poses at the frames of a run: attached as they come, counted, told, kept by a recording and there in its replay."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from edge.app.run import run
from edge.app.settings import RunSettings
from edge.commands.main import main
from edge.data import Frame, Pose, Result
from edge.pose.attach import MOST_TOLD, Posed
from edge.pose.source import Moment, PoseSource
from edge.recording import Recording
from tests.support.scripted_camera import World, picture
from tests.support.videos import write

HERE = Pose(47.0, 8.0, 60.0, 10.0, -90.0, 0.0, 0.5, 1.5, 2.5, 0.01, 12.5, "rangefinder")


class Scripted(PoseSource):
    """Gives what it is told, one after the other; a text is a reason."""

    description = "a script"

    def __init__(self, *answers: Pose | str) -> None:
        super().__init__()
        self._answers, self.asked = list(answers), list[Moment]()

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        self.asked.append(moment)
        answer = self._answers.pop(0)
        if answer == "bad":
            self.assume("it is bad")
        return (None, answer) if isinstance(answer, str) else (answer, "")


def frames(*answers: Pose | str) -> tuple[Posed, list[Frame]]:
    posed = Posed(World([picture(n) for n in range(len(answers))]).camera(), Scripted(*answers), "script:x")
    return posed, [frame for frame in (posed.read() for _ in answers) if frame is not None]


def test_each_frame_is_asked_for_at_its_capture() -> None:
    posed, given = frames(HERE, "away", HERE)
    assert [frame.pose for frame in given] == [HERE, None, HERE]
    assert [moment.t for moment in posed._source.asked] == [frame.t_capture for frame in given]
    report = posed.report()
    assert report == {
        "source": "script:x", "description": "a script", "frames_with": 2, "frames_without": {"away": 1},
        "heights": {"rangefinder": 2}, "assumed": [], "counts": {},
    }  # fmt: skip


def test_changes_are_told_once_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    frames(HERE, "bad", "bad", "late", HERE, HERE)
    assert [record.message for record in caplog.records if "camera" not in record.message] == [
        "pose: a script",
        "pose: it is bad",
        "frame 1 has no pose: bad",
        "frame 3 has no pose: late",
        "frame 4 has a pose again",
    ]
    caplog.clear()
    frames(*["bad", HERE] * 40)
    told = [record.message for record in caplog.records if record.message.startswith("frame")]
    assert len(told) == MOST_TOLD
    assert told[-1].endswith("no more of this is told, the report counts")


SRT = """1
00:00:00,000 --> 00:00:00,100
[latitude: 47.000000] [longitude: 8.000000] [rel_alt: 60.0 abs_alt: 9.0] [gb_yaw: 10.0 gb_pitch: -80.0 gb_roll: 0.0]

2
00:00:00,100 --> 00:00:00,200
[latitude: 47.000010] [longitude: 8.000000] [rel_alt: 60.0 abs_alt: 9.0] [gb_yaw: 10.0 gb_pitch: -80.0 gb_roll: 0.0]
"""


def test_a_run_keeps_the_poses_and_its_replay_has_them(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "v.srt").write_text(SRT)
    video = tmp_path / "v.avi"
    write(video, "MJPG")
    words = ["run", "--model", str(tiny_bundle), "--out"]
    flight, again = tmp_path / "flight", tmp_path / "again"
    pose = ["--pose", f"srt:{tmp_path}/v.srt"]
    assert main([*words, str(flight), "--source", str(video), *pose, "--record"]) == 0
    said = capsys.readouterr().out
    report = json.loads((flight / "report.json").read_text())["pose"]
    assert report["source"] == pose[1]
    assert report["counts"] == {"subtitle": 2}
    kept = [frame.pose for frame in Recording(flight / "recording")]
    assert report["frames_with"] == sum(found is not None for found in kept) >= 2
    assert report["heights"] == {"above take-off": report["frames_with"]}
    assert f"poses: {report['frames_with']} frames have one; " in said
    first = kept[0]
    assert (first.latitude, first.height, first.height_source) == (47.0, 60.0, "above take-off")
    assert main([*words, str(again), "--source", f"rec:{flight}/recording", "--record", "--quiet"]) == 0
    assert json.loads((again / "report.json").read_text())["pose"] is None
    assert [frame.pose for frame in Recording(again / "recording")] == kept


@pytest.mark.parametrize(
    ("pose", "why"),
    [("srt:none.srt", "No such file"), ("exif", "no image and no folder of images"), ("gpx:x", "expected mavlink:udp")],
)
def test_a_pose_that_cannot_be_opened_ends_with_exit_code_2(
    pose: str, why: str, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "run",
        "--model",
        str(tiny_bundle),
        "--out",
        str(tmp_path / "out"),
        "--source",
        "sim:frames=2,live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0",
    ]
    assert main([*words, "--pose", pose, "--quiet"]) == 2
    assert why in capsys.readouterr().err
    assert not (tmp_path / "out/report.json").exists()


def test_frames_keep_the_poses_of_their_source(tmp_path: Path, tiny_bundle: Path) -> None:
    words = ["run", "--model", str(tiny_bundle), "--out", str(tmp_path / "out"), "--record", "--quiet"]
    assert main([*words, "--source", "sim:frames=3,live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0"]) == 0
    assert all(frame.pose is not None for frame in Recording(tmp_path / "out/recording"))


def test_a_live_run_waits_for_the_autopilot_and_then_has_poses(tmp_path: Path, tiny_bundle: Path) -> None:
    """The first frames come before it is heard: they have none, and the run goes on."""
    pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")
    import socket

    from tests.support.autopilot import FlyingAutopilot, truth

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flying: list[FlyingAutopilot] = []

    def watch(result: Result) -> None:
        if not flying:
            flying.append(FlyingAutopilot(port))
        if result.frame.pose is not None and result.frame.pose.sigma_time_s is not None:
            timed.append(result.frame.t_capture)
            if timed[-1] > timed[0] + 1:  # samples of before the clocks agreed are not in the pose any more
                stop.set()

    timed: list[float] = []
    stop, out = threading.Event(), tmp_path / "out"
    source = "sim:live=1,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,fps=30,frames=2000"
    settings = RunSettings(out=out, source=source, model=tiny_bundle, pose=f"mavlink:udp:127.0.0.1:{port}", record=True)
    try:
        report = run(settings, watch=watch, stop=stop)["pose"]
    finally:
        for one in flying:
            one.__exit__()
    assert report["frames_without"]["waiting for an autopilot"] >= 1
    assert report["frames_with"] >= 1
    assert report["description"] == f"MAVLink, udp 127.0.0.1:{port}"
    assert any("vehicle frame by its flags" in line for line in report["assumed"])
    *_, last = (frame for frame in Recording(out / "recording") if frame.pose is not None and frame.pose.sigma_time_s)
    latitude = truth(last.t_capture - flying[0].started)[0]
    slack = 10 * (last.pose.sigma_time_s + 0.005) / 111_195  # what the time's uncertainty is worth at 10 m/s
    assert last.pose.latitude == pytest.approx(latitude, abs=slack)
