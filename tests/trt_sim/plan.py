"""An engine file of the stand-in, with its passport, for any bundle that has a ``model.onnx``; frames to show it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from edge.data import RawDetections
from edge.model.bundle import MODEL_JSON, ONNX_CPU, ONNX_FP16, Bundle, sha256
from edge.model.comparison import Comparison
from edge.model.passport import ENGINE, Passport, Target, graph_sha256
from tests.conftest import HEIGHT, WIDTH

VERSION = "10.3.0"
# what the simulated driver answers
GPU = Target(tensorrt=VERSION, device="Simulated GPU", compute_capability="8.7", sm_count=8)

# an engine that gives what ONNX Runtime gives
AGREES = Comparison(
    graph=ONNX_CPU,
    origin="sim:live=0",
    frames=8,
    frames_sha256="0" * 64,
    threshold=0.5,
    both=31,
    lost=0,
    added=0,
    below=12,
    below_both=12,
    most_box_px=0.007,
    most_score=0.0005,
    least_iou=0.9996,
    overflowed=0,
    unsettled=0,
    versions={"onnxruntime": "1.23.2", "tensorrt": VERSION},
)


def add_engine(folder: Path, onnx: bytes | None = None, version: str = VERSION, target: Target = GPU) -> Path:
    """Put ``model.engine`` and its passport into a bundle; ``onnx``: what it computes (model.onnx)."""
    onnx = onnx or (folder / ONNX_CPU).read_bytes()
    (folder / ONNX_FP16).write_bytes(onnx)
    bundle = Bundle.load(folder)
    dataclasses.replace(bundle, files={**bundle.files, ONNX_FP16: sha256(folder / ONNX_FP16)}).write_json()
    (folder / ENGINE).write_bytes(f"trt_sim {version}\n".encode() + onnx)
    Passport(
        engine_sha256=sha256(folder / ENGINE),
        onnx_sha256=graph_sha256(Bundle.load(folder)),
        model_json_sha256=sha256(folder / MODEL_JSON),
        target=target,
        comparison=AGREES,
    ).write(folder)
    return folder


def pictures(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8) for _ in range(n)]


def equal(a: RawDetections, b: RawDetections) -> bool:
    arrays = ((a.boxes, b.boxes), (a.scores, b.scores), (a.labels, b.labels))
    return a.converged == b.converged and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in arrays)
