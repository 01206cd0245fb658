"""What recording costs: milliseconds to encode and decode a frame, how much it shrinks, and the whole writer.

python benchmarks/speed/recording.py [frames]

``write``: encode and hand to the disk of the working folder, as `RecordingWriter` does in its own thread;
``MB/s``: raw pixels a second at the median of it, ``30 Hz``: what the recording of a camera then takes on disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from edge.camera import open_camera
from edge.data import Frame
from edge.recording import Origin, Recording, RecordingWriter, codec

RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "raw16"


def sources(count: int) -> dict[str, list[Frame]]:
    """Frames by name: a simulated flight, and real radiometric stills where they are at hand."""
    with open_camera(f"sim:live=0,frames={count},ffc_interval=0") as camera:
        found = {"simulated flight": list(iter(camera.read, None))}
    for path in sorted(RAW.glob("*_raw16.npy")):
        found[path.stem] = [Frame(np.load(path), seq, seq / 30) for seq in range(count)]
    found["simulated, 8 bit"] = [
        Frame((f.pixels >> 4).astype(np.uint8), f.seq, f.t_capture) for f in found["simulated flight"]
    ]
    return found


def milliseconds(step: Callable[[Frame], object], frames: list[Frame]) -> tuple[float, float]:
    """``(median, p95)`` of the step."""
    took = []
    for frame in frames:
        start = time.perf_counter()
        step(frame)
        took.append((time.perf_counter() - start) * 1e3)
    median, p95 = np.percentile(took, [50, 95])
    return float(median), float(p95)


def main(count: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    encode = codec.Encoder()
    print(f"{count} frames each, one core, numpy {np.__version__}, {codec.NAME}")
    print(
        f"{'frames':<26}{'size':>12}{'ratio':>7}{'encode ms, p95':>18}{'decode ms, p95':>18}{'write ms, p95':>18}"
        f"{'MB/s':>7}{'30 Hz':>12}"
    )
    for name, frames in sources(count).items():
        height, width = frames[0].pixels.shape
        bits = 8 * frames[0].pixels.itemsize
        coded = {frame.seq: encode(frame.pixels) for frame in frames}
        ratio = sum(f.pixels.nbytes for f in frames) / sum(map(len, coded.values()))

        def decode(frame: Frame, coded: dict[int, bytes] = coded, shape: tuple[int, int, int] = (height, width, bits)):
            return codec.decode(coded[frame.seq], *shape)

        with tempfile.TemporaryDirectory(dir=".") as folder:
            writer = RecordingWriter(Path(folder) / "r", Origin(name, True, 30.0), reserve=0)
            figures = [milliseconds(step, frames) for step in (lambda f: encode(f.pixels), decode, writer.write)]
            writer.close()
            assert all(
                np.array_equal(a.pixels, b.pixels) for a, b in zip(frames, Recording(writer.folder), strict=True)
            )
        size = frames[0].pixels.nbytes
        row = "".join(f"{median:>11.2f},{p95:>6.2f}" for median, p95 in figures)
        print(
            f"{name:<26}{f'{width}x{height}x{bits}':>12}{ratio:>7.2f}{row}{size / figures[-1][0] / 1e3:>7.0f}"
            f"{30 * size / ratio / 1e6:>7.1f} MB/s"
        )


if __name__ == "__main__":
    run(lambda: main(number_of("frames", 100)))
