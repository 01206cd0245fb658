"""Can this machine run the bundle? Each thing that an engine needs: there, doubtful or missing, and how to get it.

Looks only: no GPU context is made and no engine is loaded. docs/jetson.md has the whole story of the commands.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Literal

from edge.engine import openvino
from edge.engine.device import Device, find_device
from edge.engine.onnx_runtime import load
from edge.engine.passport_check import Mismatch, check_passport, this_machine
from edge.errors import EngineError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, ONNX_INT8, Bundle
from edge.model.passport import ENGINE, Passport, Target
from edge.system.cpu import PAIR_BITS, byte_products, fewer_bits, what_it_has, what_it_lacks

OLDEST_TENSORRT = (10, 3)  # takes every precision from the ONNX file; JetPack 6.1
TENSORRT = "sudo apt install nvidia-jetpack"  # the same on JetPack 6 and 7
ENVIRONMENT = "make the virtual environment with --system-site-packages"
# numpy 1, since the board's OpenCV was built for it
ONNXRUNTIME = "pip install 'onnxruntime>=1.18,<1.24' 'numpy<2'"
ONNXRUNTIME_JETPACK_7 = "pip install 'onnxruntime>=1.18' 'numpy<2'"
CLOSE_OTHERS = ": close other programs, or log out of the desktop (sudo systemctl isolate multi-user.target)"

_NOT_INSTALLED = "not installed"
_EXPORT = "on a workstation: edge-export onnx --checkpoint F --out BUNDLE"

# how the import of a library ends that is not there, or whose own libraries are not there or too old
UNLOADABLE = (ImportError, OSError, RuntimeError)

State = Literal["ready", "doubtful", "missing", "refused"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that an engine needs. ``text``: what was found, or why it will not do. ``fix``: commands."""

    name: str
    state: State
    text: str
    fix: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        return self.state in ("ready", "doubtful")


class Probe:
    """What is here of that which TensorRT needs. Everything is looked at once, when it is first asked for.

    So whoever has one hands it on: choosing a backend and opening it ask the driver, ``nvpmodel`` and the disk one
    time together.
    """

    def __init__(self, bundle: Bundle | None = None, trust_engine: bool = False) -> None:
        """``bundle``: whose engine; None = only GPU and libraries can be asked for. ``trust_engine``: see
        `check_passport`.
        """
        self._bundle, self._trust_engine = bundle, trust_engine

    @cached_property
    def device(self) -> Device | str:
        """The GPU, or why there is none."""
        try:
            return find_device()
        except EngineError as error:
            return str(error)

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        """How the bundle's engine does not fit the bundle and this machine."""
        assert self._bundle is not None
        return check_passport(self._bundle, self._target, self._trust_engine)

    @cached_property
    def libraries(self) -> list[Need]:
        """What TensorRT needs of any bundle: GPU and libraries, in the order in which they are fixed."""
        return [self._gpu_need(), self._tensorrt_need(), _calls_need()]

    @cached_property
    def needs(self) -> list[Need]:
        """All, in the order in which they are fixed, the GPU first. TensorRT can fly where all are met."""
        return [*self.libraries, *self.engine]

    @cached_property
    def engine(self) -> list[Need]:
        """The bundle's engine: whether its passport fits, and what the comparison with ONNX Runtime said."""
        return self._engine_needs()

    @cached_property
    def _tensorrt(self) -> ModuleType | str:
        return _import("tensorrt")

    @property
    def _target(self) -> Target:
        version = None if isinstance(self._tensorrt, str) else str(self._tensorrt.__version__)
        return this_machine(version, None if isinstance(self.device, str) else self.device)

    def _gpu_need(self) -> Need:
        device = self.device
        if isinstance(device, str):
            return Need("GPU", "missing", device)
        text = f"{device.name}, compute capability {device.compute_capability}, driver for CUDA {device.cuda}"
        return Need("GPU", "ready", text)

    def _tensorrt_need(self) -> Need:
        if isinstance(self._tensorrt, str):
            commands = (f"JetPack 6 and 7: {TENSORRT}", f"and {ENVIRONMENT}")
            return Need("TensorRT", "missing", self._tensorrt, commands)
        version = str(self._tensorrt.__version__)
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_TENSORRT:
            return Need("TensorRT", "missing", f"{version}: expected 10.3 or newer", ("flash JetPack 6.1 or newer",))
        return Need("TensorRT", "ready", version)

    def _engine_needs(self) -> list[Need]:
        assert self._bundle is not None
        there = (self._bundle.path / ENGINE).is_file()
        if not there and ONNX_FP16 not in self._bundle.files:
            return [Need(ENGINE, "missing", f"none, and no {ONNX_FP16} to build it from", (_EXPORT,))]
        found = self.mismatches
        if not found:
            compared = Passport.read(self._bundle).comparison  # there: without one it would be doubtful
            return [Need(ENGINE, "ready", f"its passport fits this machine, as far as could be told; {compared}")]
        if not there:
            return [Need(ENGINE, "missing", found[0].why, (found[0].fix,))]
        return [
            Need(ENGINE, "refused" if m.severity == "refuse" else "doubtful", f"{m.what}: {m.why}", (m.fix,))
            for m in found
        ]


def onnxruntime_need(bundle: Bundle | None = None) -> Need:
    """ONNX Runtime, with a graph for it where a bundle is given, which is all that the CPU needs."""
    if bundle is not None and ONNX_CPU not in bundle.files:
        return Need("ONNX Runtime", "missing", f"the bundle has no {ONNX_CPU}", (_EXPORT,))
    found = _import("onnxruntime", load)
    if isinstance(found, str):
        fix = (f"JetPack 6: {ONNXRUNTIME}", f"JetPack 7: {ONNXRUNTIME_JETPACK_7}")
        return Need("ONNX Runtime", "missing", found, fix)
    bits = PAIR_BITS if bundle is None else bundle.weight_bits  # without a bundle: as edge-export writes them
    int8 = f"; {_int8_words(bits)}" if bundle is None or ONNX_INT8 in bundle.files else ""
    return Need("ONNX Runtime", "ready", f"{found.__version__}, on the CPU{int8}")


def openvino_need(bundle: Bundle | None = None) -> Need | None:
    """OpenVINO, with the graph that it runs of a bundle; None where it is not installed: nobody needs it."""
    found = _import("openvino", openvino.load)
    if isinstance(found, str):
        return None if found == _NOT_INSTALLED else Need("OpenVINO", "missing", found, (openvino.INSTALL,))
    if bundle is not None and ONNX_CPU not in bundle.files:
        return Need("OpenVINO", "missing", f"the bundle has no {ONNX_CPU}", (_EXPORT,))
    graph = "" if bundle is None else f"; {openvino.graph_words(bundle)}"
    return Need("OpenVINO", "ready", f"{openvino.version_of(found)}, on the CPU{graph}")


def _int8_words(bits: int) -> str:
    """Which of a bundle's graphs for the CPU `edge.engine.cpu_graph` takes here. ``bits``: of INT8's weights."""
    if byte_products(bits):
        return f"{ONNX_INT8} where it is faster than {ONNX_CPU}: this processor has {what_it_has(bits)}"
    return f"{ONNX_CPU} and not {ONNX_INT8}: {what_it_lacks(bits)}{fewer_bits(bits)}"


def _calls_need() -> Need:
    """Who calls the CUDA driver. Nothing has to be installed for it."""
    found = _import("pycuda.driver")
    if isinstance(found, str):
        return Need("CUDA calls", "ready", f"by ctypes, pycuda is not needed ({found})")
    version = importlib.import_module("pycuda").VERSION_TEXT
    return Need("CUDA calls", "ready", f"by pycuda {version}, which is not needed")


def _import(name: str, load: Callable[[], ModuleType] | None = None) -> ModuleType | str:
    """The module, or why there is none. ``load``: imports it where that wants more than its name."""
    package = name.partition(".")[0]
    try:
        return load() if load else importlib.import_module(name)
    except ModuleNotFoundError as error:
        return _NOT_INSTALLED if error.name == package else f"cannot be loaded: {error}"
    except UNLOADABLE as error:
        return f"cannot be loaded: {error}"
