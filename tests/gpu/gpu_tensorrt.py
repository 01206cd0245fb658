"""Real TensorRT, where it can be imported (pip install tensorrt, on a PC with a GPU), or RTX: make test-gpu."""

# ruff: noqa: E402  nothing below can be imported without both

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

import pytest

from tests.gpu.here import gpu_or_skip

gpu_or_skip()
tensorrt = pytest.importorskip("tensorrt", reason="needs TensorRT: pip install tensorrt")

from edge.engine.device import find_device
from edge.engine.ort import OrtEngine
from edge.engine.trt import TrtEngine
from edge.model.bundle import Bundle
from export.commands.main import main
from tests.gpu.gpu_detector import BUNDLED, frame, same

FRAMES = 300
CAPABILITY = find_device().compute_capability
TAKES = getattr(tensorrt, "TAKES", (CAPABILITY,))  # said by the stand-in of RTX alone

if CAPABILITY not in TAKES and float(CAPABILITY) < float(TAKES[-1]):
    reason = f"TensorRT-RTX takes compute capability {', '.join(TAKES)} and later, not {CAPABILITY}"
    pytest.skip(reason, allow_module_level=True)


@pytest.mark.timeout(1800)
def test_the_bundled_model_is_built_and_finds_what_onnx_runtime_finds(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLED, folder)
    assert main(["engine", str(folder)]) == 0
    bundle = Bundle.load(folder)
    with TrtEngine(bundle) as engine, OrtEngine(bundle) as reference:
        print(f"{engine.description}; notes: {engine.notes}")
        assert engine.graph_refused is None
        for seed in (1, 2, 3):
            same(engine.infer(frame(bundle, seed)), reference.infer(frame(bundle, seed)))
        times = []
        for _ in range(FRAMES):
            engine.infer(frame(bundle))
            times.append(engine.last_ms["gpu"])
        print(f"a frame takes the GPU {median(times):.2f} ms, median of {FRAMES}; its clocks as they were")
