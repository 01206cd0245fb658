"""The bundle folder: what is in it, and that it appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from torchvision.models.detection import FasterRCNN

import export
import export.graph.bundle
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, Bundle, sha256
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT
from export import StaticDetector, export_bundle
from export.detector.configuration import Configuration
from export.parity.pairs import pair
from tests.support.random_detectors import HEIGHT, WIDTH, eager, thermal_scene


@pytest.fixture(scope="module")
def model(small_detector: FasterRCNN) -> FasterRCNN:
    return small_detector


@pytest.fixture(scope="module")
def bundle(exported: Path) -> Bundle:
    return Bundle.load(exported / "deer")


def test_contract_of_model_json(bundle: Bundle) -> None:
    raw = json.loads((bundle.path / "model.json").read_text())
    assert raw["format"] == 1
    assert raw["name"] == "deer"
    assert raw["classes"] == ["deer", "person"]
    assert raw["input"] == {"height": HEIGHT, "width": WIDTH}
    assert raw["normalise"] == {
        "8bit": DEFAULT_8BIT.to_json(),
        "16bit": DEFAULT_16BIT.to_json(),
        "trained": {"mean": pytest.approx(0.4), "std": pytest.approx(0.2)},
    }
    assert raw["thresholds"] == {"score": 0.5, "graph_score": 0.05, "nms": 0.5, "rpn_nms": 0.7}
    assert raw["max_detections"] == 20
    assert raw["files"] == {name: sha256(bundle.path / name) for name in (ONNX_CPU, ONNX_FP16)}
    assert raw["checkpoint_sha256"] == sha256(bundle.path.parent / "model.pth")
    assert raw["data"] == {"name": "ours", "licence": "CC BY 4.0", "citation": "us"}
    assert set(raw["tools"]) == {"torch", "torchvision", "onnx", "thermal-edge"}
    assert Configuration.from_json(raw["architecture"]).channels == 16
    assert sorted(p.name for p in bundle.path.iterdir()) == ["model.fp16.onnx", "model.json", "model.onnx"]
    assert not [p for p in bundle.path.parent.iterdir() if p.name not in ("deer", "model.pth", "frames")]


def test_the_engine_of_the_aircraft_runs_it(bundle: Bundle, model: FasterRCNN) -> None:
    scene = thermal_scene(HEIGHT, WIDTH, 3)
    with OrtEngine(Bundle.load(bundle.path)) as engine:
        found = engine.infer(scene)
    pairs = pair(eager(model, scene), found, 0.06, min_iou=0.9)
    assert len(pairs.iou) > 5
    assert pairs.lost.sum() + pairs.new.sum() <= 1
    assert found.labels.dtype == np.int32
    assert found.converged


@pytest.mark.parametrize("name", [ONNX_CPU, ONNX_FP16])
def test_both_graphs_have_the_contracts_inputs_and_outputs(bundle: Bundle, name: str) -> None:
    graph = onnx.load(bundle.path / name).graph
    kinds = onnx.TensorProto
    got = {
        v.name: (v.type.tensor_type.elem_type, [d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in (*graph.input, *graph.output)
    }
    assert got == {
        "image": (kinds.UINT8, [1, HEIGHT, WIDTH, 1]),
        "boxes": (kinds.FLOAT, [1, 20, 4]),
        "scores": (kinds.FLOAT, [1, 20]),
        "labels": (kinds.INT32, [1, 20]),
        "converged": (kinds.INT32, [1]),
    }


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    """Graphs at hand instead of tracing again."""
    graph = onnx.load(bundle.path / ONNX_CPU)
    monkeypatch.setattr(export.graph.bundle, "trace", lambda detector: graph)
    for name in ("float32_graph", "float16_graph"):
        monkeypatch.setattr(export.graph.bundle, name, lambda traced, *rest: traced)


@pytest.mark.usefixtures("quick")
def test_an_existing_folder_stays(model: FasterRCNN, tmp_path: Path) -> None:
    out = tmp_path / "m"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="exists already|no bundle"):
            export_bundle(model, out, ["a", "b"], HEIGHT, WIDTH, overwrite=overwrite)
    assert (out / "notes.txt").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.usefixtures("quick")
def test_an_empty_folder_is_filled_and_a_bundle_replaced(model: FasterRCNN, tmp_path: Path) -> None:
    out = tmp_path / "m"
    out.mkdir()
    export_bundle(model, out, ["a", "b"], HEIGHT, WIDTH)
    (out / "model.engine").write_text("stale")
    export_bundle(model, out, ["c", "d"], HEIGHT, WIDTH, overwrite=True)
    assert Bundle.load(out).classes == ("c", "d")
    assert not (out / "model.engine").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.usefixtures("quick")
def test_a_failure_leaves_nothing(model: FasterRCNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.graph.bundle, "write_whole", full)
    with pytest.raises(InputError, match="No space left"):
        export_bundle(model, tmp_path / "m", ["a", "b"], HEIGHT, WIDTH)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_a_failure_while_replacing_keeps_the_old_one(
    model: FasterRCNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle
) -> None:
    out = tmp_path / "m"
    shutil.copytree(bundle.path, out)
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name.startswith(".m.") and target == out:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(InputError, match="Input/output error"):
        export_bundle(model, out, ["a", "b"], HEIGHT, WIDTH, overwrite=True)
    assert Bundle.load(out).classes == ("deer", "person")


@pytest.mark.parametrize(
    ("classes", "settings", "told"),
    [
        (["deer"], {}, "1 class names .* expected 2"),
        (["deer", "deer"], {}, "2 different names"),
        (["deer", "person"], {"height": 500}, "multiple of 32"),
        (["deer", "person"], {"score_threshold": 50}, r"expected 0\.\.1"),
        (["deer", "person"], {"one_body": [("deer",)]}, "one_body is 'deer': expected two or more"),
    ],
)
def test_bad_arguments(
    model: FasterRCNN, classes: list[str], settings: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        export_bundle(model, tmp_path / "m", classes, **{"height": HEIGHT, "width": WIDTH} | settings)
    assert list(tmp_path.iterdir()) == []


def test_public_names() -> None:
    assert sorted(export.__all__) == ["StaticDetector", "export_bundle", "frc_resnet_fpn"]
    assert StaticDetector.__module__ == "export.graph.static"
    with pytest.raises(AttributeError):
        _ = export.nothing  # type: ignore[attr-defined]
