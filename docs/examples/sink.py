"""A kind of sink that thermal-edge does not know yet: found.csv, a row for each detection."""

import csv
import os

from edge.data import Result
from edge.errors import SinkError
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec

COLUMNS = ("seq", "utc", "class", "score", "x1", "y1", "x2", "y2")


class BoxesSink(Sink):
    """A row for each detection, with the classes' names."""

    def __init__(self, to: SinkContext) -> None:
        self._path, self._classes = to.path, to.classes
        try:
            self._file = to.path.open("x", newline="", encoding="utf-8")
        except OSError as error:
            raise SinkError(f"cannot write {to.path}: {error.strerror}; give another --out") from error
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)

    def write(self, result: Result) -> None:
        frame, found = result.frame, result.detections
        utc = "" if frame.utc is None else frame.utc.isoformat(timespec="milliseconds")
        for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True):
            corners = (round(value, 2) for value in box)
            self._rows.writerow([frame.seq, utc, self._classes[label], round(score, 4), *corners])

    def idle(self) -> None:
        self._file.flush()  # nothing comes just now: what was written must not wait for more

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {error.strerror}; free some space") from error
        finally:
            self._file.close()


SPEC = SinkSpec("boxes", "found.csv", BoxesSink, help="a table of all detections: found.csv")
