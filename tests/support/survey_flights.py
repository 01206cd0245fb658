"""Folders of flights over objects whose number is known: for tests of the report and of common counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from edge.geo.wgs84 import metres_a_degree
from edge.measure.track_lines import GroundPosition
from tests.support.track_lines import line

HOME = 47.4, 8.5
BEGAN = datetime(2026, 5, 1, 4, 30, tzinfo=timezone.utc)
CLASSES = ("Car", "deer")
LENS = [1000.0, 1000.0, 320.0, 256.0]  # from 60 m: 38.4 m across the line, 30.7 m along it
T0 = 500.0
Spot = tuple[float, float, int]
"""Metres east and north of `HOME`, label."""


def place(east: float, north: float) -> tuple[float, float]:
    a_latitude, a_longitude = metres_a_degree(HOME[0])
    return HOME[0] + north / a_latitude, HOME[1] + east / a_longitude


def png(value: int = 200) -> bytes:
    done, data = cv2.imencode(".png", np.full((12, 12), value, np.uint8))
    assert done
    return data.tobytes()


def fly(
    folder: Path,
    spots: Sequence[Spot],
    after_s: float = 0.0,
    length: float = 200.0,
    begin: float = 0.0,
    sigma: float = 1.0,
    classes: Sequence[str] = CLASSES,
    crops: int = 2,
    **report: Any,
) -> Path:
    """One line to the east at 10 m/s and one frame a second, from ``begin`` to ``length`` metres, which sees each of
    ``spots`` once. ``after_s``: seconds after `BEGAN`. ``report``: fields of report.json that are others.
    """
    (folder / "crops").mkdir(parents=True)
    began = BEGAN + timedelta(seconds=after_s)
    seen: dict[int, list[dict[str, Any]]] = {}
    tracks, animals = [], dict[str, list[list[int]]]()
    for number, (east, north, label) in enumerate(spots, 1):
        second = round(east / 10)
        lat, lon = place(east, north)
        box = {"box": [10, 20, 30, 40], "score": 0.95, "label": label, "class": classes[label], "track": number}
        seen.setdefault(second, []).append({**box, "position": [lat, lon, sigma]})
        names = [f"crops/{number:06d}-{i}.png" for i in range(1, crops + 1)]
        for i, name in enumerate(names):
            (folder / name).write_bytes(png(100 + 10 * i))
        tracks.append(
            line(
                number,
                label=label,
                name=classes[label],
                first_seq=second,
                last_seq=second,
                best_seq=second,
                first_t=T0 + second - 0.5,
                last_t=T0 + second + 0.5,
                first_utc=None,
                last_utc=None,
                frames=1,
                score=0.95,
                position=GroundPosition(lat, lon, sigma),
                crops=names,
            )
        )
        animals.setdefault(classes[label], []).append([number])
    lines: list[Any] = [
        {"format": 1, "frame": {"width": 640, "height": 512}, "crop": None, "classes": list(classes), "model": "tiny"}
    ]
    for second in range(int(begin / 10), int(length / 10) + 1):
        where = [*place(10.0 * second, 0.0), 60.0, 90.0, -90.0, 0.0]
        found = seen.get(second, [])
        lines.append({"seq": second, "t": T0 + second, "utc": None, "flags": [], "pose": where, "detections": found})
    write(folder / "detections.jsonl", lines)
    (folder / "tracks.jsonl").write_bytes(b"".join(msgspec.json.encode(track) + b"\n" for track in tracks))
    moment = {"t": T0, "utc": began.isoformat(timespec="milliseconds"), "state": "synchronised", "by": "system"}
    write(folder / "clock.jsonl", [{**moment, "jump_s": None}])
    counts = {
        name: {"tracks": len(ids), "count": len(ids), "low": len(ids), "high": len(ids) + 1, "level": 0.9,
               "method": "by hand", "animals": ids}
        for name, ids in animals.items()
    }  # fmt: skip
    (folder / "counts.json").write_text(json.dumps(counts))
    said = {
        "frames": len(lines) - 1,
        "ended": "end of source",
        "started": began.isoformat(),
        "model": "tiny",
        "model_files": {"model.onnx": "ab" * 32},
        "position": {
            "placed": len(spots), "refused": {}, "camera": "a lens", "intrinsics": LENS,
            "ground": "level, 0 m above that below the camera", "assumed": [],
        },
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps({**said, **report}))
    return folder


def write(path: Path, lines: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
