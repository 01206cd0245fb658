"""One run has a V4L2 camera, or a pipeline its device: who comes second is refused, and told who was first.

The lock is the system's (flock), on the device's entry in /sys: that opens no driver, leaves no file, and ends with
the process, however that ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from edge.errors import SourceError
from edge.system.files import read_text_or_none, reason_of

V4L2 = 81  # the kernel's number of video4linux
ENTRIES = Path("/sys/dev/char")
LOCKS = Path("/proc/locks")

log = logging.getLogger(__name__)


class Held:
    """The camera at ``path``, held against other processes until `close`. What is no V4L2 device is not held.

    Raises SourceError where another process has it.
    """

    def __init__(self, path: str) -> None:
        self._handle = -1
        device = os.stat(path)
        if not stat.S_ISCHR(device.st_mode) or os.major(device.st_rdev) != V4L2:
            return
        entry = ENTRIES / f"{V4L2}:{os.minor(device.st_rdev)}" / "dev"
        try:
            self._handle = os.open(entry, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._handle)
            self.close()
            if holder == os.getpid():  # a call of ours into its driver that has never returned
                return
            who = f"process {holder}" if holder else "another process"
            raise SourceError(
                f"{path}: {who} looks at it already: end that one (ps -fp {holder or 'PID'}), or give another camera"
            ) from None
        except OSError as error:
            log.debug("%s cannot be locked (%s): start no second run on it", path, reason_of(error))
            self.close()

    def close(self) -> None:
        """Let others have it. May be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _holder(handle: int) -> int | None:
    """Which process has the lock on this file; None where the system does not say, as of one in a container."""
    file = os.fstat(handle)
    name = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for line in (read_text_or_none(LOCKS) or "").splitlines():
        words = line.split()
        if "FLOCK" in words and "->" not in words and name in words:
            with suppress(ValueError):
                number = int(words[words.index(name) - 1])
                return number if number > 0 else None
    return None
