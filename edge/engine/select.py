"""Which backend computes, and with which options. A new engine is one file and one row of `BACKENDS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edge.engine.readiness import Need, Probe
from edge.model.passport import ENGINE

# name -> module, imported where it is used; its ``open_engine(bundle, options)`` gives the Engine
BACKENDS: Mapping[str, str] = {
    "ort": "edge.engine.cpu_graph",
    "ort-float": "edge.engine.cpu_graph",
    "ort-int8": "edge.engine.cpu_graph",
    "openvino": "edge.engine.openvino",
    "trt": "edge.engine.trt",
    "null": "edge.engine.null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What can be set of an engine; each takes its own.

    ``threads``: of ONNX Runtime and OpenVINO, 0 = one a core that this process may use. ``zero_copy``, ``spin``: of
    TensorRT, see `edge.engine.trt.TrtEngine`. ``probe``: of this machine and the bundle; what it knows already nobody
    looks at again. ``backend``: the row of `BACKENDS` that was taken.
    """

    probe: Probe
    backend: str = ""
    threads: int = 0
    zero_copy: bool = False
    spin: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """``why``: one line; where a GPU is here and not used, with what to run."""

    backend: Literal["trt", "ort"]
    why: str


def choose_backend(probe: Probe) -> Choice:
    """``auto``: TensorRT where a GPU, its libraries and an engine with a valid passport are there, else ONNX Runtime.

    An engine that exists and is refused gives ONNX Runtime too, with every reason. Whoever would rather not
    fly at all than slowly asks for ``trt``, which raises. Without a GPU the rest is not looked for.
    """
    return Choice("ort", probe.device) if isinstance(probe.device, str) else decide(probe.needs)


def decide(needs: list[Need]) -> Choice:
    """`choose_backend` by needs that are known already, the GPU first."""
    missing = [need for need in needs if not need.met]
    if not missing:
        return Choice("trt", f"{ENGINE} was built for this machine")
    if missing[0] is needs[0]:
        return Choice("ort", needs[0].text)
    reasons = "; ".join(f"{need.name}: {need.text}" for need in missing)
    commands = "; ".join(dict.fromkeys(command for need in missing for command in need.fix))
    return Choice("ort", f"TensorRT cannot be used: {reasons}: run: {commands}")
