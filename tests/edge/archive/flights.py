"""Small flights to plan and detect in."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

from edge.archive.job import Job, Options
from edge.archive.unit import FileStamp, Unit
from edge.data import Frame
from edge.recording.contents import Origin
from edge.recording.writer import RecordingWriter

SHAPE = (32, 40)


def still(path: Path, seed: int = 0) -> Path:
    """An 8-bit grey picture."""
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(60, 120, SHAPE, dtype=np.uint8))
    return path


def record(folder: Path, segments: int, frames: int = 4) -> Path:
    """A recording of so many segments, of so many frames each, 10 a second."""
    clock = [0.0]
    origin = Origin("a camera", live=False, fps=10.0)
    writer = RecordingWriter(folder, origin, reserve=0, segment_s=frames / 10 - 0.05, clock=lambda: clock[0])
    rng = np.random.default_rng(5)
    for seq in range(segments * frames):
        counts = rng.integers(29000, 30000, SHAPE, dtype=np.uint16)
        utc = datetime.fromtimestamp(1_750_000_000 + seq / 10, timezone.utc)
        writer.write(Frame(counts, seq, 100 + seq / 10, utc=utc))
        clock[0] += 0.1
    writer.close()
    assert len(list(folder.iterdir())) == segments
    return folder


def unit_of(*files: Path, sha256: str = "ab" * 32, number: int = 0, of: int = 1) -> Unit:
    """Of stills, as they are now."""
    stamps = [FileStamp(str(path), path.stat().st_size, path.stat().st_mtime_ns, "00" * 32) for path in files]
    return Unit(
        flight=str(files[0].parent),
        number=number,
        of=of,
        kind="stills",
        source=tuple(map(str, files)),
        pose=None,
        frames=len(files),
        bytes=sum(stamp.bytes for stamp in stamps),
        sha256=sha256,
        files=tuple(stamps),
    )


def null_job() -> Job:
    """That finds nothing."""
    return Job.of(None, Options(backend="null"))
