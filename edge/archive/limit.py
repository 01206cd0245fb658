"""A worker that stands still, in a driver or at a disk, is ended, and where it stood is kept.

A thread of the C library's does it (`faulthandler`), so that it also ends a call that holds Python's interpreter. Not
even that ends a process that the kernel itself holds: Dask gives its unit to another worker once it has not been heard
for five minutes.
"""

from __future__ import annotations

import faulthandler
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edge.archive.unit import Unit
from edge.seams import Closing
from edge.system.files import read_limited

STILL_S = 900.0  # without a frame: a disk that wakes up, a graph that is compiled, a long video that is opened
TIMES = 10  # as many frames as there should be, and no more: a source may give the last one for ever
RENEW_S = 5.0  # between two renewals: each begins a thread
MAX_SAID = 1 << 20
STDERR = 2
STOOD = re.compile(r'File "(.*)", line (\d+) in (.*)')
OWN = re.compile(r'File ".*[/\\]work\.py", line \d+ in detect')


class Limit(Closing):
    """Of one unit: its process ends where no frame has come for `STILL_S`, with exit code 1.

    ``said`` then holds where each of its threads stood; else that file is gone in the end. One at a time in a process.
    ``clock``: seconds. Raises OSError where the file cannot be made.
    """

    def __init__(self, unit: Unit, said: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = TIMES * (unit.bytes if unit.frames is None else unit.frames)  # a frame has a byte at least
        self._said, self._clock, self._renewed, self._came = said, clock, clock(), 0
        self._file: BinaryIO = said.open("wb", buffering=0)
        self._renew()

    def frame(self, _result: object = None) -> None:
        """To be called with each that came."""
        self._came += 1
        if self._came <= self._most and self._clock() - self._renewed >= RENEW_S:
            self._renew()

    def close(self) -> None:
        """May be called twice."""
        if not self._file.closed:
            faulthandler.cancel_dump_traceback_later()
            self._file.close()
            self._said.unlink(missing_ok=True)

    def _renew(self) -> None:
        self._renewed = self._clock()
        faulthandler.dump_traceback_later(STILL_S, exit=True, file=self._file)


@contextmanager
def limited() -> Iterator[None]:
    """The process ends where the block takes longer than `STILL_S`; where it stood is told to standard error."""
    faulthandler.dump_traceback_later(STILL_S, exit=True, file=STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def why_ended(said: Path) -> str | None:
    """Why a process was ended that had a `Limit`, in words; None: it was not."""
    try:
        text = read_limited(said, MAX_SAID).decode("utf-8", "backslashreplace")
    except OSError:
        return None
    if not text:
        return None
    own = next((part for part in text.split("\nThread ") if OWN.search(part)), "")
    stood = STOOD.search(own)
    where = f"; it stood in {stood[3]} ({stood[1]}, line {stood[2]})" if stood else ""
    return f"no frame came for {STILL_S:g} s, and its worker was ended{where}"
