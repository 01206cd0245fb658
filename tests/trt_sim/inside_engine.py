"""`edge.engine.trt.TrtEngine` on the simulated driver and runtime. Run by tests/edge/engine/test_cuda.py."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorrt as trt
from onnx import TensorProto, helper

from edge.engine import open_engine, passport_check, readiness
from edge.engine.ort import OrtEngine
from edge.engine.trt import TrtEngine
from edge.errors import BundleError, EngineError
from edge.model.bundle import Bundle, sha256
from edge.model.engine_layers import LAYERS, LayerFacts, layers_file
from tests.conftest import HEIGHT, WIDTH, hottest_cells_model
from tests.cuda_sim.sim import BAD, HELD, calls, counters, fail
from tests.trt_sim.plan import add_engine, equal, pictures

pytestmark = pytest.mark.usefixtures("everything_is_given_back")
ALLOCATING = (
    "cuMemAlloc_v2",
    "cuMemHostAlloc",
    "cuStreamCreate",
    "cuEventCreate",
    "cuGraphInstantiateWithFlags",
    "cuDevicePrimaryCtxRetain",
    "cuStreamBeginCapture_v2",
)


def test_the_time_of_each_layer_is_the_mean_over_the_frames_behind_the_warm_up(bundle: Bundle) -> None:
    from edge.engine.layers import WARM_UP, layer_times

    executed = trt._calls["execute_async_v3"]
    nothing = LayerFacts()
    assert layer_times(bundle, pictures(3)) == [("input", 1 / 8, nothing), ("pool", 5 / 8, nothing)]
    assert trt._calls["execute_async_v3"] - executed == 1 + WARM_UP + 3
    told = {"Layers": [{"Name": "pool", "LayerType": "CaskPooling", "Outputs": [{"Format/Datatype": "Half"}]}]}
    content = layers_file(json.dumps(told), sha256(bundle.path / "model.engine"), "10.3.0")
    assert content
    (bundle.path / LAYERS).write_bytes(content)
    assert [facts for *_, facts in layer_times(bundle, pictures(3))] == [nothing, LayerFacts("CaskPooling", "Half")]


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("zero_copy", [False, True])
@pytest.mark.parametrize("spin", [False, True])
def test_same_detections_as_onnx_runtime(bundle: Bundle, graph: bool, zero_copy: bool, spin: bool) -> None:
    before = counters()
    with (
        TrtEngine(bundle, cuda_graph=graph, zero_copy=zero_copy, spin=spin) as engine,
        OrtEngine(bundle) as reference,
    ):
        assert engine.backend == "trt"
        assert engine.notes == []
        results = [(engine.infer(image), reference.infer(image)) for image in pictures(5)]
        assert engine.graph_refused == (None if graph else "not asked for")
    assert all(equal(got, expected) for got, expected in results)  # and no result changed under our hands
    assert counters()["graph_launches"] - before["graph_launches"] == (6 if graph else 0)


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_more_than_a_thousand_inferences_allocate_nothing(bundle: Bundle) -> None:
    image = pictures(1)[0]
    with TrtEngine(bundle) as engine:
        begun, held = [calls(name) for name in ALLOCATING], counters()
        expected = engine.infer(image)
        for _ in range(98):
            engine.infer(image)
        resident = resident_bytes()
        for _ in range(1_000):
            engine.infer(image)
        assert resident_bytes() - resident < 1 << 16  # 65 bytes a frame would show
        assert equal(engine.infer(image), expected)
        assert [calls(name) for name in ALLOCATING] == begun
        now = counters()
        assert {name: now[name] for name in (*HELD, *BAD)} == {name: held[name] for name in (*HELD, *BAD)}
        assert now["graph_launches"] - held["graph_launches"] == 1_100


def test_a_frame_is_one_call_of_the_driver(bundle: Bundle) -> None:
    with TrtEngine(bundle) as engine:
        names = ("cuGraphLaunch", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "sim_launch")
        begun = [calls(name) for name in names]
        engine.infer(pictures(1)[0])
        assert [calls(name) - n for name, n in zip(names, begun, strict=True)] == [1, 0, 0, 0]


def test_the_image_may_be_reused_and_need_not_be_contiguous(bundle: Bundle) -> None:
    wide = np.zeros((HEIGHT, 2 * WIDTH), np.uint8)
    image = wide[:, ::2]
    with TrtEngine(bundle) as engine, OrtEngine(bundle) as reference:
        for picture in pictures(2):
            image[:] = picture
            got = engine.infer(image)
            image[:] = 0
            assert equal(got, reference.infer(picture))


def test_times_of_a_graph_and_of_its_parts(bundle: Bundle) -> None:
    with TrtEngine(bundle) as engine:
        engine.infer(pictures(1)[0])
        assert list(engine.last_ms) == ["copy_in", "enqueue", "wait", "copy_out", "gpu"]
        assert all(ms > 0 for ms in engine.last_ms.values())
    with TrtEngine(bundle, cuda_graph=False) as engine:
        begun = time.perf_counter()
        engine.infer(pictures(1)[0])
        took = (time.perf_counter() - begun) * 1e3
        ms = engine.last_ms
        on_gpu = ["gpu_copy_in", "gpu_execute", "gpu_copy_out"]
        assert list(ms) == ["copy_in", "enqueue", "wait", "copy_out", *on_gpu]
        assert sum(ms[name] for name in ms if name not in on_gpu) <= took  # one after the other
        assert 0 < ms["gpu_execute"] <= sum(ms[name] for name in on_gpu) <= ms["enqueue"] + ms["wait"]


def test_what_it_says_of_itself(bundle: Bundle) -> None:
    with TrtEngine(bundle, zero_copy=True) as engine:
        assert engine.description == "TensorRT 10.3.0 on Simulated GPU (8.7), CUDA graph, zero-copy"
        assert set(engine.versions) == {
            "tensorrt",
            "pycuda" if importlib.util.find_spec("pycuda") else "ctypes",
            "cuda",
        }
        assert engine.versions["cuda"] == "12.6"


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((HEIGHT, WIDTH), np.float32),
        np.zeros((1, HEIGHT, WIDTH), np.uint8),
        np.zeros((2, 2), np.uint8),
    ],
)
def test_another_image_is_refused(bundle: Bundle, image: np.ndarray) -> None:
    with TrtEngine(bundle) as engine, pytest.raises(EngineError, match=r"expected uint8 \(64, 80\)"):
        engine.infer(image)


@pytest.mark.parametrize("backend", ["auto", "trt"])
def test_the_machine_and_the_files_are_asked_once(
    bundle: Bundle, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def counted(function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            asked[name(*arguments)] += 1
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(readiness, "find_device", counted(readiness.find_device, lambda: "driver"))
    monkeypatch.setattr(passport_check, "sha256", counted(passport_check.sha256, lambda path: path.name))
    monkeypatch.setattr("edge.system.host.subprocess.run", counted(subprocess.run, lambda command: command[0]))
    with open_engine(bundle, backend) as engine:
        assert engine.backend == "trt"
    assert asked == {"driver": 1, "nvpmodel": 1, "model.engine": 1, "model.json": 1}


def test_nothing_unchecked_is_loaded(bundle: Bundle) -> None:
    engine_file = bundle.path / "model.engine"
    content = engine_file.read_bytes()
    engine_file.write_bytes(content + b"x")
    with pytest.raises(BundleError, match="not the file that model.engine.json describes"):
        TrtEngine(bundle, trust_engine=True)
    (bundle.path / "model.engine.json").unlink()
    engine_file.write_bytes(content)
    with pytest.raises(BundleError, match="has no passport"):
        TrtEngine(bundle)
    with TrtEngine(bundle, trust_engine=True) as engine:
        assert "no passport" in engine.notes[0]
    assert trt._calls["deserialize_cuda_engine"] > 0


def changed(name: str, shape: list[int] | None = None, dtype: int | None = None) -> bytes:
    """The tiny detector with one output's shape, type or name changed."""
    model = hottest_cells_model()
    graph = model.graph
    old = next(value for value in graph.output if value.name == name)
    node = next(node for node in graph.node if name in node.output)
    node.output[0] = f"{name}.before"
    if dtype is not None:
        graph.node.append(helper.make_node("Cast", [f"{name}.before"], [name], to=dtype))
        old.type.tensor_type.elem_type = dtype
    elif shape is not None:
        graph.initializer.append(helper.make_tensor(f"{name}.shape", TensorProto.INT64, [len(shape)], shape))
        graph.node.append(helper.make_node("Reshape", [f"{name}.before", f"{name}.shape"], [name]))
        old.CopyFrom(helper.make_tensor_value_info(name, old.type.tensor_type.elem_type, shape))
    else:
        old.name = f"{name}.before"
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_converged_may_be_an_integer(tiny_bundle: Path) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle, changed("converged", dtype=TensorProto.INT32)))
    with TrtEngine(bundle) as engine:
        assert engine.infer(pictures(1)[0]).converged is True


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            changed("scores", shape=[4, 1]),
            r"scores OUTPUT FLOAT \(4, 1\) where model.json promises .*\(1, 4\)",
        ),
        (changed("labels", dtype=TensorProto.INT64), "labels OUTPUT INT64 .* promises OUTPUT INT32"),
        (changed("boxes"), "no boxes; boxes.before, which is unknown"),
    ],
)
def test_an_engine_of_another_shape_type_or_name_is_refused(tiny_bundle: Path, model: bytes, said: str) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle, model))
    with pytest.raises(EngineError, match=f"the engine has {said}.*: run: edge-export engine"):
        TrtEngine(bundle)


def test_where_no_graph_can_be_had_it_works_without_and_says_why(bundle: Bundle) -> None:
    image = pictures(1)[0]
    fail("run:capture", 1, 1)
    with TrtEngine(bundle) as engine, OrtEngine(bundle) as reference:
        assert equal(engine.infer(image), reference.infer(image))
        reason = "CUDA: cuStreamEndCapture failed: operation failed due to a previous error during capture (901)"
        assert engine.graph_refused == reason
        assert engine.notes == [f"no CUDA graph ({reason}): every frame costs some launches more"]
        assert engine.description.endswith("no CUDA graph")


def test_a_graph_that_computes_nothing_is_not_used(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrtEngine, "_enqueue", lambda self, timed=False: timed and plain(self, timed))
    with TrtEngine(bundle) as engine, OrtEngine(bundle) as reference:
        assert engine.graph_refused == "its replay wrote no output"
        image = pictures(1)[0]
        assert equal(engine.infer(image), reference.infer(image))


plain = TrtEngine._enqueue
