"""A detector small enough to read: the hottest 8x8 cells of the frame, as a real bundle."""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import signal
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

# before numpy, OpenCV and torch are imported: the matrices of tests are small, and a second thread that spins while it
# waits takes up to a hundred times the processor time of the work on a busy machine
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper

from edge.commands import main
from edge.data import Detections, Frame, Result
from edge.engine.select import BACKENDS
from edge.model.bundle import Bundle, sha256
from edge.model.onnx_weights import weight_files
from edge.sinks.open import SINKS
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT
from tests.support import children, grounds, no_compiler
from tests.support.browser import chromium

__all__ = ["chromium"]

# a busy machine is no failure, and every test has a time limit of its own; each run draws other examples
settings.register_profile("busy", deadline=None, max_examples=60)
settings.load_profile("busy")

no_compiler.leave_out()
children.hear()  # also under nohup, or in the background of a script
SIGNALS = {stop: signal.getsignal(stop) for stop in children.STOPS}

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
BUNDLED = ROOT / "edge" / "models"
HEIGHT, WIDTH, CELL, K = 64, 80, 8, 4


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: the collector of cycles looks at none of it, here or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # graphs are many small objects, and hardly any of them is a cycle
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests, and those that compute with torch, have more time than the others.

    Those that were given more time by name begin first: none of them is left for the end, when all wait for it.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    with_torch = tuple(str(ROOT / folder) + os.sep for folder in ("tests/export", "tests/cases"))
    for item in items:
        if not item.get_closest_marker("timeout"):
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.timeout(600))
            elif str(item.path).startswith(with_torch):
                item.add_marker(pytest.mark.timeout(300))


def shared(*parts: str) -> Path:
    """A path in the data folder beside the repository; skips the test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs ../shared/{'/'.join(parts)}, which is not here")
    return path


def hottest_cells_model() -> onnx.ModelProto:
    """uint8 [1, 64, 80, 1] -> the 4 cells of 8x8 px with the highest mean; score = mean / 255. The caller's own."""
    return onnx.load_model_from_string(_hottest_cells()[0])


@cache
def _hottest_cells() -> tuple[bytes, str]:
    """The model's file, and the file's digest."""
    across = WIDTH // CELL

    def constant(name: str, value: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["image"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["grey", "nchw"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["cells"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Reshape", ["cells", "flat"], ["means"]),
        helper.make_node("TopK", ["means", "k"], ["best", "where"]),
        helper.make_node("Div", ["best", "white"], ["scores"]),
        helper.make_node("Mod", ["where", "across"], ["column"]),
        helper.make_node("Div", ["where", "across"], ["row"]),
        helper.make_node("Unsqueeze", ["column", "last"], ["column1"]),
        helper.make_node("Unsqueeze", ["row", "last"], ["row1"]),
        helper.make_node("Concat", ["column1", "row1", "column1", "row1"], ["corners"], axis=2),
        helper.make_node("Cast", ["corners"], ["corners32"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["corners32", "cell"], ["origins"]),
        helper.make_node("Add", ["origins", "size"], ["boxes"]),
        helper.make_node("Mul", ["where", "zero"], ["zeros"]),
        helper.make_node("Cast", ["zeros"], ["labels"], to=TensorProto.INT32),
        helper.make_node("Identity", ["yes"], ["converged"]),
    ]
    graph = helper.make_graph(
        nodes,
        "hottest_cells",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, HEIGHT, WIDTH, 1])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, K, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, K]),
            helper.make_tensor_value_info("labels", TensorProto.INT32, [1, K]),
            helper.make_tensor_value_info("converged", TensorProto.BOOL, [1]),
        ],
        [
            constant("nchw", np.array([1, 1, HEIGHT, WIDTH], np.int64)),
            constant("flat", np.array([1, -1], np.int64)),
            constant("k", np.array([K], np.int64)),
            constant("white", np.float32(255)),
            constant("across", np.int64(across)),
            constant("last", np.array([2], np.int64)),
            constant("cell", np.float32(CELL)),
            constant("size", np.array([0, 0, CELL, CELL], np.float32)),
            constant("zero", np.int64(0)),
            constant("yes", np.array([True])),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    return data, hashlib.sha256(data).hexdigest()


def write_bundle(
    folder: Path, classes: tuple[str, ...] = ("Person",), score_threshold: float = 0.5, data: bytes = b""
) -> Path:
    """Write the tiny detector, or what ``data`` holds, as a bundle folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data, digest = (data, hashlib.sha256(data).hexdigest()) if data else _hottest_cells()
    (folder / "model.onnx").write_bytes(data)
    Bundle(
        path=folder,
        name="tiny",
        architecture={"name": "hottest_cells"},
        classes=classes,
        height=HEIGHT,
        width=WIDTH,
        normalise_8bit=DEFAULT_8BIT,
        normalise_16bit=DEFAULT_16BIT,
        trained_mean=0.4,
        trained_std=0.1,
        score_threshold=score_threshold,
        graph_score_threshold=0.0,
        max_detections=K,
        files={"model.onnx": digest},
    ).write_json()
    return folder


def made(frame: Frame, detections: Detections, t_result: float, picture: np.ndarray, **more: Any) -> Result:
    """A result, as a pipeline would have made it."""
    return Result(frame=frame, detections=detections, t_result=t_result, picture=picture, **more)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """No test changes what a signal does for the next one, or leaves a process behind."""
    try:
        return (yield)
    finally:
        children.end_all()
        for stop, handler in SIGNALS.items():
            signal.signal(stop, handler)


@pytest.fixture(scope="session", autouse=True)
def once_and_for_all() -> Iterator[None]:
    """One fixture for all of it: each that a test has by itself costs as much as a short test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.sim.camera.build_ground", grounds.drawn_once)
        patch.setattr("edge.sim.camera.place_bodies", grounds.placed_once)
        patch.setattr("edge.sim.camera.Sensor", grounds.sensor_once)
        patch.setattr("edge.commands.main._parser", options_read_once)
        patch.setattr("edge.model.bundle.sha256", partial(of_the_bundled_model_once, sha256))
        patch.setattr("edge.model.bundle.weight_files", partial(of_the_bundled_model_once, weight_files))
        # of two graphs for the CPU none is timed, twelve frames at each start: on a busy machine either might win
        patch.setattr("edge.engine.cpu_graph.timed", lambda _int8, _float: [70.0, 100.0])
        # what a test writes need not outlast a power cut: nobody waits for the disk. The file must be open all the same
        patch.setattr(os, "fsync", os.fstat)
        if "TESTS_OF" in os.environ:  # several processes test at once: ONNX Runtime's second thread would spin
            patch.setattr(os, "sched_getaffinity", lambda _process: {0})
        yield


def options_read_once() -> argparse.ArgumentParser:
    """The table of all options is made once for the same engines and sinks: a seventh of a short run's time."""
    return _options((*BACKENDS.items(), *SINKS.items()))


_made_by = main._parser


@cache
def _options(_of: tuple[object, ...]) -> argparse.ArgumentParser:
    return _made_by()


def of_the_bundled_model_once(read: Callable[[Path], Any], path: Path) -> Any:
    """No test changes the files of the bundled model: each is looked through once, 0.08 s of processor time in all."""
    return _read_once(read, path) if BUNDLED in path.parents else read(path)


_read_once = cache(lambda read, path: read(path))


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")
