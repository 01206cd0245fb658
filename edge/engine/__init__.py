"""The engine seam: one normalised image in, final boxes out."""

from __future__ import annotations

from pathlib import Path

from edge.bundle import Bundle
from edge.engine.base import Engine
from edge.engine.device import find_device
from edge.engine.passport import ENGINE
from edge.records import EngineError, InputError


def open_engine(model: str | Path | Bundle, backend: str = "auto", threads: int = 0) -> Engine:
    """Load a bundle (a folder, or one already checked) into an engine.

    ``backend``: ``trt`` (TensorRT, on the board), ``ort`` (ONNX Runtime on the CPU), ``null`` (detects nothing; for
    benchmarks), or ``auto``. ``threads``: CPU threads of ONNX Runtime, 0 = one a core.

    Raises BundleError for a bad bundle, InputError for an unknown backend, EngineError where the
    library cannot load the model.
    """
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    if backend == "null":
        from edge.engine.null import NullEngine

        return NullEngine(bundle)
    if backend == "trt" or (backend == "auto" and _built_for_a_gpu_here(bundle)):
        from edge.engine.trt import TrtEngine

        return TrtEngine(bundle)
    if backend in ("auto", "ort"):
        from edge.engine.ort import OrtEngine

        return OrtEngine(bundle, threads)
    raise InputError(f"backend {backend!r}: wanted one of auto, trt, ort, null")


def _built_for_a_gpu_here(bundle: Bundle) -> bool:
    """Whether ``auto`` means TensorRT. Once it does, whatever is wrong is told and never flown on the CPU."""
    if not (bundle.path / ENGINE).is_file():
        return False
    try:
        find_device()
    except EngineError:
        return False  # a laptop that was given a board's bundle
    return True


__all__ = ["Engine", "open_engine"]
