"""Detections have a second place: where the first one cannot be written, they go on in the spare one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from edge.data import Result
from edge.errors import InputError, SinkError
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.caution import caution
from edge.system.files import private_folder, reason_of

MOST = 1000  # files of one name in a spare folder: then nobody looks after it

log = logging.getLogger(__name__)


class Spare:
    """A folder beside that of the run, best on another disk. ``moved``: where detections went on, from which frame on,
    and why; None: they never had to. ``error``: the same for whoever ends the run.
    """

    def __init__(self, folder: Path, run: str) -> None:
        """``run``: a name for what is written there. Raises InputError where the folder cannot be made or written."""
        self._folder, self._run = folder, run
        self.moved: dict[str, object] | None = None
        self.error: SinkError | None = None
        try:
            private_folder(folder)
        except OSError as error:
            raise InputError(f"--spare {folder}: {reason_of(error)}: give another folder") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"--spare {folder} cannot be written: give another folder or fix its permissions")

    def beside(self, out: Path, specs: Sequence[SinkSpec]) -> list[SinkSpec]:
        """The same sinks, of which the essential ones have this place to go on in. It is said where it is on the disk
        of ``out``, which is there: it will be as full as that.
        """
        if self._folder.stat().st_dev == out.stat().st_dev:
            said = "--spare %s is on the disk of %s: it helps against neither a full nor a broken one"
            caution(log, said, self._folder, out)
        return [
            replace(spec, make=partial(Spared, spec.make, spare=self)) if spec.essential else spec for spec in specs
        ]

    def path(self, name: str) -> Path:
        """Of a new file; nothing is overwritten. Raises SinkError where there are too many."""
        stem, dot, end = name.partition(".")
        for n in range(1, MOST):
            path = self._folder / f"{self._run}-{stem}{'' if n == 1 else f'-{n}'}{dot}{end}"
            if not os.path.lexists(path):
                return path
        raise SinkError(f"--spare {self._folder} holds {MOST} files of {self._run}: remove those of before")


class Spared(Sink):
    """A sink of a run; after its first error another one of the kind, in the spare folder, from that result on."""

    def __init__(self, make: Callable[[SinkContext], Sink], to: SinkContext, spare: Spare) -> None:
        self._make, self._to, self._spare = make, to, spare
        self._sink = make(to)

    def write(self, result: Result) -> None:
        """Take one result. Raises SinkError where the spare place fails, too."""
        try:
            self._sink.write(result)
        except SinkError as error:
            self._move(error, result.frame.seq)
            self._sink.write(result)

    def idle(self) -> None:
        try:
            self._sink.idle()
        except SinkError as error:
            self._move(error, None)

    def close(self) -> None:
        self._sink.close()

    def _move(self, error: SinkError, seq: int | None) -> None:
        if self._spare.moved is not None:
            raise error
        path = self._spare.path(self._to.path.name)
        before, self._sink = self._sink, self._make(replace(self._to, path=path))
        self._spare.moved = {"file": str(path), "from_seq": seq, "because": str(error)}
        self._spare.error = SinkError(f"{error}; detections go on in {path}")
        with suppress(SinkError):
            before.close()
