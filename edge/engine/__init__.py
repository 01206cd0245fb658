"""The engine seam: one normalised image in, final boxes out."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from edge.engine.readiness import Probe
from edge.engine.select import BACKENDS, EngineOptions, choose_backend
from edge.engine.tiled import TiledEngine
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.tiling import Tiling
from edge.seams import Engine


def open_engine(
    model: str | Path | Bundle,
    backend: str = "auto",
    threads: int = 0,
    *,
    trust_engine: bool = False,
    zero_copy: bool = False,
    spin: bool = False,
    tiles: str | None = None,
) -> Engine:
    """Load a bundle (a folder, or one already checked) into an engine.

    ``backend``: ``trt`` (TensorRT, on the board), ``ort`` (ONNX Runtime on the CPU, with the faster graph: see
    `edge.engine.cpu_graph`), ``ort-float``, ``ort-int8`` (with that graph), ``openvino`` (OpenVINO on the CPU, which is
    to be installed first: see `edge.engine.openvino`), ``null`` (detects nothing; for benchmarks), or ``auto``: see
    `choose_backend`; the engine's ``chosen`` then says why. ``trust_engine``: fly an engine without a
    passport too, see `check_passport`. ``threads``, ``zero_copy``, ``spin``: see `EngineOptions`. ``tiles``: ``auto``,
    or columns and rows such as ``2x2``: the engine takes pictures of any size and looks at them in tiles, see
    `edge.model.tiling`.

    Raises BundleError for a bad bundle, InputError for an unknown backend or tiles that cannot be, EngineError where
    the library cannot load the model.
    """
    tiling = None if tiles is None else Tiling.parse(tiles)
    if backend != "auto" and backend not in BACKENDS:
        raise InputError(f"backend {backend!r}: expected one of auto, {', '.join(BACKENDS)}")
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    probe = Probe(bundle, trust_engine)
    chosen = "asked for"
    if backend == "auto":
        choice = choose_backend(probe)
        backend, chosen = choice.backend, choice.why
    options = EngineOptions(probe=probe, backend=backend, threads=threads, zero_copy=zero_copy, spin=spin)
    engine: Engine = import_module(BACKENDS[backend]).open_engine(bundle, options)
    engine.chosen = chosen
    if backend != "trt" and (zero_copy or spin):
        engine.notes = [*engine.notes, "zero_copy and spin do nothing here: they are TensorRT's"]
    return TiledEngine(engine, tiling) if tiling else engine


__all__ = ["Engine", "open_engine"]
