"""Files: written whole or not at all, read where they are there, and errors of the system in words.

Whose they are: what a run writes is for its user alone, as an address, a place or a picture may be a secret: files
0600, folders 0700, whatever the umask. A folder with the set-group-ID bit (chmod 2750) says that what is written into
it is its group's, too: 0640 and 0750. Everything of a run goes through `write_private`, `written_private`,
`open_private` and `private_folder`; bundles, pages and units are for everybody to read: `write_whole`.
"""

from __future__ import annotations

import errno
import math
import os
import select
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def reason_of(error: OSError) -> str:
    """What the system says of an error, such as ``No space left on device``; without number and path."""
    return error.strerror or str(error) or type(error).__name__


def not_a_path(error: BaseException) -> str:
    """What was expected, where the name itself is one that no file can have; "" where the error has another cause."""
    before_3_13 = isinstance(error, RuntimeError) and str(error).startswith("Symlink loop from")  # of Path.resolve
    if not before_3_13 and not (isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP)):
        return ""
    return "expected a path whose names have at most 255 bytes each, without links that lead to themselves"


def read_text_or_none(path: Path) -> str | None:
    """The text of one small file, such as one of /sys, without white space and zero bytes at its ends.

    None where it is not there or cannot be read. What is no UTF-8 is replaced.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip().strip("\0").strip()
    except OSError:
        return None


def open_regular(path: Path) -> BinaryIO:
    """A file, opened to be read. Raises OSError: as the system gives it, and for what is no file: of a pipe that nobody
    writes to, opening alone would wait for ever.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # of a file, the second means nothing
    except ValueError as error:  # a NUL character in its name
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_limited(path: Path, most: int) -> bytes:
    """All of a file of at most ``most`` bytes. Raises OSError as `open_regular`, and for a larger one, unread."""
    with open_regular(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise OSError(errno.EFBIG, f"{size} bytes, expected at most {in_units(most)}", str(path))
        return file.read()


def in_units(size: int) -> str:
    """A limit in words: ``16 MiB``."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} bytes"


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` such that a power cut leaves the old file or the new one, never half.

    A temporary file in the same folder, fsync, rename.

    Raises OSError as the file system gives it; the temporary file is removed then.
    """
    with written_whole(path) as out:
        out.write(data)


def write_private(path: Path, data: bytes) -> None:
    """The same for a file of a run, which is not for everybody."""
    with written_private(path) as out:
        out.write(data)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """The same for what is written bit by bit: ``path`` has it when the block has ended, and not where it raised."""
    with _written(path, 0o644) as out:
        yield out


@contextmanager
def written_private(path: Path) -> Iterator[BinaryIO]:
    """The same for a file of a run, which is not for everybody."""
    with _written(path, private_mode(path.parent)) as out:
        yield out


def private_mode(folder: Path) -> int:
    """Of a run's file in ``folder``. Raises OSError."""
    return 0o640 if folder.stat().st_mode & stat.S_ISGID else 0o600


def private_folder(path: Path, parents: bool = True) -> None:
    """Make a folder of a run, where there is none; with ``parents`` those above it, as usual. Raises OSError."""
    if parents and not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    shared = path.parent.stat().st_mode & stat.S_ISGID  # which a folder inherits
    path.mkdir(mode=0o750 if shared else 0o700, exist_ok=True)


def open_private(path: Path, flags: int) -> int:
    """Open a file of a run to write it, made where it is not there. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_size == 0:
            os.fchmod(handle, private_mode(path.parent))
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _written(path: Path, mode: int) -> Iterator[BinaryIO]:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")  # a name may be of any length
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)  # the rename itself must survive the cut too


@contextmanager
def folders_made(*folders: Path, private: bool = False) -> Iterator[None]:
    """Inside, ``folders`` are there; ``private``: as those of a run. Where the block raises, those that were made for
    it and are empty are gone again: what is refused leaves nothing behind. Raises OSError.
    """
    made: list[Path] = []
    try:
        for folder in folders:
            made += reversed([path for path in (folder, *folder.parents) if not path.exists()])
            if private:
                private_folder(folder)
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # there is something in it
                path.rmdir()
        raise


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


def takes_more(path: Path) -> None:
    """Raises OSError where a file that is there takes not even one byte more, as the system gives it. Its size stays;
    nobody else may write to it meanwhile.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        os.pwrite(handle, b"\0", size)
        os.ftruncate(handle, size)
    finally:
        os.close(handle)


class Room(AbstractContextManager["Room"]):
    """Space on a disk that is kept for a small file while the block lasts: there it can be written on a full disk.

    Its file has no name until it is written, so nothing is left of it, however the process ends.
    """

    def __init__(self, path: Path, size: int) -> None:
        """Takes ``size`` bytes; none where the disk is full already, or its file system has no such files."""
        self._path, self._size, self._handle = path, size, -1
        try:
            self._handle = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            os.fchmod(self._handle, private_mode(path.parent))
            os.posix_fallocate(self._handle, 0, size)
        except OSError:
            self.__exit__()

    def write(self, data: bytes) -> bool:
        """Put ``data`` at the path, in the space that was kept; False where there is none, or too little."""
        if self._handle < 0 or len(data) > self._size:
            return False
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            os.pwrite(self._handle, data, 0)  # in place: these blocks are ours
            os.ftruncate(self._handle, len(data))
            os.fsync(self._handle)
            new.unlink(missing_ok=True)
            # with a folder's handle Python calls linkat, which follows the link in /proc to the file itself
            os.link(f"/proc/self/fd/{self._handle}", new, src_dir_fd=self._handle, follow_symlinks=True)
            os.replace(new, self._path)
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def readable(handle: int, wait_s: float) -> bool:
    """Whether something can be read from a file descriptor, its end or an error included, within so many seconds.

    By poll: select breaks from descriptor 1024 on. Raises ValueError for one that is closed.
    """
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(math.ceil(1000 * wait_s)))


def opencv_name(path: Path | str) -> str:
    """The name as OpenCV's video classes take it. Raises ValueError for one that is not UTF-8: they would crash."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r}: OpenCV opens no name that is not UTF-8") from None
    return name
