"""Two reports: the ratio and its spread, what differs beside it, and reports that cannot be believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.bench.compare import compare
from edge.app.bench.picture import draw_bench, nice, write_picture
from edge.app.bench.timed_run import Records, Run
from edge.commands.main import main
from edge.data import Detections, Frame
from edge.errors import InputError, SinkError
from tests.conftest import made, write_bundle

SIM = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=4"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three short runs."""
    folder = tmp_path_factory.mktemp("bench")
    path, bundle = folder / "b.json", write_bundle(folder / "bundle")
    words = ["--seconds", "0.02", "--runs", "3", "--warm-up", "0", "--no-cold-start", "--backend", "null"]
    assert main(["bench", "--model", str(bundle), "--source", SIM, *words, "--json", str(path)]) == 0
    return path


def like(real: Path, path: Path, runs: list[list[float]], change: Callable[[Any], object] = lambda _: None) -> Path:
    """A report as ``real``, with these latencies."""
    rows = [f"{n},0,0,0,{ms:.3f}" for n, latencies in enumerate(runs, 1) for ms in latencies]
    data = ("\n".join(["run,seq,captured_s,ready_s,latency_ms", *rows]) + "\n").encode()
    path.with_name(f"{path.stem}.results.csv").write_bytes(data)
    report = json.loads(real.read_text())
    report["runs"] = [
        {**report["runs"][0], "results": len(run), "latency_ms": {"p50": round(float(np.median(run)), 3)}}
        for run in runs
    ]
    report["machine"]["throttling"] = []
    report["results_file"] = {"name": f"{path.stem}.results.csv", "sha256": hashlib.sha256(data).hexdigest()}
    change(report)
    path.write_text(json.dumps(report))
    return path


def test_of_several_runs_the_spread_is_that_of_their_medians(real: Path, tmp_path: Path) -> None:
    first = like(real, tmp_path / "a.json", [[20.0, 20, 90], [22, 22, 22], [24, 24, 24]])
    second = like(real, tmp_path / "b.json", [[10.0, 10, 10], [11, 11, 11], [12, 12, 90]])
    found = compare(first, second)
    assert (found.first_ms, found.second_ms, found.ratio) == (22.0, 11.0, 2.0)
    assert (found.low, found.high) == (round(20 / 12, 3), 2.4)
    assert found.method == "lowest and highest of 3 and 3 runs' medians"
    assert found.differs == []


def test_of_one_run_the_spread_is_drawn_in_blocks(real: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    slow, fast = (rng.normal(middle, 1.0, 100).tolist() for middle in (30.0, 20.0))
    first, second = like(real, tmp_path / "a.json", [slow]), like(real, tmp_path / "b.json", [fast])
    found = compare(first, second)
    assert found.ratio == pytest.approx(1.5, rel=0.02)
    assert 1.45 < found.low < found.ratio < found.high < 1.55
    assert "bootstrap of blocks of 20 results" in found.method
    assert compare(first, second) == found  # drawn alike
    rows = [20.0] * 50 + [30.0] * 50  # slow ones in a row: single draws would say 20 to 30, never less sure
    same = like(real, tmp_path / "c.json", [rows])
    wide = compare(same, second)
    assert wide.high - wide.low > 0.4


def test_what_else_differs_is_named(real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(report: Any) -> None:
        report["host"].update(board="Orin", cores=6)
        report["power"]["before"]["mode"] = "25W"
        report["model_files"] = {"model.onnx": "f" * 64}
        report["machine"]["throttling"] = ["heat"]

    first = like(real, tmp_path / "a.json", [[20.0] * 9])
    second = like(real, tmp_path / "b.json", [[20.0] * 9], change)
    assert main(["bench", "--compare", str(first), str(second)]) == 0
    out = capsys.readouterr().out
    for said in (
        "and Orin",
        "cores: ",
        "power mode: None and 25W",
        "model files: ",
        "the second was slowed down: heat",
    ):
        assert said in out
    assert "b.json is 1.00 times as fast: ratio 1.000, 1.000 to 1.000" in out
    assert "do not tell which is faster" in out
    capsys.readouterr()
    slow = like(real, tmp_path / "c.json", [[50.0] * 9])
    assert main(["bench", "--compare", str(first), str(slow)]) == 0
    assert "c.json is 2.50 times as slow: ratio 0.400" in capsys.readouterr().out


def altered(name: str, value: Any) -> Callable[[Any], object]:
    return lambda report: report.update({name: value})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            altered("format", 2),
            "has format 2: expected 1, as edge bench --json of this version writes it: measure again",
        ),
        (altered("fps", "fast"), "fps is 'fast': expected a number"),
        (lambda r: r.pop("runs"), "has no 'runs'"),
        (lambda r: r.pop("results_file"), "names no file with its results"),
        (lambda r: r["results_file"].update(name="other.csv"), "other.csv cannot be read"),
        (lambda r: r["results_file"].update(sha256="0" * 64), "is not the file that was written with"),
        (lambda r: r["runs"][0]["latency_ms"].update(p50=9.0), "was altered: the median latency of run 1 is 9.0 ms"),
        (lambda r: r["runs"][0].update(results=99), "was altered: run 1 has 99 results, the file beside it 9"),
        (lambda r: r["held_frames"].update(sha256="0" * 64), "looked at different frames"),
        (altered("held_frames", None), "looked at different frames"),
    ],
)
def test_a_report_that_cannot_be_believed_is_refused(
    real: Path, tmp_path: Path, change: Callable[[Any], object], complaint: str
) -> None:
    good = like(real, tmp_path / "a.json", [[20.0] * 9])
    bad = like(real, tmp_path / "b.json", [[20.0] * 9], change)
    with pytest.raises(InputError, match=complaint):
        compare(good, bad)


def test_what_is_no_report_is_refused(real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = like(real, tmp_path / "a.json", [[20.0] * 9])
    for text, said in (("{", "is no JSON"), ("[]", "has format null"), ("", "is no JSON")):
        (tmp_path / "b.json").write_text(text)
        assert main(["bench", "--compare", str(good), str(tmp_path / "b.json")]) == 2
        assert said in capsys.readouterr().err
    assert main(["bench", "--compare", str(good), str(tmp_path / "none.json")]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err


# ---- the picture ----


def runs(latencies: list[float]) -> list[Run]:
    records = Records()
    pixels = np.zeros((4, 6), np.uint8)
    for i, ms in enumerate(latencies):
        frame = Frame(pixels, i, i - ms / 1e3)
        records.add(made(frame, Detections.none(6, 4), float(i), pixels, stages_ms={"infer": ms, "wait": 0.0}))
    return [Run(records, "enough results", 0.0, float(len(latencies)), (0.0, 1), {})]


def test_the_picture_shows_each_result_and_each_bar(real: Path, tmp_path: Path) -> None:
    report = {**json.loads(real.read_text()), "latency_ms": {"p50": 50.0}}
    report["stages_ms"] = {"infer": {"mean": 50.0, "p50": 50.0}, "wait": {"mean": 0.0, "p50": 0.0}}
    many, few = (draw_bench(report, runs([50.0 + i % 7 for i in range(n)])) for n in (300, 10))
    assert many.shape == (1000, 1400, 3)

    def coloured(image: np.ndarray) -> int:
        part = image[131:459, 112:1349].astype(int)
        return int((np.ptp(part, axis=-1) > 60).sum())

    assert coloured(many) > 5 * coloured(few) > 0
    write_picture(tmp_path / "p.png", report, runs([1.0, 2.0]))
    read: Any = cv2.imread(str(tmp_path / "p.png"))
    assert read.shape == (1000, 1400, 3)
    with pytest.raises(SinkError, match="cannot write"):
        write_picture(tmp_path / "none" / "p.png", report, runs([1.0, 2.0]))


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (60.0, [0, 10, 20, 30, 40, 50, 60]),
        (0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        (2300.0, [0, 500, 1000, 1500, 2000]),
        (0.0, [0]),
    ],
)
def test_ticks_are_round(most: float, ticks: list[float]) -> None:
    assert nice(most) == ticks
