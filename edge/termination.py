"""A service manager's stop ends a command as Ctrl-C does: with everything given back and every report written."""

from __future__ import annotations

import signal
from types import FrameType


def terminate_as_interrupt() -> None:
    """From now on SIGTERM raises KeyboardInterrupt in the main thread, which must be the caller's."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
