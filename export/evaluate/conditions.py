"""In what the frames were taken: light, altitude and angle by names as HIT-UAV's, or columns of the user's file."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from edge.errors import InputError
from export.data.dataset import LabelledSet
from export.data.json_file import read_json
from export.data.runs import stem_of
from export.data.text_file import read_text, some

NOT_TOLD = "not told"
MOST = 12  # values of a column: more are no table
FILE = "file"
_EXPECTED = (
    f"expected a table with a column {FILE!r}, the name of a picture a line, and columns such as altitude or weather; "
    f"CSV, or JSON as a list of objects"
)
# HIT-UAV: day or night, altitude in m, angle in degrees, weather, frame
_TAKEN = re.compile(r"(?P<light>[01])_(?P<altitude>[1-9]\d{1,2})_(?P<angle>\d{2})_\d_\d+")


def told_by_names(data: LabelledSet) -> dict[str, list[str]]:
    """``light``, ``altitude`` (m) and ``angle`` (degrees below the horizon) of each frame; {} where no name tells."""
    found = [_TAKEN.fullmatch(stem_of(frame.path)) for frame in data.frames]
    if not any(found):
        return {}
    light = {"0": "day", "1": "night"}
    return {
        "light": [light[one["light"]] if one else NOT_TOLD for one in found],
        "altitude": [one["altitude"] if one else NOT_TOLD for one in found],
        "angle": [one["angle"] if one else NOT_TOLD for one in found],
    }


def read_conditions(file: Path, data: LabelledSet) -> tuple[dict[str, list[str]], list[str]]:
    """The columns of a CSV or JSON file, a value for each frame, `NOT_TOLD` for frames that it does not name; and what
    is to be told, a line each.

    A row is of the frame whose path ends with what it says, folders included; of two such rows the longer one counts.
    Raises InputError where the file cannot be read, names a picture twice or none of the set, a row fits two frames, or
    a column has too many values.
    """
    rows = _rows(file)
    columns = [name for name in (rows[0] if rows else {}) if name != FILE]
    if not columns or any(FILE not in row for row in rows):
        raise InputError(f"--conditions {file} cannot be used: {_EXPECTED}")
    values: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        parts = _parts(row[FILE])
        if parts in values:
            raise InputError(f"--conditions {file}: {'/'.join(parts)} comes twice: {_EXPECTED}")
        values[parts] = row
    of = [_longest(frame.path.absolute().parts, values) for frame in data.frames]
    if not any(of):
        raise InputError(
            f"--conditions {file}: none of its {len(values)} pictures is one of the {len(data)} that are evaluated, "
            f"such as {'/'.join(data.frames[0].path.parts[-2:])}: {_EXPECTED}; folders before a name count"
        )
    for parts, count in Counter(filter(None, of)).items():
        if count > 1:
            both = [str(frame.path) for frame, one in zip(data.frames, of, strict=True) if one == parts]
            raise InputError(
                f"--conditions {file}: {'/'.join(parts)!r} may be {some(both, 2)}: write the folder before the name"
            )
    found = {
        name: [values[one].get(name, "").strip() or NOT_TOLD if one else NOT_TOLD for one in of] for name in columns
    }
    for name, all_of_them in found.items():
        if (count := len(set(all_of_them))) > MOST:
            raise InputError(
                f"--conditions {file}: column {name!r} has {count} values in these frames: expected {MOST} or fewer; "
                "write ranges, such as 40-60, or leave the column out"
            )
    used = set(of)
    others = ["/".join(parts) for parts in values if parts not in used]
    told = f"{len(others)} of its {len(values)} pictures are not evaluated"
    return found, [f"--conditions {file}: {told}; the first: {others[0]!r}"] if others else []


def _longest(path: tuple[str, ...], values: Mapping[tuple[str, ...], object]) -> tuple[str, ...] | None:
    """The longest end of a path that is named."""
    return next((path[i:] for i in range(len(path)) if path[i:] in values), None)


def _rows(file: Path) -> Sequence[dict[str, str]]:
    if file.suffix.lower() == ".json":
        raw = read_json(file, list[dict[str, str | int | float | bool | None]], "--conditions", _EXPECTED)
        return [{name: _text(value) for name, value in row.items()} for row in raw]
    try:
        rows = list(csv.DictReader(read_text(file, "--conditions").splitlines()))
    except csv.Error as error:  # a field of 131072 characters and more, or one with a line break in it
        raise InputError(f"--conditions {file} cannot be used ({error}): {_EXPECTED}") from None
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"--conditions {file}: a line has more or fewer values than the first: {_EXPECTED}")
    return rows


def _text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _parts(text: str) -> tuple[str, ...]:
    return PurePosixPath(text.strip().replace("\\", "/")).parts
