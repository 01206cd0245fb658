"""The engine seam: one normalised image in, final boxes out."""

from __future__ import annotations

from pathlib import Path

from edge.bundle import Bundle
from edge.engine.base import Engine
from edge.engine.choice import choose_backend
from edge.records import InputError


def open_engine(model: str | Path | Bundle, backend: str = "auto", threads: int = 0) -> Engine:
    """Load a bundle (a folder, or one already checked) into an engine.

    ``backend``: ``trt`` (TensorRT, on the board), ``ort`` (ONNX Runtime on the CPU), ``null`` (detects nothing; for
    benchmarks), or ``auto``: see `choose_backend`; the engine's ``chosen`` then says why. ``threads``: CPU threads
    of ONNX Runtime, 0 = one a core.

    Raises BundleError for a bad bundle, InputError for an unknown backend, EngineError where the
    library cannot load the model.
    """
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    chosen = "asked for"
    if backend == "auto":
        choice = choose_backend(bundle)
        backend, chosen = choice.backend, choice.why
    engine = _open(bundle, backend, threads)
    engine.chosen = chosen
    return engine


def _open(bundle: Bundle, backend: str, threads: int) -> Engine:
    # each library is imported only where it is used
    if backend == "trt":
        from edge.engine.trt import TrtEngine

        return TrtEngine(bundle)
    if backend == "ort":
        from edge.engine.ort import OrtEngine

        return OrtEngine(bundle, threads)
    if backend == "null":
        from edge.engine.null import NullEngine

        return NullEngine(bundle)
    raise InputError(f"backend {backend!r}: wanted one of auto, trt, ort, null")


__all__ = ["Engine", "open_engine"]
