"""Limits of `edge/track`: tracking and counting."""

from __future__ import annotations

from typing import Any

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "track.association": {"FAINT_LIMIT": (10.0, "chosen: noise a size and a half beside costs more, see test_tracker")},
    "track.counting": {
        "MANY": (200, "chosen: 500 tracks then take about 2 s of one core"),
        "LEAST_DRAWS": (20, "benchmarks/ground/counting.py measures with as many"),
    },
    "track.herds": {
        "HERD_M": (20.0, "chosen on the first 80 flights of benchmarks/ground/counting.py, of 15, 20, 25 and 40"),
        "ROWS": (256, "chosen: of 5000 tracks 20 MB at a time"),
        "WAVES": (16, "chosen: a sum of so many is nearly normal"),
    },
    "track.merging": {"ROWS": (256, "as of herds")},
    "track.kalman": {"UNSTEADY": (6.0, "sizes a second in a second, chosen: three times an animal's")},
    "track.book": {
        "VIEWS": (3, "chosen: two could both be bad ones"),
        "APART_S": (0.5, "chosen: neighbours show the same"),
        "CONTEXT": (2.0, "chosen: the object and as much around it"),
        "LEAST_PX": (48, "chosen: a few pixels alone tell nobody anything"),
        "OVER_S": (60.0, "five times as long as a tracker waits between the rarest frames"),
        "MOST_POSITIONS": (1000, "chosen: 33 s at 30 Hz, and what one object takes of the memory is bounded"),
    },
    "track.follower": {
        "FAINT": (0.4, "chosen: 0.2 where 0.5 is shown"),
        "SQUARE": (0.02, "chosen: 6 px at the side of a picture of 640"),
    },
}
