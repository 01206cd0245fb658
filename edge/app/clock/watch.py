"""``clock.jsonl``: a line whenever it is known anew how the monotonic clock belongs to UTC; on the disk at once."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from edge.errors import SinkError
from edge.seams import Closing
from edge.sinks.line_file import LineFile
from edge.system.budget import CLOCK_JOIN_S
from edge.system.wall_clock import Relation, WallClock

FILE = "clock.jsonl"
EVERY_S = 1.0

log = logging.getLogger(__name__)


class ClockWatch(Closing):
    """Looks at ``clock`` each second in a thread of its own, and writes what is new. ``first``: of the look before."""

    def __init__(self, path: Path, clock: WallClock, first: Relation, every_s: float = EVERY_S) -> None:
        self._clock, self._every_s, self._path = clock, every_s, path
        self._file: LineFile | None = None
        self._error: str | None = None
        self._first, self._last = first, first
        self._jumps, self._largest = 0, 0.0
        self._over = threading.Event()
        if first.state != "synchronised":
            what = "was never set" if first.state == "unset" else "is not synchronised"
            log.warning("the machine's clock %s: frames have no UTC until it is; %s says when", what, FILE)
        self._try(lambda: self._write(first))
        self._thread = threading.Thread(target=self._work, name="clock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look once more, and end. May be called twice. A disk that hangs is not waited for."""
        self._over.set()
        self._thread.join(CLOCK_JOIN_S)

    def report(self) -> dict[str, Any]:
        """For report.json: `edge.app.clock.clock_json.ClockReport`; from any thread."""
        return {
            "first": _moment(self._first),
            "last": _moment(self._last),
            "jumps": self._jumps,
            "largest_jump_s": round(self._largest, 3) if self._jumps else None,
            "error": self._error,
        }

    def _work(self) -> None:
        while not self._over.wait(self._every_s):
            self._look()
        self._look()
        if self._file is not None:
            self._try(self._file.close)

    def _look(self) -> None:
        if (found := self._clock.look()) is None:
            return
        before, self._last = self._last, found
        if found.jump_s is not None:
            self._jumps += 1
            self._largest = max(self._largest, found.jump_s, key=abs)
            log.warning(
                "the machine's clock jumped by %+.3f s: times of frames are of the monotonic clock, which does not",
                found.jump_s,
            )
        if before.state != "synchronised" and found.state == "synchronised":
            log.info("UTC is known now, by the %s: %s", found.by, found.utc)
        self._try(lambda: self._write(found))

    def _write(self, found: Relation) -> None:
        if self._file is None:
            self._file = LineFile(self._path)
        jump_s = None if found.jump_s is None else round(found.jump_s, 6)
        self._file.append([{**_moment(found), "jump_s": jump_s}])
        self._file.sync()

    def _try(self, step: Any) -> None:
        if self._error is not None:
            return
        try:
            step()
        except SinkError as error:
            self._error = str(error)
            log.warning("%s; the flight goes on", error)


def _moment(found: Relation) -> dict[str, Any]:
    return {"t": round(found.t, 6), "utc": found.utc, "state": found.state, "by": found.by}
