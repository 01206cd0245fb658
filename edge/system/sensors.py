"""Clocks, temperatures, watts, over-current events and fan, as Linux shows them below /sys; on a Jetson all of them.

Where they are on a Jetson Orin: GPU clock ``class/devfreq/17000000.gpu``, rails of the INA3221
``class/hwmon/hwmon*/{in,curr}[1-3]_input``, over-current events ``class/hwmon/hwmon*/oc*_event_cnt`` (soctherm_oc).
Nothing here needs root, and what a machine does not have is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.system.files import read_text_or_none

SYS = Path("/sys")
INPUT_RAILS = ("VDD_IN", "5V_IN", "POM_5V_IN")  # the whole module
NOT_CONNECTED = "NC"
# a Jetson's GPU: 17000000.gpu (JetPack 6 on Orin), 17000000.ga10b (JetPack 5), gpu-gpc-0 (Thor; gpu-nvd-0 decodes)
_GPU = re.compile(r"(.*\.)?(gpu|ga10b|gv11b|gp10b)|gpu-gpc-\d+")
_TRIPS = ("passive", "hot", "critical")  # the first of these that a zone has is where it is cooled by lower clocks


@dataclass(frozen=True)
class Reading:
    """One look. MHz, degrees C by zone, watts by rail, counters by name, revolutions a minute; None or absent: the
    machine does not tell.

    ``cpu_mhz``: of the slowest and the fastest core.
    """

    cpu_mhz: tuple[int, int] | None = None
    gpu_mhz: int | None = None
    celsius: dict[str, float] = field(default_factory=dict)
    watts: dict[str, float] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    fan_rpm: int | None = None


@dataclass(frozen=True)
class Limits:
    """What the readings are compared with. ``cpu_mhz``, ``gpu_mhz``: highest clock that is allowed now (the power mode
    lowers it); ``cpu_mhz_most``, ``gpu_mhz_most``: that the hardware has. ``trips``: degrees C by zone.
    """

    cpu_mhz: int | None = None
    cpu_mhz_most: int | None = None
    gpu_mhz: int | None = None
    gpu_mhz_most: int | None = None
    trips: dict[str, float] = field(default_factory=dict)


class Sensors:
    """Looks once which files there are; `read` then reads these alone."""

    def __init__(self, root: Path | None = None) -> None:
        root = SYS if root is None else root
        cpu = root / "devices/system/cpu"
        self._first_core = cpu / "cpu0/cpufreq"
        self._cores = sorted(cpu.glob("cpu[0-9]*/cpufreq"))
        gpus = [path for path in sorted((root / "class/devfreq").glob("*")) if _GPU.fullmatch(path.name)]
        self._gpu = gpus[0] if gpus else None
        self._zones = {
            _text(path / "type") or path.name: path for path in sorted((root / "class/thermal").glob("thermal_zone*"))
        }
        hwmon = sorted((root / "class/hwmon").glob("hwmon*"))
        self._rails = dict(rail for path in hwmon for rail in _rails(path))
        self._over_current = [path for h in hwmon for path in h.glob("oc*_event_cnt")]
        self._events = {path.name.removesuffix("_event_cnt"): path for path in self._over_current}
        if (throttled := cpu / "cpu0/thermal_throttle/package_throttle_count").exists():
            self._events["cpu_throttled"] = throttled
        self._fans = [path for h in hwmon for name in ("fan1_input", "rpm") if (path := h / name).exists()]

    def read(self) -> Reading:
        """All of it, now."""
        clocks = [khz for core in self._cores if (khz := _number(core / "scaling_cur_freq")) is not None]
        rails = {name: _watts(files) for name, files in self._rails.items()}
        events = {name: _number(path) for name, path in self._events.items()}
        return Reading(
            cpu_mhz=(min(clocks) // 1000, max(clocks) // 1000) if clocks else None,
            gpu_mhz=self.gpu_mhz(),
            celsius=self.celsius(),
            watts={name: round(watts, 3) for name, watts in rails.items() if watts is not None},
            events={name: count for name, count in events.items() if count is not None},
            fan_rpm=next((rpm for path in self._fans if (rpm := _number(path)) is not None), None),
        )

    def celsius(self) -> dict[str, float]:
        """Degrees C by zone."""
        zones = {name: _number(path / "temp") for name, path in self._zones.items()}
        return {name: milli / 1000 for name, milli in zones.items() if milli is not None}

    def gpu_mhz(self) -> int | None:
        """The clock of a Jetson's GPU now; None elsewhere."""
        return None if self._gpu is None else _mhz(_number(self._gpu / "cur_freq"), 1_000_000)

    def first_core_mhz(self) -> int | None:
        """The clock of the first core now."""
        return _mhz(_number(self._first_core / "scaling_cur_freq"), 1000)

    def governor(self) -> str | None:
        """What sets the clock of the first core, such as ``schedutil``."""
        return _text(self._first_core / "scaling_governor") or None

    def over_current_events(self) -> int | None:
        """How often a Jetson's protection against over-current and low voltage has stepped in since the board was
        started; None where nobody counts.
        """
        known = [count for path in self._over_current if (count := _number(path)) is not None]
        return sum(known) if known else None

    def limits(self) -> Limits:
        """See `Limits`."""
        allowed = [khz for core in self._cores if (khz := _number(core / "scaling_max_freq")) is not None]
        most = [khz for core in self._cores if (khz := _number(core / "cpuinfo_max_freq")) is not None]
        gpu = self._gpu or Path("nowhere")
        steps = [int(word) for word in _text(gpu / "available_frequencies").split() if word.isdigit()]
        trips = {name: trip for name, path in self._zones.items() if (trip := _trip(path)) is not None}
        return Limits(
            cpu_mhz=_mhz(max(allowed, default=None), 1000),
            cpu_mhz_most=_mhz(max(most, default=None), 1000),
            gpu_mhz=_mhz(_number(gpu / "max_freq"), 1_000_000),
            gpu_mhz_most=_mhz(max(steps, default=None), 1_000_000),
            trips=trips,
        )

    @property
    def has_power(self) -> bool:
        """Whether there is anything that tells watts."""
        return bool(self._rails)


def total_watts(watts: dict[str, float]) -> tuple[float, tuple[str, ...]] | None:
    """Watts of the whole module and the rails that this is the sum of: its input where it is measured, else all.

    The sum of all rails is less than what the board takes: what has no rail of its own is not in it.
    """
    rails = next(((name,) for name in INPUT_RAILS if name in watts), tuple(watts))
    return (sum(watts[name] for name in rails), rails) if rails else None


def _rails(hwmon: Path) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Rails by name: the files of volts and amperes, or of watts."""
    chip = _text(hwmon / "name") or hwmon.name
    if chip.startswith("ina3221"):
        for n in (1, 2, 3):
            volts, amperes = hwmon / f"in{n}_input", hwmon / f"curr{n}_input"
            label = _text(hwmon / f"in{n}_label") or f"{chip} {n}"
            if amperes.exists() and volts.exists() and label != NOT_CONNECTED:
                yield label, (volts, amperes)
    else:
        for path in sorted(hwmon.glob("power[0-9]*_input")):
            yield _text(hwmon / path.name.replace("_input", "_label")) or f"{chip} {path.name[:-6]}", (path,)


def _watts(files: tuple[Path, ...]) -> float | None:
    values = [_number(path) for path in files]
    if any(value is None for value in values):
        return None
    first, *second = (float(value or 0) for value in values)
    return first * second[0] / 1e6 if second else first / 1e6  # mV x mA, or uW


def _trip(zone: Path) -> float | None:
    trips: dict[str, float] = {}
    for path in sorted(zone.glob("trip_point_*_temp")):
        kind, milli = _text(path.with_name(path.name.replace("_temp", "_type"))), _number(path)
        if milli is not None and milli > 0:
            trips[kind] = min(trips.get(kind, float("inf")), milli / 1000)
    return next((trips[kind] for kind in _TRIPS if kind in trips), None)


def _mhz(value: int | None, unit: int) -> int | None:
    return None if value is None else value // unit


def _text(path: Path) -> str:
    try:
        return read_text_or_none(path) or ""
    except TypeError:  # a sensor that is asleep answers EAGAIN, over which Python's text layer stumbles
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.lstrip("-").isdigit() else None
