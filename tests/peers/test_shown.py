"""The figures of `make bench-peers`, what is printed of them, and the command that writes them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import edge
from benchmarks.peers import __main__ as command
from benchmarks.peers import detectors, loops, measure, result, turns
from benchmarks.peers.agreement import Agreement
from benchmarks.peers.detectors import AbsentError
from benchmarks.peers.lines import printed, section
from benchmarks.peers.loops import Look
from benchmarks.peers.turns import Turn
from edge.data import RawDetections
from edge.errors import InputError
from edge.model.bundle import Bundle
from tests.support.peers import FRAMES, Clock, found

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
        format=result.FORMAT, command="make bench-peers", date="2026-11-26",
        host={"cpu": "a CPU", "cores": 2, "byte_products": ["avx2"]},
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
    assert "a CPU with avx2, 2 cores" in page
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


@pytest.mark.parametrize(("cpu", "word"), [(0.72, "as"), (0.7201, "but not")])
def test_openvino_is_compared_with_onnx_runtime_graph_by_graph(cpu: float, word: str) -> None:
    ours, _, openvino, _ = peers().detectors
    alone = "Of ONNX Runtime's time for the same graph OpenVINO takes: float 0.80, by processor time 0.85"
    assert peers().verdict() == f"{alone}."
    int8 = dataclasses.replace(ours, name="int8", ratio=result.Ratio(0.5, 0.4, 0.6, 0.8))
    quick = dataclasses.replace(openvino, name="openvino-int8", ratio=result.Ratio(0.35, 0.3, 0.4, cpu))
    assert dataclasses.replace(peers(), detectors=[ours, openvino, int8, quick]).verdict() == (
        f"{alone}; INT8 0.70, by processor time 0.90. `--backend openvino` is offered because INT8 took at most 0.90 "
        f"of the processor time before, {word} in this run."
    )
    assert dataclasses.replace(peers(), detectors=[ours]).verdict() is None


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
        (
            ["--only", "yolo"],
            "--only yolo: 'yolo' is not known: expected some of ours, int8, openvino, openvino-int8, torchvision",
        ),
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
