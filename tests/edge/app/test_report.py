"""One account of results for runs and benches, under the same names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edge.app.report import Totals
from edge.commands.main import main
from edge.data import Detections, Frame, Result
from tests.conftest import made

SOURCE = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=12"


def result(i: int, labels: list[int], flags: frozenset[str] = frozenset(), **more: object) -> Result:
    n = len(labels)
    boxes = np.tile(np.array([[1, 2, 3, 4]], np.float32), (n, 1))
    found = Detections(boxes, np.full(n, 0.5, np.float32), np.array(labels, np.int32), 8, 8)
    frame = Frame(np.zeros((8, 8), np.uint8), i, i * 0.1, flags=flags)
    return made(frame, found, i * 0.1 + 0.02, np.zeros((8, 8), np.uint8), **more)  # type: ignore[arg-type]


def test_sums() -> None:
    totals = Totals(("deer", "fox"))
    totals.add(result(0, [0, 0, 1]))
    totals.add(result(1, [5], converged=False, dropped=3, duplicates=1))  # the graph knows more classes than its names
    totals.add(result(2, [], frozenset({"ffc"}), inferred=False, dropped=4, duplicates=2))
    totals.add(result(3, [], finite=False, dropped=4, duplicates=2))
    said = totals.to_json()
    assert said["detections"] == {"deer": 2, "fox": 1, "5": 1}
    assert {key: said[key] for key in ("frames", "dropped", "duplicates")} == {
        "frames": 4,
        "dropped": 4,
        "duplicates": 2,
    }
    assert (said["shutter_frames"], said["unconverged"], said["overflowed"]) == (1, 1, 1)
    assert said["fps"] == 5.0  # frames 1 and 3: the first is warm-up, 2 was not looked at
    assert said["latency_ms"]["p50"] == 20.0


def test_a_frame_that_was_spared_is_no_closed_shutter() -> None:
    totals = Totals(("deer", "fox"))
    totals.add(result(0, [], inferred=False))
    assert (totals.to_json()["shutter_frames"], totals.between) == (0, 1)


def test_a_run_and_a_bench_say_the_same_things(tiny_bundle: Path, tmp_path: Path) -> None:
    words = ["--source", SOURCE, "--model", str(tiny_bundle)]
    assert main(["run", *words, "--out", str(tmp_path), "--quiet"]) == 0
    short = ["--seconds", "0.01", "--warm-up", "0", "--no-cold-start"]
    assert main(["bench", *words, *short, "--json", str(tmp_path / "bench.json")]) == 0
    run = json.loads((tmp_path / "report.json").read_text())
    bench = json.loads((tmp_path / "bench.json").read_text())
    both = {"frames", "fps", "dropped", "duplicates", "latency_ms", "stages_ms", "backend", "model", "source"}
    assert (
        both | {"host", "power", "versions", "camera", "model_files", "normalise", "overflowed"}
        <= run.keys() & bench.keys()
    )
    assert bench.keys() - run.keys() == {
        *("format", "published", "runs", "spread", "rates", "peak", "cold_start", "held_frames", "accuracy", "layers"),
        *("machine", "peak_memory_mib", "method", "results_file", "interrupted"),
    }
    stages = ["wait", "correct", "normalise", "infer", "postprocess", "track", "locate", "health", "consumer"]
    assert list(bench["stages_ms"]) == list(run["stages_ms"]) == stages
    for key in ("model_files", "normalise", "engine"):
        assert run[key] == bench[key]
    assert bench["camera"].startswith(run["camera"])
