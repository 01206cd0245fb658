from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from edge.engine import open_engine
from edge.errors import EngineError, InputError
from edge.model.bundle import Bundle
from tests.conftest import hottest_cells_model


def hot(x: int, y: int, value: int = 200) -> np.ndarray:
    image = np.full((64, 80), 20, np.uint8)
    image[y : y + 8, x : x + 8] = value
    return image


@pytest.mark.parametrize("backend", ["auto", "ort"])
def test_hottest_cell_is_found(tiny_bundle: Path, backend: str) -> None:
    with open_engine(tiny_bundle, backend) as engine:
        raw = engine.infer(hot(40, 24))
    assert raw.boxes[0].tolist() == [40, 24, 48, 32]
    assert raw.scores[0] == pytest.approx(200 / 255)
    assert raw.labels.dtype == np.int32
    assert raw.converged


def test_results_stay_valid_and_the_image_may_be_reused(tiny_bundle: Path) -> None:
    with open_engine(tiny_bundle) as engine:
        image = hot(0, 0)
        first = engine.infer(image)
        kept = first.boxes.copy()
        image[:] = hot(72, 56)
        second = engine.infer(image)
    assert (first.boxes == kept).all()
    assert second.boxes[0].tolist() == [72, 56, 80, 64]


def test_strided_image_is_read_right(tiny_bundle: Path) -> None:
    with open_engine(tiny_bundle) as engine:
        wide = np.zeros((64, 160), np.uint8)
        wide[:, ::2] = hot(16, 8)
        assert engine.infer(wide[:, ::2]).boxes[0].tolist() == [16, 8, 24, 16]


@pytest.mark.parametrize("backend", ["ort", "null"])
@pytest.mark.parametrize("image", [np.zeros((64, 81), np.uint8), np.zeros((64, 80), np.float32)])
def test_wrong_image_is_refused(tiny_bundle: Path, backend: str, image: np.ndarray) -> None:
    with (
        open_engine(tiny_bundle, backend) as engine,
        pytest.raises(EngineError, match=r"expected uint8 \(64, 80\)"),
    ):
        engine.infer(image)


def test_unknown_backend(tiny_bundle: Path) -> None:
    with pytest.raises(InputError, match="'cuda'"):
        open_engine(tiny_bundle, "cuda")


def change_model(bundle: Path, data: bytes) -> None:
    (bundle / "model.onnx").write_bytes(data)
    raw = json.loads((bundle / "model.json").read_text())
    raw["files"]["model.onnx"] = hashlib.sha256(data).hexdigest()
    (bundle / "model.json").write_text(json.dumps(raw))


def test_a_file_that_is_no_onnx(tiny_bundle: Path) -> None:
    change_model(tiny_bundle, b"not a graph")
    with pytest.raises(EngineError, match=r"cannot load .*model\.onnx") as caught:
        open_engine(tiny_bundle)
    assert "\n" not in str(caught.value)


def test_a_graph_that_breaks_its_promise(tiny_bundle: Path) -> None:
    raw = json.loads((tiny_bundle / "model.json").read_text())
    raw["max_detections"] = 7
    (tiny_bundle / "model.json").write_text(json.dumps(raw))
    with pytest.raises(EngineError, match=r"model\.json promises"):
        open_engine(tiny_bundle)


def test_a_graph_of_other_types_or_names(tiny_bundle: Path) -> None:
    model = hottest_cells_model()
    labels = next(node for node in model.graph.node if node.output == ["labels"])
    labels.attribute[0].i = TensorProto.INT64
    next(value for value in model.graph.output if value.name == "labels").type.tensor_type.elem_type = TensorProto.INT64
    change_model(tiny_bundle, model.SerializeToString())
    said = r"has labels OUTPUT INT64 \(1, 4\) where model\.json promises OUTPUT INT32 \(1, 4\): export it again"
    with pytest.raises(EngineError, match=said):
        open_engine(tiny_bundle, "ort")
    model = hottest_cells_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"
    change_model(tiny_bundle, model.SerializeToString())
    with pytest.raises(EngineError, match="has no image; picture, which is unknown"):
        open_engine(tiny_bundle, "ort")


def test_close_twice(tiny_bundle: Path) -> None:
    engine = open_engine(Bundle.load(tiny_bundle))
    engine.close()
    engine.close()
