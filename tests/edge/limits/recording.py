"""Limits of `edge/recording`: recordings."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "recording.codec": {"LEVEL": (1, "benchmarks/speed/recording.py: level 3 takes twice the time for the same size")},
    "recording.contents": {
        "FORMAT": (1, "kept flights of tests/edge/kept/v1"),
        "MAX_TEXT": (2048, "characters; chosen"),
    },
    "recording.format": {
        "MAX_META": (65536, "bytes; chosen"),
        "MAX_PIXEL_BYTES": (64 * MIB, "two times 4096x4096 counts; chosen"),
        "MAX_PAYLOAD": (65 * MIB, "and what noise grows by"),
    },
    "recording.reader": {"END_WITHIN": (4096, "bytes; chosen: a page")},
    "recording.recorder": {
        "FULL_S": (0.005, "chosen: a sixth of a frame at 30 Hz"),
        "DEPTH": (64, "chosen: 2 s at 30 Hz, 42 MB of 640x512 in 16 bit"),
    },
    "recording.replay": {"LONGEST_WAIT_S": (5.0, "an outage of an hour is not sat out")},
    "recording.writer": {
        "SEGMENT_S": (60.0, "chosen: a lost file costs a minute at most"),
        "SEGMENT_BYTES": (256 * MIB, "FAT takes no file over 4 GiB"),
        "SYNC_S": (0.5, "README: a power cut costs at most the last second"),
        "RESERVE_BYTES": (256 * MIB, "chosen: the detections outlive the recording"),
        "PARTS": (4, "removing one leaves three quarters of the budget"),
        "END_BYTES": (128, "more than an end mark takes"),
    },
    "recording.verify": {"MOST_BYTES": (8 << 30, "a million frames with crowds in them")},
}
