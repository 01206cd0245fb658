"""How long each layer of a TensorRT engine takes, by TensorRT's own profiler: which one to look at, not how fast it is.

A profiler needs plain enqueueing: the engine runs without CUDA graph here, and waits after every layer's report. So
the sum is more than a frame takes in flight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.engine.readiness import Probe
from edge.engine.trt import TrtEngine, trt  # type: ignore[attr-defined]  # tensorrt is imported in one place
from edge.model.bundle import Bundle
from edge.model.engine_layers import LayerFacts, read_layers

WARM_UP = 5  # frames that are not counted


class _Times(trt.IProfiler):  # type: ignore[misc]
    """Milliseconds by layer, added up, in the order of the engine."""

    def __init__(self) -> None:
        trt.IProfiler.__init__(self)
        self.ms: dict[str, float] = {}

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        self.ms[layer_name] = self.ms.get(layer_name, 0.0) + ms


def layer_times(
    bundle: Bundle, images: Sequence[npt.NDArray[np.uint8]], *, trust_engine: bool = False
) -> list[tuple[str, float, LayerFacts]]:
    """``(name, mean milliseconds, facts)`` of each layer over ``images``, which are as `Engine.infer` takes them.

    Raises what opening the engine does, see `TrtEngine`.
    """
    times = _Times()  # it must outlive the context that reports to it
    with TrtEngine(bundle, cuda_graph=False, probe=Probe(bundle, trust_engine)) as engine:
        for i in range(WARM_UP):
            engine.infer(images[i % len(images)])
        engine._plan._context.profiler = times
        for image in images:
            engine.infer(image)
    facts = read_layers(bundle.path)
    return [(name, ms / len(images), facts.get(name, LayerFacts())) for name, ms in times.ms.items()]
