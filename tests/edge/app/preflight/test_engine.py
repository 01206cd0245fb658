"""The checks of a preflight for the engine and its stored frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.app.preflight.engine as engine_module
from edge.app.preflight.engine import engine_lines
from edge.model.bundle import Bundle
from edge.model.golden import FILE, PICTURE
from tests.support.planned import plan, told


def test_the_engine_finds_the_stored_frame_again(tmp_path: Path, tiny_bundle: Path) -> None:
    said = told(engine_lines(plan(tmp_path, tiny_bundle)))
    assert said["model"][:2] == ("green", "tiny, 1 files as they were exported: Person")
    assert said["engine"][0] == "green"
    assert said["stored frame"][:2] == ("yellow", f"the bundle has no {FILE}: nothing was compared")
    picture = np.zeros((64, 80), np.uint8)
    picture[8:16, 16:24] = 230
    cv2.imwrite(str(tiny_bundle / PICTURE), picture)
    stored = {"format": 1, "model_onnx": Bundle.load(tiny_bundle).files["model.onnx"], "origin": "drawn"}
    for boxes, state, value in (
        ([[16, 8, 24, 16]], "green", "1 of 1 stored detections found again, 0 added"),
        ([[16, 8, 24, 16], [40, 40, 48, 48]], "red", "1 of 2 stored detections found again, 0 added"),
        ([], "red", "0 of 0 stored detections found again, 1 added"),
    ):
        text = {**stored, "boxes": boxes, "scores": [0.9] * len(boxes), "labels": [0] * len(boxes)}
        (tiny_bundle / FILE).write_text(json.dumps(text))
        got = told(engine_lines(plan(tmp_path, tiny_bundle)))["stored frame"]
        assert (got[0], got[1].partition(";")[0]) == (state, value)
        assert bool(got[2]) == (state != "green")
    (tiny_bundle / FILE).write_text("{}")
    assert told(engine_lines(plan(tmp_path, tiny_bundle)))["stored frame"][0] == "yellow"


def test_an_engine_that_cannot_be_opened_and_none(tmp_path: Path, tiny_bundle: Path) -> None:
    said = told(engine_lines(plan(tmp_path, tiny_bundle, '[model]\nbackend = "trt"\n')))
    assert said["engine"][0] == "red"
    assert said["engine"][2] == f"edge info {tiny_bundle} tells what is missing"
    said = told(engine_lines(plan(tmp_path, tiny_bundle, '[model]\nbackend = "null"\n')))
    assert said["engine"] == ("yellow", "null: nothing is detected", "leave model.backend out")


def test_of_two_graphs_for_the_cpu_the_one_in_int8_is_opened_and_none_is_timed(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (tiny_bundle / "model.onnx").read_bytes()
    (tiny_bundle / "model.int8.onnx").write_bytes(data)
    bundle = Bundle.load(tiny_bundle)
    replace(bundle, files={**bundle.files, "model.int8.onnx": bundle.files["model.onnx"]}).write_json()
    for able, graph in ((("avx2",), "ort-int8"), ((), "ort-float")):
        monkeypatch.setattr(engine_module, "byte_products", lambda _bits, able=able: able)
        made = plan(tmp_path, tiny_bundle, '[model]\nbackend = "ort"\n')
        assert engine_module._graph(made, "ort", False)[0] == graph
    assert engine_module._graph(made, "ort-int8", False) == ("ort-int8", "asked for")
    assert engine_module._graph(made, "auto", False)[0] == "ort-float"
