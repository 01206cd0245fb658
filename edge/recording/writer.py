"""Frames to segment files: a new one each minute, synced twice a second, the oldest removed when space ends."""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from edge.data import Frame
from edge.errors import SinkError
from edge.recording.codec import Encoder
from edge.recording.contents import Header, Origin, pack_frame
from edge.recording.format import END, pack
from edge.recording.segment import NAME, Segment, segment_path
from edge.system.files import private_folder, reason_of, sync_folder

SEGMENT_S = 60.0
SEGMENT_BYTES = 256 << 20  # FAT on a card takes no file over 4 GiB
# a power cut may cost a second: half of it is for the waiting frame, the queue before and the sync itself
SYNC_S = 0.5
RESERVE_BYTES = 256 << 20  # left free on the disk, so that the detections outlive the recording
PARTS = 4  # of the budget, at least, so that removing one segment leaves most of the flight
END_BYTES = 128  # more than an end mark takes
FULL = (errno.ENOSPC, errno.EDQUOT)
T = TypeVar("T")


class RecordingWriter:
    """Writes one recording into a folder of its own; see `edge.recording.format` for the format.

    ``budget``: most bytes of segments kept, None = as many as the disk takes. Where the budget, or
    ``reserve`` free bytes on the disk, would be passed, the oldest closed segments are removed and counted
    (``removed_segments``, ``removed_frames``); never the one being written. ``frames``, ``bytes``: written
    so far. ``clock`` returns seconds; pass another one in tests. Not for two threads at a time.

    Raises SinkError where the folder cannot be made or already holds a recording. After any SinkError the
    recording is over: what was written stays readable, and `close` is still to be called.
    """

    def __init__(
        self,
        folder: Path,
        origin: Origin,
        budget: int | None = None,
        reserve: int = RESERVE_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
        sync_s: float = SYNC_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.sync_s = sync_s
        self.frames = self.bytes = self.segments = self.removed_segments = self.removed_frames = 0
        self._origin, self._budget, self._reserve, self._clock = origin, budget, reserve, clock
        self._segment_bytes = segment_bytes if budget is None else min(segment_bytes, budget // PARTS)
        self._segment_s = segment_s
        self._name = uuid.uuid4().hex
        self._encode = Encoder()
        self._old: deque[Segment] = deque()  # closed ones, oldest first
        self._segment: Segment | None = None
        try:
            private_folder(folder)
            held = sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name))
            if held:
                raise SinkError(f"{folder} already holds a recording ({held[0]}): give an empty folder")
            sync_folder(folder.parent)
            self._begin_segment()
        except OSError as error:
            raise self._failed(error) from None
        self._synced = clock()

    def write(self, frame: Frame) -> None:
        """Append one frame. Raises SinkError where it cannot be kept."""
        if self._segment is None:
            raise SinkError(f"the recording in {self.folder} has ended")
        try:
            record = pack_frame(frame, self._encode)
            segment = self._segment_for(record)
            self._with_room(lambda: segment.append(record))
        except OSError as error:
            raise self._failed(error) from None
        except ValueError as error:
            raise self._failed(f"frame {frame.seq} is {error}") from None
        segment.frames += 1
        self.frames += 1
        self.bytes += len(record)
        self.sync_if_due()

    def sync_if_due(self) -> None:
        """Force all to the disk if the last time is ``sync_s`` ago; also call it while no frame comes."""
        if self._segment is None or self._clock() - self._synced < self.sync_s:
            return
        try:
            self._segment.sync()
            disk = os.statvfs(self.folder)
        except OSError as error:
            raise self._failed(error) from None
        self._synced = self._clock()
        # one segment at a time: a file system may take a while to hand out what was freed
        if disk.f_bavail * disk.f_frsize < self._reserve and not self._remove_oldest():
            raise self._failed(f"less than {self._reserve >> 20} MiB are free, which the detections may need")

    def close(self) -> None:
        """End the recording. May be called twice. Raises SinkError where the last of it could not be kept."""
        if self._segment is not None:
            try:
                self._end(self._segment, final=True)
            except OSError as error:
                raise self._failed(error) from None
            self._segment = None

    def _segment_for(self, record: bytes) -> Segment:
        """The segment that takes this record: the current one, or the next if that is full or old."""
        segment = self._segment
        assert segment is not None
        late = self._clock() - self._begun >= self._segment_s
        if segment.frames and (late or segment.size + len(record) > self._segment_bytes):
            self._end(segment, final=False)
            self._old.append(segment)
            segment = self._begin_segment()
        if self._budget is not None:
            kept = sum(old.size for old in self._old) + segment.size + len(record) + END_BYTES
            while kept > self._budget and self._old:
                kept -= self._old[0].size
                self._remove_oldest()
        return segment

    def _begin_segment(self) -> Segment:
        header = Header.here(self._name, self.segments, self._origin).pack()
        path = segment_path(self.folder, self.segments)
        self._segment = self._with_room(lambda: Segment(path, header))
        self.segments += 1
        self._begun = self._clock()
        return self._segment

    def _end(self, segment: Segment, final: bool) -> None:
        mark = pack(END, {"frames": segment.frames, "final": final})
        self._with_room(lambda: segment.append(mark))
        segment.close()

    def _with_room(self, step: Callable[[], T]) -> T:
        """Do it; while the disk is full, remove the oldest segment and do it again. Raises OSError."""
        while True:
            try:
                return step()
            except OSError as error:
                if error.errno not in FULL or not self._remove_oldest():
                    raise

    def _remove_oldest(self) -> bool:
        """False where there is none but the current one."""
        if not self._old:
            return False
        oldest = self._old.popleft()
        oldest.path.unlink(missing_ok=True)
        self.removed_segments += 1
        self.removed_frames += oldest.frames
        return True

    def _failed(self, why: OSError | str) -> SinkError:
        """The error that ends this recording; without an end mark, so that a reader sees it."""
        if self._segment is not None:
            with suppress(OSError):
                self._segment.close()
            self._segment = None
        reason = reason_of(why) if isinstance(why, OSError) else why
        return SinkError(
            f"cannot record in {self.folder}: {reason}: free some space, or give another --out; "
            f"{self.frames - self.removed_frames} frames are kept"
        )
