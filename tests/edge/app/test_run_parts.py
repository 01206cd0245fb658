"""run() in a program of somebody else's: with a camera, an engine and sinks of its own, ended from outside."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
import edge.app.loop as loop
from edge.app.observer import Observer, Progress
from edge.data import Frame, RawDetections, Result
from edge.errors import CameraError, EdgeError, EngineError, InputError, SinkError
from edge.model.bundle import Bundle
from edge.recording import Recording
from edge.recording.replay import Replay
from edge.seams import Camera, Engine, Sink
from edge.sinks import SinkContext
from edge.thermal.normalise import NormaliseSpec

H, W = 64, 80


class Mine(Camera):
    """``frames`` frames; then the end, or silence until it is closed."""

    description = "a camera of mine"

    def __init__(self, frames: int, live: bool = False, silent: bool = False) -> None:
        self.live, self.fps, self._left, self._silent, self._seq = live, 30.0, frames, silent, -1
        self.closed = threading.Event()
        self.silence = threading.Event()  # begins: all that it has was read
        self.gave_up = False  # nobody closed it for a minute

    def read(self) -> Frame | None:
        if self._left == 0:
            if self._silent:
                self.silence.set()
                self.gave_up = not self.closed.wait(60)
                raise CameraError("closed")
            return None
        self._left -= 1
        self._seq += 1
        if self.live:
            time.sleep(0.003)
        pixels = np.full((H, W), 29000 + self._seq, np.uint16)
        pixels[16:24, 8:16] += 800
        return Frame(pixels, self._seq, time.monotonic())

    def close(self) -> None:
        self.closed.set()


class Corner(Engine):
    """One person in the corner."""

    backend, description, released = "corner", "a corner finder", 0

    def _infer(self, image: np.ndarray) -> RawDetections:
        boxes, scores = np.zeros((4, 4), np.float32), np.zeros(4, np.float32)
        boxes[0], scores[0] = (0, 0, 8, 8), 0.9
        return RawDetections(boxes, scores, np.zeros(4, np.int32))

    def _release(self) -> None:
        self.released += 1


class Lines(Sink):
    """A line a result; breaks at ``breaks``."""

    def __init__(self, to: SinkContext, breaks: int | None = None) -> None:
        self.file, self.breaks = to.path.open("w"), breaks
        self.file.write(f"{to.classes} {to.fps} {to.live}\n")

    def write(self, result: Result) -> None:
        if result.frame.seq == self.breaks:
            raise ValueError("a word too many")
        self.file.write(f"{result.frame.seq}\n")

    def close(self) -> None:
        self.file.close()


@pytest.fixture
def engine(tiny_bundle: Path) -> Corner:
    return Corner(Bundle.load(tiny_bundle))


def settings(out: Path, **more: Any) -> edge.RunSettings:
    return edge.RunSettings(out=out, **more)


def seqs(out: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in (out / "detections.jsonl").read_text().splitlines()[1:]]


def test_a_password_is_kept_nowhere(tmp_path: Path, engine: Corner) -> None:
    camera = Mine(3)
    camera.description = "rtsp://me:secret@10.0.0.1/cam, 80x64"
    source = "rtsp://me:secret@10.0.0.1/cam"
    edge.run(settings(tmp_path / "o", source=source, record=True), camera=camera, engine=engine)
    report = json.loads((tmp_path / "o/report.json").read_text())
    assert (report["source"], report["camera"]) == (
        "rtsp://me:***@10.0.0.1/cam",
        "rtsp://me:***@10.0.0.1/cam, 80x64",
    )
    assert not [path for path in (tmp_path / "o").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_a_sink_that_looks_at_no_pixels_holds_none(engine: Corner, tmp_path: Path) -> None:
    seen: dict[str, edge.Result] = {}

    class Keeps(edge.Sink):
        def __init__(self, name: str) -> None:
            self.name = name

        def write(self, result: edge.Result) -> None:
            seen[self.name] = result

    mine = [
        edge.SinkSpec(name, None, lambda _, name=name: Keeps(name), pixels=name == "all") for name in ("all", "few")
    ]
    edge.run(settings(tmp_path / "out"), camera=Mine(2), engine=engine, sinks=mine)
    whole, few = seen["all"], seen["few"]
    assert (few.frame.pixels.shape, few.frame.pixels.dtype) == (whole.frame.pixels.shape, whole.frame.pixels.dtype)
    assert few.picture.shape == whole.picture.shape
    assert whole.picture.any()
    for bare in (few.frame.pixels, few.picture):
        assert not bare.any()
        assert bare.strides == (0, 0)  # one pixel for all of them
    assert few.detections is whole.detections
    assert (few.frame.seq, few.frame.pose, few.t_result) == (whole.frame.seq, whole.frame.pose, whole.t_result)


def test_all_parts_of_ones_own(engine: Corner, tmp_path: Path) -> None:
    out, camera = tmp_path / "out", Mine(6)
    mine = edge.SinkSpec("lines", "lines.txt", Lines)
    report = edge.run(settings(out, record=True, outputs=("pictures",)), camera=camera, engine=engine, sinks=[mine])
    assert (report["ended"], report["frames"], report["detections"]) == ("end of source", 6, {"Person": 6})
    assert (report["source"], report["camera"], report["backend"]) == ("a camera of mine", "a camera of mine", "corner")
    assert report == json.loads((out / "report.json").read_text())
    assert (out / "lines.txt").read_text() == "('Person',) 30.0 False\n0\n1\n2\n3\n4\n5\n"
    assert report["sinks"] == {
        "detections": {"file": "detections.jsonl", "written": 6, "skipped": 0, "error": None},
        "tracks": {"file": "tracks.jsonl", "written": 6, "skipped": 0, "error": None},
        "counts": {"file": "counts.json", "written": 6, "skipped": 0, "error": None},
        "pictures": {"file": "pictures", "written": 6, "skipped": 0, "error": None},
        "lines": {"file": "lines.txt", "written": 6, "skipped": 0, "error": None},
    }
    assert report["video"] is None
    assert report["recording"]["frames"] == Recording(out / "recording").frames == 6
    assert sorted(path.name for path in (out / "pictures").iterdir()) == [f"frame-{i:06d}.png" for i in range(6)]
    assert (camera.closed.is_set(), engine.released) == (False, 0)  # they stay the caller's

    again = tmp_path / "again"
    with Replay(out / "recording") as replay:
        said = edge.run(settings(again, verify=out / "detections.jsonl"), camera=replay, engine=engine)
    assert (said["verify"]["compared"], said["verify"]["different"]) == (6, 0)
    with pytest.raises(InputError, match="is no replay"):
        edge.run(settings(again, verify=out / "detections.jsonl"), camera=Mine(3), engine=engine)


def test_a_source_only_names_ones_own_camera(engine: Corner, tmp_path: Path) -> None:
    report = edge.run(settings(tmp_path, source="front"), camera=Mine(2), engine=engine)
    assert (report["source"], report["frames"]) == ("front", 2)


def test_what_ones_own_sink_left_is_moved_aside(engine: Corner, tmp_path: Path) -> None:
    mine = edge.SinkSpec("lines", "lines.txt", Lines)
    for _ in range(2):
        edge.run(settings(tmp_path, outputs=("pictures",)), camera=Mine(2), engine=engine, sinks=[mine])
    expected = [
        "counts.json",
        "crops",
        "detections.jsonl",
        "lines.txt",
        "pictures",
        "report.json",
        "run.json",
        "tracks.jsonl",
    ]
    assert sorted(path.name for path in (tmp_path / "earlier-1").iterdir()) == expected


def test_a_sink_that_breaks_ends_nothing_but_itself(engine: Corner, tmp_path: Path) -> None:
    mine = edge.SinkSpec("lines", "lines.txt", lambda to: Lines(to, breaks=2), lossless=True)
    with pytest.raises(SinkError, match="Lines: ValueError.'a word too many'"):
        edge.run(settings(tmp_path), camera=Mine(6), engine=engine, sinks=[mine])
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["ended"], report["frames"], seqs(tmp_path)) == ("failed", 6, list(range(6)))
    assert (report["sinks"]["lines"]["written"], report["sinks"]["lines"]["skipped"]) == (2, 3)
    assert report["error"] == report["sinks"]["lines"]["error"]


@pytest.mark.parametrize(("policy", "waits"), [("latest", False), ("every", True)])
def test_a_slow_sink_is_waited_for_only_where_no_frame_is_left_out(
    policy: str, waits: bool, engine: Corner, tmp_path: Path
) -> None:
    enough = threading.Event()

    class Slow(Lines):
        def write(self, result: Result) -> None:
            if waits:
                time.sleep(0.02)
            else:  # one result is in its hands, one waits: the third is skipped
                assert enough.wait(60)
            super().write(result)

    def watch(result: Result) -> None:
        watched.append(result)
        if len(watched) == 4:
            enough.set()

    watched: list[Result] = []
    mine = edge.SinkSpec("slow", "slow.txt", Slow, depth=1)
    camera = Mine(100_000, live=True)
    report = edge.run(
        settings(tmp_path, policy=policy, frames=6), camera=camera, engine=engine, sinks=[mine], watch=watch
    )
    slow = report["sinks"]["slow"]
    assert slow["written"] + slow["skipped"] == report["frames"] == len(seqs(tmp_path)) == 6
    assert (slow["skipped"] == 0) == waits


def test_an_essential_sink_that_breaks_ends_the_run(engine: Corner, tmp_path: Path) -> None:
    mine = edge.SinkSpec("lines", "lines.txt", lambda to: Lines(to, breaks=2), lossless=True, depth=1, essential=True)
    with pytest.raises(SinkError, match="a word too many"):
        edge.run(settings(tmp_path), camera=Mine(100), engine=engine, sinks=[mine])
    assert 2 < json.loads((tmp_path / "report.json").read_text())["frames"] < 100


def test_a_sink_that_cannot_be_made_is_told_before_the_start(engine: Corner, tmp_path: Path) -> None:
    def never(_to: SinkContext) -> Sink:
        raise PermissionError(13, "Permission denied")

    camera = Mine(3)
    with pytest.raises(SinkError, match="the sink mine cannot be made: PermissionError"):
        edge.run(settings(tmp_path), camera=camera, engine=engine, sinks=[edge.SinkSpec("mine", "mine", never)])
    assert camera._left == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "JsonlSink"]


def test_a_make_that_returns_no_sink_is_told_before_the_start(engine: Corner, tmp_path: Path) -> None:
    camera = Mine(3)
    nothing = edge.SinkSpec("mine", "mine", lambda to: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(SinkError, match="the sink mine cannot be made: its make returned None: expected an edge.Sink"):
        edge.run(settings(tmp_path), camera=camera, engine=engine, sinks=[nothing])
    assert camera._left == 3


def test_a_sink_that_is_no_spec_is_refused(engine: Corner, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the sink is <class .*Sink'>: expected an edge.SinkSpec, such as edge\.Sink"):
        edge.run(settings(tmp_path), camera=Mine(3), engine=engine, sinks=[Sink])  # type: ignore[list-item]
    assert not tmp_path.joinpath("report.json").exists()


def test_an_engine_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the engine is str: expected a class derived from edge.Engine"):
        edge.run(settings(tmp_path), camera=Mine(3), engine="null")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "nothing to look at"),
        ({"outputs": ("film",)}, "no sink is named film"),
        ({"frames": 0}, "expected 1 or more"),
        ({"seconds": 0.0}, "expected more than 0"),
        ({"threshold": 1.5}, "expected a score"),
        ({"record_budget": 10**9}, "give --record too"),
        ({"source": "sim:width=80,height=64", "policy": "some"}, "expected 'latest' or 'every'"),
        (
            {"source": "sim:width=80,height=64", "normalise": NormaliseSpec.parse("minmax")},
            "make the engine of bundle.with_normaliser",
        ),
    ],
)
def test_bad_settings(more: dict[str, Any], words: str, engine: Corner, tmp_path: Path) -> None:
    def fly() -> None:
        edge.run(settings(tmp_path / "out", **more), engine=engine)

    with pytest.raises(InputError, match=words):
        fly()
    assert not (tmp_path / "out" / "detections.jsonl").exists()


# ---- ended from outside


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_stop_while_the_camera_is_silent(policy: str, engine: Corner, tmp_path: Path) -> None:
    camera, stop, seen = Mine(5, live=True, silent=True), threading.Event(), threading.Event()

    def stop_it() -> None:
        assert camera.silence.wait(60)
        assert seen.wait(60)
        stop.set()

    stopper = threading.Thread(target=stop_it)
    stopper.start()
    report = edge.run(
        settings(tmp_path, policy=policy, record=True),
        camera=camera,
        engine=engine,
        stop=stop,
        watch=lambda result: seen.set(),
    )
    stopper.join()
    assert (report["ended"], report["error"], report["frames"]) == ("stopped", None, len(seqs(tmp_path)))
    assert report["frames"] > 0
    assert report["recording"]["frames"] == 5
    camera.close()
    assert not camera.gave_up


def test_stopped_before_it_began(engine: Corner, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    report = edge.run(settings(tmp_path), camera=Mine(5), engine=engine, stop=stop)
    assert (report["ended"], report["frames"]) == ("stopped", 0)


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_the_time_limit_holds_while_ones_own_camera_is_silent(
    policy: str, engine: Corner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "GRACE_S", 0.05)
    camera, stop = Mine(5, live=True, silent=True), threading.Event()
    report = edge.run(settings(tmp_path, policy=policy, seconds=0.2), camera=camera, engine=engine, stop=stop)
    assert report["ended"] == "time limit"
    assert not stop.is_set()  # it is the caller's, and may end another run
    camera.close()
    assert not camera.gave_up


def test_a_failing_engine_is_reported_and_not_closed(engine: Corner, tmp_path: Path) -> None:
    class Breaks(Corner):
        def _infer(self, image: np.ndarray) -> RawDetections:
            raise EngineError("out of memory")

    broken = Breaks(engine.bundle)
    with pytest.raises(EngineError):
        edge.run(settings(tmp_path), camera=Mine(5), engine=broken)
    assert json.loads((tmp_path / "report.json").read_text())["error"] == "out of memory"
    assert broken.released == 0


def test_memory_that_is_used_up_is_one_line(engine: Corner, tmp_path: Path) -> None:
    class Large(Corner):
        def _infer(self, image: np.ndarray) -> RawDetections:
            raise MemoryError

    with pytest.raises(EdgeError, match=r"^the memory is used up: close other programs") as raised:
        edge.run(settings(tmp_path), camera=Mine(5), engine=Large(engine.bundle))
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["ended"], report["error"]) == ("failed", str(raised.value))


# ---- looking on


class Notes(Observer):
    def __init__(self) -> None:
        self.said: list[Any] = []

    def begin(self, progress: Progress) -> None:
        self.progress = progress
        self.said.append(("begin", progress.frames, progress.recorder is not None))

    def __call__(self, result: Result) -> None:
        self.said.append((result.frame.seq, self.progress.totals.meter.results))

    def close(self) -> None:
        self.said.append("end")


def test_an_observer_sees_begin_results_and_end(engine: Corner, tmp_path: Path) -> None:
    notes = Notes()
    edge.run(settings(tmp_path, frames=2, record=True), camera=Mine(5), engine=engine, watch=notes)
    assert notes.said == [("begin", 2, True), (0, 1), (1, 2), "end"]


def test_an_observer_sees_the_end_of_a_run_that_failed(engine: Corner, tmp_path: Path) -> None:
    notes = Notes()
    engine.close()
    with pytest.raises(EngineError):
        edge.run(settings(tmp_path), camera=Mine(5), engine=engine, watch=notes)
    assert notes.said == [("begin", None, False), "end"]


def test_silent_by_default_but_it_logs(
    engine: Corner, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    engine.notes = ["it finds corners only"]
    mine = edge.SinkSpec("lines", "lines.txt", lambda to: Lines(to, breaks=0), lossless=True, depth=1)
    with pytest.raises(SinkError):
        edge.run(settings(tmp_path), camera=Mine(20), engine=engine, sinks=[mine])
    lines: Sequence[str] = caplog.messages
    assert "note: it finds corners only" in lines
    assert "Lines: ValueError('a word too many'); the flight goes on" in lines
    assert capfd.readouterr() == ("", "")
