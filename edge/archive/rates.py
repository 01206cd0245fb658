"""How many processes of how many threads detect most on this machine: measured, as no rule holds for all of them.

``python -m edge.archive.rates MODEL BACKEND THREADS SECONDS`` prints the frames that one process detects in a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from edge.engine import open_engine
from edge.errors import EngineError

SECONDS = 4.0
LOAD_S = 300.0  # no engine takes longer to load
GPUS = Path("/proc/driver/nvidia/gpus")  # a folder for each, by NVIDIA's driver
GAIN = 1.05  # more processes take more memory: they must bring that much


def splits(cores: int) -> list[tuple[int, int]]:
    """``(processes, threads of each)`` that use all cores, few processes first: one, a half, all."""
    counts = sorted({1, max(1, cores // 4), max(1, cores // 2), cores})
    return [(count, cores // count) for count in counts]


def gpus() -> list[str]:
    """NVIDIA's GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        here = [str(number) for number, _ in enumerate(GPUS.iterdir())]
    except OSError:
        return []
    return here if visible is None else [name.strip() for name in visible.split(",") if here and name.strip()]


def best_split(model: str, backend: str, cores: int, seconds: float = SECONDS) -> tuple[int, int, dict[str, float]]:
    """``(processes, threads, frames a second by "PROCESSES x THREADS")``: the split that detects most, on grey frames.

    Raises EngineError where none detects anything.
    """
    if backend == "null":  # computes nothing
        return cores, 1, {}
    rates: dict[str, float] = {}
    best: tuple[float, int, int] | None = None
    for processes, threads in splits(cores):
        rate = _rate(model, backend, processes, threads, seconds)
        rates[f"{processes} x {threads}"] = round(rate, 2)
        if rate and (best is None or rate > GAIN * best[0]):
            best = rate, processes, threads
    if best is None:
        raise EngineError(f"no process with the engine {backend} of {model} detected anything: try edge bench")
    return best[1], best[2], rates


def _rate(model: str, backend: str, processes: int, threads: int, seconds: float) -> float:
    """Of so many at once. One that fails, for lack of memory for instance, makes it 0."""
    words = [sys.executable, "-m", "edge.archive.rates", model, backend, str(threads), str(seconds)]
    running = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(processes)
    ]
    total, failed = 0.0, False
    for child in running:
        try:
            said = child.communicate(timeout=LOAD_S)[0]
            total += float(said or "nan")
        except (subprocess.TimeoutExpired, ValueError):
            child.kill()
            child.communicate()
            failed = True
    return 0.0 if failed or not total > 0 else total


def frames_a_second(model: str, backend: str, threads: int, seconds: float) -> float:
    """Of one process, over at least ``seconds`` and three frames, the first frame not counted."""
    with open_engine(model, backend, threads) as engine:
        image = np.full((engine.bundle.height, engine.bundle.width), 90, np.uint8)
        engine.infer(image)
        count, begun = 0, time.monotonic()
        while count < 3 or time.monotonic() - begun < seconds:
            engine.infer(image)
            count += 1
        return count / (time.monotonic() - begun)


if __name__ == "__main__":
    print(frames_a_second(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
