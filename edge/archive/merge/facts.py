"""The reports of a flight's units as one, and how many animals there are in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge.app.after.flight.flight import read_flight
from edge.app.after.survey.merged import merged, row_of
from edge.app.output import REPORT
from edge.errors import InputError
from edge.measure.counts_json import ClassCount
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.sinks.tracks.counts import NOT_FOLLOWED, TOO_SHORT
from edge.system.declared import MOST_JSON, declared, decoded
from edge.system.files import read_limited, reason_of

SUMMED = (
    *("frames", "dropped", "duplicates", "lost", "frozen_seconds", "shutter_frames", "shutter_inferred"),
    *("unconverged", "overflowed", "seconds"),
)
SAME = (
    *("backend", "engine", "engine_chosen", "tiling", "model", "model_files", "model_signature", "normalise"),
    *("threshold", "thresholds", "policy", "percentiles", "mission", "versions", "host"),
)
Json = dict[str, Any]
T = TypeVar("T")
Count = Annotated[int, Meta(ge=0, le=2**53)]  # sums of as many as there are units can still be written
Seconds = Annotated[float, Meta(ge=0, le=2**53)]


class _Held(Struct):
    frames: Count
    times: Count


class _Step(Struct):
    seconds: Seconds


class _Summed(Struct):
    """What is reckoned with of a unit's ``report.json``; all else stands as it is. None: it does not say it."""

    frames: Count | None = None
    dropped: Count | None = None
    duplicates: Count | None = None
    lost: Count | None = None
    frozen_seconds: Seconds | None = None
    shutter_frames: Count | None = None
    shutter_inferred: Count | None = None
    unconverged: Count | None = None
    overflowed: Count | None = None
    seconds: Seconds | None = None
    detections: dict[str, Count] | None = None
    health: dict[str, _Held] | None = None
    engine_notes: list[str] | None = None
    longest_step: _Step | None = None
    model_files: dict[str, str] | None = None
    thresholds: dict[str, float] | None = None
    versions: dict[str, str] | None = None
    one_body: Json | None = None
    pose: Json | None = None
    position: Json | None = None


def report_of(units: Sequence[Path], flight: str, of: int) -> Json:
    """One ``report.json`` of the units that are there: what can be summed is, what all have in common stays, and what
    is another in each (speed, latency, power) is null or empty. ``of``: how many units the flight has.

    Raises InputError where one cannot be read.
    """
    reports = [_read(unit / REPORT) for unit in units]
    first = reports[0]
    said = {name: sum(report.get(name) or 0 for report in reports) for name in SUMMED if name in first}
    said |= {name: first[name] if _all_same(reports, name) else None for name in SAME if name in first}
    for name in ("model_files", "thresholds", "versions"):  # tables: without what they do not share
        if said.get(name, {}) is None:
            said[name] = dict(set.intersection(*(set((one.get(name) or {}).items()) for one in reports)))
    ends = list(dict.fromkeys(str(report.get("ended")) for report in reports))
    return {
        **said,
        "detections": _summed([report.get("detections") or {} for report in reports]),
        "health": _health([report.get("health") or {} for report in reports]),
        "engine_notes": list(dict.fromkeys(note for one in reports for note in one.get("engine_notes") or [])),
        "fps": None,
        "latency_ms": {},
        "stages_ms": {},
        "longest_step": max(
            (one["longest_step"] for one in reports if one.get("longest_step")),
            key=lambda s: s["seconds"],
            default=None,
        ),
        "one_body": _table("one_body", units, reports),
        "pose": _table("pose", units, reports),
        "position": _table("position", units, reports),
        "source": flight,
        "camera": f"{len(units)} of {of} units of an archive, the first: {first.get('camera')}",
        "started": min(str(report.get("started")) for report in reports),
        "ended": "; ".join(ends),
        "error": next((report["error"] for report in reports if report.get("error")), None),
        "units": len(units),
        "units_missing": of - len(units),
    }


def counts_of(folder: Path, units: Sequence[Path]) -> dict[str, ClassCount]:
    """What a joined flight's ``counts.json`` says: all its tracks, counted anew, as one over a border is one.

    Raises InputError where a file cannot be read.
    """
    flight = read_flight(folder)
    found = merged((flight,)).counts
    boxes = Counter[str]()
    loose = set[str]()
    for unit in units:
        boxes.update(_read(unit / REPORT).get("detections") or {})
        for name, one in _counts(unit / COUNTS).items():
            loose.update([name] if one.method == NOT_FOLLOWED else [])
    numbers = flight.tracks.ints["track"]
    said = {}
    for name, one in found.items():
        if name in loose:
            said[name] = ClassCount(
                tracks=one.tracks, count=None, low=None, high=None, level=None, method=NOT_FOLLOWED, animals=[]
            )
        elif not one.tracks and boxes[name]:
            why = TOO_SHORT.format(boxes=boxes[name])
            said[name] = ClassCount(tracks=0, count=0, low=0, high=None, level=None, method=why, animals=[])
        else:
            animals = [[numbers[row_of(key)[1]] for key in animal] for animal in one.animals]
            said[name] = msgspec.structs.replace(one, animals=animals)
    return said


def _read(path: Path) -> Json:
    report = _decoded(path, Json)
    try:
        declared(report, _Summed)
    except ValueError as error:
        raise InputError(f"{path}: {error}: expected it as edge run writes it") from None
    return report


def _counts(path: Path) -> dict[str, ClassCount]:
    return _decoded(path, dict[str, ClassCount])


def _decoded(path: Path, kind: type[T]) -> T:
    try:
        return decoded(read_limited(path, MOST_JSON), kind)
    except OSError as error:
        raise InputError(f"cannot read {path}: {reason_of(error)}: expected the result of a unit") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}: expected it as edge run writes it") from None


def _all_same(reports: Sequence[Json], name: str) -> bool:
    return all(report.get(name) == reports[0].get(name) for report in reports)


def _summed(tables: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for table in tables:
        total.update(table)
    return dict(total)


def _health(tables: Sequence[Mapping[str, Json]]) -> Json:
    """Conditions of all units: how often they held in all, and where first."""
    held: Json = {}
    for table in tables:
        for name, one in table.items():
            before = held.get(name)
            held[name] = (
                one
                if before is None
                else {**before, "frames": before["frames"] + one["frames"], "times": before["times"] + one["times"]}
            )
    return held


def _table(name: str, units: Sequence[Path], reports: Sequence[Json]) -> Json | None:
    """Of poses or positions: counts are summed, tables of counts too; what is said in words is that of the first unit
    that has it, and what was assumed by any. Raises InputError where units do not say the same kind of thing.
    """
    known = [report[name] for report in reports if report.get(name)]
    if not known:
        return None
    said = dict(known[0])
    for field, value in known[0].items():
        values = [part[field] for part in known if part.get(field) is not None]
        try:
            if isinstance(value, int):
                said[field] = sum(declared(values, list[Count]))
            elif isinstance(value, dict) and all(isinstance(n, int) for n in value.values()):
                said[field] = _summed(declared(values, list[dict[str, Count]]))
            elif field == "assumed":
                said[field] = list(dict.fromkeys(line for one in declared(values, list[list[str]]) for line in one))
        except ValueError as error:
            where = f"{REPORT} of {units[0].name} and those after it, {name}.{field}"
            raise InputError(f"{where}: {error}: expected it as edge run writes it") from None
    return said
