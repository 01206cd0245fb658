"""Flights: frames that belong together, told by their file names. What is left out, and what is held back to evaluate
on, is chosen by flight: neighbouring frames show the same things, and must not be on both sides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.errors import InputError
from export.data.dataset import LabelledFrame, LabelledSet

GAP = 30  # numbers between two frames from which on it is another flight
BY = ("name", "folder", "end")
SHOWN = 12  # flights in a list

# run, then frame number; HIT-UAV: day or night _ altitude _ camera angle _ weather _ frame number
_NUMBERED = re.compile(r"(?P<run>.*?)[_-]?(?P<number>\d+)$")
# what tools and cameras put around it: Label Studio's hash, the number of our simulated animals in a real frame,
# Roboflow's ending, DJI's and FLIR's letter of the camera
_AROUND = re.compile(
    r"^(?=\d*[a-f])[0-9a-f]{8}-(?=.)|^onto\d+-\d{5}_(?=.)|[._](jpe?g|png|tiff?|bmp)\.rf\.\w+$|(?<=\d)_(T|V|W|Z|S|R|D|IR|TH|THRM)$",
    re.IGNORECASE,
)
_DJI = re.compile(r"(?P<run>DJI_\d{8})\d{6}_(?P<number>\d{4,})$")  # DJI_20240131120559_0017: date, time, number
_TIMED = re.compile(
    r"(?P<run>.*?(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d)[-_ T.]?"
    r"(?P<h>[0-2]\d)[-_.:h]?(?P<m>[0-5]\d)[-_.:m]?(?P<s>[0-5]\d)"
    r"(?:[-_.,]\d{1,6})?s?Z?$"
)


def stem_of(path: Path) -> str:
    """A file's name as the camera gave it: without its ending, and what tools and cameras put around it."""
    return _AROUND.sub("", _AROUND.sub("", path.stem))


def run_of(path: Path) -> tuple[str, int] | None:
    """Flight and frame number of a file name that ends in a number, such as HIT-UAV's; of one that ends in a date and a
    time, the date and the second of the day. The run of a bare number is its folder. None for another name.
    """
    stem = stem_of(path)
    dji = _DJI.fullmatch(stem)
    if not dji and (match := _TIMED.fullmatch(stem)):
        return match["run"], 3600 * int(match["h"]) + 60 * int(match["m"]) + int(match["s"])
    match = dji or _NUMBERED.fullmatch(stem)
    return (match["run"] or path.parent.name, int(match["number"])) if match else None


def flights_of(data: LabelledSet, by: str = "name", gap: int = GAP) -> dict[str, list[LabelledFrame]]:
    """Frames by flight. ``by``: "name", the same name up to the frame number and no gap of more than ``gap`` numbers,
    frames of other names by folder; or "folder". A flight is called by its name and its first and last number.
    """
    if by == "folder":
        folders: dict[str, list[LabelledFrame]] = {}
        for frame in sorted(data.frames, key=lambda f: f.path):
            folders.setdefault(str(frame.path.parent), []).append(frame)
        return folders
    named = [(*(run_of(f.path) or (f.path.parent.name, 0)), f) for f in data.frames]
    flights: dict[tuple[str, int], list[LabelledFrame]] = {}
    last: dict[tuple[str, int], int] = {}
    key = "", 0
    for run, number, frame in sorted(named, key=lambda item: (*item[:2], item[2].path)):
        if key not in last or run != key[0] or number - last[key] > gap:
            key = run, number
        last[key] = number
        flights.setdefault(key, []).append(frame)
    return {f"{run}:{first}-{last[run, first]}": frames for (run, first), frames in flights.items()}


def split_by_run(
    data: LabelledSet, part: float, gap: int = GAP, by: str = "name", of: int | None = None
) -> tuple[LabelledSet, LabelledSet]:
    """About ``part`` of the frames apart, whole flights only (`flights_of`). Which flight goes where depends on its
    name alone. ``by`` "end": one part of the set, the last frames by name, whatever flight they are of. ``of``: of so
    many frames the part is, where ``data`` is what another split has left.

    Raises InputError where one side would be empty, or the names tell no flights.
    """
    if by == "end":
        order = [f for flight in flights_of(data, "name", gap).values() for f in flight]
        cut = max(0, len(order) - max(1, round(part * (of or len(order)))))
        held = {f.path for f in order[cut:]}
    else:
        held = _held(flights_of(data, by, gap), part * (of or len(data)), len(data), by)
    kept = data.without(lambda f: f.path in held)
    if not kept.frames:
        raise InputError(f"--hold-back {part:g} of {len(data)} frames leaves none to train on: give a smaller part")
    return kept, data.without(lambda f: f.path not in held)


def _held(flights: dict[str, list[LabelledFrame]], most: float, count: int, by: str) -> set[Path]:
    ways = "--flights folder (each folder is one), --flight-gap N (a gap of more than N numbers begins another), or "
    ways += "--flights end (the last frames, cut once)"
    if len(flights) < 2:
        more = "add another flight, or give --flights end (the last frames, cut once)"
        raise InputError(
            f"all {count} frames are one flight by their {by} ({next(iter(flights), 'none')}), so that none can be "
            f"held back without parting it: {f'give {ways}' if by == 'name' else more}"
        )
    alone = sum(len(frames) == 1 for frames in flights.values())
    if by == "name" and count >= 10 and alone > count / 2:
        raise InputError(
            f"the names of the {count} frames tell no flights, {alone} would be one frame each, such as "
            f"{next(iter(flights))}: give {ways}"
        )
    # by a hash of the name: not by chance, and not the first ones; without its last number, which grows with the set
    names = {name: name if by == "folder" else name.rpartition("-")[0] for name in flights}
    order = sorted(flights, key=lambda name: hashlib.sha256(names[name].encode()).hexdigest())
    apart: list[LabelledFrame] = []
    for name in order:
        if len(apart) + len(flights[name]) <= most:
            apart += flights[name]
    return {f.path for f in apart or min((flights[name] for name in order), key=len)}


def table_of(flights: dict[str, list[LabelledFrame]], held: LabelledSet, test: LabelledSet | None = None) -> list[str]:
    """A line a flight: how many frames it has, and whether they are held back, or put aside for the test."""
    apart, last = ({f.path for f in part.frames} if part else set() for part in (held, test))
    lines = []
    for name, frames in list(flights.items())[:SHOWN]:
        count = sum(f.path in apart for f in frames)
        tested = sum(f.path in last for f in frames)
        sides = [(count, "held back"), (tested, "for the test"), (len(frames) - count - tested, "kept")]
        there = [(n, side) for n, side in sides if n]
        side = there[0][1] if len(there) == 1 else ", ".join(f"{n} {side}" for n, side in there if side != "kept")
        lines.append(f"{len(frames):6} {name}: {side}")
    more = len(flights) - len(lines)
    return [*lines, *([f"       and {more} more"] if more else [])]


class FramesNamed:
    """Whether a frame is of ``RUN:FIRST-LAST``, both ends meant. Raises InputError for another text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.run, _, numbers = text.rpartition(":")
        first, _, last = numbers.partition("-")
        if not (self.run and first.isdecimal() and last.isdecimal()):
            raise InputError(f"--without {text!r}: expected RUN:FIRST-LAST, such as 1_60_60_0:408-539")
        self.first, self.last = int(first), int(last)

    def __call__(self, frame: LabelledFrame) -> bool:
        named = run_of(frame.path)
        return named is not None and named[0] == self.run and self.first <= named[1] <= self.last

    def matches(self, frames: Sequence[LabelledFrame]) -> int:
        """How many of ``frames`` are of it."""
        return sum(self(frame) for frame in frames)


def leave_out(data: LabelledSet, texts: Sequence[str]) -> LabelledSet:
    """``data`` without the frames of every ``RUN:FIRST-LAST`` in ``texts``; a note for each says how many these were.

    Raises InputError for another text, and for one that no frame is of.
    """
    left = data
    for text in texts:
        named = FramesNamed(text)
        if not (count := named.matches(data.frames)):
            known = ", ".join(list(flights_of(data))[:3])
            raise InputError(f"--without {text}: no frame is of it: expected some of the flights, such as {known}")
        left = replace(left.without(named), notes=(*left.notes, f"--without {text}: {count} frames are left out"))
    return left
