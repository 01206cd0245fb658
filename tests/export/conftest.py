"""One small detector of deer and people, exported once in a run: for every test that reads, copies or damages it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import onnx
import pytest
import torch
from torchvision.models.detection import FasterRCNN

import export.graph.bundle
from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.model.bundle import ONNX_CPU, ONNX_FP16, WEIGHTS, Bundle, sha256
from edge.thermal.normalise import NormaliseSpec
from export.graph import bundle
from export.graph.bundle import export_bundle
from export.graph.int8 import add
from export.graph.onnx_graph import float32_graph, trace
from export.graph.stages import winograd
from export.graph.static import StaticDetector
from export.parity import compare, reference
from export.parity.compare import float16_detector
from tests.support import quick_torch
from tests.support.narrow import narrow_resnets
from tests.support.random_detectors import HEIGHT, SETTINGS, WIDTH, Grey, enliven, thermal_scene, two_layers

__all__ = ["narrow_resnets"]

quick_torch.use()

MORE: dict[str, Any] = {
    **SETTINGS,
    "box_detections_per_img": 20,
    "image_mean": (0.4,) * 3,
    "image_std": (0.2,) * 3,
}


def once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that ``make`` fills, filled by the first of this run's processes that wants it."""
    root = temporary.getbasetemp()
    if "TESTS_OF" in os.environ:
        root = root.parent  # of all processes
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / name).exists():
            part = root / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(root / name)
    return root / name


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A command that trains here leaves the tests after it their priority and their one thread; how nice it was."""
    nice: list[int] = []
    monkeypatch.setattr(os, "nice", nice.append)
    threads = torch.get_num_threads()
    yield nice
    torch.set_num_threads(threads)


class Kept:
    """A graph that stays open for the next test, and remembers what it found in a frame."""

    def __init__(self, detect: compare.Detector) -> None:
        self._detect = detect
        self._found: dict[tuple[bytes, tuple[int, ...]], RawDetections] = {}

    def infer(self, image: Grey) -> RawDetections:
        frame = image.tobytes(), image.shape
        if frame not in self._found:
            self._found[frame] = self._detect(image)
        return deepcopy(self._found[frame])

    def close(self) -> None: ...


OPEN: dict[tuple[str, ...], Kept] = {}  # by the digests of the files that it was made of


@pytest.fixture
def kept_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """`edge-export check` opens each graph once for all tests of a file, and asks it once for each frame."""

    def kept(graph: str, bundle: Bundle) -> Kept:
        files = graph, bundle.files[graph], bundle.files.get(WEIGHTS, "")
        if files not in OPEN:
            OPEN[files] = Kept(OrtEngine(bundle).infer if graph == ONNX_CPU else float16_detector(bundle))
        return OPEN[files]

    for module in (compare, reference):
        monkeypatch.setattr(module, "OrtEngine", lambda bundle: kept(ONNX_CPU, bundle))
        monkeypatch.setattr(module, "float16_detector", lambda bundle: kept(ONNX_FP16, bundle).infer)


@pytest.fixture(scope="session")
def small_detector() -> FasterRCNN:
    """What the bundles below are of; who changes it takes a copy."""
    return enliven(two_layers(**MORE), thermal_scene(HEIGHT, WIDTH))


ROUNDS = 10  # of the suppression, enough for so few boxes: half the nodes to trace, type and compile


@contextmanager
def few_rounds() -> Iterator[pytest.MonkeyPatch]:
    """Inside, `export_bundle` and `add_int8` unroll the suppression `ROUNDS` times."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (bundle, add):
            patch.setattr(module, "StaticDetector", partial(StaticDetector, rounds=ROUNDS))
        yield patch


@pytest.fixture(scope="session")
def exported(small_detector: FasterRCNN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to read: ``model.pth``, its bundle ``deer`` with float32 weights, three ``frames``."""

    def make(folder: Path) -> None:
        torch.save(small_detector.state_dict(), folder / "model.pth")
        with few_rounds():
            export_bundle(
                small_detector,
                folder / "deer",
                ["deer", "person"],
                HEIGHT,
                WIDTH,
                checkpoint_sha256=sha256(folder / "model.pth"),
                data={"name": "ours", "licence": "CC BY 4.0", "citation": "us"},
            )
        (folder / "frames").mkdir()
        for i in range(3):
            cv2.imwrite(str(folder / "frames" / f"{i}.png"), thermal_scene(HEIGHT, WIDTH, i))

    return once(tmp_path_factory, "exported", make)


@pytest.fixture(scope="session")
def shared_bundle(small_detector: FasterRCNN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle to read whose graphs share one file of weights; its 16-bit frames are normalised by percentiles.

    The CPU's graph filters the second layer minimally, as it does in frames of the usual size. Beside the bundle lies
    ``plain.onnx``: what was traced for the CPU, its weights in float32.
    """

    def make(folder: Path) -> None:
        view = NormaliseSpec.parse("percentile")
        traced: list[onnx.ModelProto] = []

        def kept(detector: StaticDetector) -> onnx.ModelProto:
            traced.append(trace(detector))
            return traced[-1]

        with few_rounds() as patch:
            patch.setattr(winograd, "TILES", 4)
            patch.setattr(bundle, "trace", kept)
            export_bundle(
                small_detector,
                folder / "bundle",
                ["deer", "person"],
                HEIGHT,
                WIDTH,
                weights="shared",
                normalise_16bit=view,
            )
        onnx.save(float32_graph(traced[0]), folder / "plain.onnx")

    return once(tmp_path_factory, "shared", make) / "bundle"


@pytest.fixture
def traced_before(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs at hand instead of tracing again: of such tests the bundle's settings and words are the matter."""
    graph = onnx.load(exported / "deer" / ONNX_CPU)
    monkeypatch.setattr(export.graph.bundle, "trace", lambda detector: graph)
    for name in ("float32_graph", "float16_graph"):
        monkeypatch.setattr(export.graph.bundle, name, lambda traced, *rest: traced)
