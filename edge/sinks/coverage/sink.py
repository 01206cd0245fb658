"""The sink behind ``--coverage``: feeds the map of the flight, and writes its files while it flies and at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2

from edge.data import Result
from edge.errors import SinkError
from edge.geo.coverage.coverage import Coverage
from edge.seams import Sink
from edge.sinks.coverage.geojson import coverage_geojson
from edge.sinks.coverage.picture import draw_coverage
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of, write_private

FILE, PICTURE = "coverage.geojson", "coverage.png"
EVERY_S = 5.0  # between two looks for gaps, and two files
DEPTH = 120  # results with their pixels that wait while gaps are looked for: 4 s at 30 Hz, 120 MB at 640x512
REST = 20  # times as long as that took: at most a twentieth of one thread's time


class CoverageSink(Sink):
    """Writes ``coverage.geojson`` at ``path`` every 5 s and at the end, and ``coverage.png`` beside it at the end;
    without ground that was seen neither. ``clock``: seconds.

    Raises SinkError where a file cannot be written.
    """

    def __init__(self, path: Path, coverage: Coverage, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._coverage, self._clock = path, coverage, clock
        self._next, self._behind, self._closed = clock() + EVERY_S, False, False

    def write(self, result: Result) -> None:
        """Note the ground of one result; look for gaps if that is due."""
        self._coverage.add(result)
        self._behind = True
        self.idle()

    def idle(self) -> None:
        """Look for gaps, if the last time is long enough ago and there is something new."""
        begin = self._clock()
        if self._behind and begin >= self._next:
            self._look(ended=False)
            now = self._clock()
            self._next, self._behind = now + max(EVERY_S, REST * (now - begin)), False

    def close(self) -> None:
        """Both files, of the whole flight. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._look(ended=True)
        picture = draw_coverage(self._coverage, self._coverage.state.findings)
        if picture is not None:
            done, data = cv2.imencode(".png", picture)
            if not done:
                raise SinkError("OpenCV cannot encode the map of what was searched")
            self._keep(self._path.with_name(PICTURE), data.tobytes())

    def _look(self, ended: bool) -> None:
        state = self._coverage.look_through(ended)
        if state.looks:
            coverage = self._coverage
            self._keep(self._path, coverage_geojson(state.findings, coverage.search.in_words, coverage.assumed))

    @staticmethod
    def _keep(path: Path, data: bytes) -> None:
        try:
            write_private(path, data)
        except OSError as error:
            raise SinkError(f"cannot write {path}: {reason_of(error)}: free some space") from None


def spec_of(coverage: Coverage) -> SinkSpec:
    """The sink of one flight's map."""

    def make(to: SinkContext) -> CoverageSink:
        return CoverageSink(to.path, coverage)

    return SinkSpec("coverage", FILE, make, depth=DEPTH, beside=(PICTURE,))
