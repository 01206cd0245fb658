"""docs/output.md names each field that benches, `edge info`, exports and comparisons write, and none besides."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.app.bench import bench_json
from edge.app.compare.compare import compare
from edge.app.compare.table import BOX_COLUMNS, TRACK_COLUMNS
from edge.app.model_facts import model_facts
from edge.app.source_check import Examination
from edge.commands.doctor import rows
from edge.commands.main import main
from edge.data import TemperatureScale
from edge.model import passport
from edge.model.bundle import Bundle
from edge.model.model_json import schema
from tests.support.minisign import SIGNATURE
from tests.support.output_page import COUNT, PAGE, ROOT, literal_keys, paths, table
from tests.support.two_runs import box, run

AS_IN_A_REPORT = {"Spread", "Host", "Power", "Normalise"}  # a field of this kind is explained in one place


def of_bench(part: dict[str, Any], whole: dict[str, Any], before: str = "") -> Iterator[str]:
    """``a.b[].c`` of every field that the schema of a bench declares."""
    for one in part.get("anyOf", [part]):
        name = one.get("$ref", "").rpartition("/")[2]
        if name and name not in AS_IN_A_REPORT:
            yield from of_bench(whole["$defs"][name], whole, before)
        elif isinstance(one.get("items"), dict):
            yield from of_bench(one["items"], whole, f"{before}[]")
        elif isinstance(one.get("additionalProperties"), dict):
            key = {"accuracy.classes": "class", "machine.celsius": "zone"}.get(before, "")
            yield from of_bench(one["additionalProperties"], whole, f"{before}.{{{key}}}")
        for key, below in one.get("properties", {}).items():
            path = f"{before}.{key}".removeprefix(".")
            yield path
            yield from of_bench(below, whole, path)


def test_bench() -> None:
    known = {field.partition(".")[0] for field in table("report.json")} - {"latency_ms", "stages_ms", "power"}
    found = set(of_bench(bench_json.schema(), bench_json.schema()))
    assert {path for path in found if path.partition(".")[0] not in known} == table("The report of a bench")


def test_files_of_a_bench(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    words = ["bench", "--model", str(tiny_bundle), "--source", "sim:width=80,height=64,frames=12,live=0"]
    assert main([*words, "--seconds", "0.01", "--warm-up", "0", "--no-cold-start", "--json", str(out)]) == 0
    columns = set((tmp_path / "bench.results.csv").read_text().partition("\n")[0].split(","))
    stages = set(json.loads(out.read_text())["stages_ms"])
    assert columns - {f"{stage}_ms" for stage in stages} | {"{stage}_ms"} == table("Every result")
    sample = json.loads((tmp_path / "bench.samples.jsonl").read_text().splitlines()[0])
    assert set(sample) == table("Every second")


def test_info(tiny_bundle: Path) -> None:
    opaque = dict.fromkeys(("architecture", "assumed", "normalise", "data", "tools"), "")
    names = {**opaque, "files": "file", "machine.backends": "backend", "thresholds.score_by_class": "class"}
    (tiny_bundle / "model.json.minisig").write_text(SIGNATURE)
    found = set(paths(model_facts(Bundle.load(tiny_bundle)), names)) | {"thresholds.nms", "thresholds.rpn_nms"}
    assert found - {"files.{file}", "machine.backends.{backend}"} == table("edge info")


def test_doctor() -> None:
    ms = {"p50": 1.0}
    found = Examination(frames=1, fps=9.0, temperature=TemperatureScale(0.01), interval_ms=ms, jitter_ms=ms)
    assert {"target", *(name for name, _ in rows(found, 0.1))} == table("edge doctor")


def of_schema(part: dict[str, Any], whole: dict[str, Any], before: str = "") -> Iterator[str]:
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    below = part.get("properties", {})
    if before and (not below or before in ("normalise.8bit", "normalise.16bit")):
        yield before
        return
    for name, one in below.items():
        yield from of_schema(one, whole, f"{before}.{name}".removeprefix("."))


def test_model_json_and_passport() -> None:
    assert set(of_schema(schema(), schema())) == table("model.json")
    objects = {"target", "clocks", "comparison"}
    assert {*of_schema(passport.schema(), passport.schema()), *objects} == table("model.engine.json")


# ---- export ----


def test_check() -> None:
    of_comparison = literal_keys("export/parity/compare.py", "to_json")
    figures = literal_keys("export/parity/compare.py", "_figures")
    expected = literal_keys("export/commands/check.py", "run_check")
    expected |= {f"comparisons[].{key}" for key in of_comparison}
    expected |= {f"comparisons[].all.{key}" for key in figures}
    assert expected == table("edge-export check")


def test_training_logs() -> None:
    losses = ast.parse((ROOT / "export/training/criterion.py").read_text())
    named = next(n for n in losses.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "LOSSES")
    both = literal_keys("export/training/loop.py", "_append")
    log = literal_keys("export/training/loop.py", "_log")
    assert both | log | set(ast.literal_eval(named.value)) == table("log.csv")
    assert both | {"AP", "AP50", "AP50 {class}"} == table("ap.csv")


EVAL = {
    **dict.fromkeys(("boxes", "per_class_ap", "per_class_ap50", "ap50_by_class_and_size"), "class"),
    **dict.fromkeys(("recall_at_1_false_in_10_frames", "best_f1_by_class", "counting", "thresholds"), "class"),
    **dict.fromkeys(("ap_by_size", "ap50_by_size", "ap50_by_class_and_size.{class}", "ap50_by_coco_size"), "size"),
    **dict.fromkeys(("best_mean_f1.by_class", "confusion.found_as", "confusion.missed", "confusion.false"), "class"),
    **dict.fromkeys(("confusion.found_as.{class}", "confusion.double.{class}"), "found"),
    "confusion.double": "class",
    **dict.fromkeys(("score_thresholds", "against.score_thresholds", "groups_how.scores"), "class"),
    "confusion.scores": "class",
    "coco": "figure",
    "frames": "path",
}


def test_eval(tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch, which a board has not")
    pytest.importorskip("faster_coco_eval")
    from export.commands.main import main as export
    from tests.export.commands.test_eval import hot_frames

    files = {name: tmp_path / f"{name}.json" for name in ("json", "hard-examples")}
    words = ["--model", str(tiny_bundle), *hot_frames(tmp_path / "data", [40.0, 40, 30, 20]), "--coco", "--quiet"]
    words += ["--against", str(tiny_bundle)]
    assert export(["eval", *words, *(word for name, file in files.items() for word in (f"--{name}", str(file)))]) == 0
    figures, hard = (json.loads(file.read_text()) for file in files.values())
    assert set(paths(figures, EVAL, leaves=True)) == table("eval --json")
    assert set(paths(hard, EVAL, leaves=True)) == table("eval --hard-examples")
    known = {why for rows in figures["thresholds"].values() for row in rows for why in row["of"]}
    assert {why for why in known if f"`{why}`" not in PAGE} == set()


# ---- two runs compared ----

COMPARED = {
    **{f"{run}.{what}": name for run in "ab" for what, name in (("thresholds", "class"), ("latency_ms", "percentile"))},
    "unknown_a": "class",
    "unknown_b": "class",
    "counts": "class",
    "counts.{class}.a": "",
    "counts.{class}.b": "",
}


def test_compare_json(tmp_path: Path) -> None:
    first, second = {0: [box(1, 1, track=1), box(9, 9, name="x")]}, {0: [box(1, 1, name="y", track=1)]}
    report = {"fps": 1.0, "latency_ms": {"p50": 1.0}}
    runs = [
        run(tmp_path / folder, boxes, classes=("Person", own), counts={"Person": COUNT}, report=report)
        for folder, boxes, own in (("a", first, "x"), ("b", second, "y"))
    ]
    figures = msgspec.to_builtins(compare(runs[0], runs[1]).figures)
    figures["unknown_b"]["y"] = 1
    holders = {"frames", "matching", "classes", "pairs", "counts.{class}"}  # their fields stand there
    found = {path for path in paths(figures, COMPARED) if not re.search(r"(^|\[\]\.)b\.", path)}
    assert table("compare.json") == found - holders


def test_columns_of_a_comparison() -> None:
    heading = "tracks.csv and boxes.csv of a comparison"
    section = PAGE.split(f"### {heading}\n")[1].split("\n`places.geojson`")[0]
    assert {*BOX_COLUMNS, *TRACK_COLUMNS} <= set(re.findall(r"`([a-z0-9_]+)`", section))
    assert table(heading) <= {*BOX_COLUMNS, *TRACK_COLUMNS}
