"""``auto``: TensorRT where this machine can run the bundle's engine, else ONNX Runtime; and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.engine.passport import ENGINE
from edge.engine.readiness import Need, find_gpu, tensorrt_needs
from edge.model.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Choice:
    """``why``: one line; where a GPU is here and not used, with what to run."""

    backend: Literal["trt", "ort"]
    why: str


def choose_backend(bundle: Bundle, trust_engine: bool = False) -> Choice:
    """TensorRT where a GPU, its libraries and an engine with a valid passport are there, else ONNX Runtime.

    An engine that exists and is refused gives ONNX Runtime too, with every reason. Whoever would rather not
    fly at all than slowly asks for ``trt``, which raises. ``trust_engine``: see `check_passport`.
    """
    gpu, device = find_gpu()
    return decide(tensorrt_needs(bundle, trust_engine) if device else [gpu])


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
