"""The engine seam: one normalised image in, final boxes out."""

from __future__ import annotations

from pathlib import Path

from edge.bundle import Bundle
from edge.engine.base import Engine
from edge.records import InputError


def open_engine(model: str | Path | Bundle, backend: str = "auto", threads: int = 0) -> Engine:
    """Load a bundle (a folder, or one already checked) into an engine.

    ``backend``: ``ort`` (ONNX Runtime on the CPU), ``null`` (detects nothing; for benchmarks), or
    ``auto``. ``threads``: CPU threads of ONNX Runtime, 0 = one a core.

    Raises BundleError for a bad bundle, InputError for an unknown backend, EngineError where the
    library cannot load the model.
    """
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    if backend == "null":
        from edge.engine.null import NullEngine

        return NullEngine(bundle)
    if backend in ("auto", "ort"):
        from edge.engine.ort import OrtEngine

        return OrtEngine(bundle, threads)
    raise InputError(f"backend {backend!r}: wanted one of auto, ort, null")


__all__ = ["Engine", "open_engine"]
