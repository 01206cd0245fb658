"""Files: written whole or not at all, read where they are there, and errors of the system in words."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def reason_of(error: OSError) -> str:
    """What the system says of an error, such as ``No space left on device``; without number and path."""
    return error.strerror or str(error) or type(error).__name__


def read_text_or_none(path: Path) -> str | None:
    """The text of one small file, such as one of /sys, without white space and zero bytes at its ends.

    None where it is not there or cannot be read. What is no UTF-8 is replaced.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip().strip("\0").strip()
    except OSError:
        return None


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` such that a power cut leaves the old file or the new one, never half.

    A temporary file in the same folder, fsync, rename.

    Raises OSError as the file system gives it; the temporary file is removed then.
    """
    with written_whole(path) as out:
        out.write(data)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """The same for what is written bit by bit: ``path`` has it when the block has ended, and not where it raised."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")  # a name may be of any length
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)  # the rename itself must survive the cut too


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def has_room(folder: Path, least: int) -> bool:
    """Whether at least so many bytes are free where ``folder`` is. Raises OSError."""
    return shutil.disk_usage(folder).free >= least


def opencv_name(path: Path | str) -> str:
    """The name as OpenCV's video classes take it. Raises ValueError for one that is not UTF-8: they would crash."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r}: OpenCV opens no name that is not UTF-8") from None
    return name
