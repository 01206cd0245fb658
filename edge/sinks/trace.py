"""``trace.jsonl``: where the time of each frame went, a line a frame, to find out why one in a hundred is slow."""

from __future__ import annotations

from pathlib import Path

from edge.data import Result
from edge.seams import Sink
from edge.sinks.line_file import LineFile
from edge.sinks.spec import SinkContext, SinkSpec


class TraceSink(Sink):
    """Writes ``{"seq", "t", "latency_ms", "stages_ms": {stage: ms}, "inferred", "dropped", "duplicates", "lost"}``.

    ``t``: monotonic seconds of the capture, as in detections.jsonl. Times are milliseconds, rounded to 0.001; what the
    stages and counts are says `Result`. A line is with the system at once and on the disk at the end: a power cut may
    cost the last seconds.

    Raises SinkError where the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._file = LineFile(path)

    def write(self, result: Result) -> None:
        """Append one line."""
        line = {
            "seq": result.frame.seq,
            "t": round(result.frame.t_capture, 6),
            "latency_ms": round(result.latency_ms, 3),
            "stages_ms": {stage: round(ms, 3) for stage, ms in result.stages_ms.items()},
            "inferred": result.inferred,
            "dropped": result.dropped,
            "duplicates": result.duplicates,
            "lost": result.lost,
        }
        self._file.append([line])

    def close(self) -> None:
        """Force it to the disk and close. May be called twice."""
        self._file.close()


def _make(to: SinkContext) -> TraceSink:
    return TraceSink(to.path)


SPEC = SinkSpec("trace", "trace.jsonl", _make, help="also write where the time of each frame went to DIR/trace.jsonl")
