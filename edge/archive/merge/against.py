"""Two jobs over one archive side by side: what the first found, lost and moved, flight by flight and in all."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.app.compare.compare_json import BoxCount, Compared, TrackCount
from edge.app.compare.files import PAGE, write_comparison
from edge.app.output import COMPARED
from edge.archive.merge.merge import FLIGHTS, Merged
from edge.errors import InputError, SinkError
from edge.sinks.tracks.track_csv import harmless
from edge.system.files import reason_of, write_whole

JSON, CSV = "against.json", "against.csv"
FORMAT: Literal[1] = 1
Count = Annotated[int, Meta(ge=0)]


class ClassSums(Struct, kw_only=True):
    """Of one class in all flights that were compared: objects that were followed, and boxes. ``a``: of the job that was
    merged, ``b``: of the other. ``only``: the other has nothing there; what is in neither ``both`` nor ``only`` the
    other has as another class, in pieces, or as boxes that make no track.
    """

    tracks_a: Count = 0
    tracks_b: Count = 0
    tracks_both: Count = 0
    tracks_only_a: Count = 0
    tracks_only_b: Count = 0
    boxes_a: Count = 0
    boxes_b: Count = 0
    boxes_both: Count = 0
    boxes_only_a: Count = 0
    boxes_only_b: Count = 0


class FlightAgainst(Struct, kw_only=True):
    """``page``: with the pictures, below the folder of against.json; null: not compared, ``why`` says why not."""

    name: str
    page: str | None
    why: str | None
    frames: Count = 0
    not_compared: Count = 0
    moved: Count = 0
    apart: Count = 0
    classes: dict[str, ClassSums] = {}
    unknown_a: dict[str, Count] = {}
    unknown_b: dict[str, Count] = {}


class Against(Struct, kw_only=True):
    """The whole file. ``moved``: boxes of both that overlap by less than `edge.app.compare.boxes.MOVED_IOU`; ``apart``:
    boxes of both whose places are further apart than their errors say. ``differs``: what else is not the same, and in
    how many flights. ``unknown_a``: boxes of A by classes that B does not know, which no other number holds.
    """

    format: Literal[1]
    a: str
    b: str
    compared: Count
    not_compared: Count
    frames: Count
    moved: Count
    apart: Count
    classes: dict[str, ClassSums]
    differs: dict[str, Count]
    unknown_a: dict[str, Count]
    unknown_b: dict[str, Count]
    flights: list[FlightAgainst]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``against.json``."""
    return msgspec.json.schema(Against)


def write_against(a: Merged, b: Merged, progress: Callable[[str, float], None] = lambda _what, _part: None) -> Against:
    """Compare each flight that both have; into ``compare/`` of A's, and ``against.json`` and ``.csv`` of all.

    A flight that cannot be compared is named with why. Raises InputError where none can be, SinkError where nothing can
    be written.
    """
    flights: list[FlightAgainst] = []
    differs: dict[str, int] = {}
    for i, (digest, folder) in enumerate(a.folders.items()):
        progress(f"comparing {folder.name}", i / len(a.folders))
        other = b.folders.get(digest)
        if other is None:
            flights.append(FlightAgainst(name=folder.name, page=None, why=f"{b.job.name} has no result of it"))
            continue
        try:
            figures = write_comparison(folder, other).figures
        except InputError as error:
            flights.append(FlightAgainst(name=folder.name, page=None, why=str(error)))
            continue
        flights.append(_row(folder.name, figures))
        for line in figures.differs:
            differs[line] = differs.get(line, 0) + 1
    flights += [
        FlightAgainst(name=folder.name, page=None, why=f"{a.job.name} has no result of it")
        for digest, folder in b.folders.items()
        if digest not in a.folders
    ]
    known = [row for row in flights if row.page is not None]
    if not known:
        raise InputError(f"no flight of {a.job.name} can be compared with {b.job.name}: {flights[0].why}")
    found = Against(
        format=FORMAT,
        a=a.job.name,
        b=b.job.name,
        compared=len(known),
        not_compared=len(flights) - len(known),
        frames=sum(row.frames for row in known),
        moved=sum(row.moved for row in known),
        apart=sum(row.apart for row in known),
        classes=_sums([row.classes for row in known]),
        differs=differs,
        unknown_a=_total([row.unknown_a for row in known]),
        unknown_b=_total([row.unknown_b for row in known]),
        flights=flights,
    )
    try:
        write_whole(a.out / JSON, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        write_whole(a.out / CSV, _csv(found))
    except OSError as error:
        raise SinkError(f"cannot write into {a.out}: {reason_of(error)}: free some space") from None
    return found


def _row(name: str, figures: Compared) -> FlightAgainst:
    classes: dict[str, ClassSums] = {}
    for kind, groups in (("boxes", figures.boxes), ("tracks", figures.tracks.groups if figures.tracks else [])):
        for group in groups:
            if group.by == "class":
                _add(classes.setdefault(group.value, ClassSums()), kind, group.a, group.b)
    frames = figures.frames
    return FlightAgainst(
        name=name,
        page=f"{FLIGHTS}/{name}/{COMPARED}/{PAGE}",
        why=None,
        frames=frames.compared,
        not_compared=frames.only_a + frames.only_b + frames.not_searched,
        moved=figures.pairs.moved,
        apart=figures.pairs.apart,
        classes=classes,
        unknown_a=figures.unknown_a,
        unknown_b=figures.unknown_b,
    )


def _total(counts: list[dict[str, int]]) -> dict[str, int]:
    return dict(sum(map(Counter, counts), Counter[str]()))


def _add(sums: ClassSums, kind: str, a: BoxCount | TrackCount, b: BoxCount | TrackCount) -> None:
    for name, value in (
        (f"{kind}_a", getattr(a, kind)),
        (f"{kind}_b", getattr(b, kind)),
        (f"{kind}_both", a.both),
        (f"{kind}_only_a", a.only),
        (f"{kind}_only_b", b.only),
    ):
        setattr(sums, name, getattr(sums, name) + value)


def _sums(tables: list[dict[str, ClassSums]]) -> dict[str, ClassSums]:
    sums: dict[str, ClassSums] = {}
    for table in tables:
        for name, one in table.items():
            total = sums.setdefault(name, ClassSums())
            for part in ClassSums.__struct_fields__:
                setattr(total, part, getattr(total, part) + getattr(one, part))
    return sums


def _csv(found: Against) -> bytes:
    """A row for each flight and class."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    fields = ClassSums.__struct_fields__
    table.writerow(("flight", "class", *fields, "frames", "moved", "apart", "page", "why"))
    for row in found.flights:
        of_flight = (row.frames, row.moved, row.apart, row.page or "", harmless(row.why or ""))
        for name, sums in row.classes.items() or [("", None)]:
            numbers = ["" if sums is None else getattr(sums, part) for part in fields]
            table.writerow((harmless(row.name), harmless(name), *numbers, *of_flight))
    return text.getvalue().encode()
