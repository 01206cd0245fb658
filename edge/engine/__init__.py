"""The engine seam: one normalised image in, final boxes out."""

from __future__ import annotations

from pathlib import Path

from edge.engine.select import choose_backend
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.seams import Engine


def open_engine(
    model: str | Path | Bundle,
    backend: str = "auto",
    threads: int = 0,
    *,
    trust_engine: bool = False,
    zero_copy: bool = False,
    spin: bool = False,
) -> Engine:
    """Load a bundle (a folder, or one already checked) into an engine.

    ``backend``: ``trt`` (TensorRT, on the board), ``ort`` (ONNX Runtime on the CPU), ``null`` (detects nothing; for
    benchmarks), or ``auto``: see `choose_backend`; the engine's ``chosen`` then says why. ``threads``: CPU threads
    of ONNX Runtime, 0 = one a core. ``trust_engine``, ``zero_copy``, ``spin``: of TensorRT, see `TrtEngine`.

    Raises BundleError for a bad bundle, InputError for an unknown backend, EngineError where the
    library cannot load the model.
    """
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    chosen = "asked for"
    if backend == "auto":
        choice = choose_backend(bundle, trust_engine)
        backend, chosen = choice.backend, choice.why
    # each library is imported only where it is used
    engine: Engine
    if backend == "trt":
        from edge.engine.trt import TrtEngine

        engine = TrtEngine(bundle, trust_engine=trust_engine, zero_copy=zero_copy, spin=spin)
    elif backend == "ort":
        from edge.engine.ort import OrtEngine

        engine = OrtEngine(bundle, threads)
    elif backend == "null":
        from edge.engine.null import NullEngine

        engine = NullEngine(bundle)
    else:
        raise InputError(f"backend {backend!r}: expected one of auto, trt, ort, null")
    engine.chosen = chosen
    if backend != "trt" and (zero_copy or spin):
        engine.notes = [*engine.notes, "zero_copy and spin do nothing here: they are TensorRT's"]
    return engine


__all__ = ["Engine", "open_engine"]
