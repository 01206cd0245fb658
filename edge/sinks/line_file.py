"""A file that grows by whole lines, and what is said where it cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edge.errors import SinkError
from edge.system.files import open_private, reason_of, sync_folder


class LineFile:
    """One JSON object a line. What `append` accepted is with the system; `sync` and `close` force it to the disk.

    A power cut can leave one partial last line. Each raises SinkError where the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # unbuffered: nothing is left over after a failure
            self._file = os.fdopen(open_private(path, os.O_APPEND), "ab", buffering=0)
            try:
                sync_folder(path.parent)  # a power cut takes a name that is not synced, and with it all the lines
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise SinkError(f"cannot open {path}: {reason_of(error)}") from None

    def append(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write these objects, a line each."""
        data = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._failed(error) from None

    def sync(self) -> None:
        """Force what was written to the disk."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Force the rest to the disk and close. May be called twice."""
        if self._file.closed:
            return
        try:
            self.sync()
        finally:
            self._file.close()

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(f"cannot write {self._path}: {reason_of(error)}: free some space or give another --out")
