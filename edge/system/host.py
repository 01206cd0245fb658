"""What machine this ran on, in what state: a latency without its power mode means nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.system.files import read_text_or_none

TEGRA_RELEASE = Path("/etc/nv_tegra_release")
CPU0 = Path("/sys/devices/system/cpu/cpu0/cpufreq")
# a Jetson's GPU: 17000000.gpu (JetPack 6 on Orin), 17000000.ga10b (JetPack 5), gpu-gpc-0 (Thor)
_GPU = re.compile(r"(.*\.)?(gpu|ga10b|gv11b|gp10b)|gpu-gpc-\d+")


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
    clock = _text(CPU0 / "scaling_cur_freq")
    return {
        "mode": _nvpmodel(),
        "governor": _text(CPU0 / "scaling_governor") or None,
        "cpu_mhz": int(clock) // 1000 if clock.isdigit() else None,
        "gpu_mhz": gpu_mhz("cur"),
        "gpu_max_mhz": gpu_mhz("max"),
        "over_current_events": over_current_events(),
        "celsius": _temperatures(),
    }


def gpu_mhz(which: str) -> int | None:
    """The clock of a Jetson's GPU now (``cur``), or the highest it is allowed (``max``), MHz; None elsewhere."""
    for folder in sorted(Path("/sys/class/devfreq").glob("*")):
        if _GPU.fullmatch(folder.name):
            hertz = _text(folder / f"{which}_freq")
            return int(hertz) // 1_000_000 if hertz.isdigit() else None
    return None


def over_current_events() -> int | None:
    """How often a Jetson's protection against over-current and low voltage has stepped in since the board was started;
    None where nobody counts.
    """
    counts = [_text(path) for path in Path("/sys/class/hwmon").glob("hwmon*/oc*_event_cnt")]
    known = [int(count) for count in counts if count.isdigit()]
    return sum(known) if known else None


def l4t_version(release: str) -> str | None:
    """L4T version ("36.4.3") of ``/etc/nv_tegra_release``: "# R36 (release), REVISION: 4.3, ..."."""
    match = re.match(r"# R(\d+) \(release\), REVISION: ([\d.]+)", release)
    return f"{match[1]}.{match[2]}" if match else None


def versions(extra: Mapping[str, str]) -> dict[str, str]:
    """Versions of this package, of Python, of what makes pixels, and ``extra``."""
    try:
        own = metadata.version("thermal-edge")
    except metadata.PackageNotFoundError:
        own = "not installed"
    return {
        "thermal-edge": own,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        **extra,
    }


def _text(path: Path) -> str:
    return read_text_or_none(path) or ""


def _cpu_model() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _nvpmodel() -> str | None:
    try:
        answer = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in answer.stdout.splitlines():
        if "Power Mode:" in line:
            return line.partition(":")[2].strip()
    return None


def _temperatures() -> dict[str, float]:
    found = {}
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        value = _text(zone / "temp")
        if value.lstrip("-").isdigit():
            found[_text(zone / "type") or zone.name] = int(value) / 1000
    return found
