"""A time limit that also holds while nothing happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Deadline:
    """Calls ``end`` in a thread of its own ``seconds`` after the last `start`; leaving the block calls it off.

    ``passed``: whether it was called.
    """

    def __init__(self, seconds: float | None, end: Callable[[], None]) -> None:
        """``seconds``: None = never."""
        self._seconds, self._end = seconds, end
        self._timer: threading.Timer | None = None
        self.passed = False

    def start(self) -> None:
        """Begin to count, or begin anew."""
        self._call_off()
        if self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._over)
            self._timer.daemon = True
            self._timer.start()

    def _over(self) -> None:
        self.passed = True
        self._end()

    def _call_off(self) -> None:
        if self._timer:
            self._timer.cancel()

    def __enter__(self) -> Deadline:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call_off()
