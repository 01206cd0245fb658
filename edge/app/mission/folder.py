"""The folder of a run by a pattern, such as ``flights/{date}-{time}``: a new one for each run."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from edge.errors import InputError
from edge.system.files import reason_of

PARTS = ("date", "time", "n", "name")
MOST = 100_000  # folders that are looked for
_PART = re.compile(r"\{([^{}]*)\}")
_LIKE = {"date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "time": r"[0-9]{2}-[0-9]{2}-[0-9]{2}", "n": "[0-9]{4,6}"}


def check_pattern(pattern: str) -> None:
    """Raises InputError where it holds a part in braces that is none of ours."""
    rest = _PART.sub(lambda found: "" if found[1] in PARTS else found[0], pattern)
    if "{" in rest or "}" in rest:
        raise InputError(f"expected a path, perhaps with {', '.join(f'{{{part}}}' for part in PARTS)} in it")


def named(pattern: str, name: str) -> str:
    """The pattern with the mission's ``name`` in it."""
    return pattern.replace("{name}", re.sub(r"[^\w.-]+", "-", name).strip("-."))


def levels(pattern: str) -> tuple[Path, list[re.Pattern[str]]] | None:
    """The folder in which all folders of a `named` pattern lie, and what the names from there on down are like; None of
    one that names one folder for all runs.
    """
    parts = Path(pattern).parts
    first = next((i for i, part in enumerate(parts) if _PART.search(part)), None)
    if first is None:
        return None
    like = [_PART.sub(lambda found: _LIKE[found[1]], re.sub(r"[.^$*+?|()\[\]\\]", r"\\\g<0>", part)) for part in parts]
    again = "" if "{n}" in pattern else "(-[0-9]+)?"
    return Path(*parts[:first]), [re.compile(one) for one in (*like[first:-1], like[-1] + again)]


def folder_of(pattern: str, name: str, now: datetime) -> Path:
    """The folder that a run at ``now`` (UTC) writes to; nothing is made.

    ``{date}`` is 2026-05-01, ``{time}`` 20-15-30, ``{n}`` the lowest number, from 0001, whose folder is not there,
    ``{name}`` the mission's ``name`` with nothing in it that a path does not take. A pattern with the time, and without
    ``{n}``, gets ``-2``, ``-3`` behind it where the folder is there: a clock may be set back. A pattern without date,
    time and number names one folder for all runs.
    """
    pattern, parts = named(pattern, name), {"date": f"{now:%Y-%m-%d}", "time": f"{now:%H-%M-%S}"}
    each = any(f"{{{part}}}" in pattern for part in ("date", "time", "n"))

    def path(number: int) -> Path:
        made = _PART.sub(lambda found: {**parts, "n": f"{number:04d}"}[found[1]], pattern)
        return Path(made if "{n}" in pattern or number == 1 else f"{made}-{number}")

    if not each:
        return path(1)
    for number in range(1, MOST):
        try:
            if not path(number).exists():
                return path(number)
        except OSError as error:  # a name that is too long, a folder that may not be looked into
            raise InputError(f"outputs.folder {pattern!r}: {reason_of(error)}: expected a folder for the run") from None
    raise InputError(f"outputs.folder {pattern!r}: {MOST} such folders are there: move earlier flights away")
