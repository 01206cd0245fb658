"""``detections.jsonl``: a line on the file, then one a frame; append-only, on disk at most a second later, frames or
not.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.data import Result
from edge.errors import SinkError
from edge.measure.detections_json import header, to_json
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of


class JsonlSink(Sink):
    """Appends each result as `edge.measure.detections_json.to_json` makes it, the first one behind a `header`.

    A run without results leaves an empty file: only a frame tells its size. A frame of another size, which only a
    camera of a user's own can give, says so in its line, ``"frame": {"width", "height"}``.

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
        model: str | None = None,
        crop: tuple[int, int, int, int] | None = None,
    ) -> None:
        self._model, self._crop = model, crop
        self._frame: dict[str, int] | None = None  # the size that the file's first line says
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
            data = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in self._lines(result))
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._failed(error) from None
        self._unsynced = True
        self.idle()

    def _lines(self, result: Result) -> list[dict[str, Any]]:
        first, line = header(result, self._classes, self._model, self._crop), to_json(result, self._classes)
        if self._frame is None:
            self._frame = first["frame"]
            return [first, line]
        return [line if first["frame"] == self._frame else {**line, "frame": first["frame"]}]

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
    return JsonlSink(to.path, to.classes, model=to.model, crop=to.crop)


SPEC = SinkSpec("detections", "detections.jsonl", _make, lossless=True, depth=1000, essential=True)
