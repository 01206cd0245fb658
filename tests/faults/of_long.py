"""Row: a long flight stays as small as it began."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tests.faults.flights import Flight
from tests.faults.row import Field, Row, Seen
from tests.faults.words import of_file, run

EACH_S = 1.0
SETTLED = 0.1  # of the flight, before anything counts
LEAST = 10  # looks for a fit
# 1.5 MiB in a million frames were measured; a short flight is not fine enough for a slope
MOST_SLOPE, MOST_GROWN = 16.0, 4.0  # MiB in a million frames, MiB in all
PAGE = os.sysconf("SC_PAGE_SIZE")


def long_flight(field: Field) -> Seen:
    """`Field.frames` frames from memory, the null engine, recorded with a budget of 4 MB."""
    seen = Seen()
    out = Path(field.hangar.place("long"), "out")
    words = run(field, of_file(field.frames), out, "--record", "--record-budget", "4MB", "--csv", "--quiet")
    flight = field.hangar.start(words, out, inside=("frames from memory", 0.0))
    looks: list[tuple[int, float, int, int]] = []
    while flight.goes_on():
        looks += _look(flight)
        flight.until(lambda: False, EACH_S)
    seen.ended(flight.end(ROW.budget_s), (0,))
    bytes_ = max((out / "detections.jsonl").stat().st_size, 1)
    later = [look for look in looks if look[0] >= SETTLED * bytes_]
    lines = flight.lines()
    seen.require(lines == field.frames, f"{lines} lines, expected {field.frames}")
    seen.said = "nothing"
    seen.kept = f"{lines} lines"
    seen.require(len(later) >= LEAST, f"{len(later)} looks: give more --frames")
    if len(later) < LEAST:
        return seen
    size, memory, files, threads = np.array(later).T
    slope = float(np.polyfit(size / bytes_ * lines / 1e6, memory, 1)[0])
    grown = float(memory[-3:].mean() - memory[:3].mean())
    rate = lines / seen.took_s
    seen.kept += f"; {rate:.0f} frames/s, memory {slope:+.2f} MiB in a million frames, {grown:+.2f} MiB in all"
    seen.kept += f"; {files.max():.0f} files, {threads.max():.0f} threads at most"
    seen.require(slope <= MOST_SLOPE or grown <= MOST_GROWN, f"memory grows: {slope:+.1f} MiB in a million frames")
    seen.require(np.median(files[-5:]) <= np.median(files[:5]), f"open files: {files[:5]} .. {files[-5:]}")
    seen.require(np.median(threads[-5:]) <= np.median(threads[:5]), f"threads: {threads[:5]} .. {threads[-5:]}")
    return seen


def _look(flight: Flight) -> list[tuple[int, float, int, int]]:
    """Bytes of detections, MiB of memory, open files and threads, now; [] where it has ended."""
    at = Path(f"/proc/{flight.pid}")
    try:
        memory = int((at / "statm").read_text().split()[1]) * PAGE / (1 << 20)
        size = (flight.out / "detections.jsonl").stat().st_size
        return [(size, memory, len(os.listdir(at / "fd")), len(os.listdir(at / "task")))]
    except (OSError, IndexError):
        return []


ROW = Row(
    "a long flight: memory, open files, threads",
    long_flight,
    4 * 3600.0,
    "failed: 32.7 MiB more in a million frames; counts.json kept the footprint of every half second",
)
LONG = [ROW]
