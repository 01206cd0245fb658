"""Reads ``detections.jsonl`` line by line: a flight may have a million of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.errors import InputError
from edge.measure.detections_lines import FirstLine, FrameLine, Size
from edge.system.declared import decoded
from edge.system.files import open_regular, reason_of

MAX_LINE = 4 << 20  # bytes: thousands of detections in one frame
AS_WRITTEN = "expected a line as edge run writes it"


class DetectionsFile:
    """The file that a run wrote. ``first``: its first line. Each pass over it reads it anew; nothing is kept.

    A last line that a power cut left unfinished is passed over.

    Raises InputError where it cannot be read, holds no frame, or anything else than such lines.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with open_regular(path) as file:
                line = file.readline(MAX_LINE)
        except OSError as error:
            raise InputError(f"cannot read {path}: {reason_of(error)}: expected what edge run --out wrote") from None
        if not line.endswith(b"\n"):
            raise InputError(f"{path} holds no frame: expected the detections of a run")
        try:
            self.first = decoded(line, FirstLine)
        except ValueError as error:
            raise InputError(
                f"{path}, line 1: {error}: expected the size of the frames and the classes; files of version 0.1.0 do "
                "not have them: run it again"
            ) from None

    def __iter__(self) -> Iterator[FrameLine]:
        try:
            with open_regular(self._path) as file:
                file.readline(MAX_LINE)
                number = 1
                while (line := file.readline(MAX_LINE)).endswith(b"\n"):
                    number += 1
                    try:
                        yield decoded(line, FrameLine)
                    except ValueError as error:
                        raise InputError(f"{self._path}, line {number}: {error}: {AS_WRITTEN}") from None
                if len(line) == MAX_LINE:
                    raise InputError(
                        f"{self._path}, line {number + 1} is longer than {MAX_LINE >> 20} MiB: {AS_WRITTEN}"
                    )
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {reason_of(error)}") from None

    def size(self, frame: FrameLine) -> Size:
        """Of this frame, pixels."""
        return self.first.frame if isinstance(frame.frame, msgspec.UnsetType) else frame.frame


def searched(frame: FrameLine) -> bool:
    """Whether the model was asked: not while the shutter was closed, nor where a board in trouble was spared."""
    return frame.inferred is not False


def why_not_searched(frame: FrameLine) -> str:
    """Of a frame that was not, in words."""
    return "the camera's shutter was closed" if "ffc" in frame.flags else "the board was spared: not searched"


def picture_name(frame: FrameLine) -> str:
    """The file that shows it: the still itself (``a.tif#3``: its third page), or as ``--pictures`` names it."""
    if isinstance(frame.origin, str):
        return frame.origin
    return f"pictures/frame-{frame.seq:06d}.png"
