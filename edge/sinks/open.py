"""The sinks that there are: a literal table, one row a kind. A new one is a file with a ``SPEC``, and a row here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module

from edge.errors import InputError
from edge.sinks.spec import SinkSpec

SINKS = {  # name: module; in the order in which they are listed
    "detections": "edge.sinks.jsonl",
    "tracks": "edge.sinks.tracks.jsonl",
    "counts": "edge.sinks.tracks.counts",
    "map": "edge.sinks.tracks.map",
    "video": "edge.sinks.video",
    "pictures": "edge.sinks.pictures",
    "faint": "edge.sinks.faint",
    "trace": "edge.sinks.trace",
    "geojson": "edge.sinks.tracks.geojson",
    "kmz": "edge.sinks.tracks.kmz",
    "csv": "edge.sinks.tracks.track_csv",
}


def known_specs() -> list[SinkSpec]:
    """A `SinkSpec` for each row of the table."""
    return [import_module(module).SPEC for module in SINKS.values()]


def choose_specs(names: Iterable[str], others: Sequence[SinkSpec] = ()) -> list[SinkSpec]:
    """The specs of a run: what is always written, what ``names`` ask for, and ``others``, which stand in no table.

    Raises InputError for a name that the table does not have, for names and files that are taken twice, and where one
    of ``others`` is no `SinkSpec`.
    """
    for other in others:
        if not isinstance(other, SinkSpec):
            raise InputError(
                f"the sink is {other!r}: expected an edge.SinkSpec, such as "
                'edge.SinkSpec("mine", "mine.csv", lambda to: MySink(to.path))'
            )
    known, asked = known_specs(), set(names)
    options = [spec.name for spec in known if not spec.essential]
    if unknown := sorted(asked - {spec.name for spec in known}):
        raise InputError(f"no sink is named {', '.join(unknown)}: expected one of {', '.join(options)}")
    specs = [*(spec for spec in known if spec.essential or spec.name in asked), *others]
    for what, given in (("name", [s.name for s in specs]), ("file", [s.file for s in specs if s.file])):
        if twice := sorted({value for value in given if given.count(value) > 1}):
            raise InputError(f"two sinks have the {what} {', '.join(twice)}: give each its own")
    return specs
