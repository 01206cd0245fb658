"""``detections.jsonl``: what its first line says, and one result as the object that each line after it holds.

Files of before have no such first line: a reader passes over a line that has no ``seq``, and takes the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge.data import Result, class_name

FORMAT = 1


def header(
    result: Result,
    classes: Sequence[str],
    model: str | None,
    crop: tuple[int, int, int, int] | None,
    thresholds: Mapping[str, float] | None = None,
    mission: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The first line: ``{"format": 1, "frame": {"width", "height"}, "crop": [x, y, w, h], "classes": [...], "model",
    "thresholds": {class: score}}``.

    ``frame``: the picture that boxes are in, pixels, as of ``result``, the first one. ``crop``: where in the source's
    picture it lies; null: it is the whole. ``model``: the bundle's name. ``thresholds``: the lowest score that was
    written of each class; left out where nobody said it. ``mission``: its name and sha256, only where the run flew
    one. What the source was stands in report.json: a replay's file is the same byte for byte.
    """
    return {
        "format": FORMAT,
        "frame": _size(result),
        "crop": None if crop is None else list(crop),
        "classes": list(classes),
        "model": model,
        **({} if thresholds is None else {"thresholds": dict(thresholds)}),
        **({"mission": dict(mission)} if mission else {}),
    }


def is_header(item: object) -> bool:
    """Whether a line, as JSON gives it, is the first one of a file, and no frame."""
    return isinstance(item, dict) and "format" in item and "seq" not in item


def _size(result: Result) -> dict[str, int]:
    return {"width": result.frame.width, "height": result.frame.height}


def to_json(result: Result, classes: Sequence[str]) -> dict[str, Any]:
    """``{"seq", "t", "utc", "flags", "detections": [{"box", "score", "label", "class"}]}``, and more where there is.

    ``box``: [x1, y1, x2, y2] sensor pixels, rounded to 0.01. ``t``: monotonic seconds of the capture. ``origin``:
    the still's name, or seconds of a video's own time. ``pose``: where the frame has a whole one: latitude, longitude,
    height, yaw, pitch, roll, see `edge.Pose`. ``label``: index into ``classes``. A detection of a track has its number,
    ``"track"``; one whose place is known ``"position": [latitude, longitude, 1-sigma error in metres]``; where the
    frame has a temperature scale, ``"celsius": [min, mean, max]`` of its box. A frame in which the engine was not asked
    (closed shutter) has ``"inferred": false``, one whose numbers overflowed ``"overflowed": true``.
    """
    frame, found = result.frame, result.detections
    detections = []
    for i in range(len(found)):
        label = int(found.labels[i])
        item: dict[str, Any] = {
            "box": [round(float(v), 2) for v in found.boxes[i]],
            "score": round(float(found.scores[i]), 4),
            "label": label,
            "class": class_name(classes, label),
        }
        if found.track_ids is not None and found.track_ids[i] > 0:
            item["track"] = int(found.track_ids[i])
        if found.celsius is not None and np.isfinite(found.celsius[i]).all():  # JSON has no NaN
            item["celsius"] = [round(float(v), 2) for v in found.celsius[i]]
        if found.positions is not None and np.isfinite(found.positions[i]).all():
            latitude, longitude, error_m = (float(v) for v in found.positions[i])
            item["position"] = [round(latitude, 7), round(longitude, 7), round(error_m, 1)]
        detections.append(item)
    line: dict[str, Any] = {
        "seq": frame.seq,
        "t": round(frame.t_capture, 6),
        "utc": None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds"),
        "flags": sorted(frame.flags - {"ffc_inferred"}),  # who saw the shutter is in the report
    }
    if frame.origin is not None:
        line["origin"] = frame.origin
    if frame.pose is not None:
        pose = frame.pose
        angles = [round(float(v), 3) for v in (pose.height, pose.yaw, pose.pitch, pose.roll)]
        numbers = [round(float(pose.latitude), 8), round(float(pose.longitude), 8), *angles]
        if np.isfinite(numbers).all():  # JSON has no NaN
            line["pose"] = numbers
    line["detections"] = detections
    if not result.inferred:
        line["inferred"] = False
    if not result.finite:
        line["overflowed"] = True
    return line
