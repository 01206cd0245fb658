"""``run.json``: which run of which boot this is, with what model and thresholds; written before the first frame.

The first line of detections.jsonl names the picture's size, which only a frame tells; a flight that is cut off before
one, or whose report was never written, has this.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.app.clock.clock_json import ClockMoment
from edge.app.report import origin
from edge.app.report_json import MissionReport
from edge.app.settings import MissionStamp
from edge.errors import SinkError
from edge.seams import Camera, Engine
from edge.system.files import read_text_or_none, reason_of, write_private
from edge.system.host import versions
from edge.system.text import without_passwords
from edge.system.wall_clock import Relation

FILE = "run.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
EARLIER = re.compile(r"earlier-[1-9][0-9]*")

log = logging.getLogger(__name__)


class RunStart(Struct):
    """The file."""

    format: Literal[1]
    run: Annotated[int, Meta(ge=1, description="which run into this folder, from 1: those before are in earlier-N")]
    boot_id: Annotated[str | None, Meta(description="of the machine; t of two runs belongs together where it is equal")]
    pid: int
    clock: Annotated[ClockMoment, Meta(description="when the run began")]
    backend: str
    engine: str
    model: str
    model_files: Annotated[dict[str, str], Meta(description="sha256 of each file of the bundle")]
    thresholds: Annotated[dict[str, float], Meta(description="lowest score that is written, by class")]
    source: str
    camera: str
    mission: MissionReport | None
    versions: dict[str, str]


def write_start(
    out: Path,
    engine: Engine,
    source: str | None,
    camera: Camera,
    thresholds: Mapping[str, float],
    mission: MissionStamp | None,
    clock: Relation,
) -> None:
    """Write the file into ``out``, forced to the disk. A disk that does not take it is told: the flight goes on."""
    facts = origin(engine, source, camera)
    start = {
        "format": 1,
        "run": 1 + sum(bool(EARLIER.fullmatch(path.name)) for path in out.iterdir()),
        "boot_id": read_text_or_none(BOOT_ID),
        "pid": os.getpid(),
        "clock": {"t": round(clock.t, 6), "utc": clock.utc, "state": clock.state, "by": clock.by},
        **{name: facts[name] for name in ("backend", "engine", "model", "model_files")},
        "thresholds": dict(thresholds),
        **{name: facts[name] for name in ("source", "camera")},
        "mission": mission and asdict(mission),
        "versions": versions(engine.versions),
    }
    data = json.dumps(without_passwords(start), indent=2) + "\n"  # a name that is no UTF-8 is escaped
    try:
        write_private(out / FILE, data.encode())
    except OSError as error:
        log.warning("%s; the flight goes on", SinkError(f"cannot write {out / FILE}: {reason_of(error)}"))


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file."""
    return msgspec.json.schema(RunStart)
