"""From the start of a process to its first detections, measured in a fresh child: what a reboot in flight costs.

As a program it is that child: ``python -m edge.app.bench.cold_start SETTINGS``, SETTINGS as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from edge.app.bench.settings import BenchSettings
from edge.errors import EdgeError

LONGEST_S = 300.0  # a first start on a board reads the engine from a slow card
NAMES = ("model", "source", "backend", "threads", "trust_engine", "zero_copy", "spin", "tiles")


@dataclass(frozen=True)
class ColdStart:
    """Seconds since the process was started, by the time each was done; ``error``: why there are none."""

    imported_s: float | None = None
    engine_s: float | None = None
    first_detections_s: float | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return asdict(self)


def cold_start(settings: BenchSettings, longest_s: float = LONGEST_S) -> ColdStart:
    """Start the child, and let it tell when it was so far. One that fails is no error here: the bench that follows
    says what is wrong.
    """
    words = json.dumps({name: getattr(settings, name) for name in NAMES})
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, words], capture_output=True, text=True, timeout=longest_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return ColdStart(error=f"{type(error).__name__}: the child gave no detections in {longest_s:.0f} s")
    try:
        imported, engine, first = (round(float(t) - started, 3) for t in done.stdout.split()[-3:])
    except ValueError:
        lines = done.stderr.strip().splitlines()
        return ColdStart(error=lines[-1] if lines else f"the child ended with code {done.returncode}")
    return ColdStart(imported, engine, first)


def main(words: list[str]) -> int:
    """The child: prints three times of the monotonic clock, which all processes of a machine share."""
    from edge.camera import open_camera
    from edge.engine import open_engine
    from edge.pipeline import stream

    imported = time.monotonic()
    said = json.loads(words[0])
    model, source, backend, threads = (said.pop(name) for name in NAMES[:4])
    try:
        with open_engine(model, backend, threads, **said) as engine:
            opened = time.monotonic()
            with open_camera(source, reconnect_s=0) as camera, stream(camera, engine) as results:
                for result in results:
                    if result.inferred:
                        sys.stdout.write(f"{imported} {opened} {result.t_result}\n")
                        return 0
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
