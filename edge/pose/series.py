"""Samples of one thing in time, and its value in between: mixed, never guessed.

What cannot be is refused and told: a value that is no number, time that does not go on, a jump that no aircraft makes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from edge.pose.clock import NOT_KNOWN, Placing
from edge.pose.rotation import Rotation, between, degrees_between, wrap_180

T = TypeVar("T")

GAP_S = 1.5  # seconds between two samples, over which nothing is mixed: subtitles of a DJI come once a second
AHEAD_S = 0.25  # seconds beyond the newest sample, for which its last motion is taken to go on
LEAST_BASE = 0.5  # of the time ahead: samples that are nearer to each other tell no motion
FASTEST_M_S, SLACK_M = 100.0, 15.0  # a position that is farther away than this has jumped
FASTEST_DEG_S, SLACK_DEG = 720.0, 20.0
FASTEST_CLIMB_M_S, SLACK_CLIMB_M = 40.0, 10.0
METRES_A_DEGREE = 111_195.0  # of a great circle, mean radius
ZOOM_OFF = 0.01  # a digital zoom that is nearer to 1 is none: at the edge of a picture 0.3 m from 60 m above it

NOT_A_NUMBER, BACKWARDS, TWICE, JUMPED = "not a number", "time went backwards", "the same time twice", "jumped"
NO_FIX = "no GPS fix"
FROZEN = "the same for more than 2 s, while a speed is reported"
MOVES_M_S = 1.0  # who is as fast cannot have the same position, to a centimetre, for long
FROZEN_S = 2.0


class Place(NamedTuple):
    """WGS84 degrees; metres a second over the ground; one standard deviation in metres, NaN = not known."""

    latitude: float
    longitude: float
    speed: float = math.nan
    sigma: float = math.nan


class Series(Generic[T]):
    """Samples in the order of their time, and the value between them.

    Not for two threads at a time.
    """

    def __init__(
        self,
        name: str,
        mix: Callable[[T, T, float], T],
        jumps: Callable[[T, T, float], bool],
        keep_s: float = math.inf,
        gap_s: float = GAP_S,
        ahead_s: float = AHEAD_S,
    ) -> None:
        """``name``: for reasons. ``mix(a, b, f)``: the value from ``a`` (0) to ``b`` (1) and on. ``jumps(a, b, s)``:
        whether nothing gets from one to the other in so many seconds. ``keep_s``: older samples may be forgotten.
        """
        self.name = name
        self._mix, self._jumps, self._keep_s = mix, jumps, keep_s
        self._gap_s, self._ahead_s = gap_s, ahead_s
        self._t: list[float] = []
        self._values: list[T] = []
        self._placings: list[Placing] = []
        self._begins: set[float] = set()  # times of samples that do not go on from the one before
        self._odd: tuple[float, T, Placing] | None = None  # the newest that has jumped, and was left out

    def __len__(self) -> int:
        return len(self._t)

    @property
    def last_t(self) -> float:
        """When the newest sample was; minus infinity without one."""
        return self._t[-1] if self._t else -math.inf

    @property
    def first_t(self) -> float:
        """When the oldest one was; infinity without one."""
        return self._t[0] if self._t else math.inf

    def add(self, t: float, value: T, placing: Placing = NOT_KNOWN) -> str:
        """Take a sample; returns why it was refused, "" where it was not. ``placing``: what ``t`` was made with.

        One that jumped is refused; where the next one agrees with it, both are taken, and nothing is mixed across.
        """
        if not math.isfinite(t):
            return NOT_A_NUMBER
        if t <= self.last_t:
            return TWICE if t == self.last_t else BACKWARDS
        if self._t and self._jumps(self._values[-1], value, t - self._t[-1]):
            odd, self._odd = self._odd, (t, value, placing)
            if odd is None or t <= odd[0] or self._jumps(odd[1], value, t - odd[0]):
                return JUMPED
            self._begins.add(odd[0])
            self._append(*odd)
        self._odd = None
        self._append(t, value, placing)
        return ""

    def clear(self) -> None:
        """Forget all samples."""
        self._t.clear()
        self._values.clear()
        self._placings.clear()
        self._begins.clear()
        self._odd = None

    def interrupt(self) -> None:
        """Whatever comes next does not go on from here: the sender was started again."""
        self._odd = None
        if self._t:
            self._begins.add(math.nextafter(self._t[-1], math.inf))

    def at(self, t: float) -> tuple[T | None, str]:
        """The value at ``t``, or None and why there is none: in words without numbers of the moment, to be counted."""
        used = self._used(t)
        if isinstance(used, str):
            return None, used
        i, j, f = used
        return (self._values[i] if i == j else self._mix(self._values[i], self._values[j], f)), ""

    def sigma_s(self, t: float) -> float | None:
        """How far the times of the samples that `at` mixes at ``t`` may be off, seconds; None where nobody knows.

        Two that were put at their times by different offsets are apart by the difference more or less than was flown.
        """
        used = self._used(t)
        if isinstance(used, str):
            return None
        a, b = self._placings[used[0]], self._placings[used[1]]
        if a.sigma_s is None or b.sigma_s is None:
            return None
        return max(a.sigma_s, b.sigma_s) + abs(b.offset_s - a.offset_s) * max(1.0, used[2] - 1)

    def _used(self, t: float) -> tuple[int, int, float] | str:
        """The two samples that are mixed at ``t``, and how: 0 is the first, 1 the second; or why there are none."""
        if not self._t:
            return f"no {self.name} came"
        i = bisect_right(self._t, t)  # samples up to t
        if i == 0:
            return f"before the first {self.name}"
        before = self._t[i - 1]
        if t == before:
            return i - 1, i - 1, 0.0
        if i == len(self._t):
            if t - before > self._ahead_s:
                return f"the newest {self.name} is more than {self._ahead_s:g} s old"
            return self._ahead(t) or f"the motion of the {self.name} is not known yet"
        after = self._t[i]
        if after - before > self._gap_s:
            return f"no {self.name} for more than {self._gap_s:g} s"
        if any(before < begin <= after for begin in self._begins):
            return f"the {self.name} jumped"
        return i - 1, i, (t - before) / (after - before)

    def _ahead(self, t: float) -> tuple[int, int, float] | None:
        """Beyond the newest: as it moved before; None where the samples before do not tell that."""
        newest = len(self._t) - 1
        last = self._t[newest]
        for i in range(newest - 1, -1, -1):
            base = last - self._t[i]
            if base > self._gap_s or any(self._t[i] < begin <= last for begin in self._begins):
                break
            if base >= LEAST_BASE * (t - last):
                return i, newest, (t - self._t[i]) / base
        return None

    def _append(self, t: float, value: T, placing: Placing) -> None:
        self._t.append(t)
        self._values.append(value)
        self._placings.append(placing)
        if self._t[0] < t - 2 * self._keep_s:
            old = bisect_right(self._t, t - self._keep_s)
            del self._t[:old], self._values[:old], self._placings[:old]
            self._begins = {begin for begin in self._begins if begin > self._t[0]}


def places(name: str = "position", keep_s: float = math.inf) -> Series[Place]:
    """Positions: latitude and longitude mixed evenly, the short way over the antimeridian."""
    return Series(name, _mix_places, _place_jumps, keep_s)


def rotations(name: str, keep_s: float = math.inf) -> Series[Rotation]:
    """Attitudes, mixed the short way at an even rate."""
    return Series(name, between, _rotation_jumps, keep_s)


def heights(name: str, keep_s: float = math.inf) -> Series[float]:
    """Metres."""
    return Series(name, lambda a, b, f: a + (b - a) * f, _height_jumps, keep_s)


def place_error(place: Place) -> str:
    """Why this can be no position; "" where it can."""
    latitude, longitude = place.latitude, place.longitude
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return NOT_A_NUMBER
    if latitude == 0 and longitude == 0:
        return NO_FIX
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return "no latitude and longitude"
    return ""


def zooms() -> Series[float]:
    """Digital zooms, NaN = one that is not understood: never mixed, of two the one that the lens is not for."""
    return Series("digital zoom", lambda a, b, _: a if zoom_error(a) else b, lambda *_: False)


def zoom_error(zoom: float, said: str = "") -> str:
    """Why the lens is not for a picture of this digital zoom; "" where it is. ``said``: the zoom, where a reason must
    not have that of the moment in it.
    """
    if not zoom >= 1 - ZOOM_OFF:  # so that a NaN fails
        return "a digital zoom that is not understood: the lens is for 1"
    return "" if zoom <= 1 + ZOOM_OFF else f"digital zoom {said or f'{zoom:.4g}'}: the lens is for 1"


class Stillness:
    """Whether a position repeats itself to the last digit, while a speed is reported: ``why`` it is not believed then,
    else "".
    """

    def __init__(self) -> None:
        self.why = ""
        self._at, self._since = (math.nan, math.nan), 0.0

    def ends(self, t: float, place: Place) -> bool:
        """Take the next one; True where the position was frozen, and moves again."""
        at = place.latitude, place.longitude
        if at == self._at and place.speed >= MOVES_M_S:
            self.why = FROZEN if t - self._since > FROZEN_S else self.why
            return False
        was, self.why = self.why, ""
        self._at, self._since = at, t
        return bool(was)


def _mix_places(a: Place, b: Place, f: float) -> Place:
    """A latitude beyond a pole is that of the pole."""
    latitude = a.latitude + (b.latitude - a.latitude) * f
    longitude = wrap_180(a.longitude + wrap_180(b.longitude - a.longitude) * f)
    speed = a.speed + (b.speed - a.speed) * min(f, 1.0)
    return Place(max(-90.0, min(90.0, latitude)), longitude, speed, max(a.sigma, b.sigma, key=_unknown_last))


def _unknown_last(sigma: float) -> float:
    return math.inf if math.isnan(sigma) else sigma


def _place_jumps(a: Place, b: Place, seconds: float) -> bool:
    north = (b.latitude - a.latitude) * METRES_A_DEGREE
    east = wrap_180(b.longitude - a.longitude) * METRES_A_DEGREE * math.cos(math.radians(b.latitude))
    return math.hypot(north, east) > SLACK_M + FASTEST_M_S * seconds


def _rotation_jumps(a: Rotation, b: Rotation, seconds: float) -> bool:
    return degrees_between(a, b) > SLACK_DEG + FASTEST_DEG_S * seconds


def _height_jumps(a: float, b: float, seconds: float) -> bool:
    return abs(b - a) > SLACK_CLIMB_M + FASTEST_CLIMB_M_S * seconds
