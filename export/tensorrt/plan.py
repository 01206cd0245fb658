"""What an engine build needs before it starts: memory, room, what earlier builds have timed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_FP16, WEIGHTS, Bundle
from edge.model.passport import ENGINE, PASSPORT, Target
from edge.system.files import reason_of, write_whole
from export.tensorrt.build import MEMORY_HINT, BuildSettings, BuiltEngine
from export.tensorrt.compare import simulated

# no layer of these networks has a use for more, and on a Jetson the CPU needs the same memory
WORKSPACE_MOST_MIB = 2048
WORKSPACE_LEAST_MIB = 128
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the builder runs.

    ``onnx_bytes``: of the graph and its weights. ``free_mib``: memory that programs can have now, MiB.
    ``timing_cache``: file of what earlier builds on this board timed; it need not exist. ``frames``: the source that
    the engine will be compared on.
    """

    bundle: Bundle
    onnx: Path
    onnx_bytes: int
    target: Target
    settings: BuildSettings
    free_mib: int
    timing_cache: Path
    frames: str


def make_plan(
    bundle: Bundle,
    target: Target,
    workspace_mib: int | None = None,
    optimization_level: int = BuildSettings.optimization_level,
    frames: str | None = None,
) -> Plan:
    """Check all that can be checked before minutes are spent.

    ``workspace_mib``: None = a quarter of the free memory, at most 2048. ``frames``: None = those of the simulated
    camera.

    Raises BundleError where the bundle has no ``model.fp16.onnx``; InputError where its folder cannot be
    written or has no room, or the workspace does not fit the free memory.
    """
    onnx = bundle.file(ONNX_FP16)
    free = available_mib()
    if workspace_mib is None:
        workspace_mib = min(free // 4, WORKSPACE_MOST_MIB)
    if not WORKSPACE_LEAST_MIB <= workspace_mib <= free:
        raise InputError(
            f"a workspace of {workspace_mib} MiB with {free} MiB of memory free: expected at least "
            f"{WORKSPACE_LEAST_MIB} MiB and no more than is free: {MEMORY_HINT}"
        )
    _check_room(bundle.path, _graph_bytes(bundle))
    return Plan(
        bundle=bundle,
        onnx=onnx,
        onnx_bytes=_graph_bytes(bundle),
        target=target,
        settings=BuildSettings(workspace_mib, optimization_level),
        free_mib=free,
        timing_cache=timing_cache_path(target),
        frames=frames or simulated(bundle),
    )


def keep_timing_cache(plan: Plan, built: BuiltEngine) -> str | None:
    """Write what was timed, for the next build; returns why that was not possible, or None."""
    try:
        plan.timing_cache.parent.mkdir(parents=True, exist_ok=True)
        write_whole(plan.timing_cache, built.timing_cache)
    except OSError as error:
        return f"{plan.timing_cache} could not be written ({reason_of(error)}): the next build times all again"
    return None


def read_timing_cache(plan: Plan) -> bytes:
    """What earlier builds on this board timed, or nothing."""
    try:
        return plan.timing_cache.read_bytes()
    except OSError:
        return b""


def timing_cache_path(target: Target) -> Path:
    """Timings hold for one board, GPU generation, TensorRT and set of clocks: all four are in the name."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parts = (
        target.board or target.device,
        f"sm{target.compute_capability}",
        f"tensorrt-{target.tensorrt}",
        target.power_mode or "no-power-mode",
    )
    name = "_".join(re.sub(r"[^A-Za-z0-9.]+", "-", str(part)) for part in parts)
    return home / "thermal-edge" / f"{name}.timing"


def available_mib(meminfo: Path = _MEMINFO) -> int:
    """Memory that programs can have without swapping, MiB (``MemAvailable``)."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
    if match is None:
        raise EngineError(f"{meminfo} has no MemAvailable: pass --workspace-mib")
    return int(match[1]) >> 10


def _graph_bytes(bundle: Bundle) -> int:
    return sum(bundle.file(name).stat().st_size for name in (ONNX_FP16, WEIGHTS) if name in bundle.files)


def _check_room(folder: Path, onnx_bytes: int) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({reason_of(error)}), and the engine belongs beside its model: "
            "copy the bundle to a folder of yours"
        ) from None
    # an engine holds the weights and its code: nobody knows the size before, twice the file is a safe guess
    expected, free = 2 * onnx_bytes + (32 << 20), shutil.disk_usage(folder).free
    if free < expected:
        raise InputError(
            f"{folder} has {free >> 20} MiB of room: expected {expected >> 20} MiB for "
            f"{ENGINE} and {PASSPORT}: make room"
        )
