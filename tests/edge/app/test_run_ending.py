"""However a run ends - impatient Ctrl-C, full disk, lost terminal, a fault of our own - it ends with its report."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.app.sinks
from edge.app.run import run
from edge.app.settings import RunSettings
from edge.camera.stills import Stills
from edge.commands.main import main
from edge.data import Frame, RawDetections, Result
from edge.engine.null import NullEngine
from edge.errors import CameraError
from edge.sinks import Background, JsonlSink, VideoSink
from tests.support.children import run_child
from tests.support.loaded import popen_loaded, run_loaded

ROOT = Path(__file__).resolve().parents[3]
# straight down on bare ground: a small map, which each of the processes draws anew
BARE = "width=80,height=64,pitch=-90,people=0,deer=0,cars=0"
LIVE = f"sim:{BARE},fps=50"
NULL = ("--backend", "null")  # a process without ONNX Runtime begins sooner


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


def lines(out: Path) -> int:
    path = out / "detections.jsonl"
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0  # without the first


def words(bundle: Path, out: Path, *more: str, source: str = f"sim:live=0,{BARE},frames=8") -> list[str]:
    return ["run", "--source", source, "--model", str(bundle), "--out", str(out), *more]


def started(command: list[str], out: Path, **files: Any) -> subprocess.Popen[str]:
    """``edge`` in a process of its own, as soon as it has written three lines."""
    running = popen_loaded([sys.executable, "-m", "edge.commands.main", *command], cwd=ROOT, text=True, **files)
    give_up = time.monotonic() + 60
    while lines(out) < 3:
        assert running.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return running


class Interrupted(Background):
    """Sinks of which the closing of one, that of the detections, is interrupted: a person presses Ctrl-C once more."""

    def close(self) -> None:
        if isinstance(self._sink, JsonlSink) and self._thread.is_alive():
            os.kill(os.getpid(), signal.SIGINT)
        super().close()


def test_a_second_ctrl_c_costs_no_report(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.app.sinks, "Background", Interrupted)

    def first(_result: object) -> None:
        raise KeyboardInterrupt

    settings = RunSettings(
        source="sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=8",
        model=str(tiny_bundle),
        out=tmp_path,
    )
    assert run(settings, watch=first)["ended"] == "interrupted"
    assert report(tmp_path)["frames"] == lines(tmp_path) == 1


def test_ctrl_c_while_it_closes_costs_no_report(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge.app.sinks, "Background", Interrupted)
    assert main(words(tiny_bundle, tmp_path, "--quiet")) == 0
    assert report(tmp_path)["ended"] == "end of source"


def test_the_first_ctrl_c_ends_the_loop_in_order(tiny_bundle: Path, tmp_path: Path) -> None:
    """An exception wherever the loop happens to be could break what a sink's thread waits for."""
    seen: list[int] = []

    def stop_at_the_third(result: Result) -> None:
        if result.frame.seq == 2:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(result.frame.seq)

    settings = RunSettings(
        source="sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=8",
        model=str(tiny_bundle),
        out=tmp_path,
    )
    assert run(settings, watch=stop_at_the_third)["ended"] == "interrupted"
    assert seen == [0, 1, 2]
    assert report(tmp_path)["frames"] == lines(tmp_path) == 3


def test_the_second_ctrl_c_ends_it_at_once(tiny_bundle: Path, tmp_path: Path) -> None:
    def stop_twice(_result: Result) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("it went on")

    settings = RunSettings(
        source="sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=8",
        model=str(tiny_bundle),
        out=tmp_path,
    )
    assert run(settings, watch=stop_twice)["ended"] == "interrupted"
    assert report(tmp_path)["frames"] == lines(tmp_path) == 1


def test_a_login_that_is_lost_is_a_stop(tiny_bundle: Path, tmp_path: Path) -> None:
    running = started(words(tiny_bundle, tmp_path, "--quiet", *NULL, source=LIVE), tmp_path)
    running.send_signal(signal.SIGHUP)
    assert running.wait(timeout=60) == 0
    assert report(tmp_path)["ended"] == "interrupted"


def test_nohup_and_then_terminated(tiny_bundle: Path, tmp_path: Path) -> None:
    running = started(
        words(tiny_bundle, tmp_path, "--quiet", *NULL, source=LIVE),
        tmp_path,
        ignored=[signal.SIGHUP],
        stderr=subprocess.PIPE,
    )
    before = lines(tmp_path)
    running.send_signal(signal.SIGHUP)
    give_up = time.monotonic() + 60
    while lines(tmp_path) < before + 3 and time.monotonic() < give_up:
        time.sleep(0.02)
    assert running.poll() is None
    running.terminate()
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (0, "")
    assert report(tmp_path)["ended"] == "interrupted"
    assert report(tmp_path)["frames"] == lines(tmp_path)


class Broken(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_nobody_reads_stderr_any_more(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Broken())
    monkeypatch.setattr("edge.commands.live_table.LINE_S", 0.0)
    assert main(words(tiny_bundle, tmp_path)) == 0
    monkeypatch.undo()
    assert report(tmp_path)["frames"] == 8


def test_nobody_reads_stdout_any_more(tiny_bundle: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "edge.commands.main", *words(tiny_bundle, tmp_path, *NULL)]
    done = run_loaded(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


def test_a_closed_stderr_is_not_written_into_the_next_file(tiny_bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.commands.main", *words(tiny_bundle, tmp_path / "out", "--video", *NULL)]
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    done = run_child(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("8 frames")  # nor to stdout
    assert lines(tmp_path / "out") == 8


def test_a_fault_of_our_own_is_reported_before_it_is_raised(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def infer(_engine: NullEngine, _image: object) -> RawDetections:
        raise ZeroDivisionError("never thought of")

    monkeypatch.setattr(NullEngine, "infer", infer)
    with pytest.raises(ZeroDivisionError):
        main(words(tiny_bundle, tmp_path, "--quiet", "--backend", "null"))
    assert (report(tmp_path)["ended"], report(tmp_path)["error"]) == ("failed", "never thought of")


@pytest.fixture
def nearly_full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called the disk has 10 MB left."""

    def fill() -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10_000_000}))

    return fill


def test_the_video_ends_before_the_disk_is_full_and_the_flight_goes_on(
    tiny_bundle: Path,
    tmp_path: Path,
    nearly_full: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write, seen = VideoSink.write, [0]

    def counted(sink: VideoSink, result: Any) -> None:
        seen[0] += 1
        if seen[0] == 33:
            nearly_full()
        write(sink, result)

    monkeypatch.setattr(VideoSink, "write", counted)
    source = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=60"
    assert main(words(tiny_bundle, tmp_path, "--video", source=source)) == 1
    said = report(tmp_path)
    assert said["frames"] == lines(tmp_path) == 60
    assert said["video"]["skipped"] == 27
    assert "less than 64 MiB are free" in said["video"]["error"] == said["error"]
    assert cv2.VideoCapture(str(tmp_path / "video.mkv")).isOpened()  # what is in it can be seen
    told = capsys.readouterr().err
    assert told.count("less than 64 MiB") == 2  # when it happened, and at the end
    assert "the video ends here; the flight goes on\n" in told


def test_a_report_that_cannot_be_written_does_not_hide_the_cause(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("edge.app.report.write_private", full)
    monkeypatch.setattr("os.posix_fallocate", full)  # nor was there room to keep
    assert main(words(tiny_bundle, tmp_path / "a", "--quiet")) == 1
    assert "report.json: No space left" in capsys.readouterr().err

    def gone(_stills: Stills) -> Frame:
        raise CameraError("the camera is gone")

    monkeypatch.setattr(Stills, "read", gone)
    cv2.imwrite(str(tmp_path / "still.png"), np.zeros((64, 80), np.uint8))
    assert main(words(tiny_bundle, tmp_path / "b", "--quiet", source=str(tmp_path / "still.png"))) == 1
    assert capsys.readouterr().err == "edge: the camera is gone\n"
