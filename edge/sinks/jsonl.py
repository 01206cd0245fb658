"""``detections.jsonl``: a line on the file, then one a frame; append-only, on disk at most a second later, frames or
not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.data import Result
from edge.measure.detections_json import header, to_json
from edge.seams import Sink
from edge.sinks.line_file import LineFile
from edge.sinks.spec import SinkContext, SinkSpec

SYNC_S = (
    0.5  # a line is synced at most a second after it was written: 0.25 s of that are between two looks at the clock
)


class JsonlSink(Sink):
    """Appends each result as `edge.measure.detections_json.to_json` makes it, the first one behind a `header`.

    A run without results leaves an empty file: only a frame tells its size. A frame of another size, which only a
    camera of a user's own can give, says so in its line, ``"frame": {"width", "height"}``.

    Every line is handed to the system at once and forced to the disk twice a second; a power cut can leave one partial
    last line.

    Raises SinkError where the file cannot be opened or written.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        sync_s: float = SYNC_S,
        model: str | None = None,
        crop: tuple[int, int, int, int] | None = None,
        thresholds: Mapping[str, float] | None = None,
        mission: Mapping[str, str] | None = None,
    ) -> None:
        self._model, self._crop, self._thresholds, self._mission = model, crop, thresholds, mission
        self._frame: dict[str, int] | None = None  # the size that the file's first line says
        self._classes, self._clock, self._sync_s = classes, clock, sync_s
        self._synced, self._unsynced = clock(), False
        self._file = LineFile(path)

    def write(self, result: Result) -> None:
        """Append one line."""
        self._file.append(self._lines(result))
        self._unsynced = True
        self.idle()

    def _lines(self, result: Result) -> list[dict[str, Any]]:
        first = header(result, self._classes, self._model, self._crop, self._thresholds, self._mission)
        line = to_json(result, self._classes)
        if self._frame is None:
            self._frame = first["frame"]
            return [first, line]
        return [line if first["frame"] == self._frame else {**line, "frame": first["frame"]}]

    def idle(self) -> None:
        """Force what was written to the disk, if the last time is long enough ago."""
        if not self._unsynced or self._clock() - self._synced < self._sync_s:
            return
        self._file.sync()
        self._synced, self._unsynced = self._clock(), False

    def close(self) -> None:
        """Force the rest to the disk and close. May be called twice."""
        self._file.close()


def _make(to: SinkContext) -> JsonlSink:
    return JsonlSink(to.path, to.classes, model=to.model, crop=to.crop, thresholds=to.thresholds, mission=to.mission)


SPEC = SinkSpec("detections", "detections.jsonl", _make, lossless=True, depth=1000, essential=True, pixels=False)
