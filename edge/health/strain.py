"""What strains the board, measured against limits: heat, over-current, memory, disk, the age of frames.

All limits of the ladder stand here, with where they come from. A mission's [limits] sets the first three otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edge.errors import InputError
from edge.health.ladder import Rung, Trouble

HEAT_MARGIN = 5.0  # K below the trip point at which the system lowers clocks (99 deg C on a Jetson Orin, by its sysfs)
HEAT_BACK = 5.0  # K more below it: cool again
MEMORY_LEAST = 256 * 1024 * 1024  # bytes available: below it Linux begins to end processes; a Jetson's GPU shares them
DISK_LEAST = 1_000_000_000  # bytes free: detections of a day; 30 s of raw 640x512 at 30 Hz, uncompressed, are 590 MB
BACK_TIMES = 2.0  # so many times the least: enough again
EVENTS_S = 60.0  # one over-current event in so long is one too many: the board's supply is at its end
AGE_S, AGE_TIMES = 1.0, 4.0  # a frame that is older when it is searched, and older than so many intervals of results

ALL = (Rung.SLOWER, Rung.BETWEEN, Rung.PICTURES, Rung.RECORDING)
KEPT = (Rung.PICTURES, Rung.RECORDING)  # what fills memory and disk: a lower rate of detection would not help
LATE = (Rung.BETWEEN, Rung.PICTURES, Rung.RECORDING)  # a lower rate would make frames older still


@dataclass(frozen=True, slots=True)
class Limits:
    """``heat_margin``: K below a zone's trip point. ``memory``, ``disk``: bytes that are to be left. ``degrade``:
    False: nothing is given up, whatever is measured.

    Raises InputError where one cannot be.
    """

    heat_margin: float = HEAT_MARGIN
    memory: int = MEMORY_LEAST
    disk: int = DISK_LEAST
    degrade: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.heat_margin <= 100 and self.memory >= 0 and self.disk >= 0):
            raise InputError(f"limits {self}: expected a margin of 0 to 100 K, and bytes of 0 or more")


@dataclass(frozen=True, slots=True)
class Measured:
    """One look; what is None or absent the machine does not tell.

    ``celsius``, ``trips``: by zone. ``events``: over-current events in the last `EVENTS_S` seconds. ``memory``,
    ``disk``: bytes available. ``age_s``: of the middle frame when its detections were ready, ``interval_s``: from
    result to result; both of a live camera.
    """

    celsius: Mapping[str, float] = field(default_factory=dict)
    trips: Mapping[str, float] = field(default_factory=dict)
    events: int | None = None
    memory: int | None = None
    disk: int | None = None
    age_s: float | None = None
    interval_s: float | None = None


def troubles(of: Measured, limits: Limits) -> Iterator[Trouble]:
    """Each thing that was measured, in trouble or not."""
    if zones := [name for name in of.celsius if name in of.trips]:
        zone = max(zones, key=lambda name: of.celsius[name] - of.trips[name])
        heat, limit = of.celsius[zone], of.trips[zone] - limits.heat_margin
        seen = f"{zone} has {heat:.1f} deg C, limit {limit:.1f}, it throttles at {of.trips[zone]:.1f}"
        yield Trouble("heat", seen, heat, limit, heat >= limit, heat < limit - HEAT_BACK, ALL)
    if of.events is not None:
        seen = f"{of.events} over-current events in {EVENTS_S:.0f} s, limit 1"
        yield Trouble("over-current", seen, of.events, 1, of.events >= 1, of.events == 0, ALL)
    if of.memory is not None:
        yield _too_little("memory", of.memory, limits.memory)
    if of.disk is not None:
        yield _too_little("disk", of.disk, limits.disk)
    if of.age_s is not None and of.interval_s is not None:
        limit = max(AGE_S, AGE_TIMES * of.interval_s)
        seen = f"frames are {of.age_s:.2f} s old when they are searched, limit {limit:.2f}"
        yield Trouble("frame age", seen, of.age_s, limit, of.age_s > limit, of.age_s < limit / 2, LATE)


def _too_little(name: str, left: int, least: int) -> Trouble:
    seen = f"{left / 1e6:.0f} MB of {name} left, limit {least / 1e6:.0f}"
    return Trouble(name, seen, left, least, left < least, left >= BACK_TIMES * least, KEPT)
