"""An engine that ends run after run: a service starts it again and again, and nothing is ever detected.

After the third time in ten minutes ``--backend auto`` takes ONNX Runtime, which is slower, and works. What is known of
it stands in a small file, in the service's state folder or beside the folder of the run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from edge.errors import EngineError
from edge.system.files import read_limited, read_text_or_none, write_private

FILE = "thermal-edge-engine-errors.json"
MOST_BYTES = 1 << 16
DEATHS, WITHIN_S = 3, 600.0  # a start of TensorRT and its first frames take half a minute at most
MOST_TEXT = 500  # characters of an error that are kept
BOOT = Path("/proc/sys/kernel/random/boot_id")


class _Stored(msgspec.Struct):
    """``times``: seconds since this boot; a clock that may be wrong does not count."""

    boot: str = ""
    times: list[float] = []
    last: str = ""


def since_boot() -> float:
    """Seconds, those asleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class EngineDeaths:
    """Of the runs whose folder is ``out``."""

    def __init__(self, out: Path, clock: Callable[[], float] = since_boot, boot: str | None = None) -> None:
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        self.path = (Path(state) if state else out.absolute().parent) / FILE
        self._clock, self._boot = clock, (read_text_or_none(BOOT) or "") if boot is None else boot
        self.backend: str | None = None
        """What computes in this run, once that is known."""

    def why_not(self) -> str:
        """Why ``auto`` is not to take TensorRT now, in a line; "" = it may."""
        known = self._known()
        if len(known.times) < DEATHS:
            return ""
        return (
            f"TensorRT ended {len(known.times)} runs in {WITHIN_S / 60:.0f} minutes ({known.last}): ONNX Runtime takes "
            f"its place, at its own rate; remove {self.path} to try TensorRT at once"
        )

    def __call__(self, _kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """At the end of a run, as an `ExitStack` calls it: remember an error of TensorRT."""
        if isinstance(error, EngineError) and self.backend == "trt":
            known = self._known()
            known.times.append(self._clock())
            known.last = str(error)[:MOST_TEXT]
            with suppress(OSError):  # a disk that is full: then the service goes on starting it
                write_private(self.path, msgspec.json.encode(known))
        return False

    def _known(self) -> _Stored:
        """Those of this boot, of the last ten minutes."""
        try:
            stored = msgspec.json.decode(read_limited(self.path, MOST_BYTES), type=_Stored)
        except (OSError, ValueError, msgspec.MsgspecError):
            stored = _Stored()
        now = self._clock()
        times = [t for t in stored.times if now - WITHIN_S <= t <= now] if stored.boot == self._boot else []
        return _Stored(self._boot, times, stored.last)
