"""A unit: the part of an archive that one worker takes at a time, and that is detected in anew or not at all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

FORMAT = 1
Text = Annotated[str, Meta(max_length=4096)]
Whole = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Kind = Literal["recording", "video", "stills"]


class FileStamp(Struct, frozen=True):
    """A file as it was when it was planned. ``sha256``: of its bytes. ``mtime_ns``: when it was changed last."""

    path: Text
    bytes: Whole
    mtime_ns: int
    sha256: Sha256


class Unit(Struct, frozen=True, kw_only=True):
    """``flight``: the folder or file that its flight is, a path. ``number``: its place in the flight, from 0; ``of``:
    how many units the flight has. ``source``, ``pose``: as ``edge run --source`` and ``--pose`` take them; one source
    or the files of several stills. ``frames``: how many it says to have, null: it does not say. ``sha256``: of what its
    files hold, so that a copy elsewhere has the same. ``files``: each of them.
    """

    flight: Text
    number: Whole
    of: Annotated[int, Meta(ge=1)]
    kind: Kind
    source: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=100_000)]
    pose: Text | None
    frames: Whole | None
    bytes: Whole
    sha256: Sha256
    files: tuple[FileStamp, ...]

    @property
    def name(self) -> str:
        """For messages: the flight, and which part of it."""
        return self.flight if self.of == 1 else f"{self.flight}, part {self.number + 1} of {self.of}"


class Unread(Struct, frozen=True):
    """What lies in the archive and is no unit, and why not."""

    path: Text
    why: Text
