"""``detections.jsonl``: one line a processed frame, append-only, on disk at most a second later, frames or not."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.data import Result
from edge.errors import SinkError
from edge.measure.detections_json import to_json
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of


class JsonlSink(Sink):
    """Appends each result as `edge.measure.detections_json.to_json` makes it.

    Every line is handed to the system at once and forced to the disk once a second; a power cut can leave one partial
    last line.

    Raises SinkError where the file cannot be opened or written.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        sync_s: float = 0.7,
    ) -> None:
        self._path, self._classes, self._clock, self._sync_s = path, classes, clock, sync_s
        self._synced, self._unsynced = clock(), False
        try:
            # unbuffered: what write() accepted is with the system, and nothing is left over after a failure
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise SinkError(f"cannot open {path}: {reason_of(error)}") from None

    def write(self, result: Result) -> None:
        """Append one line."""
        try:
            data = json.dumps(to_json(result, self._classes), separators=(",", ":")).encode() + b"\n"
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._failed(error) from None
        self._unsynced = True
        self.idle()

    def idle(self) -> None:
        """Force what was written to the disk, if the last time is long enough ago."""
        if not self._unsynced or self._clock() - self._synced < self._sync_s:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None
        self._synced, self._unsynced = self._clock(), False

    def close(self) -> None:
        """Force the rest to the disk and close. May be called twice."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None
        finally:
            self._file.close()

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(f"cannot write {self._path}: {reason_of(error)}: free some space or give another --out")


def _make(to: SinkContext) -> JsonlSink:
    return JsonlSink(to.path, to.classes)


SPEC = SinkSpec("detections", "detections.jsonl", _make, lossless=True, depth=1000, essential=True)
