"""What a passport's file holds where nothing more is known; which formats are read; which files an engine is of."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from edge.model.bundle import Bundle
from edge.model.passport import FORMAT, Passport, Target, graph_sha256


def test_what_is_not_told_is_written_as_such(tmp_path: Path) -> None:
    passport = Passport("e", "o", "m", Target(tensorrt="10.3.0"))
    passport.write(tmp_path)
    said = json.loads((tmp_path / "model.engine.json").read_text())
    assert said["target"].pop("tensorrt") == "10.3.0"
    assert set(said.pop("target").values()) == {None}
    assert said == {
        "format": 1,
        "engine_sha256": "e",
        "onnx_sha256": "o",
        "model_json_sha256": "m",
        "options": {},
        "build_seconds": 0.0,
    }
    assert FORMAT == 1
    assert Passport.read(tmp_path) == passport


@pytest.mark.parametrize("other", [0, 2, 1.5, "1", None])
def test_another_format_is_named(other: object, tmp_path: Path) -> None:
    Passport("e", "o", "m", Target()).write(tmp_path)
    path = tmp_path / "model.engine.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": other}))
    with pytest.raises(ValueError, match=rf"^its format is {other!r}, this version of thermal-edge reads 1$"):
        Passport.read(tmp_path)


def test_an_engine_is_of_the_graph_and_of_its_weights(tiny_bundle: Path) -> None:
    bundle, graph, weights = Bundle.load(tiny_bundle), {"model.fp16.onnx": "aa"}, {"model.weights": "bb"}
    assert graph_sha256(bundle) == ""
    assert graph_sha256(replace(bundle, files=weights)) == ""
    assert graph_sha256(replace(bundle, files=graph)) == "aa"
    assert graph_sha256(replace(bundle, files={**weights, **graph})) == sha256(b"aabb").hexdigest()
