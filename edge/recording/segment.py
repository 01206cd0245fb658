"""One segment file: it only grows, and only by whole records."""

from __future__ import annotations

import os
import re
from pathlib import Path

from edge.system.files import open_private, sync_folder

CLOSED = -1
NAME = re.compile(r"segment-([0-9]{6,9})\.rec")


def segment_path(folder: Path, number: int) -> Path:
    """Where segment ``number`` of the recording in ``folder`` is."""
    return folder / f"segment-{number:06d}.rec"


class Segment:
    """A new segment file. ``size``: bytes of whole records in it.

    What `append` returned from is with the system, so it survives the death of the process; what it held at
    the last `sync` survives a power cut.
    """

    def __init__(self, path: Path, header: bytes) -> None:
        """Create ``path``, which must not exist, with its header record on the disk. Raises OSError."""
        self.path = path
        self.size = 0
        self.frames = 0
        self._unsynced = False
        self._file = open_private(path, os.O_EXCL | os.O_APPEND)
        try:
            self.append(header)
            self.sync()
            sync_folder(path.parent)  # ext4 may otherwise forget the file's name in a power cut
        except BaseException:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def append(self, record: bytes) -> None:
        """Write one record, whole or not at all. Raises OSError; the file then ends where it ended before."""
        left = memoryview(record)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except BaseException:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(record)
        self._unsynced = True

    def sync(self) -> None:
        """Force what was appended to the disk. Raises OSError."""
        if self._unsynced:
            os.fsync(self._file)
            self._unsynced = False

    def close(self) -> None:
        """Sync and close. May be called twice. Raises OSError after it was closed all the same."""
        if self._file == CLOSED:
            return
        try:
            self.sync()
        finally:
            os.close(self._file)
            self._file = CLOSED
