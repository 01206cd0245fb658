"""An engine file of the stand-in, with its passport, for any bundle that has a ``model.onnx``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edge.model.bundle import MODEL_JSON, ONNX_CPU, ONNX_FP16, Bundle, sha256
from edge.model.passport import ENGINE, Passport, Target

VERSION = "10.3.0"
# what the simulated driver answers
GPU = Target(tensorrt=VERSION, device="Simulated GPU", compute_capability="8.7", sm_count=8)


def add_engine(folder: Path, onnx: bytes | None = None, version: str = VERSION, target: Target = GPU) -> Path:
    """Put ``model.engine`` and its passport into a bundle; ``onnx``: what it computes (model.onnx)."""
    onnx = onnx or (folder / ONNX_CPU).read_bytes()
    (folder / ONNX_FP16).write_bytes(onnx)
    bundle = Bundle.load(folder)
    dataclasses.replace(bundle, files={**bundle.files, ONNX_FP16: sha256(folder / ONNX_FP16)}).write_json()
    (folder / ENGINE).write_bytes(f"trt_sim {version}\n".encode() + onnx)
    Passport(
        engine_sha256=sha256(folder / ENGINE),
        onnx_sha256=sha256(folder / ONNX_FP16),
        model_json_sha256=sha256(folder / MODEL_JSON),
        target=target,
    ).write(folder)
    return folder
