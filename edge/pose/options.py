"""What a pose's text says behind its prefix: ``tlog:FILE?start=2026-05-01T20:00:00Z&mount=0,-90,0``."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, TypeVar

import msgspec

from edge.camera.options import split_query
from edge.errors import InputError, SourceError
from edge.pose.rotation import FRAMES, Rotation, of_angles
from edge.pose.source import Alignment, GroundModel
from edge.pose.vehicle import Mounting
from edge.system.text import repr_without_passwords

T = TypeVar("T")
Utc = Annotated[datetime, msgspec.Meta(tz=True)]

MOST_OFFSET_S = 100_000.0  # a day and more: a clock that is set to another day is no offset
ANGLES = "YAW,PITCH,ROLL in degrees, such as 0,-90,0 for straight down"


@dataclass(frozen=True)
class Spec:
    """``text``: as the user wrote it. ``sources``: what --source named. ``rest``: what stands behind the prefix and
    before the options, ``pairs``. ``model``: the ground, for absolute altitudes.
    """

    text: str
    rest: str
    pairs: dict[str, str]
    sources: tuple[str, ...] = ()
    model: GroundModel | None = None

    __repr__ = repr_without_passwords

    @classmethod
    def parse(
        cls,
        text: str,
        rest: str,
        known: tuple[str, ...],
        sources: tuple[str, ...],
        model: GroundModel | None = None,
    ) -> Spec:
        """Raises InputError where an option is none of ``known``, or is given twice. A file that is there may have a
        question mark in its name.
        """
        if "\0" in text:
            raise InputError(f"pose {text!r} has a NUL character in it")
        try:
            path, pairs = (rest, {}) if os.path.exists(rest) else split_query(rest)
        except SourceError as error:
            raise InputError(str(error).replace("source", "pose", 1)) from None
        for key in pairs:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                meant = f" (is {near[0]} meant?)" if near else ""
                raise InputError(f"pose {text!r}: unknown option {key}{meant}; expected {', '.join(known) or 'none'}")
        return cls(text, path, pairs, sources, model)

    def take(self, key: str, read: Callable[[str], T], expected: str) -> T | None:
        """The value of ``key`` as ``read`` understands it; None where it was not given. Raises InputError."""
        text = self.pairs.get(key)
        if text is None:
            return None
        try:
            return read(text)
        except (ValueError, KeyError, OverflowError):
            raise InputError(f"pose {self.text!r}: {key}={text!r}; expected {expected}") from None

    def path(self) -> str:
        """The file. Raises InputError where none is named."""
        if not self.rest:
            raise InputError(f"pose {self.text!r} names no file: expected one behind the colon")
        return self.rest

    def alignment(self) -> Alignment:
        """``start`` and ``offset``."""
        start = self.take("start", _utc, "a time with its zone, such as 2026-05-01T20:15:30.5Z")
        return Alignment(start, self.number("offset", MOST_OFFSET_S, "seconds") or 0.0)

    def mounting(self) -> Mounting:
        """``mount`` and ``gimbal``. Raises InputError where both are given."""
        fixed = self.rotation("mount")
        frame = self.take("gimbal", lambda text: {str(frame): frame for frame in FRAMES}[text], " or ".join(FRAMES))
        if fixed is not None and frame is not None:
            raise InputError(f"pose {self.text!r}: mount= is a camera without a gimbal, gimbal= one with it: give one")
        return Mounting(fixed, frame)

    def rotation(self, key: str) -> Rotation | None:
        """Three angles."""
        return self.take(key, _rotation, ANGLES)

    def number(self, key: str, most: float, unit: str) -> float | None:
        """A number from -``most`` to ``most``."""
        return self.take(key, lambda text: _within(float(text), most), f"{unit}, {-most:g} to {most:g}")

    def system(self) -> int | None:
        """The number of an autopilot."""
        return self.take("system", {str(n): n for n in range(1, 256)}.__getitem__, "a system's number, 1 to 255")


def _utc(text: str) -> float:
    text = re.sub(r" (\d\d:?\d\d)$", r"+\1", text)  # a + behind a ? stands for a space
    try:
        return msgspec.convert(text, Utc).timestamp()
    except msgspec.ValidationError as error:  # no ValueError in older msgspec
        raise ValueError(error) from None


def _rotation(text: str) -> Rotation:
    yaw, pitch, roll = (_within(float(part), 360.0) for part in text.split(","))
    return of_angles(yaw, pitch, roll)


def _within(value: float, most: float) -> float:
    if not (math.isfinite(value) and abs(value) <= most):
        raise ValueError(value)
    return value
