"""Single lines of ``detections.jsonl``, by the ``seq`` of their frame: found once, while the file grows too."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from edge.errors import InputError
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import AS_WRITTEN, MAX_LINE
from edge.system.declared import decoded
from edge.system.files import open_regular, reason_of

_SEQ = re.compile(rb'\{"seq":\s?(\d{1,18}),')  # as edge run writes each frame's line


class FrameLines:
    """From any thread. A file that is not there has no lines. Each raises InputError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._places: dict[int, int] = {}
        self._read = 0

    def seqs(self) -> list[int]:
        """Of all frames that have a line, in its order."""
        with self._mutex:
            self._look()
            return list(self._places)

    def of(self, seq: int) -> FrameLine | None:
        """What was found in this frame; None where it has no line."""
        with self._mutex:
            self._look()
            if (at := self._places.get(seq)) is None:
                return None
        try:
            with open_regular(self._path) as file:
                file.seek(at)
                return decoded(file.readline(MAX_LINE), FrameLine)
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {reason_of(error)}") from None
        except ValueError as error:
            raise InputError(f"{self._path}, frame {seq}: {error}: {AS_WRITTEN}") from None

    def _look(self) -> None:
        """Find the lines that are new."""
        try:
            with open_regular(self._path) as file:
                if file.seek(0, 2) < self._read:
                    self._forget()  # another file
                file.seek(self._read)
                while (line := file.readline(MAX_LINE)).endswith(b"\n"):
                    if found := _SEQ.match(line):
                        self._places.setdefault(int(found[1]), self._read)
                    self._read += len(line)
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {reason_of(error)}") from None
