"""Which graph ONNX Runtime runs on this processor: the float one, or the one in INT8 where a bundle has it.

INT8 pays only where the processor multiplies bytes (with weights of 7 bits, AVX2 does), and whether it pays there
nobody knows before both have run: so both run for a moment, and a note of the engine says which was taken and why. INT8
finds nearly the same: scores move by some thousandths. Who needs the same detections every time names the graph:
``ort-float`` or ``ort-int8``.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from edge.engine.ort import OrtEngine
from edge.engine.select import EngineOptions
from edge.errors import BundleError, EngineError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from edge.seams import Engine
from edge.system.cpu import byte_products, fewer_bits, what_it_has, what_it_lacks

ROUNDS = 5  # frames that each graph is timed on, after one that is not
ENOUGH = 0.9  # of the float graph's time: closer, another start might choose otherwise


def open_engine(bundle: Bundle, options: EngineOptions) -> Engine:
    """ONNX Runtime with the graph that ``options.backend`` names; of ``ort``, the one that is faster here.

    Raises what `OrtEngine` raises; BundleError where INT8 was asked for and the bundle has none.
    """
    if options.backend == "ort-int8" and ONNX_INT8 not in bundle.files:
        raise BundleError(
            f"bundle {bundle.path} has no {ONNX_INT8}: make one: edge-export onnx --checkpoint {bundle.path} --int8 "
            "--calibrate DIR"
        )
    bits = bundle.weight_bits
    able = byte_products(bits)
    if options.backend == "ort-int8":
        engine = OrtEngine(bundle, options.threads, ONNX_INT8)
        engine.description += f"; {ONNX_INT8}"
        if not able:
            slow = f"{what_it_lacks(bits)}, with which INT8 is fast: {ONNX_CPU} may be faster{fewer_bits(bits)}"
            engine.notes = [slow]
        return engine
    if options.backend == "ort-float" or ONNX_INT8 not in bundle.files:
        engine = OrtEngine(bundle, options.threads)
        engine.backend = options.backend or engine.backend
        return engine
    if not able:
        return _float(bundle, options, what_it_lacks(bits) + fewer_bits(bits))
    try:
        int8 = OrtEngine(bundle, options.threads, ONNX_INT8)
    except EngineError as error:
        return _float(bundle, options, str(error))
    return _faster(int8, OrtEngine(bundle, options.threads), what_it_has(bits))


def _float(bundle: Bundle, options: EngineOptions, why: str) -> Engine:
    engine = OrtEngine(bundle, options.threads)
    engine.notes = [f"{ONNX_CPU} and not {ONNX_INT8}: {why}"]
    return engine


def _faster(int8: OrtEngine, plain: OrtEngine, able: str) -> Engine:
    """One of the two, with the times in a note; the other is closed."""
    int8_ms, float_ms = timed(int8, plain)
    wins = int8_ms <= ENOUGH * float_ms
    taken, other = (int8, plain) if wins else (plain, int8)
    other.close()
    names = (ONNX_INT8, ONNX_CPU) if wins else (ONNX_CPU, ONNX_INT8)
    taken.description += f"; {ONNX_INT8}" * wins
    taken.notes = [
        f"{names[0]} and not {names[1]}: INT8 takes {int8_ms:.0f} ms a frame here, float {float_ms:.0f} "
        f"(medians of {ROUNDS} grey frames each, at the start; INT8 is taken up to {ENOUGH:g} of float; {able})"
    ]
    return taken


def timed(*engines: Engine) -> list[float]:
    """Median milliseconds of each, on a grey frame, in turns: so that a clock that rises serves all alike."""
    bundle = engines[0].bundle
    grey = np.full((bundle.height, bundle.width), 128, np.uint8)
    taken: list[list[float]] = [[] for _ in engines]
    for turn in range(ROUNDS + 1):
        for engine, times in zip(engines, taken, strict=True):
            start = time.perf_counter()
            engine.infer(grey)
            if turn:  # the first pays for memory
                times.append((time.perf_counter() - start) * 1000)
    return [median(times) for times in taken]
