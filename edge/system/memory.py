"""Memory: errors that say in one line that it is used up, and garbage collection that waits for a library's lock."""

from __future__ import annotations

import errno
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from edge.errors import EdgeError

OF_OPENCV = -4  # StsNoMem of cv::Error::Code
TODO = "close other programs, or log out of the desktop (sudo systemctl isolate multi-user.target)"


def memory_error(error: BaseException) -> EdgeError | None:
    """What a person is told where ``error`` means that there was no memory for data or for a thread; else None."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        why = ""
    elif isinstance(error, RuntimeError) and "start new thread" in str(error):
        why = " (another thread could not be started)"
    elif type(error).__module__ == "cv2" and getattr(error, "code", None) == OF_OPENCV:
        why = " (OpenCV)"
    else:
        return None
    said = EdgeError(f"the memory is used up{why}: {TODO}")
    said.__cause__ = error
    return said


@contextmanager
def collection_waits() -> Iterator[None]:
    """Inside, nothing is collected; what is garbage before is collected first. Also to be used as a decorator.

    TensorRT tells its logger while it holds a lock that the end of a builder or of an engine takes too. A collection
    that begins in such a line, and finds an old one in an exception's frames, waits for that lock for ever.
    """
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
