"""The folder of a small flight for tests of the review: tracks, faint tracks, pictures, a recording; by the real sinks,
without a model.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from edge.data import Detections, Faint, Frame, Result, TemperatureScale
from edge.recording.contents import Origin
from edge.recording.writer import RecordingWriter
from edge.sinks.faint import FaintSink
from edge.sinks.jsonl import JsonlSink
from edge.sinks.tracks.jsonl import TracksSink

CLASSES = ("Person", "Animal", "Car")
WIDTH, HEIGHT, SHOWN = 160, 128, 0.5
BEGAN = datetime(2026, 5, 1, 6, tzinfo=timezone.utc)
FPS = 10.0


def flown(folder: Path, tracks: int = 6, faint: int = 2, frames: int = 24, record: bool = True, bits: int = 16) -> Path:
    """Write one into ``folder``. Track n is seen from frame n on, but in each seventh, its class is n modulo 3; the
    faint ones from the first frame to the last but four. Every third track is small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    thresholds = dict.fromkeys(CLASSES, SHOWN)
    sinks = (
        JsonlSink(folder / "detections.jsonl", CLASSES, model="tiny", thresholds=thresholds),
        TracksSink(folder / "tracks.jsonl", CLASSES, reserve=0),
        FaintSink(folder / "faint.jsonl", CLASSES),
    )
    writer = RecordingWriter(folder / "recording", Origin("a test", True, FPS), reserve=0) if record else None
    for seq in range(frames):
        result = result_of(seq, tracks, faint, frames, bits)
        for sink in sinks:
            sink.write(result)
        if writer:
            writer.write(result.frame)
    for sink in sinks:
        sink.close()
    if writer:
        writer.close()
    (folder / "report.json").write_text('{"started": "2026-05-01T06:00:00+00:00"}')
    return folder


def box_of(number: int, seq: int) -> tuple[float, float, float, float]:
    """Where a body is: each in a row of its own, and each moves to the right, and begins again at the left."""
    side = 6.0 if number % 3 == 0 else 12.0
    x, y = (4.0 + seq * 2 + 20 * (number % 4)) % (WIDTH - 14), 4.0 + 14 * (number % 8)
    return x, y, x + side, y + side


def result_of(seq: int, tracks: int, faint: int, frames: int, bits: int = 16) -> Result:
    """One frame: warm bodies on even ground."""
    high = 30_000 if bits == 16 else 100
    pixels = np.full((HEIGHT, WIDTH), high, np.uint16 if bits == 16 else np.uint8)
    pixels += (np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 5).astype(pixels.dtype)
    found: list[tuple[tuple[float, float, float, float], float, int, int]] = []
    for n in range(1, tracks + faint + 1):
        x1, y1, x2, y2 = box = box_of(n, seq)
        hidden = n <= tracks and (seq < n or seq % 7 == 0)
        if hidden or (n > tracks and seq >= frames - 4):
            continue
        pixels[int(y1) : int(y2), int(x1) : int(x2)] += 20 + 10 * n
        score = 0.5 + 0.05 * (n % 10) if n <= tracks else 0.3
        found.append((box, score, n % 3, n))
    boxes = np.array([f[0] for f in found], np.float32).reshape(-1, 4)
    scores, labels = np.array([f[1] for f in found], np.float32), np.array([f[2] for f in found], np.int32)
    ids = np.array([f[3] for f in found], np.int32)
    every = Detections(boxes, scores, labels, WIDTH, HEIGHT, track_ids=ids)
    shown = scores >= SHOWN
    ended = tuple(range(tracks + 1, tracks + faint + 1)) if seq == frames - 1 else ()
    scale = TemperatureScale(0.01) if bits == 16 else None
    frame = Frame(pixels, seq, 100 + seq / FPS, utc=BEGAN + timedelta(seconds=seq / FPS), temperature=scale)
    grey = np.clip(pixels.astype(np.int64) - high, 0, 255).astype(np.uint8)
    return Result(
        frame=frame,
        detections=every.where(shown),
        t_result=100 + seq / FPS,
        picture=grey,
        t_source=seq / FPS,
        faint=Faint(every, shown, ended),
    )
