"""Limits of `edge/measure`: measuring."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "measure.meter": {
        "RECENT": (100, "results; chosen"),
        "RECENT_LATENCY": (662, "results: what p99 needs, see measure.percentiles"),
    },
    "measure.average_precision": {"ALL": ((0.0, float("inf")), "px^2: every size")},
    "measure.histogram": {
        "ERROR": (0.001, "docs and report.json promise 0.1 %"),
        "LEAST": (1e-4, "ms: 0.1 us, below the clock's step"),
        "MOST": (1e8, "ms: 28 hours"),
    },
    "measure.track_lines": {"MAX_BYTES": (256 * MIB, "chosen: half a million tracks of 500 bytes")},
    "measure.read_detections": {"MAX_LINE": (4 * MIB, "thousands of detections in one frame")},
    "measure.labelled_frames": {"MOST_BYTES": (1 << 30, "COCO's own largest has 470 MB")},
    "measure.faint_lines": {
        "FAINT_FROM": (1_000_000_000, "chosen: half of what an int32 holds, and no flight has as many tracks"),
        "MOST_PLACES": (64, "chosen: two seconds at 30 Hz, and 3 kB a line"),
    },
}
