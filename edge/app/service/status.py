"""How the service is: what systemd says of it, and its last flight."""

from __future__ import annotations

import glob
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.app.mission import texts
from edge.app.mission.mission import Mission
from edge.app.mission.read import MissionError, read_mission
from edge.app.output import REPORT
from edge.app.service.systemctl import properties
from edge.app.service.unit import UNIT, mission_of
from edge.errors import InputError
from edge.system.files import open_regular, read_text_or_none

DETECTIONS = "detections.jsonl"
TAIL = 1 << 16  # bytes of the end of a file
MOST_REPORT = 1 << 20
LAST_LINES = 3
ASKED = (
    "LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "StatusText", "NRestarts", "Result",
    "ActiveEnterTimestampMonotonic", "InactiveEnterTimestampMonotonic", "ExecMainCode", "ExecMainStatus",
)  # fmt: skip
HOW = {"1": "exit code", "2": "signal", "3": "signal"}  # CLD_EXITED, CLD_KILLED, CLD_DUMPED
PHASES = {
    "activating": "starting", "deactivating": "stopping", "reloading": "running", "active": "running",
    "inactive": "stopped", "failed": "failed",
}  # fmt: skip


@dataclass(frozen=True)
class Flight:
    """``lines``: the last ones of detections.jsonl, each a frame. ``written_s``: seconds since it was last written.
    ``ended``, ``error``: of report.json; None = no report yet, or none.
    """

    folder: str
    lines: list[dict[str, Any]]
    written_s: float
    ended: str | None
    error: str | None


@dataclass(frozen=True)
class Status:
    """``state``: running, starting, stopping, waiting to be started again, failed, stopped. ``since_s``: how long it
    has been so, seconds. ``last_exit``: how the last process ended, None = it is the first one. ``unread``: a folder of
    flights that this user may not look into, None = there is none.
    """

    unit: str
    state: str
    status: str
    since_s: float | None
    enabled: bool
    restarts: int
    last_exit: str | None
    mission: str | None
    mission_error: str | None
    flight: Flight | None
    unread: str | None

    @property
    def running(self) -> bool:
        """Whether it is up."""
        return self.state == "running"


def look() -> Status:
    """How it is now. Raises InputError where it is not installed, EdgeError where systemd does not answer."""
    said = properties(UNIT, ASKED)
    if said["LoadState"] != "loaded":
        raise InputError(f"{UNIT} is not installed: edge service install --mission FILE")
    up = said["ActiveState"] in ("active", "reloading")
    since = said["ActiveEnterTimestampMonotonic" if up else "InactiveEnterTimestampMonotonic"]
    since_s = time.clock_gettime(time.CLOCK_MONOTONIC) - int(since) / 1e6 if since.isdecimal() and int(since) else None
    again, phase = said["SubState"] == "auto-restart", said["ActiveState"]
    state = "waiting to be started again" if again else PHASES.get(phase, phase)
    file = mission_of(read_text_or_none(Path(said["FragmentPath"])) or "")
    mission, wrong = _mission(file)
    return Status(
        unit=UNIT,
        state=state,
        status=said["StatusText"] if state in ("running", "starting", "stopping") else "",  # else of the run before
        since_s=since_s,
        enabled=said["UnitFileState"] == "enabled",
        restarts=int(said["NRestarts"] or 0),
        last_exit=_exit(said) if not up else None,
        mission=str(file) if file else None,
        mission_error=wrong,
        flight=last_flight(mission) if mission else None,
        unread=unread(mission) if mission else None,
    )


def last_flight(mission: Mission) -> Flight | None:
    """The flight of this mission that was written last; None where there is none yet."""
    written = dict[Path, float]()
    for found in glob.iglob(f"{_pattern(mission)}/{DETECTIONS}"):
        try:
            written[Path(found)] = os.stat(found).st_mtime
        except OSError:
            continue
    if not written:
        return None
    file = max(written, key=written.__getitem__)
    report = _report(file.parent / REPORT)
    return Flight(
        folder=str(file.parent),
        lines=_last_lines(file),
        written_s=max(time.time() - written[file], 0.0),
        ended=_text(report.get("ended")),
        error=_text(report.get("error")),
    )


def unread(mission: Mission) -> str | None:
    """A folder of its flights, or above them, that this user may not look into; None where there is none."""
    pattern = Path(_pattern(mission))
    for part in (*reversed(pattern.parents), pattern):
        for found in glob.iglob(str(part)):
            if os.path.isdir(found) and not os.access(found, os.R_OK | os.X_OK):
                return found
    return None


def _pattern(mission: Mission) -> str:
    """Of the folders of its flights, for glob."""
    folder = Path(texts.resolver(mission.path.parent)(mission.tables.outputs.folder))
    return "/".join("*" if "{" in part else glob.escape(part) for part in folder.parts).replace("//", "/", 1)


def _mission(file: Path | None) -> tuple[Mission | None, str | None]:
    if file is None:
        return None, "the unit names no mission"
    try:
        return read_mission(file), None
    except MissionError as error:
        return None, error.faults[-1]


def _exit(said: dict[str, str] | Any) -> str | None:
    how = HOW.get(said["ExecMainCode"])
    if how is None:
        return None
    words = f"{how} {said['ExecMainStatus']}"
    return words if said["Result"] in ("success", "exit-code", "signal", "") else f"{words} ({said['Result']})"


def _last_lines(file: Path) -> list[dict[str, Any]]:
    """The last frames, those that are whole."""
    try:
        with open_regular(file) as opened:
            size = os.fstat(opened.fileno()).st_size
            opened.seek(max(size - TAIL, 0))
            data = opened.read(TAIL)
    except OSError:
        return []
    found = []
    for line in reversed(data.split(b"\n")):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):  # empty, or cut off
            continue
        if isinstance(value, dict) and "seq" in value:
            found.append(value)
        if len(found) == LAST_LINES:
            break
    return found[::-1]


def _report(file: Path) -> dict[str, Any]:
    try:
        with open_regular(file) as opened:
            value = json.loads(opened.read(MOST_REPORT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
