"""A whole bench, short: what it measures, what it leaves on the disk, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from subprocess import PIPE
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.bench import bench as module
from edge.app.bench.bench_json import read_report
from edge.app.bench.cold_start import ColdStart
from edge.app.bench.settings import PUBLISHED_RUNS, RATES, RESULTS, BenchSettings
from edge.commands.main import main
from edge.errors import InputError
from tests.support.loaded import popen_loaded

ROOT = Path(__file__).resolve().parents[4]
SIM = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=8"
SHORT = ["--seconds", "0.05", "--warm-up", "0"]


def bench(bundle: Path, *words: Any, source: str = SIM, cold: bool = False) -> int:
    more = [] if cold else ["--no-cold-start"]
    return main(["bench", "--model", str(bundle), "--source", source, *SHORT, *more, *map(str, words)])


def test_what_is_measured_and_what_stands_beside_it(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = tmp_path / "new" / "bench.json", tmp_path / "trace.jsonl"
    words = ("--runs", 2, "--rate", 200, "--peak", "--backend", "null", "--json", path, "--trace", trace)
    assert bench(tiny_bundle, *words) == 0
    said = json.loads(path.read_text())
    assert (said["format"], said["published"], len(said["runs"])) == (1, False, 2)
    assert said["frames"] == sum(run["results"] for run in said["runs"]) >= 4
    assert said["spread"]["fps"][0] <= said["fps"] <= said["spread"]["fps"][1]
    assert said["held_frames"]["count"] == 8
    assert len(said["held_frames"]["sha256"]) == 64
    assert [one["rate"] for one in said["rates"]] == [200.0]
    assert said["peak"]["tries"]
    assert said["machine"]["samples"] == 2  # one at least of each run
    assert said["cold_start"] is None
    assert {run["ended"] for run in said["runs"]} == {"time limit"}
    read_report(path)
    data = (path.parent / "bench.results.csv").read_bytes()
    assert said["results_file"] == {"name": "bench.results.csv", "sha256": hashlib.sha256(data).hexdigest()}
    rows = list(csv.DictReader(data.decode().splitlines()))
    assert [sum(row["run"] == str(n) for row in rows) for n in (1, 2)] == [run["results"] for run in said["runs"]]
    assert np.median([float(row["latency_ms"]) for row in rows]) == pytest.approx(said["latency_ms"]["p50"], abs=2e-3)
    for row in rows:
        late = float(row["ready_s"]) - float(row["captured_s"])
        assert late * 1e3 == pytest.approx(float(row["latency_ms"]), abs=2e-3)
    assert len((path.parent / "bench.samples.jsonl").read_text().splitlines()) == 2
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [int(row["seq"]) for row in rows]
    assert set(lines[0]["stages_ms"]) == set(said["stages_ms"])
    out = capsys.readouterr().out
    assert "capture to detections" in out
    assert "not for publishing" in out
    assert f"the time limit came before {RESULTS} results" in out


def test_ctrl_c_keeps_the_runs_that_are_whole(tiny_bundle: Path, tmp_path: Path) -> None:
    path, trace = tmp_path / "bench.json", tmp_path / "trace.jsonl"
    words = ["bench", "--model", tiny_bundle, "--source", SIM, "--backend", "null", "--no-cold-start", *SHORT]
    words += ["--runs", 100_000, "--rate", 10, "--peak", "--json", path, "--trace", trace]
    command = [sys.executable, "-m", "edge.commands.main", *words]
    running = popen_loaded(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True)
    assert running.stderr
    heard = []
    for line in running.stderr:
        heard.append(line)
        if line.startswith("edge: run 3 of"):
            running.send_signal(signal.SIGINT)
            break
    out, rest = running.communicate(timeout=60)
    assert (running.returncode, rest.splitlines()[-1]) == (1, "edge: interrupted"), (heard, rest)
    report = json.loads(path.read_text())
    whole = len(report["runs"])
    assert whole >= 2
    said = f"{whole} of 100000 runs, 0 of 1 rates, no highest rate: interrupted"
    assert (report["interrupted"], report["published"], report["rates"], report["peak"]) == (said, False, [], None)
    assert f"! {said}: the figures are of what is whole, and not for publishing" in out
    read_report(path)
    rows = list(csv.DictReader((tmp_path / "bench.results.csv").read_text().splitlines()))
    assert {int(row["run"]) for row in rows} == set(range(1, whole + 1))
    assert len(rows) == report["frames"] == sum(run["results"] for run in report["runs"])
    assert report["machine"]["samples"] == whole
    assert len(trace.read_text().splitlines()) >= len(rows)


def test_ctrl_c_before_the_first_run_is_over_leaves_nothing(tiny_bundle: Path, tmp_path: Path) -> None:
    settings = BenchSettings(str(tiny_bundle), SIM, seconds=60.0, warm_up_s=0.0, cold_start=False, backend="null")
    sent = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    sent.start()
    with pytest.raises(KeyboardInterrupt):
        module.bench(settings)
    sent.join()


@pytest.mark.parametrize("peak", [False, True])
def test_ctrl_c_after_the_runs_keeps_them_and_the_rates_that_are_whole(
    peak: bool, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, rates = module.at_rate, []

    def stopped(frames: Any, engine: Any, rate: float, limits: Any, placing: Any, stop: threading.Event) -> Any:
        rates.append(rate)
        if len(rates) == (3 if peak else 2):
            os.kill(os.getpid(), signal.SIGINT)
        return plain(frames, engine, rate, limits, placing, stop)

    monkeypatch.setattr(module, "at_rate", stopped)
    settings = BenchSettings(
        str(tiny_bundle), SIM, seconds=0.05, warm_up_s=0.0, cold_start=False, backend="null", rate=(200, 300), peak=peak
    )
    report = module.bench(settings).report
    assert [one["rate"] for one in report["rates"]] == ([200, 300] if peak else [200])
    assert report["peak"] is None
    said = "1 of 1 runs, 2 of 2 rates, no highest rate" if peak else "1 of 1 runs, 1 of 2 rates"
    assert (report["interrupted"], report["published"]) == (f"{said}: interrupted", False)


def test_a_cold_start_is_measured_in_a_process_of_its_own(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "cold_start", lambda settings: ColdStart(0.5, 1.25, 2.5))
    assert bench(tiny_bundle, "--json", tmp_path / "b.json", cold=True) == 0
    assert json.loads((tmp_path / "b.json").read_text())["cold_start"]["first_detections_s"] == 2.5
    assert (
        "first detections 2.50 s after the start of the process (engine open after 1.25 s)" in capsys.readouterr().out
    )
    monkeypatch.setattr(module, "cold_start", lambda settings: ColdStart(error="no room"))
    assert bench(tiny_bundle, cold=True) == 0
    assert "cold start: not measured: no room" in capsys.readouterr().out


def test_a_published_bench_is_five_runs_the_rates_and_the_peak() -> None:
    published = BenchSettings(publish=True, json=Path("b.json"))
    assert (published.run_seconds, published.run_count, published.rates) == (600.0, PUBLISHED_RUNS, RATES)
    assert published.asks_peak
    assert (published.limits.results, published.limits.most_s) == (662, 900.0)
    plain = BenchSettings()
    assert (plain.run_seconds, plain.run_count, plain.rates, plain.asks_peak) == (60.0, 1, (), False)
    assert plain.limits.most_s == 90.0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--publish", "--json", "b.json", "--seconds", "5"], "--publish is 5 runs of 600 s: leave --seconds"),
        (["--publish", "--json", "b.json", "--runs", "2"], "leave --seconds and --runs out"),
        (["--publish"], "--publish needs a file for the report: give --json FILE"),
        (["--frames", "."], "--frames DIR and --annotations FILE belong together"),
        (["--annotations", "a.json"], "belong together"),
    ],
)
def test_options_that_contradict_each_other(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.commands.bench.bench", lambda _: pytest.fail("it was run"))
    assert main(["bench", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_files_that_cannot_be_written_are_named_before_the_minutes(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.commands.bench.bench", lambda _: pytest.fail("it was run"))
    (tmp_path / "b.results.csv").mkdir()
    assert bench(tiny_bundle, "--json", tmp_path / "b.json") == 2
    assert "b.results.csv cannot be written" in capsys.readouterr().err
    assert bench(tiny_bundle, "--png", tmp_path) == 2
    assert bench(tiny_bundle, "--json", tmp_path / "x", "--trace", tmp_path / "x") == 2
    assert "two files of the bench are one" in capsys.readouterr().err
    (tmp_path / "old.jsonl").touch()
    assert bench(tiny_bundle, "--trace", tmp_path / "old.jsonl") == 2
    assert "is there already" in capsys.readouterr().err


def still(path: Path, value: int) -> None:
    picture = np.full((64, 80), value, np.uint8)
    picture[10:20, 10:20] = 255
    cv2.imwrite(str(path), picture)


def test_one_picture_is_too_few_and_two_are_enough(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    still(folder / "a.png", 10)
    assert bench(tiny_bundle, source=str(folder)) == 2
    assert "ended after 1 frame, and no two differ: the bench needs 2 pictures or more" in capsys.readouterr().err
    still(folder / "b.png", 20)
    assert bench(tiny_bundle, source=str(folder)) == 0
    assert "the first 2 frames from memory" in capsys.readouterr().out


def test_a_live_source_has_its_own_rate_and_may_end_early(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = "sim:live=1,fps=500,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames="
    for more in (["--rate", 10], ["--peak"]):
        assert bench(tiny_bundle, *more, source=f"{live}9") == 2
        assert "is live and has its own rate" in capsys.readouterr().err
    settings = BenchSettings(str(tiny_bundle), f"{live}3", seconds=9.0, warm_up_s=5.0, cold_start=False)
    with pytest.raises(InputError, match=r"ended after 0 results behind the warm-up of 5 s: .* a shorter --warm-up"):
        module.bench(settings)
    slow = f"{live}9".replace("fps=500", "fps=12")  # two of its frames are looked at also where others compute, too
    assert bench(tiny_bundle, "--seconds", 9, source=slow) == 0
    assert "end of source" in capsys.readouterr().out


def test_a_long_run_says_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    given: list[Any] = []
    trace: Any = type("T", (), {"write": lambda self, result: given.append(result)})()
    watch = module._Watch(trace, lambda: now[0])
    result: Any = object()
    with caplog.at_level("INFO"):
        for _ in range(13):
            now[0] += 5.0
            watch(result)
    assert [record.getMessage() for record in caplog.records] == [
        "6 results after 30 s, warm-up included",
        "12 results after 60 s, warm-up included",
    ]
    assert given == [result] * 13
