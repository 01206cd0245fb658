"""SHA-256 of the archive's files, kept between two plans: a terabyte is read once, also if planning was cut off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from edge.archive.unit import FileStamp
from edge.errors import InputError
from edge.seams import Closing
from edge.system.declared import decoded
from edge.system.files import open_regular, reason_of

BLOCK = 1 << 20
MAX_LINE = 64 << 10
NAME = "files.jsonl"


class Digests(Closing):
    """What is known of files by path, size and time of change; ``files.jsonl`` in the archive's folder, append-only.

    ``hashed``: called with the bytes of each file that had to be read.
    """

    def __init__(self, folder: Path, hashed: Callable[[int], None] = lambda _size: None) -> None:
        """Reads what is there; a last line that was cut off, or is damaged, costs that file another reading.

        Raises InputError where the file can be neither read nor written.
        """
        self._path, self._hashed = folder / NAME, hashed
        self._known: dict[str, FileStamp] = {}
        try:
            cut = self._read()
            self._out = self._path.open("ab")
            if cut:
                self._out.write(b"\n")
        except OSError as error:
            raise InputError(f"{self._path}: {reason_of(error)}: give an --out that can be written") from None

    def of(self, path: Path) -> FileStamp:
        """The stamp of a file as it is now. Raises OSError, also where it changes while it is read."""
        before = path.stat()
        known = self._known.get(str(path))
        if known is not None and (known.bytes, known.mtime_ns) == (before.st_size, before.st_mtime_ns):
            return known
        digest = hashlib.sha256()
        for block in _blocks(path):
            digest.update(block)
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise OSError(f"it changed while it was read ({before.st_size} bytes, then {after.st_size}): plan again")
        stamp = FileStamp(str(path), after.st_size, after.st_mtime_ns, digest.hexdigest())
        self._keep(stamp)
        self._hashed(stamp.bytes)
        return stamp

    def close(self) -> None:
        """May be called twice."""
        self._out.close()

    def _read(self) -> bool:
        """Whether the last line is cut off."""
        line = b"\n"
        if not self._path.exists():
            return False
        with open_regular(self._path) as file:
            for line in iter(lambda: file.readline(MAX_LINE), b""):
                try:
                    stamp = decoded(line, FileStamp)
                except ValueError:
                    continue
                self._known[stamp.path] = stamp
        return not line.endswith(b"\n")

    def _keep(self, stamp: FileStamp) -> None:
        self._known[stamp.path] = stamp
        self._out.write(msgspec.json.encode(stamp) + b"\n")
        self._out.flush()


def _blocks(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while block := file.read(BLOCK):
            yield block


def together(stamps: list[FileStamp], more: str = "") -> str:
    """One digest of several files in their order, by their names and what they hold, wherever they lie."""
    digest = hashlib.sha256(more.encode())
    for stamp in stamps:
        digest.update(b"\0" + os.fsencode(Path(stamp.path).name) + b"\0" + stamp.sha256.encode())
    return digest.hexdigest()
