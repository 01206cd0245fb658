"""Faults in a worker of the real command: Dask loads this module in each worker before its first unit.

``DASK_DISTRIBUTED__WORKER__PRELOAD`` names it, and ``EDGE_ARCHIVE_FAULT`` has a `Fault` as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "EDGE_ARCHIVE_FAULT"
ANEW_S = 20.0  # a worker that is started anew takes so long: longer than Dask's own 15 s
STILL_S = 20.0  # for 15 minutes: other units take a second, on a busy machine ten


@dataclass(frozen=True)
class Fault:
    """``what``: a name of `KINDS`; ``at``: the still at which it happens; ``until``: a file that ends it."""

    what: str
    at: str = ""
    until: str = ""

    def environment(self) -> dict[str, str]:
        """Of the command, its workers get it from there."""
        mine = {NAME: json.dumps(asdict(self)), "DASK_DISTRIBUTED__WORKER__PRELOAD": __name__}
        return {**os.environ, **mine}


def dask_setup(_worker: Any) -> None:
    """Called by Dask."""
    fault = Fault(**json.loads(os.environ[NAME]))
    KINDS[fault.what](fault)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at(fault: Fault, happen: Callable[[], None]) -> None:
    from edge.archive import work

    real = work.run  # type: ignore[attr-defined]

    def run(settings: Any, **more: Any) -> Any:
        if fault.at in settings.source:
            happen()
        return real(settings, **more)

    work.run = run  # type: ignore[attr-defined]


def dies(fault: Fault) -> None:
    """And the next one takes `ANEW_S` to start, as on a busy machine; ``until``: a file that tells it."""
    if Path(fault.until).exists():
        time.sleep(ANEW_S)

    def die() -> None:
        Path(fault.until).touch()
        _die()

    _at(fault, die)


def hangs(fault: Fault) -> None:
    """In C, with Python's interpreter in its hand."""
    from edge.archive import limit

    limit.STILL_S = STILL_S

    def hold() -> None:
        ctypes.PyDLL(None).pause()

    _at(fault, hold)


def waits(fault: Fault) -> None:
    def wait() -> None:
        while not Path(fault.until).exists():
            time.sleep(0.05)

    _at(fault, wait)


def never_loads(_fault: Fault) -> None:
    from edge.archive import work

    work.open_engine = lambda *_words, **_more: _die()  # type: ignore[attr-defined]


def full(fault: Fault) -> None:
    """The disk below the folder ``until`` takes nothing more; the process has the library of `tests.faults.shim`."""
    from tests.faults.shim import GROWING, Disk, arm

    arm(fault.until, Disk(nth=1, on=True, which=GROWING), None)


KINDS: dict[str, Callable[[Fault], None]] = {
    "dies": dies,
    "hangs": hangs,
    "waits": waits,
    "never loads": never_loads,
    "full": full,
}
