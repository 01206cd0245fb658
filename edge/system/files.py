"""Files: written whole or not at all, and named so that OpenCV can open them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` such that a power cut leaves the old file or the new one, never half.

    A temporary file in the same folder, fsync, rename.

    Raises OSError as the file system gives it; the temporary file is removed then.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself must survive the cut too
    finally:
        os.close(folder)


def opencv_name(path: Path | str) -> str:
    """The name as OpenCV's video classes take it. Raises ValueError for one that is not UTF-8: they would crash."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r}: OpenCV opens no name that is not UTF-8") from None
    return name
