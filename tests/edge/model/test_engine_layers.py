"""What TensorRT said of an engine's layers is read for that engine only, and whatever else the file may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.model.bundle import sha256
from edge.model.engine_layers import LAYERS, LayerFacts, layers_file, read_layers

CONV = {
    "Name": "conv1 + relu", "LayerType": "CaskConvolution", "TacticName": "sm80_xmma", "TacticValue": "0x1f",
    "Outputs": [{"Name": "a", "Format/Datatype": "Channel major FP16"}, {"Name": "b", "Format/Datatype": "FP32"}],
}  # fmt: skip
COPY = {"Name": "copy", "LayerType": "Reformat", "TacticValue": "0x3ea", "Outputs": []}


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    (tmp_path / "model.engine").write_bytes(b"an engine")
    return tmp_path


def write(folder: Path, *layers: Any, engine: str = "") -> None:
    content = layers_file(json.dumps({"Layers": layers}), engine or sha256(folder / "model.engine"), "10.3.0")
    assert content
    (folder / LAYERS).write_bytes(content)


def test_each_layer_with_its_first_output_and_its_kernel(engine: Path) -> None:
    write(engine, CONV, COPY, {"Name": "shape"}, {"LayerType": "without a name"}, "only a name")
    assert read_layers(engine) == {
        "conv1 + relu": LayerFacts("CaskConvolution", "Channel major FP16", "sm80_xmma"),
        "copy": LayerFacts("Reformat", None, "0x3ea"),
        "shape": LayerFacts(),
    }
    said = json.loads((engine / LAYERS).read_bytes())
    assert (said["format"], said["tensorrt"], said["layers"][0]) == (1, "10.3.0", CONV)


def test_another_engines_layers_are_not_taken(engine: Path) -> None:
    write(engine, CONV, engine="0" * 64)
    assert read_layers(engine) == {}
    (engine / "model.engine").unlink()
    assert read_layers(engine) == {}


@pytest.mark.parametrize("told", ["", "{", "[]", "3", "{}", '{"Layers": 1}', '{"Layers": []}', '{"Layers": ["conv1"]}'])
def test_what_tells_nothing_of_any_layer_is_not_kept(told: str) -> None:
    assert layers_file(told, "0" * 64, "10.3.0") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "layers": []}', '{"format": 1}'])
def test_a_file_that_is_none(text: str, engine: Path) -> None:
    (engine / LAYERS).write_text(text)
    assert read_layers(engine) == {}


def test_layers_that_are_no_list(engine: Path) -> None:
    content = {"format": 1, "engine_sha256": sha256(engine / "model.engine"), "layers": {"Name": "conv1"}}
    (engine / LAYERS).write_text(json.dumps(content))
    assert read_layers(engine) == {}
