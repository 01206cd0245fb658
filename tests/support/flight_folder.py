"""The folder of a run for tests of what is made of it: four frames, two tracks, a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tests.support.track_lines import UTC, line

CLASSES = ("Person", "deer", "hot spot")
FIRST = {
    "format": 1,
    "frame": {"width": 200, "height": 100},
    "crop": None,
    "classes": list(CLASSES),
    "model": "tiny",
}


def box(x1: float, y1: float, x2: float, y2: float, label: int = 0, score: float = 0.5, **more: Any) -> dict[str, Any]:
    name = CLASSES[label] if label < len(CLASSES) else str(label)
    return {"box": [x1, y1, x2, y2], "score": score, "label": label, "class": name, **more}


FRAMES: list[dict[str, Any]] = [
    {
        "seq": 3,
        "t": 100.0,
        "utc": UTC,
        "flags": [],
        "origin": "a.tif",
        "detections": [
            box(10, 20, 40.5, 60, score=0.91, track=4, position=[51.5, -0.25, 3.0]),
            box(0, 0, 200, 100, label=1),
        ],
    },
    {"seq": 4, "t": 101.0, "utc": UTC, "flags": [], "origin": "b.tif#2", "detections": []},
    {"seq": 5, "t": 102.0, "utc": UTC, "flags": ["ffc"], "origin": "c.tif", "detections": [], "inferred": False},
    {
        "seq": 9,
        "t": 107.5,
        "utc": None,
        "flags": [],
        "detections": [box(10, 5, 20, 10, label=2), box(1, 1, 2, 2, label=7)],
        "frame": {"width": 100, "height": 50},
    },
]
TRACKS = [line(3), line(4, name="deer", label=1, position=None, first_utc=None, last_utc=None)]


def flight(folder: Path, frames: list[dict[str, Any]] = FRAMES, tracks: Any = TRACKS, **report: Any) -> Path:
    """Write one into ``folder``."""
    (folder / "crops").mkdir(parents=True)
    (folder / "crops/000003-1.png").write_bytes(b"png")
    lines = "".join(json.dumps(one) + "\n" for one in [FIRST, *frames])
    (folder / "detections.jsonl").write_text(lines)
    (folder / "tracks.jsonl").write_bytes(b"".join(msgspec.json.encode(track) + b"\n" for track in tracks))
    (folder / "report.json").write_text(json.dumps({"started": "2026-05-01T06:00:00+00:00", **report}))
    return folder
