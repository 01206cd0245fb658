"""What the degrade ladder costs: nanoseconds a frame in the loop, and milliseconds for a look, once a second.

python benchmarks/speed/degrade.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.app.degrade.degrader import Degrader
from edge.data import Detections, Frame, Result
from edge.health.ladder import FULL, Rung
from edge.health.pace import Pace
from edge.health.strain import Limits

FRAMES, LOOKS = 100_000, 50


def nanoseconds(step: Callable[[], object], times: int) -> float:
    """Of one call, the fastest of five rounds."""
    rounds = []
    for _ in range(5):
        begin = time.perf_counter_ns()
        for _ in range(times):
            step()
        rounds.append((time.perf_counter_ns() - begin) / times)
    return min(rounds)


def main() -> None:
    """Print both."""
    pixels = np.zeros((512, 640), np.uint8)
    result = Result(frame=Frame(pixels, 0, 0.0), detections=Detections.none(640, 512), t_result=0.1, picture=pixels)
    pace, opened = Pace(), 0
    with tempfile.TemporaryDirectory() as folder:
        ladder = Degrader(tuple(Rung), Limits(), Path(folder), print, print)

        def frame() -> None:
            nonlocal opened
            pace.took(time.monotonic(), FULL.times)
            opened += not result.frame.shutter_closed
            if opened % FULL.every != 0 or FULL.times > 1:
                raise AssertionError
            ladder.note(result)

        each = nanoseconds(frame, FRAMES)
        look = nanoseconds(ladder.look, LOOKS)
    print(f"{each:.0f} ns a frame in the loop; {look / 1e6:.2f} ms a look in a thread of its own, once a second")


if __name__ == "__main__":
    main()
