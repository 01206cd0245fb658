"""``review.jsonl`` in a flight's folder: grows by whole lines, by several programs at a time, and loses none.

A line that a power cut left unfinished is passed over and counted (`Review.torn`); what is written next begins a line
of its own. Anything else that is no line of a review is refused: what people said must not be read wrongly.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from edge.app.review.line import MOST_LINE, MOST_LINES, OfTracks, ReviewLine
from edge.app.review.standing import Opinion, Standing
from edge.errors import InputError, SinkError
from edge.system.budget import REVIEW_LOCK_S
from edge.system.declared import declared, decoded, read_json
from edge.system.files import in_units, open_regular, private_mode, reason_of, sync_folder
from edge.system.wall_clock import EARLIEST

FILE = "review.jsonl"
MOST_BYTES = 64 << 20  # of the file
AGAIN_S = 0.02  # between two tries to get the lock
READ_AT_ONCE = 1 << 20

Make = Callable[[int, "str | None"], "ReviewLine | None"]


class Review:
    """The review of one flight; from any thread.

    ``folder``: of the flight. ``wall``: seconds since 1970; ``clock``, ``pause``: for the wait for another writer.
    """

    def __init__(
        self,
        folder: Path,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """As `read`."""
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: expected that of a flight, with tracks.jsonl in it")
        self.path = folder / FILE
        self._wall, self._clock, self._pause = wall, clock, pause
        self._mutex = threading.Lock()
        self._known: tuple[int, ...] | None = None
        self._standing, self._torn, self._lines = Standing(), 0, 0
        self.refresh()

    @classmethod
    def read(cls, folder: Path) -> Review:
        """What stands in the folder; where there is no file yet, nothing was said.

        Raises InputError where the folder is not there, or the file cannot be read or holds anything else.
        """
        return cls(folder)

    # ---- what counts ----

    def of_track(self, track: int) -> str | None:
        """``right``, ``wrong`` or ``unsure``; None: not reviewed."""
        opinion = self.opinion(track)
        return opinion and opinion.verdict

    def opinion(self, track: int) -> Opinion | None:
        """The same with the class that was named and the line that says it."""
        with self._mutex:
            return self._standing.of(track)

    @property
    def opinions(self) -> Mapping[int, Opinion]:
        """Of every track that was reviewed, by its number."""
        with self._mutex:
            return self._standing.opinions()

    @property
    def missed(self) -> list[ReviewLine]:
        """What was marked as missed, in the order in which it was said."""
        with self._mutex:
            return self._standing.missed()

    @property
    def counts(self) -> dict[str, int]:
        """``{"right", "wrong", "unsure", "missed"}``: tracks, and marks of what was missed."""
        with self._mutex:
            return self._standing.counts()

    @property
    def last(self) -> int:
        """``n`` of the newest line; 0: there is none. It grows with everything that is said, and with every undo."""
        with self._mutex:
            return self._standing.last

    @property
    def torn(self) -> int:
        """Lines that a power cut left unfinished: nobody knows what they were to say."""
        with self._mutex:
            return self._torn

    # ---- what is said ----

    def add(
        self, verdict: OfTracks, tracks: Sequence[int], label: int | None = None, by: str | None = None
    ) -> ReviewLine:
        """Say it of these tracks; on the disk when this returns. ``label``: the class that a right one is, where the
        model gave another.

        Raises ValueError for what is no such line, InputError where the file is full or holds anything else, SinkError
        where it cannot be written.
        """
        said = {"by": by, "verdict": verdict, "tracks": [*tracks], "label": label}
        line = self._say(lambda n, utc: _line({"n": n, "utc": utc, **said}))
        assert line is not None
        return line

    def add_missed(
        self, frame: int, box: Sequence[float] | None = None, label: int | None = None, by: str | None = None
    ) -> ReviewLine:
        """Say that something in a frame was not found. ``frame``: its seq; ``box``: xyxy, pixels of the frame, None:
        somewhere in it. Raises as `add`.
        """
        place = None if box is None else [*box]
        said = {"by": by, "verdict": "missed", "frame": frame, "box": place, "label": label}
        line = self._say(lambda n, utc: _line({"n": n, "utc": utc, **said}))
        assert line is not None
        return line

    def undo(self, n: int | None = None, by: str | None = None) -> ReviewLine | None:
        """Take back line ``n``, or the newest that counts; None where none does. Raises as `add`: ValueError also where
        line ``n`` does not count.
        """

        def undone(number: int, utc: str | None) -> ReviewLine | None:
            undoes = self._standing.newest if n is None else n
            if undoes is None:
                return None
            return _line({"n": number, "utc": utc, "by": by, "verdict": "undo", "undoes": undoes})

        return self._say(undone)

    # ---- the file ----

    def refresh(self) -> None:
        """Read what others wrote since. Raises InputError as `read`."""
        with self._mutex:
            try:
                with open_regular(self.path) as file:
                    self._take(file.fileno())
            except FileNotFoundError:
                self._known, self._standing, self._torn, self._lines = None, Standing(), 0, 0
            except OSError as error:
                raise InputError(f"cannot read {self.path}: {reason_of(error)}") from None

    def _take(self, handle: int) -> None:
        """Read the file, where it is another than it was. Raises OSError, and InputError for what is no review."""
        found = os.fstat(handle)
        known = found.st_ino, found.st_size, found.st_mtime_ns
        if known == self._known:
            return
        if found.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"{found.st_size} bytes, expected at most {in_units(MOST_BYTES)}")
        self._standing, self._torn, self._lines = self._read(_all_of(handle, found.st_size))
        self._known = known

    def _read(self, data: bytes) -> tuple[Standing, int, int]:
        standing, torn, lines = Standing(), 0, data.split(b"\n")
        if len(lines) > MOST_LINES:
            raise InputError(f"{self.path} has more than {MOST_LINES} lines: expected the review of one flight")
        for number, line in enumerate(lines, 1):
            try:
                if (said := _said(line)) is not None:
                    standing.add(said)
                elif line:
                    torn += 1
            except ValueError as error:
                raise InputError(f"{self.path}, line {number}: {error}: expected a line of a review") from None
        return standing, torn, len(lines)

    def _say(self, make: Make) -> ReviewLine | None:
        """Write the line that is made of a new number and the time; nothing where none is made."""
        with self._mutex, self._locked() as handle:
            try:
                self._take(handle)
                if (line := make(self._standing.last + 1, self._utc())) is None:
                    return None
                self._standing.check(line)
                data = msgspec.json.encode(line) + b"\n"
                size = os.fstat(handle).st_size
                if len(data) > MOST_LINE or size + len(data) >= MOST_BYTES or self._lines >= MOST_LINES:
                    raise InputError(f"{self.path} is full: expected the review of one flight")
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    data = b"\n" + data  # what a power cut left unfinished stays a line of its own
                _write(handle, data)
                if size == 0:
                    sync_folder(self.path.parent)
                self._take(handle)
            except OSError as error:
                raise SinkError(f"cannot write {self.path}: {reason_of(error)}: free some space, try again") from None
        return line

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, opened to be read and to be written at its end, with nobody else writing; closed afterwards."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            handle = os.open(self.path, flags, private_mode(self.path.parent))
        except OSError as error:
            raise SinkError(f"cannot write {self.path}: {reason_of(error)}: make the folder writable") from None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise InputError(f"{self.path} is no regular file")
            self._lock(handle)
            yield handle
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        end = self._clock() + REVIEW_LOCK_S
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock() >= end:
                    raise SinkError(f"another program holds {self.path}: nothing was written; try again") from None
                self._pause(AGAIN_S)
            except OSError as error:  # a network's file system may know no locks: two at a time could lose a line
                raise SinkError(f"cannot lock {self.path}: {reason_of(error)}: copy the flight to a disk") from None

    def _utc(self) -> str | None:
        now = datetime.fromtimestamp(self._wall(), timezone.utc)
        return now.isoformat(timespec="milliseconds") if now >= EARLIEST else None


def _line(said: dict[str, Any]) -> ReviewLine:
    return declared(said, ReviewLine)


def _said(line: bytes) -> ReviewLine | None:
    """None for a line that was left unfinished. Raises ValueError for one that is none of a review."""
    try:
        return decoded(line, ReviewLine)
    except ValueError:
        try:
            said = read_json(line)
        except ValueError:
            return None
        return declared(said, ReviewLine)  # raises, in words


def _all_of(handle: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := os.pread(handle, READ_AT_ONCE, len(data))):
        data += more
    return bytes(data)


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)
