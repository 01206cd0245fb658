"""JSON Schemas of the files that are read and written: ``python -m edge.commands.schemas [NAME | --write FOLDER]``.

They are made from the types that read and write these files; those in docs/schemas are kept equal by a test.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.app import report_json
from edge.app.bench import bench_json
from edge.app.clock import clock_json
from edge.app.compare import compare_json
from edge.app.mission import declared
from edge.app.preflight import preflight
from edge.app.review import keep
from edge.app.review import line as review_line
from edge.app.start import start
from edge.archive.merge import against, survey_json
from edge.measure import counts_json, detections_lines, faint_lines, track_lines
from edge.model import golden, model_json, passport, recall
from edge.recording import contents
from edge.system.files import reason_of

SCHEMAS: Mapping[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "detections": ("a line of detections.jsonl", detections_lines.schema),
    "tracks": ("a line of tracks.jsonl", track_lines.schema),
    "faint": ("a line of faint.jsonl", faint_lines.schema),
    "review": ("a line of review.jsonl", review_line.schema),
    "missed": ("missed/NUMBER.json", keep.schema),
    "counts": ("counts.json", counts_json.schema),
    "run": ("run.json", start.schema),
    "clock": ("a line of clock.jsonl", clock_json.schema),
    "report": ("report.json", report_json.schema),
    "compare": ("compare.json of edge report --against", compare_json.schema),
    "survey": ("survey.json of edge archive merge", survey_json.schema),
    "against": ("against.json of edge archive merge --against", against.schema),
    "bench": ("the report of edge bench --json", bench_json.schema),
    "model": ("model.json of a bundle", model_json.schema),
    "passport": ("model.engine.json, the passport of an engine", passport.schema),
    "recall": ("recall.json of a bundle", recall.schema),
    "golden": ("golden.json of a bundle", golden.schema),
    "mission": ("a mission file, TOML", declared.schema),
    "preflight": ("what edge doctor --mission --json prints", preflight.schema),
    "recording": ("the meta part of a record in a segment of a recording", contents.schema),
}


def text_of(name: str) -> str:
    """The schema of this name as it stands in its file. Raises KeyError for one that is not in `SCHEMAS`."""
    title, make = SCHEMAS[name]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"thermal-edge: {title}"}
    text = json.dumps({**head, **make()}, indent=2) + "\n"
    return re.sub(r'(["/])_(?=[A-Z])', r"\1", text)  # a type that is private here is none of the file's


def main(words: Sequence[str] | None = None) -> int:
    """Print one schema, or write all of them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m edge.commands.schemas", description=(__doc__ or "").split(":")[0])
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("name", nargs="?", choices=sorted(SCHEMAS), help="which one to print")
    given.add_argument("--write", metavar="FOLDER", type=Path, help="write all of them, NAME.schema.json each")
    arguments = parser.parse_args(words)
    if arguments.write is None:
        sys.stdout.write(text_of(arguments.name))
        return 0
    for name in SCHEMAS:
        path = arguments.write / f"{name}.schema.json"
        try:
            path.write_text(text_of(name), encoding="utf-8")
        except OSError as error:
            parser.error(f"{path}: {reason_of(error)}: give a folder that is there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
