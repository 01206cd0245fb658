"""Folders of runs over the same frames, made by hand: the boxes of each frame are the test's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from tests.support.track_lines import line

CLASSES = ("Person", "deer")
Box = dict[str, Any]


def box(x: float, y: float, side: float = 10.0, name: str = "Person", score: float = 0.5, **more: Any) -> Box:
    """A square with its top left corner at (x, y)."""
    label = CLASSES.index(name) if name in CLASSES else 0
    return {"box": [x, y, x + side, y + side], "score": score, "label": label, "class": name, **more}


def run(
    folder: Path,
    frames: Mapping[int, Sequence[Box]],
    *,
    classes: Sequence[str] = CLASSES,
    of_frame: Mapping[str, Any] | None = None,
    without: Sequence[int] = (),
    tracks: Sequence[dict[str, Any]] = (),
    counts: Mapping[str, Any] | None = None,
    first: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
) -> Path:
    """``frames``: the boxes by the number of the frame. ``of_frame``: more of each frame, a callable gets its number.
    ``without``: frames that were not searched. ``tracks``: changes of `track_lines.line`, with crops that are there.
    ``report``: what report.json says; None: there is none.
    """
    folder.mkdir(parents=True)
    head = {
        "format": 1,
        "frame": {"width": 200, "height": 100},
        "crop": None,
        "classes": list(classes),
        "model": folder.name,
        "thresholds": dict.fromkeys(classes, 0.25),
        **(first or {}),
    }
    lines = [head]
    for seq, found in frames.items():
        more = {name: value(seq) if callable(value) else value for name, value in (of_frame or {}).items()}
        one = {"seq": seq, "t": 100.0 + seq / 8, "utc": None, "flags": [], "detections": list(found), **more}
        lines.append({**one, "detections": [], "inferred": False} if seq in without else one)
    (folder / "detections.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    if tracks:
        told = [line(**one) for one in tracks]
        (folder / "crops").mkdir()
        for track in told:
            cv2.imwrite(str(folder / track.crops[0]), np.full((20, 20), 10 * track.track % 256, np.uint8))
        (folder / "tracks.jsonl").write_bytes(b"".join(msgspec.json.encode(track) + b"\n" for track in told))
    if counts is not None:
        (folder / "counts.json").write_text(json.dumps(counts))
    if report is not None:
        (folder / "report.json").write_text(json.dumps(report))
    return folder


def counted(count: int | None, low: int | None = 0, high: int | None = 9) -> dict[str, Any]:
    """One class of counts.json."""
    return {"tracks": 2, "count": count, "low": low, "high": high, "level": 0.9, "method": "m", "animals": [[1]]}


def mirrored(value: Any) -> Any:
    """A comparison as JSON with A and B exchanged."""
    if isinstance(value, list):
        return [mirrored(one) for one in value]
    if isinstance(value, dict):
        swap = {"a": "b", "b": "a", "only_a": "only_b", "only_b": "only_a", "unknown_a": "unknown_b"}
        swap |= {"unknown_b": "unknown_a", "not_compared_a": "not_compared_b", "not_compared_b": "not_compared_a"}
        return {swap.get(key, key): mirrored(one) for key, one in value.items()}
    return value
