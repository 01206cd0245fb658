"""One result as the object that ``detections.jsonl`` holds in a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.data import Result, class_name


def to_json(result: Result, classes: Sequence[str]) -> dict[str, Any]:
    """``{"seq", "t", "utc", "flags", "detections": [{"box", "score", "label", "class"}]}``, and more where there is.

    ``box``: [x1, y1, x2, y2] sensor pixels, rounded to 0.01. ``t``: monotonic seconds of the capture. ``origin``:
    the still's name. ``label``: index into ``classes``. Where the frame has a temperature scale, a detection also has
    ``"celsius": [min, mean, max]`` of its box. A frame in which the engine was not asked (closed shutter) has
    ``"inferred": false``, one whose numbers overflowed ``"overflowed": true``.
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
        if found.track_ids is not None:
            item["track"] = int(found.track_ids[i])
        if found.celsius is not None:
            item["celsius"] = [round(float(v), 2) for v in found.celsius[i]]
        if found.positions is not None:
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
    line["detections"] = detections
    if not result.inferred:
        line["inferred"] = False
    if not result.finite:
        line["overflowed"] = True
    return line
