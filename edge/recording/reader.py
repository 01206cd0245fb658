"""A recording read back: every frame up to the first damage of each segment, and one line on each loss."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from edge.data import Frame
from edge.errors import SourceError
from edge.recording.contents import EndMark, Header, Newer, read_meta, unpack_frame
from edge.recording.format import END, FRAME, HEADER, PREAMBLE, Damaged, Record, read_preamble, read_record
from edge.recording.segment import NAME
from edge.system.files import reason_of

END_WITHIN = 4096  # bytes from the end of the file in which its end mark is looked for


@dataclass(frozen=True, slots=True)
class Segment:
    """What the two ends of a segment file say.

    ``begin``, ``size``: where its first frame is, where it ends, bytes. ``frames``: at most; what lies
    between is believed when it is read. ``final``: whether it ends the recording; None = it has no end
    mark.
    """

    path: Path
    header: Header
    begin: int
    size: int
    frames: int
    final: bool | None


class Recording:
    """All the segments in a folder, those of ``only`` (first and last number), or one segment file; to be read once.

    ``header``: of the first segment. ``frames``: how many there are, if nothing between is damaged.
    ``losses``: one line on each thing that is missing or damaged; it grows while frames are read.
    """

    def __init__(self, path: Path, only: tuple[int, int] | None = None) -> None:
        """Raises SourceError where there is no recording, more than one, or one of a later version."""
        self.path, self._only = path, only
        self.losses: list[str] = []
        self._segments: list[Segment] = []
        files = segment_files(path, only)
        for file in files:
            try:
                self._segments.append(_look_at(file))
            except Newer as error:
                raise SourceError(f"{file} is of a later version ({error}): update thermal-edge") from None
            except (Damaged, OSError) as error:
                self.losses.append(f"{file.name} is no readable segment ({_why(error)})")
        if not self._segments:
            raise SourceError(f"{path}: {'; '.join(self.losses)}: expected what edge run --record has written")
        self.header = self._segments[0].header
        self.frames = sum(segment.frames for segment in self._segments)
        if path.is_dir():
            self._check_row(files)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Those that can be read, oldest first."""
        return tuple(self._segments)

    def __iter__(self) -> Generator[Frame, None, None]:
        """The frames in the order in which they were recorded, bit for bit as they were."""
        for segment in self._segments:
            try:
                with segment.path.open("rb") as file:
                    yield from self._read(segment, file)
            except OSError as error:
                self.losses.append(f"{segment.path.name} cannot be read to its end ({_why(error)})")

    def _read(self, segment: Segment, file: BinaryIO) -> Generator[Frame, None, None]:
        name, last = segment.path.name, "its header"
        at = file.seek(segment.begin)
        while at < segment.size:
            try:
                record = read_record(file, segment.size - at)
                if record.kind == END:
                    at += record.size
                    if at < segment.size:
                        raise Damaged("more after its end mark")
                    return
                frame = _frame(record)
            except Damaged as error:
                self.losses.append(
                    f"{name}: {error} at byte {at}, after {last}: {segment.size - at} bytes are not read"
                )
                return
            last = f"frame {frame.seq}"
            at += record.size
            yield frame
        self.losses.append(f"{name} was not closed (power cut, kill or full disk): nothing after {last}")

    def _check_row(self, files: list[Path]) -> None:
        """Are they the segments of one recording, and all of them?"""
        first, last = self._segments[0], self._segments[-1]
        for other in self._segments:
            if other.header.recording != first.header.recording:
                raise SourceError(
                    f"{self.path} holds two recordings, {first.path.name} is of one and {other.path.name} of "
                    "another: expected a folder for each"
                )
        numbers = [segment_number(file) for file in files]
        if self._only is None and numbers[0] > 0:
            self.losses.append(f"the first {numbers[0]} segments were removed (disk budget)")
        if gaps := numbers[-1] - numbers[0] + 1 - len(numbers):
            self.losses.append(f"{gaps} segments between the first and the last are missing")
        if self._only is None and last.final is False and last.path == files[-1]:
            self.losses.append(f"what came after {last.path.name} is missing")


def segment_files(path: Path, only: tuple[int, int] | None = None) -> list[Path]:
    """The segment files that ``path`` stands for, oldest first, one at least; of a folder those whose numbers lie in
    ``only``. Raises SourceError.
    """
    try:
        if not path.is_dir():
            if not stat.S_ISREG(path.stat().st_mode):
                raise SourceError(f"{path} is no file: expected the folder or a segment of a recording")
            if only:
                raise SourceError(f"{path} is one segment: segments= is for the folder of a recording")
            return [path]
        files = [file for file in path.iterdir() if NAME.fullmatch(file.name) and file.is_file()]
        if not files:
            hint = f": give rec:{path / 'recording'}" if (path / "recording").is_dir() else ""
            raise SourceError(f"{path} holds no segment-*.rec; expected a folder that --record wrote{hint}")
    except OSError as error:
        raise SourceError(f"{path}: {reason_of(error)}; expected the folder or a segment of a recording") from None
    files.sort(key=segment_number)
    if only and not (files := [file for file in files if only[0] <= segment_number(file) <= only[1]]):
        raise SourceError(f"{path} has no segment of number {only[0]} to {only[1]}")
    return files


def segment_number(file: Path) -> int:
    """That stands in its name."""
    return int(file.stem.rpartition("-")[2])


def _look_at(path: Path) -> Segment:
    """Raises Damaged where it does not begin as a segment, Newer, or OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Damaged("empty")
        record = read_record(file, size)
        if record.kind != HEADER:
            raise Damaged("no header at its beginning")
        header, begin = Header.from_json(record.meta, record.payload), record.size
        end = _end_mark(file, begin, size)
        if end is None:
            return Segment(path, header, begin, size, _count_frames(file, begin, size), None)
        return Segment(path, header, begin, size, min(end.frames, size // PREAMBLE.size), end.final)


def _end_mark(file: BinaryIO, begin: int, size: int) -> EndMark | None:
    """The end mark, if the file ends in one."""
    start = file.seek(max(begin, size - END_WITHIN))
    tail = file.read(size - start)
    at = tail.rfind(END)
    if at < 0:
        return None
    try:
        record = read_record(BytesIO(tail[at:]), len(tail) - at)
        return read_meta(record.meta, EndMark) if record.size == len(tail) - at else None
    except Damaged:
        return None


def _count_frames(file: BinaryIO, at: int, size: int) -> int:
    """How many frames stand in a row from byte ``at``, by their preambles alone."""
    frames = 0
    while at < size:
        file.seek(at)
        try:
            kind, meta, payload, _ = read_preamble(file, size - at)
        except Damaged:
            break
        frames += kind == FRAME
        at += PREAMBLE.size + meta + payload
    return frames


def _frame(record: Record) -> Frame:
    if record.kind != FRAME:
        raise Damaged("a second header")
    return unpack_frame(record)


def _why(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) else str(error)
