"""A wrong engine beside a right one, on the simulated driver and runtime. Run by tests/edge/engine/test_cuda.py."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest

from edge.engine.readiness import Probe
from edge.model.bundle import Bundle
from edge.model.comparison import Comparison
from export.tensorrt.compare import FRAMES, compare_engine
from tests.conftest import HEIGHT, WIDTH, hottest_cells_model, write_bundle
from tests.trt_sim.plan import add_engine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("compared")
    return Bundle.load(add_engine(write_bundle(folder / "bundle", classes=("Person", "Car"))))


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two persons on a warm ground, each in a cell of the model's."""
    folder = tmp_path_factory.mktemp("frames")
    for i in range(FRAMES):
        picture = np.full((HEIGHT, WIDTH), 70, np.uint8)
        picture[8:16, 8 * i : 8 * i + 8], picture[40:48, 16:24] = 250, 200
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    return str(folder)


@pytest.fixture
def compared(bundle: Bundle, frames: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRT_SIM_WRONG", request.param)
    return compare_engine(bundle, bundle, frames)


ALL_LOST = "it loses 16 of the 16 detections that ONNX Runtime finds"
VERDICTS = {
    "": ([], []),
    "score": ([], []),
    "boxes": (
        [ALL_LOST, "of 16 weaker detections, below the score 0.5, it gives 0"],
        ["detections that only the engine finds: 16"],
    ),
    "class": (
        ["it loses 8 of the 16 detections that ONNX Runtime finds"],
        ["detections that only the engine finds: 8"],
    ),
    "nan": (
        [ALL_LOST, "its numbers are not finite in 8 of 8 frames"],
        [],
    ),
    "lost": (["it loses 8 of the 16 detections that ONNX Runtime finds"], []),
    "added": ([], ["detections that only the engine finds: 8"]),
    "nothing": (
        [ALL_LOST, "of 16 weaker detections, below the score 0.5, it gives 0"],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("compared", "verdict"), VERDICTS.items(), indirect=["compared"], ids=[*VERDICTS])
def test_the_verdict(compared: Comparison, verdict: tuple[list[str], list[str]]) -> None:
    assert (compared.refusals, compared.doubts) == verdict
    assert set(compared.versions) - {"pycuda", "ctypes"} == {"onnxruntime", "tensorrt", "cuda"}


@pytest.mark.parametrize("compared", ["score"], indirect=True)
def test_a_small_difference_is_kept(compared: Comparison) -> None:
    assert compared.most_score == pytest.approx(0.01, abs=1e-6)
    assert (compared.most_box_px, compared.least_iou) == (0, 1)


def test_an_engine_that_does_what_its_graph_says_is_right(
    tmp_path_factory: pytest.TempPathFactory, frames: str
) -> None:
    """The graph for TensorRT finds other things than the one for the CPU: here none at all."""
    folder = write_bundle(tmp_path_factory.mktemp("graphs") / "bundle")
    model = hottest_cells_model()
    next(item for item in model.graph.initializer if item.name == "white").CopyFrom(
        onnx.numpy_helper.from_array(np.float32(2550), "white")
    )
    bundle = Bundle.load(add_engine(folder, model.SerializeToString()))
    compared = compare_engine(bundle, bundle, frames)
    assert (compared.graph, compared.both, compared.lost, compared.refusals) == ("model.fp16.onnx", 0, 0, [])
    assert compared.doubts[0].startswith("it agrees with model.fp16.onnx, which finds other things than model.onnx")
    assert "ONNX Runtime" in str(compared)


def test_all_that_the_comparison_needs_is_here() -> None:
    assert [need.name for need in Probe().libraries if not need.met] == []
