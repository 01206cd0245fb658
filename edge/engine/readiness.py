"""Can this machine run the bundle's TensorRT engine? Each thing it needs: there, doubtful or missing, and the fix.

Looks only: no GPU context is made and no engine is loaded.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from edge.engine.device import Device, find_device
from edge.engine.install import (
    ENVIRONMENT,
    OLDEST_TENSORRT,
    ONNXRUNTIME,
    ONNXRUNTIME_JETPACK_7,
    PYCUDA,
    PYCUDA_JETPACK_7,
    TENSORRT,
)
from edge.engine.passport import ENGINE, Target, check_passport
from edge.errors import EngineError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, Bundle

_EXPORT = "on a workstation: edge-export onnx --checkpoint F --out BUNDLE"

State = Literal["ready", "doubtful", "missing", "refused"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that TensorRT needs. ``text``: what was found, or why it will not do. ``fix``: commands."""

    name: str
    state: State
    text: str
    fix: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        return self.state in ("ready", "doubtful")


def tensorrt_needs(bundle: Bundle, trust_engine: bool = False) -> list[Need]:
    """All of them, in the order in which they are fixed. TensorRT can fly where all are met."""
    gpu, device = find_gpu()
    tensorrt, version = _tensorrt()
    return [gpu, tensorrt, _pycuda(), *_engine(bundle, Target.here(version, device), trust_engine)]


def library_needs() -> list[Need]:
    """What TensorRT needs of any bundle: GPU and libraries, in the order in which they are fixed."""
    return [find_gpu()[0], _tensorrt()[0], _pycuda()]


def onnxruntime_need(bundle: Bundle | None = None) -> Need:
    """ONNX Runtime, with a graph for it where a bundle is given, which is all that the CPU needs."""
    if bundle is not None and ONNX_CPU not in bundle.files:
        return Need("ONNX Runtime", "missing", f"the bundle has no {ONNX_CPU}", (_EXPORT,))
    found = _import("onnxruntime")
    if isinstance(found, str):
        fix = (f"JetPack 6: {ONNXRUNTIME}", f"JetPack 7: {ONNXRUNTIME_JETPACK_7}")
        return Need("ONNX Runtime", "missing", found, fix)
    return Need("ONNX Runtime", "ready", f"{found.__version__}, on the CPU")


def find_gpu() -> tuple[Need, Device | None]:
    """The GPU as a need, and what it is where there is one."""
    try:
        device = find_device()
    except EngineError as error:
        return Need("GPU", "missing", str(error)), None
    text = f"{device.name}, compute capability {device.compute_capability}, driver for CUDA {device.cuda}"
    return Need("GPU", "ready", text), device


def _tensorrt() -> tuple[Need, str | None]:
    found = _import("tensorrt")
    if isinstance(found, str):
        fix = (f"JetPack 6 and 7: {TENSORRT}", f"and {ENVIRONMENT}")
        return Need("TensorRT", "missing", found, fix), None
    version = str(found.__version__)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_TENSORRT:
        return Need(
            "TensorRT", "missing", f"{version}: expected 10.3 or newer", ("flash JetPack 6.1 or newer",)
        ), version
    return Need("TensorRT", "ready", version), version


def _pycuda() -> Need:
    found = _import("pycuda.driver")
    if isinstance(found, str):
        return Need("pycuda", "missing", found, (f"JetPack 6: {PYCUDA}", f"JetPack 7: {PYCUDA_JETPACK_7}"))
    return Need("pycuda", "ready", str(importlib.import_module("pycuda").VERSION_TEXT))


def _engine(bundle: Bundle, here: Target, trust_engine: bool) -> list[Need]:
    if not (bundle.path / ENGINE).is_file() and ONNX_FP16 not in bundle.files:
        text = f"none, and no {ONNX_FP16} to build it from"
        return [Need(ENGINE, "missing", text, (_EXPORT,))]
    found = check_passport(bundle, here, trust_engine)
    if not found:
        return [Need(ENGINE, "ready", "its passport fits this machine, as far as could be told")]
    if not (bundle.path / ENGINE).is_file():
        return [Need(ENGINE, "missing", found[0].why, (found[0].fix,))]
    return [
        Need(ENGINE, "refused" if m.severity == "refuse" else "doubtful", f"{m.what}: {m.why}", (m.fix,)) for m in found
    ]


def _import(name: str) -> ModuleType | str:
    """The module, or why there is none."""
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        return "not installed" if error.name == package else f"cannot be loaded: {error}"
    except (ImportError, OSError, RuntimeError) as error:  # there, and its libraries are not, or too old
        return f"cannot be loaded: {error}"
