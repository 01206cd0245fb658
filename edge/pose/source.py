"""The seam of poses: what a source of them must be, and what it is asked with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge.data import Frame, Pose
from edge.errors import InputError
from edge.seams import Camera, Closing


@dataclass(frozen=True, slots=True)
class Moment:
    """When a frame was taken, by every clock that is known; see `edge.Frame`.

    ``t``: seconds of `time.monotonic`. ``utc``: aware, or None. ``origin``: the still's name, or seconds since the
    first picture of the video, or None. ``replayed``: ``t`` is of another day, or of another machine.
    """

    t: float
    utc: datetime | None = None
    origin: str | float | None = None
    replayed: bool = False

    @classmethod
    def of(cls, frame: Frame) -> Moment:
        """That of a frame."""
        return cls(frame.t_capture, frame.utc, frame.origin, frame.replayed)


class GroundModel(Protocol):
    """What poses need of the ground: `edge.geo.Dem` is one."""

    @property
    def vertical(self) -> str:
        """What its heights count from: EGM96, EGM2008, ellipsoid, unknown."""

    @property
    def name(self) -> str:
        """For messages."""

    def altitude(self, latitude: float, longitude: float) -> float:
        """Metres of the ground at a place, NaN where it does not know it."""


class PoseSource(Closing):
    """Where the camera was and where it looked.

    ``description``: one line for a person. ``assumed``: what was taken for granted, a line each; it may grow while
    frames come. ``counts``: samples that were taken, and those that were refused, by reason; it grows, too.

    Threads: `at` is called in the thread that reads the camera, and must not wait.
    """

    description: str = ""

    def __init__(self) -> None:
        self.assumed: list[str] = []

    @abstractmethod
    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        """The pose at that moment and ""; or None and why there is none, in words without numbers of the moment: they
        are counted.
        """

    def check(self, camera: Camera) -> None:
        """Raises InputError where no frame of this camera can have a pose of this source."""

    @property
    def counts(self) -> Mapping[str, int]:
        """By what became of them."""
        return {}

    def utc_offset(self) -> float | None:
        """UTC less `time.monotonic`, seconds, where it knows the time of now; else None. From any thread."""
        return None

    def assume(self, line: str) -> None:
        """Remember once what was taken for granted."""
        if line not in self.assumed:
            self.assumed.append(line)

    def _utc_of(self, moment: Moment, alignment: Alignment) -> tuple[float | None, str]:
        """`Alignment.utc`; it is told where its ``start`` is not used."""
        if alignment.start is not None and moment.utc is not None and not isinstance(moment.origin, float):
            self.assume("start= is not used: the frames have a UTC of their own, and no time in a video")
        return alignment.utc(moment)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the times of a file of poses belong to frames.

    ``start``: UTC of the video's first picture, seconds since 1970; None: frames have their own. ``offset``: seconds
    that are added to a frame's time before it is looked for.
    """

    start: float | None = None
    offset: float = 0.0

    def utc(self, moment: Moment) -> tuple[float | None, str]:
        """Seconds since 1970, or None and why that is not known."""
        if self.start is not None and isinstance(moment.origin, float):
            return self.start + moment.origin + self.offset, ""
        if moment.utc is not None:
            return moment.utc.timestamp() + self.offset, ""
        return None, "the frame has no UTC: ?start=UTC names that of a video's first picture"

    def media(self, moment: Moment) -> tuple[float | None, str]:
        """Seconds since the first picture, or None and why that is not known."""
        if not isinstance(moment.origin, float):
            return None, "the frame has no media time: subtitles belong to a video file"
        return moment.origin + self.offset, ""


def nothing_usable(name: str, what: str) -> InputError:
    """What is said of a file without a single sample."""
    return InputError(f"pose {name}: {what}; expected a file with positions")
