"""The engine with the bundled detector in torch in TensorRT's place, on the real driver: make test-gpu.

What is proven: the addresses, streams, graphs and waits of `edge.engine.trt` with a network of real size that computes
on the GPU; half precision there. Not: TensorRT's own kernels.
"""

# ruff: noqa: E402  nothing below can be imported without a GPU

from __future__ import annotations

import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pytest

from tests.gpu.here import REPLAYS, SIMULATED, SLACK, FreeMemory, gpu_or_skip, resident_bytes

gpu_or_skip()

import tensorrt as stand_in
import torch
from torch import Tensor

from edge.data import RawDetections
from edge.engine.device import find_device
from edge.engine.ort import OrtEngine
from edge.engine.passport_check import this_machine
from edge.engine.trt import TrtEngine
from edge.measure.average_precision import rank
from edge.model.bundle import ONNX_FP16, Bundle
from edge.model.graph_io import signature
from export import StaticDetector
from export.data.coco import read_coco
from export.detector.checkpoint import load_detector
from export.evaluate.evaluate import detect_with_bundle, judge, only_classes
from tests.conftest import ROOT, shared
from tests.trt_sim.plan import add_engine

BUNDLED = ROOT / "edge" / "models" / "hituav-r18"
FRAMES = 200  # of the validation part, for average precision
Network = Callable[[Tensor], Sequence[Tensor]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundled model with an engine file that only the stand-in takes, and a passport of this machine."""
    with warnings.catch_warnings(record=True) as said:  # that the driver is too old, for one
        found = SIMULATED or torch.cuda.is_available()
    if not found:
        why = "; ".join(str(one.message) for one in said) or "no reason given"
        pytest.skip(f"torch {torch.__version__} finds no GPU ({why}): install the one for this driver's CUDA")
    folder = tmp_path_factory.mktemp("gpu") / "bundle"
    shutil.copytree(BUNDLED, folder)
    onnx = (folder / ONNX_FP16).read_bytes()
    target = this_machine(stand_in.__version__, find_device())
    return Bundle.load(add_engine(folder, onnx, stand_in.__version__, target))


@pytest.fixture(scope="module")
def detector(bundle: Bundle) -> StaticDetector:
    detector = StaticDetector(load_detector(BUNDLED), bundle.height, bundle.width, "tensorrt").eval()
    stand_in.tensors = {name: (t.mode, t.shape, t.dtypes[0]) for name, t in signature(bundle).items()}
    return detector if SIMULATED else detector.cuda()


def recorded(detector: StaticDetector, bundle: Bundle, half: bool = False) -> Network:
    """What ``detector`` computes, with its constants on the GPU: a copy from the host is no part of a CUDA graph.

    ``half``: convolutions and matrix products in half precision, the rest as it is.
    """
    if SIMULATED:
        return detector
    image = torch.zeros(1, bundle.height, bundle.width, 1, dtype=torch.uint8, device="cuda")
    with torch.device("cuda"), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the recorder: it takes values for constants, as is meant
        with torch.autocast("cuda", torch.float16, enabled=half, cache_enabled=False):
            network: Network = torch.jit.trace(detector, (image,), check_trace=False)  # type: ignore[no-untyped-call]
        for _ in range(3):  # torch compiles it at the second time, for calls without autocast: not while capturing
            network(image)
    return lambda image: [value.float() if value.is_floating_point() else value for value in network(image)]


@pytest.fixture
def full(bundle: Bundle, detector: StaticDetector) -> Iterator[None]:
    """The network computes in float32, as on the CPU: no TF32."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    stand_in.network = recorded(detector, bundle)
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def frame(bundle: Bundle, seed: int = 1) -> np.ndarray:
    """Warm spots on noise."""
    rng = np.random.default_rng(seed)
    image = rng.normal(90, 6, (bundle.height, bundle.width))
    for x, y in rng.integers(20, 480, (12, 2)):
        image[y : y + 9, x : x + 5] += 90
    return image.clip(0, 255).astype(np.uint8)


def same(found: RawDetections, expected: RawDetections) -> None:
    """Every detection from 0.3 up has one of the same class, within a hundredth of score and a third of a pixel."""
    for box, score, label in zip(expected.boxes, expected.scores, expected.labels, strict=True):
        if score < 0.3:
            continue
        near = (np.abs(found.boxes - box).max(axis=1) < 0.33) & (found.labels == label)
        assert (near & (np.abs(found.scores - score) < 0.01)).any(), (box, score, label)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("zero_copy", [False, True])
@pytest.mark.parametrize("graph", [False, True])
def test_it_finds_what_onnx_runtime_finds(bundle: Bundle, graph: bool, zero_copy: bool) -> None:
    with (
        TrtEngine(bundle, cuda_graph=graph, zero_copy=zero_copy) as engine,
        OrtEngine(bundle) as reference,
    ):
        assert engine.graph_refused == (None if graph else "not asked for")
        for seed in (1,) if SIMULATED else (1, 2, 3):
            same(engine.infer(frame(bundle, seed)), reference.infer(frame(bundle, seed)))


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("full")
def test_ten_thousand_frames_take_no_memory_and_give_the_same(bundle: Bundle) -> None:
    image, frames = frame(bundle), 2 if SIMULATED else REPLAYS
    with TrtEngine(bundle) as engine, FreeMemory() as free:
        first = engine.infer(image)
        for i in range(frames):
            found = engine.infer(image)
            if i == frames // 10:
                before, resident = free.now(), resident_bytes()
        assert abs(free.now() - before) <= SLACK
        assert resident_bytes() - resident < 4 << 20
        assert np.array_equal(found.boxes, first.boxes)
        assert np.array_equal(found.scores, first.scores)


@pytest.mark.skipif(SIMULATED, reason="needs a GPU: torch allocates none of the simulated one's memory")
@pytest.mark.usefixtures("full")
def test_another_thread_of_torch_allocates_while_the_graph_is_captured(bundle: Bundle) -> None:
    stop, failed = threading.Event(), []

    def elsewhere() -> None:
        try:
            for mib in range(2, 64, 2):  # each larger than all before: torch has to ask the driver
                torch.empty(mib << 20, dtype=torch.uint8, device="cuda").fill_(1)
                if stop.wait(0.05):
                    break
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    try:
        for _ in range(20):
            with TrtEngine(bundle) as engine:
                assert engine.graph_refused is None
                engine.infer(frame(bundle))
    finally:
        stop.set()
        thread.join()
    assert failed == []


@pytest.mark.skipif(SIMULATED, reason="needs a GPU: half precision of a CPU is not the one to be judged")
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("full")
def test_half_precision_finds_as_much(bundle: Bundle, detector: StaticDetector) -> None:
    data = read_coco(shared("data", "hituav", "annotations", "val.json"), shared("data", "hituav", "val"))
    some = type(data)(data.classes, data.frames[:FRAMES])
    ap50 = {}
    for name, network in {"float32": recorded(detector, bundle), "half": recorded(detector, bundle, half=True)}.items():
        stand_in.network = network
        with TrtEngine(bundle) as engine:
            assert engine.graph_refused is None
            judged = judge(some, only_classes(detect_with_bundle(engine), bundle.classes, some.classes))
        labels = {label: some.classes.index(label) for label in bundle.classes if label in some.classes}
        ap50[name] = {label: rank(judged, i, 0.5).average_precision() for label, i in labels.items()}
    print(f"AP50 on {FRAMES} frames: {ap50}")
    assert {"Person", "Car", "Bicycle"} <= set(ap50["float32"])
    for label, ap in ap50["float32"].items():
        if ap is not None:
            assert ap50["half"][label] == pytest.approx(ap, abs=0.005), label


@pytest.mark.usefixtures("full")
@pytest.mark.skipif(SIMULATED, reason="needs a GPU: shown for the simulated one by tests/trt_sim")
def test_memory_is_back_where_it_was(bundle: Bundle) -> None:
    opened = partial(TrtEngine, bundle)

    def left() -> int:
        torch._C._cuda_clearCublasWorkspaces()  # 32 MiB a stream on Hopper, which torch keeps for streams that are gone
        torch.cuda.empty_cache()
        return free.now()

    with FreeMemory() as free:
        opened().close()
        at_first = left()
        for _ in range(10):
            with opened() as engine:
                engine.infer(frame(bundle))
        assert abs(left() - at_first) <= SLACK
