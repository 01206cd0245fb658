"""The builder run for real against TensorRT-RTX, which compiles for a GPU that is not there."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest

from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_FP16, Bundle
from export.tensorrt.build import BuildCancelled, BuildSettings, BuiltEngine, build_engine, import_tensorrt
from export.tensorrt.build_log import Heard
from export.tensorrt.process import build_in_process
from tests.support.children import run_child
from tests.support.half_detector import half_model, with_float16_graph

trt = pytest.importorskip("tensorrt_rtx", reason="needs the pip package tensorrt-rtx")

ROOT = Path(__file__).resolve().parents[3]
SM86 = BuildSettings(workspace_mib=256, compute_capability="SM86")


class Listener:
    """Hears the phases, checks their order, and stops after ``patience`` steps."""

    def __init__(self, patience: int = 10**6) -> None:
        self.patience, self.steps = patience, 0
        self.open: dict[str, tuple[int, int]] = {}
        self.seen: list[str] = []
        self.lock = threading.Lock()

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        with self.lock:
            assert parent is None or parent in self.open
            self.open[phase] = (steps, 0)
            self.seen.append(phase)

    def step(self, phase: str, step: int) -> bool:
        with self.lock:
            steps, done = self.open[phase]
            assert step < steps
            self.open[phase] = (steps, done + 1)
            self.steps += 1
            return self.steps < self.patience

    def finish(self, phase: str) -> None:
        with self.lock:
            del self.open[phase]


def build(bundle: Bundle, listener: Listener | None = None, settings: BuildSettings = SM86) -> BuiltEngine:
    return build_engine(trt, bundle.path / ONNX_FP16, bundle, settings, listener or Listener())


@pytest.fixture
def half_bundle(tiny_bundle: Path) -> Bundle:
    return with_float16_graph(tiny_bundle, half_model().SerializeToString())


def test_a_float16_graph_compiles_and_progress_is_heard(half_bundle: Bundle) -> None:
    listener = Listener()
    built = build(half_bundle, listener)
    assert len(built.plan) > 1000
    assert built.tensorrt == trt.__version__
    assert not built.verified  # nobody can run it here
    assert built.timing_cache == b""
    assert "Building engine" in listener.seen
    assert listener.steps > 10
    assert not listener.open


@pytest.mark.slow
def test_the_bundled_model_compiles() -> None:
    """The real detector: what RTX refuses, a Jetson refuses too (the reverse does not hold).

    Slow: it compiles for seconds. A small detector as it is exported today is compiled in ``test_compare.py``.
    """
    graphs = sorted((ROOT / "edge" / "models").glob(f"*/{ONNX_FP16}"))
    if not graphs:
        pytest.skip(f"needs edge/models/*/{ONNX_FP16}, which is not here")
    for graph in graphs:
        built = build(Bundle.load(graph.parent))
        assert len(built.plan) > graph.stat().st_size / 2


def test_in_a_process_of_its_own(half_bundle: Bundle) -> None:
    listener = Listener()
    built = build_in_process("tensorrt_rtx", half_bundle.path / ONNX_FP16, half_bundle, SM86, listener)
    assert len(built.plan) > 1000
    assert "Building engine" in listener.seen


def test_cancelled(half_bundle: Bundle) -> None:
    listener = Listener(patience=8)
    with pytest.raises(BuildCancelled):
        build(half_bundle, listener)
    assert listener.steps == 8


def test_types_that_do_not_match_are_named_with_their_node(tiny_bundle: Path) -> None:
    """A float32 kernel on a float16 input: what a weakly typed build would have cast in silence."""
    bundle = with_float16_graph(tiny_bundle, half_model(weights=np.float32).SerializeToString())
    with pytest.raises(EngineError, match=r"node 2 of .*model\.fp16\.onnx, Conv 'cell_means'.*same type") as caught:
        build(bundle)
    assert "\n" not in str(caught.value)


def test_an_operator_that_tensorrt_has_not(tiny_bundle: Path) -> None:
    model = half_model()
    next(node for node in model.graph.node if node.name == "hottest").op_type = "Unheard"
    bundle = with_float16_graph(tiny_bundle, model.SerializeToString())
    with pytest.raises(EngineError, match=r"Unheard 'hottest'"):
        build(bundle)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_file(tiny_bundle: Path, kept: float) -> None:
    data = half_model().SerializeToString()
    bundle = with_float16_graph(tiny_bundle, data[: int(len(data) * kept)])
    with pytest.raises(EngineError, match=r"cannot read .*Failed to parse the ONNX model"):
        build(bundle)


def test_an_empty_file(tiny_bundle: Path) -> None:
    """TensorRT takes it for a network without layers."""
    bundle = with_float16_graph(tiny_bundle, b"")
    with pytest.raises(EngineError, match=r"model\.fp16\.onnx has no image; no boxes"):
        build(bundle)


def test_other_outputs_than_the_bundle_promises_are_found_before_the_build(tiny_bundle: Path) -> None:
    bundle = with_float16_graph(tiny_bundle, half_model(k=5).SerializeToString())
    listener = Listener()
    with pytest.raises(EngineError, match=r"boxes OUTPUT FLOAT \(1, 5, 4\) where .* promises .*\(1, 4, 4\)"):
        build(bundle, listener)
    assert listener.seen == []


def test_a_graph_that_parses_and_does_not_compile(tiny_bundle: Path) -> None:
    """``NonMaxSuppression`` has no implementation in TensorRT-RTX (NVIDIA/TensorRT-RTX issue 5)."""
    model = half_model()
    graph = model.graph
    nms = onnx.helper.make_node("NonMaxSuppression", ["boxes", "all_scores"], ["kept"], name="nms")
    unsqueeze = onnx.helper.make_node("Reshape", ["scores", "one_class"], ["all_scores"], name="one_class")
    count = onnx.helper.make_node("Shape", ["kept"], ["kept_shape"], name="kept_shape")
    first = onnx.helper.make_node("Gather", ["kept_shape", "zero"], ["kept_count"], axis=0, name="kept_count")
    cast = onnx.helper.make_node("Cast", ["kept_count"], ["converged"], to=onnx.TensorProto.INT32, name="cast")
    del graph.node[-2:]
    graph.node.extend([unsqueeze, nms, count, first, cast])
    for name, value in (("one_class", np.array([1, 1, 4], np.int64)), ("zero", np.zeros(1, np.int64))):
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    bundle = with_float16_graph(tiny_bundle, model.SerializeToString())
    with pytest.raises(EngineError, match=r"could not compile .*nms"):
        build(bundle)


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="a GPU is here")
@pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX:DeprecationWarning")
def test_an_ordinary_build_without_a_gpu_ends_in_one_sentence(half_bundle: Bundle) -> None:
    with pytest.raises(EngineError, match=r"^TensorRT .* (could not compile|cannot load) .*CUDA driver.*$"):
        build(half_bundle, settings=BuildSettings(workspace_mib=256))


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(InputError, match="engines are built on the board that flies"):
        import_tensorrt("no_such_tensorrt")


def test_building_needs_no_torch_and_no_onnx() -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'onnx'):\n"
        "    sys.modules[name] = None\n"
        "import export.tensorrt.build, export.tensorrt.process, export.tensorrt.plan, export.commands.engine\n"
    )
    done = run_child([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_old_builder_that_is_garbage_does_not_stop_the_next(
    half_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end takes a lock that TensorRT holds while it logs: collected in a line of the log, both wait for ever."""

    class Kept:
        def __init__(self) -> None:
            self.me, self.builder = self, trt.Builder(trt.Logger())

    def hear(heard: Heard, text: str, error: bool) -> None:
        gc.collect()

    monkeypatch.setattr(Heard, "hear", hear)
    gc.collect()
    gc.freeze()  # each line's collection looks only at what is made below: there are hundreds
    gc.disable()
    try:
        Kept()
        build(half_bundle)
    finally:
        gc.enable()
