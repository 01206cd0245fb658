"""Whether two runs looked at the same frames, and which of them both did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from edge.app.compare.side import Side
from edge.errors import InputError
from edge.measure.detections_lines import FrameLine
from edge.system.text import printable

SAME_S = 2e-6  # times are written to the microsecond
DO = "run both over the same recording, film or stills (edge run --source ...)"

BY_CLOCK = "each frame has the same time of capture in both"
BY_NAME = "each frame has the same file name in both"
BY_FILM = "each frame has the same time of the film in both"
BY_SIMULATION = "both are of the same simulated flight"


class SameFrames:
    """Compares frame by frame. ``how``: how it is known that they are the same, after the first. ``assumed``: what was
    taken for granted, a line each.
    """

    def __init__(self, a: Side, b: Side) -> None:
        """Raises InputError where the pictures have not one size, or are not the same part of the source's."""
        self._a, self._b = a, b
        self.how, self.assumed = "", list[str]()
        sizes = [f"{side.first.frame.width}x{side.first.frame.height} pixels" for side in (a, b)]
        if sizes[0] != sizes[1]:
            raise self._other(f"the first has frames of {sizes[0]}, the second of {sizes[1]}")
        crops = [_crop(side) for side in (a, b)]
        if crops[0] != crops[1]:
            raise self._other(f"the first looked at the part {crops[0]} of the picture, the second at {crops[1]}")

    def pairs(self) -> Iterator[tuple[FrameLine | None, FrameLine | None]]:
        """The lines of each frame, by its number; None where a run has none of it.

        Raises InputError where a frame is not the same in both, or none is in both.
        """
        lines = _in_order(self._a), _in_order(self._b)
        one, other = next(lines[0], None), next(lines[1], None)
        while one or other:
            if other is None or (one is not None and one.seq < other.seq):
                yield one, None
                one = next(lines[0], None)
            elif one is None or other.seq < one.seq:
                yield None, other
                other = next(lines[1], None)
            else:
                self._check(one, other)
                yield one, other
                one, other = next(lines[0], None), next(lines[1], None)
        if not self.how:
            raise self._other("no frame is in both")

    def _check(self, one: FrameLine, other: FrameLine) -> None:
        if self._a.detections.size(one) != self._b.detections.size(other):
            raise self._other(f"frame {one.seq} has another size in the second")
        how = _how(one, other)
        simulated = str(self._a.facts.source).startswith("sim:") and self._a.facts.source == self._b.facts.source
        if not how and simulated and one.utc == other.utc:
            how = BY_SIMULATION  # it comes out the same again, and has a date of its own
        if not how or (self.how and how != self.how):
            raise self._other(f"frame {one.seq} is {_told(one)} in the first and {_told(other)} in the second")
        if not self.how:
            self.how = how
            self._sources()

    def _sources(self) -> None:
        """What names and times of frames do not say: whether the files were the same."""
        a, b = self._a.facts.source, self._b.facts.source
        if self.how not in (BY_NAME, BY_FILM):
            return
        if a is None or b is None:
            self.assumed.append(f"that both had the same source: {'A' if a is None else 'B'} does not say which it had")
        elif a == b:
            self.assumed.append(f"that {printable(a)} was the same in both runs")
        elif self.how == BY_FILM and _file_name(a) != _file_name(b):
            raise self._other(f"the first is of {printable(a)}, the second of {printable(b)}")
        else:
            self.assumed.append(f"that {printable(a)} and {printable(b)} are the same")

    def _other(self, why: str) -> InputError:
        return InputError(f"{self._a.folder} and {self._b.folder} are not of the same frames: {why}: {DO}")


def _how(one: FrameLine, other: FrameLine) -> str:
    """How it is known that two frames of one number are the same; "" = it is not."""
    if abs(one.t - other.t) <= SAME_S and one.origin == other.origin:
        return BY_CLOCK
    if isinstance(one.origin, str) and one.origin == other.origin:
        return BY_NAME
    if isinstance(one.origin, float) and isinstance(other.origin, float) and abs(one.origin - other.origin) <= SAME_S:
        return BY_FILM
    return ""


def _told(frame: FrameLine) -> str:
    if isinstance(frame.origin, msgspec.UnsetType):
        return f"of {frame.t:.6f} s"
    return frame.origin if isinstance(frame.origin, str) else f"at {frame.origin:.3f} s of a film"


def _crop(side: Side) -> tuple[int, int, int, int]:
    first = side.first
    return first.crop or (0, 0, first.frame.width, first.frame.height)


def _file_name(source: str) -> str:
    return PurePath(source.partition("?")[0]).name


def _in_order(side: Side) -> Iterator[FrameLine]:
    """Raises InputError where a number comes again."""
    before = -1
    for frame in side.detections:
        if frame.seq <= before:
            raise InputError(
                f"{side.folder}: frame {frame.seq} stands behind frame {before}: expected the detections of one run, "
                "in the order of their numbers"
            )
        before = frame.seq
        yield frame
