"""``edge bench --frames`` says the same of the same frames as ``edge-export eval``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.commands.main import main
from export.commands.main import main as export
from tests.edge.app.bench.test_accuracy import written


def test_it_is_what_edge_export_eval_says(tiny_bundle: Path, tmp_path: Path) -> None:
    folder, path = written(tmp_path / "data")
    bench, evaluated = tmp_path / "b.json", tmp_path / "e.json"
    words = ["--model", str(tiny_bundle), "--annotations", str(path)]
    short = ["--seconds", "0.01", "--warm-up", "0", "--no-cold-start", "--source", str(folder)]
    assert main(["bench", *words, *short, "--frames", str(folder), "--json", str(bench)]) == 0
    more = ["--images", str(folder), "--classes", "Person=person", "--quiet", "--json", str(evaluated)]
    assert export(["eval", *words, *more]) == 0
    said, figures = (json.loads(file.read_text()) for file in (bench, evaluated))
    row = said["accuracy"]["classes"]["Person"]
    assert row["ap50"] == pytest.approx(figures["per_class_ap50"]["Person"], abs=1e-4)
    assert row["boxes"] == figures["boxes"]["Person"]
    shown = next(one for one in figures["thresholds"]["Person"] if "bundle" in one["of"])
    assert row["recall"] == pytest.approx(shown["recall"], abs=1e-4)
    assert row["precision"] == pytest.approx(shown["found"] / (shown["found"] + shown["false"]), abs=1e-4)
    assert said["accuracy"]["frames_sha256"] == said["held_frames"]["sha256"]
