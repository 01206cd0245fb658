"""edge run, whole, on a camera that is lost: from the command line down to a cv2.VideoCapture that fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.app.loop as loop
import edge.camera.live.reconnect as reconnect
import edge.camera.v4l2 as device
from edge.commands.main import main
from edge.system.deadline import Deadline
from tests.support.fake_v4l2 import DEVICE, FakeV4l2

SOURCE = f"{DEVICE}?format=Y16&width=80&height=64"


class Camera(FakeV4l2):
    """Goes away after ``frames`` frames; comes back at the ``comes_back``-th opening after that, None = never."""

    def __init__(self, frames: int, comes_back: int | None) -> None:
        super().__init__(size=(80, 64))
        self.left, self.comes_back, self.in_vain = frames, comes_back, 0

    def __call__(self, source: str, api: int, parameters: list[int]) -> FakeV4l2:
        super().__call__(source, api, parameters)
        if self.left <= 0 and self.comes_back is not None:
            self.comes_back -= 1
            self.left = 10_000 if self.comes_back < 0 else 0
        return self

    def isOpened(self) -> bool:
        self.in_vain += self.left <= 0
        return self.left > 0

    def grab(self) -> bool:
        threading.Event().wait(0.002)  # the pace of a camera: else the loop gets no turn
        self.left -= 1
        return self.left > 0 and super().grab()


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Camera]:
    for module, name, seconds in (
        (device, "STALL_S", 0.05),
        (device, "FIRST_FRAME_S", 0.05),
        (device, "RETRY_S", 0.001),
        (reconnect, "FIRST_DELAY_S", 0.002),
        (reconnect, "LONGEST_DELAY_S", 0.01),
        (loop, "GRACE_S", 0.1),
    ):
        monkeypatch.setattr(module, name, seconds)

    def make(frames: int, comes_back: int | None) -> Camera:
        camera = Camera(frames, comes_back)
        monkeypatch.setattr(cv2, "VideoCapture", camera)
        return camera

    return make


def run(bundle: Path, out: Path, *words: object) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    code = main(["run", "--source", SOURCE, "--model", str(bundle), "--out", str(out), *map(str, words)])
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]
    return code, json.loads((out / "report.json").read_text()), lines


Plug = Callable[..., Camera]


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_lost_and_back(
    plug: Plug, policy: str, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plug(frames=20, comes_back=2)
    code, report, lines = run(tiny_bundle, tmp_path / "out", "--frames", 60, "--policy", policy)
    assert (code, report["ended"], report["frames"], len(lines)) == (0, "frame limit", 60, 60)
    lost = report["reconnects"]
    assert (lost["outages"], lost["away"]) == (1, False)
    (gap,) = lost["gaps"]
    assert gap["back"]
    assert gap["seconds"] == lost["lost_seconds"] > 0
    assert "no new frame for 0.05 s" in gap["why"]
    # nothing carries the number that the gap left out, and there are frames on both sides of it
    seqs = [line["seq"] for line in lines]
    assert gap["after_seq"] + 1 not in seqs
    assert seqs[0] <= gap["after_seq"] < seqs[-1]
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
    first, *said = (line for line in capsys.readouterr().err.splitlines() if "camera" in line)
    assert first.startswith("edge: source: /dev/null: V4L2 camera")
    assert said[0].startswith("edge: camera lost: /dev/null: no new frame for 0.05 s")
    assert said[-1].startswith("edge: camera back after ")
    assert all(line.startswith("edge: camera") for line in said)


def test_quiet_is_silent(plug: Plug, tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plug(frames=20, comes_back=2)
    code, report, _ = run(tiny_bundle, tmp_path / "out", "--frames", 60, "--record", "--video", "--quiet")
    assert (code, report["reconnects"]["outages"]) == (0, 1)
    assert capfd.readouterr() == ("", "")


def test_never_back_within_the_time_given(
    plug: Plug, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plug(frames=20, comes_back=None)
    code, report, lines = run(tiny_bundle, tmp_path / "out", "--reconnect-seconds", 0.2)
    assert (code, report["ended"]) == (1, "failed")
    assert "camera not back after 0.2 s" in report["error"]
    assert 0 < len(lines) == report["frames"]  # what had been seen is kept
    assert report["reconnects"]["away"]
    assert [gap["back"] for gap in report["reconnects"]["gaps"]] == [False]
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == f"edge: {report['error']}"
    assert "Traceback" not in said


def test_not_looked_for(plug: Plug, tiny_bundle: Path, tmp_path: Path) -> None:
    plug(frames=20, comes_back=0)
    code, report, _ = run(tiny_bundle, tmp_path / "out", "--reconnect-seconds", 0)
    assert (code, report["reconnects"]) == (1, None)
    assert "no new frame for 0.05 s" in report["error"]


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_the_time_limit_holds_while_it_is_away(
    plug: Plug, policy: str, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = plug(frames=20, comes_back=None)

    class Counted(Deadline):
        """Counts from the first result on, ten seconds for each time that the camera was looked for in vain."""

        since: int | None = None

        def __init__(self, seconds: float | None, stop: threading.Event | None) -> None:
            super().__init__(seconds, stop, self._ten_each)

        def _ten_each(self) -> float:
            return 0.0 if self.since is None else 10.0 * (camera.in_vain - self.since)

        def start(self) -> None:
            self.since = camera.in_vain
            super().start()

    monkeypatch.setattr(loop, "Deadline", Counted)
    code, report, lines = run(tiny_bundle, tmp_path / "out", "--seconds", 50, "--policy", policy)
    assert (code, report["ended"], report["error"]) == (0, "time limit", None)
    assert 0 < len(lines) == report["frames"]
    assert (report["reconnects"]["outages"], report["reconnects"]["away"]) == (1, True)


def test_the_recording_has_the_same_gap(plug: Plug, tiny_bundle: Path, tmp_path: Path) -> None:
    plug(frames=20, comes_back=1)
    out = tmp_path / "out"
    code, report, lines = run(tiny_bundle, out, "--frames", 60, "--record")
    assert code == 0
    replay = ["run", "--source", f"rec:{out / 'recording'}", "--model", tiny_bundle, "--out", tmp_path / "again"]
    assert main([*map(str, replay), "--verify", str(out / "detections.jsonl"), "--quiet"]) == 0
    (gap,) = report["reconnects"]["gaps"]
    assert gap["after_seq"] < lines[-1]["seq"]


def test_files_are_not_lost(tiny_bundle: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 80), np.uint8))
    out = tmp_path / "out"
    words = ["run", "--source", str(tmp_path / "a.png"), "--model", str(tiny_bundle), "--out", str(out), "--quiet"]
    assert main(words) == 0
    assert json.loads((out / "report.json").read_text())["reconnects"] is None
