"""What the machine did while it was measured: load, memory, clocks, heat, watts, and whether it was slowed down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from edge.system.sampler import Sample
from edge.system.sensors import Limits, Reading, total_watts

LEAST_SAMPLES = 10  # for a slope of the memory
NEAR_TRIP = 3.0  # degrees C
GPU_BELOW, CPU_BELOW = 0.98, 0.9  # of the clock that is allowed
BUSY_PERCENT = 50.0  # of a core: below it a processor may rest
OTHERS_PERCENT = 20.0  # of the machine, by other programs


def machine_state(
    samples: Sequence[Sample], limits: Limits, before: Reading, idle: Sequence[Reading], fps: float | None
) -> dict[str, Any]:
    """Figures over all ``samples``, one a second. ``before``: a look before the first run; ``idle``: looks while
    nothing was computed. ``fps``: for the energy of a frame.
    """
    readings = [sample.reading for sample in samples]
    return {
        "samples": len(samples),
        "cpu_percent": _mean(s.cpu_percent for s in samples),
        "machine_percent": _mean(s.machine_percent for s in samples if s.machine_percent is not None),
        "rss_mib": {"first": samples[0].rss_mib, "last": samples[-1].rss_mib, "max": max(s.rss_mib for s in samples)}
        if samples
        else None,
        "rss_slope_mib_per_min": _slope(samples),
        "cpu_mhz": _clock([r.cpu_mhz[1] for r in readings if r.cpu_mhz], limits.cpu_mhz, limits.cpu_mhz_most),
        "gpu_mhz": _clock([r.gpu_mhz for r in readings if r.gpu_mhz is not None], limits.gpu_mhz, limits.gpu_mhz_most),
        "celsius": {
            zone: {"first": before.celsius.get(zone), "max": hottest, "trip": limits.trips.get(zone)}
            for zone, hottest in _most(readings).items()
        },
        "fan_rpm": _mean(r.fan_rpm for r in readings if r.fan_rpm is not None),
        "power": power(readings, idle, fps),
        "events": rises([before, *readings]),
        "throttling": throttling(samples, limits, before),
    }


def power(readings: Sequence[Reading], idle: Sequence[Reading], fps: float | None) -> dict[str, Any] | None:
    """Watts by rail and of all, as measured; idle stands beside it and is subtracted in ``above_idle_w`` alone. None
    where nothing measures power.
    """
    watts = _mean_watts(readings)
    total, at_rest = total_watts(watts), total_watts(_mean_watts(idle))
    if total is None:
        return None
    above = total[0] - at_rest[0] if at_rest and at_rest[1] == total[1] else None
    return {
        "rails_w": {name: round(value, 3) for name, value in watts.items()},
        "total_w": round(total[0], 3),
        "total_of": list(total[1]),
        "idle_w": round(at_rest[0], 3) if at_rest else None,
        "above_idle_w": None if above is None else round(above, 3),
        "joules_a_frame": round(total[0] / fps, 4) if fps else None,
    }


def rises(readings: Sequence[Reading]) -> dict[str, int]:
    """By how much each counter rose from the first reading that has it to the last."""
    found: dict[str, int] = {}
    for name in dict.fromkeys(name for reading in readings for name in reading.events):
        counts = [reading.events[name] for reading in readings if name in reading.events]
        found[name] = counts[-1] - counts[0]
    return found


def throttling(samples: Sequence[Sample], limits: Limits, before: Reading) -> list[str]:
    """What slowed the machine down, or was about to, a line each: what was seen, what it means."""
    readings = [sample.reading for sample in samples]
    said = []
    for name, rise in rises([before, *readings]).items():
        if rise > 0 and name == "cpu_throttled":
            said.append(f"the processor lowered its clocks {rise} times, as it was too hot")
        elif rise > 0:
            said.append(f"over-current: {name} rose by {rise}: clocks were lowered, the board took too much power")
    for zone, hottest in _most(readings).items():
        trip = limits.trips.get(zone)
        if trip is not None and hottest > trip - NEAR_TRIP:
            said.append(f"heat: {zone} reached {hottest:.1f} deg C, clocks are lowered at {trip:.1f}")
    others = _mean(
        s.machine_percent - s.cpu_percent / (os.cpu_count() or 1) for s in samples if s.machine_percent is not None
    )
    if others is not None and others > OTHERS_PERCENT:
        said.append(f"other programs took {others:.0f} % of the machine: close them and measure again")
    gpu = [r.gpu_mhz for r in readings if r.gpu_mhz is not None]
    if limits.gpu_mhz and (low := [mhz for mhz in gpu if mhz < GPU_BELOW * limits.gpu_mhz]):
        said.append(
            f"the GPU's clock was below its {limits.gpu_mhz} MHz in {len(low)} of {len(gpu)} samples, at least "
            f"{min(low)} MHz: sudo jetson_clocks keeps it up"
        )
    busy = [s.reading.cpu_mhz[1] for s in samples if s.reading.cpu_mhz and s.cpu_percent > BUSY_PERCENT]
    slow = [mhz for mhz in busy if limits.cpu_mhz and mhz < CPU_BELOW * limits.cpu_mhz]
    if len(slow) * 10 > len(busy):
        said.append(
            f"the fastest core was below {CPU_BELOW:.0%} of its {limits.cpu_mhz} MHz in {len(slow)} of {len(busy)} "
            f"samples, at least {min(slow)} MHz"
        )
    return said


def _mean(values: Iterable[float]) -> float | None:
    data = list(values)
    return round(sum(data) / len(data), 2) if data else None


def _slope(samples: Sequence[Sample]) -> float | None:
    """MiB a minute, by least squares."""
    if len(samples) < LEAST_SAMPLES:
        return None
    minutes = np.array([s.t for s in samples]) / 60
    return round(float(np.polyfit(minutes - minutes[0], [s.rss_mib for s in samples], 1)[0]), 3)


def _clock(mhz: Sequence[int], allowed: int | None, most: int | None) -> dict[str, float | int | None] | None:
    if not mhz:
        return None
    return {"min": min(mhz), "mean": _mean(mhz), "max": max(mhz), "allowed": allowed, "hardware": most}


def _most(readings: Sequence[Reading]) -> dict[str, float]:
    zones = dict.fromkeys(zone for reading in readings for zone in reading.celsius)
    return {zone: max(r.celsius[zone] for r in readings if zone in r.celsius) for zone in zones}


def _mean_watts(readings: Sequence[Reading]) -> dict[str, float]:
    rails = dict.fromkeys(rail for reading in readings for rail in reading.watts)
    found = {}
    for rail in rails:
        values = [reading.watts[rail] for reading in readings if rail in reading.watts]
        found[rail] = sum(values) / len(values)
    return found
