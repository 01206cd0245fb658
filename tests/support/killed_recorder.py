"""Records in a process of its own, kills it with SIGKILL at a random moment, and reads back what is there.

Every second one is not killed before some frames were handed to the system, however busy the machine is.

python tests/support/killed_recorder.py FOLDER ROUNDS SEED

Prints the rounds and how many of them died with frames on the disk; fails with an AssertionError.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.data import Frame
from edge.errors import SourceError
from edge.recording import Origin, Recording, RecordingWriter
from edge.recording.recorder import Recorder

NOISE = np.random.default_rng(0).integers(0, 4096, (60, 80), dtype=np.uint16)
SEGMENT = 64 << 10  # about nine frames
BUDGET = 4 * SEGMENT
MOST_S = 60.0  # for the first frames of a recorder


def frame(seq: int) -> Frame:
    return Frame(np.roll(NOISE, seq) + np.uint16(seq), seq, seq / 100)


def record_until_killed(folder: Path, budget: int | None, progress: mmap.mmap) -> None:
    """Tells in ``progress`` how many frames the recorder has handed to the system."""
    writer = RecordingWriter(folder, Origin("test", False, None), budget, reserve=0, segment_bytes=SEGMENT, sync_s=0.02)
    recorder = Recorder(writer, lossless=True, depth=4)
    seq = 0
    while True:
        recorder.write(frame(seq))
        assert recorder.error is None, recorder.error
        seq += 1
        struct.pack_into("<q", progress, 0, writer.frames)


def check(folder: Path, written: int, budget: int | None) -> int:
    """How many frames could be read: all that were handed to the system, each as it was."""
    try:
        recording: Recording | None = Recording(folder)
    except SourceError:
        recording = None
    frames = list(recording) if recording else []
    if recording is None or not frames:
        assert written == 0, f"{written} frames were written, none is there"
        return 0
    seqs = [f.seq for f in frames]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), f"gaps: {seqs}"
    assert seqs[-1] + 1 >= written, f"frame {seqs[-1]} is the last, {written} were written"
    assert seqs[0] == 0 or budget is not None
    for f in frames:
        assert np.array_equal(f.pixels, frame(f.seq).pixels)
        assert f.t_capture == f.seq / 100
    told = [loss for loss in recording.losses if "were removed" not in loss]
    assert len(told) == 1, told  # the one thing to tell: that it was not closed
    return len(frames)


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    progress = mmap.mmap(-1, 8)
    filled = 0
    for number in range(rounds):
        where = folder / str(number)
        struct.pack_into("<q", progress, 0, 0)
        budget = BUDGET if number % 2 else None
        delay = chance.uniform(0, 0.1)
        child = os.fork()
        if child == 0:
            try:
                record_until_killed(where, budget, progress)
            finally:
                os._exit(99)  # only a failure comes here
        least = chance.randrange(1, 60) if number % 4 > 1 else 0
        time.sleep(delay)
        last = time.monotonic() + MOST_S
        while struct.unpack_from("<q", progress, 0)[0] < least and time.monotonic() < last:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"round {number}: the recorder ended by itself"
        written = struct.unpack_from("<q", progress, 0)[0]
        if where.exists():
            filled += check(where, written, budget) > 0
        shutil.rmtree(where, ignore_errors=True)
    print(rounds, filled)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
