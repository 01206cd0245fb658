"""The detectors and loops that `make bench-peers` compares: without their packages, on a clock of its own."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
from benchmarks.peers import __main__ as command
from benchmarks.peers import detectors, loops, measure, result, turns
from benchmarks.peers.agreement import SAME, Agreement, agreement
from benchmarks.peers.detectors import AbsentError, Detector, Loaded
from benchmarks.peers.lines import printed, section
from benchmarks.peers.loops import Look, QueuedCamera
from benchmarks.peers.turns import Turn
from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import Bundle

FRAMES = [np.full((64, 80), grey, np.uint8) for grey in (90, 120)]


class Clock:
    """A clock that stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def found(*boxes: tuple[float, float], score: float = 0.9) -> RawDetections:
    """Squares of 20 px at these corners."""
    corners = np.array(boxes, np.float32).reshape(-1, 2)
    scores = np.full(len(corners), score, np.float32)
    return RawDetections(np.hstack([corners, corners + 20]), scores, np.zeros(len(corners), np.int32))


# ---- the same objects ----


def test_the_same_objects_are_found() -> None:
    same = agreement([found((10, 10), (50, 50))] * 2, [found((10, 10), (50, 50.5))] * 2, 0.5, SAME)
    assert (same.objects, same.found, same.added, same.refused) == (4, 4, 0, None)
    assert same.least_iou == pytest.approx(19.5 / 20.5, abs=1e-4)
    assert same.most_score == 0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (found((10, 10)), "finds 1 of the 2 objects"),
        (found((10, 10), (50, 52)), "finds 1 of the 2 objects"),  # IoU 18 / 22
        (found((10, 10), (50, 50), score=0.88), "finds 0 of the 2 objects"),
        (found((10, 10), (50, 50), (100, 10)), "and 1 others"),
    ],
)
def test_one_that_finds_other_things_is_refused(other: RawDetections, said: str) -> None:
    same = agreement([found((10, 10), (50, 50))], [other], 0.5, SAME)
    assert same.refused is not None
    assert said in same.refused


def test_frames_without_objects_compare_nothing() -> None:
    refused = agreement([found((10, 10), score=0.4)], [found((10, 10), score=0.4)], 0.5, SAME).refused
    assert refused == "the frames hold no object, so that nothing could be compared"


# ---- turns ----


@dataclasses.dataclass(frozen=True)
class Recorded:
    name: str
    log: list[tuple[str, int]]
    clock: Clock

    def look(self, frame: int) -> RawDetections:
        raise NotImplementedError

    def turn(self, frame: int) -> Turn:
        self.log.append((self.name, frame))
        self.clock.wait(1.0)
        return Turn(len(self.log), 0.0)


def test_all_see_the_same_frame_and_each_begins_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LEAST_ROUNDS", 3)
    clock, log = Clock(), list[tuple[str, int]]()
    three = [Recorded(name, log, clock) for name in "abc"]
    counted = turns.take_turns(three, 2, 0.0, clock, clock.wait)
    assert log == [(name, i % 2) for i, names in enumerate(("abc", "bca", "cab", "abc")) for name in names]
    # the first round is not counted; three are
    assert {name: [t.wall for t in times] for name, times in counted.items()} == {
        "a": [6, 8, 10], "b": [4, 9, 11], "c": [5, 7, 12],
    }  # fmt: skip


def test_turns_go_on_until_the_time_is_over() -> None:
    clock, log = Clock(), list[tuple[str, int]]()
    counted = turns.take_turns([Recorded("a", log, clock)], 2, 12.3, clock, clock.wait)
    assert [len(times) for times in counted.values()] == [11]  # a round is 1.03 s, the first is not counted
    counted = turns.take_turns([Recorded("a", log, clock)], 2, 0.0, clock, clock.wait)
    assert [len(times) for times in counted.values()] == [turns.LEAST_ROUNDS]


class Line:
    """One end of a pipe: what comes is given, what is answered is kept."""

    def __init__(self, *asked: tuple[str, int]) -> None:
        self.asked, self.said = list(asked), list[tuple[bool, Any]]()

    def recv(self) -> tuple[str, int]:
        if not self.asked:
            raise EOFError
        return self.asked.pop(0)

    def send(self, answer: tuple[bool, Any]) -> None:
        self.said.append(answer)


def served(monkeypatch: pytest.MonkeyPatch, detect: Callable[[Any], RawDetections], *asked: tuple[str, int]) -> Any:
    one = Detector("one", "one", "one", lambda _bundle, _threads: Loaded(detect, {"maker": "1"}))
    monkeypatch.setattr(turns, "DETECTORS", [one])
    line: Any = Line(*asked)
    turns.serve("one", None, FRAMES, 1, line)  # type: ignore[arg-type]
    return line.said


def test_a_worker_answers_what_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def detect(image: np.ndarray) -> RawDetections:
        seen.append(int(image[0, 0]))
        return found((1, 1))

    first, look, turn, cpu = served(monkeypatch, detect, ("look", 1), ("turn", 0), ("cpu", 0))
    assert first == (True, {"maker": "1"})
    assert seen == [120, 90]
    assert look[1].boxes.tolist() == [[1, 1, 21, 21]]
    assert isinstance(turn[1], Turn)
    assert cpu[1] > 0


def test_what_a_library_raises_is_the_reason_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_image: np.ndarray) -> RawDetections:
        raise RuntimeError("no such operator\nat line 3")

    assert served(monkeypatch, fails, ("look", 0))[1:] == [(False, "no such operator")]


class InThreads:
    """`multiprocessing`, whose processes are threads with an end of the pipe of their own."""

    Pipe = staticmethod(multiprocessing.Pipe)

    class Process(threading.Thread):
        def __init__(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> None:
            *first, line = args
            super().__init__(target=target, args=(*first, Connection(os.dup(line.fileno()))), daemon=daemon)


def test_a_worker_is_asked_through_a_pipe(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> None:
    monkeypatch.setattr("multiprocessing.get_context", lambda _kind: InThreads)
    bundle = Bundle.load(tiny_bundle)
    worker = turns.Worker("ours", bundle, FRAMES, 1)
    assert list(worker.versions) == ["onnxruntime"]
    assert worker.look(1).scores[0] == pytest.approx(120 / 255)
    assert worker.turn(0).wall > 0
    assert worker.cpu_s() > 0
    with pytest.raises(AbsentError, match="list index out of range"):
        worker.look(2)
    with pytest.raises(AbsentError, match="the process of ours has ended"):
        worker.look(0)
    worker.close()
    worker.close()
    with pytest.raises(AbsentError, match="the bundle holds no"):
        turns.Worker("int8", bundle, FRAMES, 1)


def test_detectors_that_cannot_be_measured_say_why(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(tiny_bundle)
    with pytest.raises(AbsentError, match=r"^the bundle holds no model\.int8\.onnx$"):
        detectors.ours_int8(bundle, 1)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(AbsentError, match=r"openvino cannot be imported .*: make bench-peers installs it"):
        detectors.openvino(bundle, 1)


def test_the_others_get_the_same_pixels() -> None:
    image = np.array([[0, 51], [255, 102]], np.uint8)
    as_float = detectors.as_float(image, 3)
    assert as_float.dtype == np.float32
    assert np.allclose(as_float, np.stack([image / 255] * 3))


# ---- the camera and the loops ----


def camera_on(clock: Clock, rate: float = 10.0, buffers: int = 3) -> QueuedCamera:
    return QueuedCamera(FRAMES, rate, buffers, clock, clock.wait)


def test_a_reader_in_time_gets_each_frame_when_it_is_made() -> None:
    clock = Clock()
    camera = camera_on(clock)
    for seq in range(3):
        taken = camera.read()
        assert taken is not None
        assert taken.seq == seq
        assert taken.t == pytest.approx(100 + seq / 10)
        assert clock.now == pytest.approx(taken.t)
        assert taken.pixels is FRAMES[seq % 2]


def test_a_slow_reader_gets_the_oldest_frame_and_the_camera_leaves_out_what_has_no_buffer() -> None:
    clock = Clock()
    camera = camera_on(clock)
    taken = []
    for _ in range(6):
        one = camera.read()
        assert one is not None
        taken.append(one.seq)
        clock.wait(1.0)
    # three buffers hold 1, 2, 3 while 0 is worked on; each read frees one, for the next frame that the camera makes
    assert taken == [0, 1, 2, 3, 11, 21]


def test_a_closed_camera_ends() -> None:
    camera = QueuedCamera(FRAMES, rate=0.001)
    assert camera.read() is not None
    camera.close()
    assert camera.read() is None


def test_the_plain_loop_falls_behind_by_its_queue() -> None:
    clock = Clock()

    def detect(_image: np.ndarray) -> RawDetections:
        clock.wait(1.0)
        return found()

    looks = loops.plain_loop(camera_on(clock), detect, 0.5, 20.0, clock)
    assert len(looks) == 20
    assert looks[-1].done - looks[-1].taken == pytest.approx(1.0)
    assert looks[-1].done - looks[-1].captured == pytest.approx(3.9)  # three in the queue before it, and its own second
    few = loops.plain_loop(camera_on(clock), detect, 0.5, 0.0, clock)
    assert len(few) == loops.LEAST


def test_ours_runs_between_the_halves_of_the_plain_loop(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> None:
    ran: list[tuple[str, float]] = []

    def noted(name: str, seconds: float) -> list[Look]:
        ran.append((name, seconds))
        return [Look(len(ran), 0.0, 0.0, 0.0)]

    monkeypatch.setattr(loops, "plain_loop", lambda *given: noted(loops.PLAIN, given[3]))
    monkeypatch.setattr(loops, "stream_loop", lambda *given: noted(loops.STREAM, given[2]))
    said: list[str] = []
    with OrtEngine(Bundle.load(tiny_bundle), 1) as engine:
        looks = loops.in_turns(FRAMES, engine, 10.0, said.append)
    assert ran == [(loops.PLAIN, 5.0), (loops.STREAM, 10.0), (loops.PLAIN, 5.0)]
    assert said == [name for name, _ in ran]
    seqs = {name: [[look.seq for look in part] for part in parts] for name, parts in looks.items()}
    assert seqs == {loops.PLAIN: [[1], [3]], loops.STREAM: [[2]]}


def test_ours_sees_the_same_camera(tiny_bundle: Path) -> None:
    with OrtEngine(Bundle.load(tiny_bundle), 1) as engine:
        looks = loops.stream_loop(QueuedCamera(FRAMES, rate=300.0), engine, 0.0)
    assert len(looks) == loops.LEAST
    assert all(look.captured <= look.taken <= look.done for look in looks)
    assert [look.seq for look in looks] == sorted({look.seq for look in looks})


# ---- the figures ----


def test_a_ratio_is_of_the_same_round() -> None:
    ours = [Turn(1.0, 2.0), Turn(10.0, 2.0), Turn(2.0, 2.0), Turn(1.0, 1.0)]
    other = [Turn(2.0, 3.0), Turn(20.0, 3.0), Turn(8.0, 3.0), Turn(1.0, 3.0)]
    assert result.ratio(other, ours) == result.Ratio(2.0, 2.0, 2.0, 1.5)
    assert result.spread([3.04, 1.0, 9.0]) == result.Spread(1.0, 3.0, 9.0)


def test_figures_of_a_loop_leave_out_the_beginning_of_each_part() -> None:
    first = [Look(seq=90 + i, captured=-9.0, taken=i, done=i + 0.1) for i in range(loops.SETTLED)]
    part = [Look(seq=100 + 4 * i, captured=10 + i, taken=10.5 + i, done=11.0 + i) for i in range(3)]
    late = [
        dataclasses.replace(look, done=look.done + 100, taken=look.taken + 100, captured=look.captured + 98)
        for look in part
    ]
    of = result.loop_result("plain", "a loop", [first + part, first + late])
    assert (of.results, of.fps, of.left_out) == (6, 1.0, 0.75)
    assert of.work_ms == result.Spread(500.0, 500.0, 500.0)
    assert of.age_ms == result.Spread(1000.0, 2000.0, 3000.0)


def test_load_is_what_others_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("edge.system.sampler._jiffies", lambda: (clock.now * 1.6, clock.now * 2))
    watch = measure.LoadWatch(5.0)
    clock.wait(10.0)
    assert watch.end(17.0) == result.Load(80.0, 20.0)  # 12 s of 20 are ours
    assert str(result.Load(80.0, 20.0)) == "other programs took 20 % of the machine"
    assert [result.Load(80.0, others).busy for others in (9.9, 10.0, None)] == [False, True, True]
    assert str(result.Load(None, None)) == "the machine does not tell what other programs took"


SAME_60 = Agreement(60, 60, 0, 0.9999, 1e-6, None)


def peers(openvino: float = 0.8, low: float = 0.7, high: float = 0.9, others: float = 5.0) -> result.Peers:
    one = result.Spread(90.0, 100.0, 130.0)
    d = result.DetectorResult
    return result.Peers(
        format=result.FORMAT, command="make bench-peers", date="2026-11-26", host={"cpu": "a CPU", "cores": 2},
        versions={"openvino": "1"}, model="m", model_files={}, frames="sim:", threads=2, method=["By turns."],
        load=result.Load(90.0, others), loops_load=result.Load(90.0, others), rate=30.0, buffers=4, left_out="YOLO.",
        detectors=[
            d("ours", "ours", "ours", 9, one, one, result.Ratio(1, 1, 1, 1)),
            d("int8", "INT8", "ours, INT8", absent="the bundle holds none"),
            d("openvino", "OV", "OpenVINO", 9, one, one, result.Ratio(openvino, low, high, 0.85), SAME_60),
            d("torchvision", "tv", "eager", 9, one, one, None, dataclasses.replace(SAME_60, refused="it finds 9")),
        ],
        loops=[
            result.LoopResult(loops.PLAIN, "`plain`", 9, 4.0, one, result.Spread(300.0, 480.0, 500.0), 0.8),
            result.LoopResult(loops.STREAM, "`stream`", 9, 4.0, one, result.Spread(100.0, 120.0, 230.0), 0.9),
        ],
    )  # fmt: skip


def test_what_is_printed_and_what_a_page_says() -> None:
    text, page = "\n".join(printed(peers())), section(peers())
    for said in (text, page):
        assert "0.80 (0.70 to 0.90" in said
        assert "not measured: the bundle holds none" in said
        assert "no ratio: it finds 9" in said
        assert "YOLO." in said
        assert "other programs took 5 %" in said.lower()
    assert "finds 60 of 60 objects, 0 others" in text
    assert "| OpenVINO | 0.80 (0.70 to 0.90) | 0.85 | 90, 100, 130 | 60 of 60, 0 others |" in page
    assert "openvino 1. 9 rounds.\n" in page
    assert "| `plain` | 3.0, 4.8, 5.0 | 300, 480, 500 | 4.00 | 80% |" in page
    assert "| `stream` | 1.0, 1.2, 2.3 | 100, 120, 230 | 4.00 | 90% |" in page
    assert "in the plain loop a frame is 4.0 times as old as in ours" in text
    assert "busy" not in text


def test_of_a_busy_machine_the_ratios_are_shown() -> None:
    busy = peers(others=60.0)
    assert "the machine was busy: compare the ratios, not the times" in printed(busy)
    page = section(busy)
    assert "So the times mean little and are left out here" in page
    assert "| OpenVINO | 0.80 (0.70 to 0.90) | 0.85 | - | 60 of 60, 0 others |" in page
    assert "| `plain` | 3.0, 4.8, 5.0 | - | - | 80% |" in page


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.7, 0.9, "more than the 10% that would make it worth a backend"),
        (0.92, 1.3, "less than the 10% that would make it worth a backend"),
        (0.9, 0.92, "this run does not decide whether that is the 10% that would make it worth a backend"),
    ],
)
def test_ten_per_cent_are_worth_a_word(low: float, high: float, word: str) -> None:
    verdict = peers(0.8, low, high).verdict()
    assert verdict is not None
    assert verdict.startswith("OpenVINO is 1.25 times as fast as ONNX Runtime on the same graph (middle half")
    assert verdict.endswith(f", with 0.85 of its processor time: {word}")
    assert dataclasses.replace(peers(), detectors=[]).verdict() is None


# ---- the command ----


class Stills(edge.Camera):
    """Files of FRAMES."""

    def __init__(self, count: int) -> None:
        self.left = [edge.Frame(pixels, i, 0.0) for i, pixels in enumerate(FRAMES[:count])]

    def read(self) -> edge.Frame | None:
        return self.left.pop(0) if self.left else None


def fake_worker(name: str, bundle: Bundle, _frames: Any, _threads: int) -> Any:
    class Fake:
        versions = {name: "1"}  # noqa: RUF012
        close = cpu_s = staticmethod(lambda: 0.0)

        def look(self, frame: int) -> RawDetections:
            return found((frame, 9)) if name != "torchvision" else found((frame, 60))

        def turn(self, frame: int) -> Turn:
            return Turn(2.0, 1.0) if name == "openvino" else Turn(1.0, 1.0)

    if name == "int8":
        raise AbsentError("the bundle holds none")
    fake: Any = Fake()
    fake.name = name
    return fake


@pytest.fixture
def fakes(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "Worker", fake_worker)
    monkeypatch.setattr(turns, "PAUSE_S", 0.0)
    monkeypatch.setattr(command, "MODEL", tiny_bundle)
    monkeypatch.setattr(measure, "open_camera", lambda source: Stills(int(source.rpartition("frames=")[2])))


@pytest.mark.usefixtures("fakes")
def test_the_command_writes_what_can_be_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "peers.json"
    assert command.main(["--seconds", "0.1", "--frames", "2", "--json", str(path)]) == 0
    said = capsys.readouterr()
    assert "torchvision it finds 0 of the 2 objects" in said.err
    peers = result.read(path)
    assert "\n".join(printed(peers)) == said.out.strip("\n")
    by_name = {d.name: d for d in peers.detectors}
    assert [d.name for d in peers.detectors] == [d.name for d in detectors.DETECTORS]
    assert by_name["int8"].absent == "the bundle holds none"
    assert by_name["torchvision"].ratio is None
    assert by_name["ours"].ratio == result.Ratio(1, 1, 1, 1)
    assert by_name["openvino"].ratio == result.Ratio(2, 2, 2, 1)
    assert peers.versions["torchvision-onnx"] == "1"
    assert [loop.name for loop in peers.loops] == [loops.PLAIN, loops.STREAM]


@pytest.mark.usefixtures("fakes")
def test_one_that_fails_in_between_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object, **__: object) -> None:
        raise AbsentError("the process of openvino has ended")

    monkeypatch.setattr(measure, "take_turns", fails)
    assert command.main(["--only", "openvino"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(
        "a detector failed while it was timed: the process of openvino has ended: leave it out, see --only"
    )


@pytest.mark.usefixtures("fakes")
def test_only_some_are_measured(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    assert command.main(["--seconds", "0.1", "--frames", "2", "--only", "openvino", "--json", str(path)]) == 0
    peers = result.read(path)
    assert ([d.name for d in peers.detectors], peers.loops) == (["ours", "openvino"], [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seconds", "soon"], "--seconds soon: expected a number from 0.1 to 3600"),
        (["--seconds", "nan"], "--seconds nan: expected a number from 0.1 to 3600"),
        (["--frames", "1"], "--frames 1: expected a number from 2 to 200"),
        (["--frames", "2.5"], "--frames 2.5: expected a whole number"),
        (["--only", "yolo"], "--only yolo: 'yolo' is not known: expected some of ours, int8, openvino, torchvision"),
        (["--json", "no/such/peers.json"], "--json no/such/peers.json: there is no folder no/such: make it first"),
    ],
)
def test_bad_input_is_a_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"python -m benchmarks.peers: {said}")
    assert complaint.count("\n") == 1


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    with pytest.raises(InputError, match=r"peers\.json: No such file or directory: expected what make bench"):
        result.read(path)
    path.write_text(json.dumps({**peers().to_json(), "format": 9}))
    with pytest.raises(InputError, match="has format 9: expected 1"):
        result.read(path)
