"""What machine this ran on, in what state: a latency without its power mode means nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.system.budget import POWER_MODE_S
from edge.system.files import read_text_or_none
from edge.system.sensors import Sensors

TEGRA_RELEASE = Path("/etc/nv_tegra_release")


def host_facts() -> dict[str, Any]:
    """Board, processor, cores, memory (MiB), system and L4T version, as far as the system tells."""
    return {
        "board": _text(Path("/proc/device-tree/model")) or None,
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": platform.platform(),
        "l4t": l4t_version(_text(TEGRA_RELEASE)),
    }


def power_facts() -> dict[str, Any]:
    """Power mode (Jetson), CPU governor, clocks (MHz) and temperatures (degrees C) right now, and how often
    over-current protection has stepped in since the board was started.
    """
    sensors = Sensors()
    now = sensors.read()
    return {
        "mode": _nvpmodel(),
        "governor": sensors.governor(),
        "cpu_mhz": sensors.first_core_mhz(),
        "gpu_mhz": now.gpu_mhz,
        "gpu_max_mhz": sensors.limits().gpu_mhz,
        "over_current_events": sensors.over_current_events(),
        "celsius": now.celsius,
    }


def l4t_version(release: str) -> str | None:
    """L4T version ("36.4.3") of ``/etc/nv_tegra_release``: "# R36 (release), REVISION: 4.3, ..."."""
    match = re.match(r"# R(\d+) \(release\), REVISION: ([\d.]+)", release)
    return f"{match[1]}.{match[2]}" if match else None


def versions(extra: Mapping[str, str]) -> dict[str, str]:
    """Versions of this package, of Python, of what makes pixels, and ``extra``."""
    return {
        "thermal-edge": _own_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        **extra,
    }


def install_line(extra: str) -> str:
    """The command that installs what ``extra`` of this package needs.

    Where pip has no record of opencv-python, as of the OpenCV of a Jetson's JetPack, it names the packages: asked for
    the extra, pip would fetch another OpenCV, and a numpy that the board's was not compiled for.
    """
    try:
        metadata.version("opencv-python")
    except metadata.PackageNotFoundError:
        if needed := [f"'{need}'" for need in _needed(extra)]:
            return " ".join(["pip install", *needed])
    return f"pip install 'thermal-edge[{extra}]'"


def _needed(extra: str) -> list[str]:
    """Packages with their ranges, as this package's own record says; none where it is not installed."""
    try:
        lines = metadata.requires("thermal-edge") or []
    except metadata.PackageNotFoundError:
        return []
    mark = re.compile(rf"""extra == ["']{extra}["']$""")
    return [line.partition(";")[0].strip() for line in lines if mark.search(line)]


@cache  # of the program that runs: another one that is installed meanwhile is not this one
def _own_version() -> str:
    try:
        return metadata.version("thermal-edge")
    except metadata.PackageNotFoundError:
        return "not installed"


def _text(path: Path) -> str:
    return read_text_or_none(path) or ""


def _cpu_model() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _nvpmodel() -> str | None:
    try:
        answer = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=POWER_MODE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in answer.stdout.splitlines():
        if "Power Mode:" in line:
            return line.partition(":")[2].strip()
    return None
