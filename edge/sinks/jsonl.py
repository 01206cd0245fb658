"""``detections.jsonl``: one line a processed frame, append-only, on disk at most a second later."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.seams import Sink


class JsonlSink(Sink):
    """Appends ``{"seq", "t", "utc", "flags", "detections": [{"box", "score", "label", "class"}]}``.

    ``box``: [x1, y1, x2, y2] sensor pixels, rounded to 0.01. ``t``: monotonic seconds of the capture.
    ``label``: index into ``classes``. Where the frame has a temperature scale, a detection also has
    ``"celsius": [min, mean, max]`` of its box. A frame in which the engine was not asked (closed shutter)
    has ``"inferred": false``, one whose numbers overflowed ``"overflowed": true``. Every line is handed to
    the system at once and forced to the disk
    once a second; a power cut can leave one partial last line.

    Raises SinkError where the file cannot be opened or written.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        sync_s: float = 1.0,
    ) -> None:
        self._path, self._classes, self._clock, self._sync_s = path, classes, clock, sync_s
        self._synced = clock()
        try:
            # unbuffered: what write() accepted is with the system, and nothing is left over after a failure
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise SinkError(f"cannot open {path}: {error.strerror}") from None

    def write(self, result: Result) -> None:
        """Append one line."""
        try:
            data = json.dumps(to_json(result, self._classes), separators=(",", ":")).encode() + b"\n"
            while data:
                data = data[self._file.write(data) :]
            if self._clock() - self._synced >= self._sync_s:
                os.fsync(self._file.fileno())
                self._synced = self._clock()
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Force the rest to the disk and close. May be called twice."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None
        finally:
            self._file.close()

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(f"cannot write {self._path}: {error.strerror}: free some space or give another --out")


def to_json(result: Result, classes: Sequence[str]) -> dict[str, Any]:
    """One result as the object that is written."""
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
        "detections": detections,
    }
    if not result.inferred:
        line["inferred"] = False
    if not result.finite:
        line["overflowed"] = True
    return line
