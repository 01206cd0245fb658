"""The memory of arrays that are gone stays with the process: to ask for it anew takes longer than to fill it.

By itself glibc gives large blocks back at once, and each page that comes again is cleared by the kernel: a sixth of the
processor time where frames are drawn. The programs that tests start have the usual settings.
"""

from __future__ import annotations

import ctypes
from typing import Any

MB = 1 << 20
# the numbers of <malloc.h>: the size from which a block is the kernel's, which is as large as glibc takes; how much is
# kept at the end; how much more is asked for at a time
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD = -3, -1, -2
SETTINGS = {M_MMAP_THRESHOLD: 32 * MB, M_TRIM_THRESHOLD: 512 * MB, M_TOP_PAD: 64 * MB}


def keep() -> None:
    """From here on. Does nothing where the C library is another one."""
    library: Any = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for option, value in SETTINGS.items():
            library.mallopt(option, value)
