"""What a person sees while files are read and written: a line that changes in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from rich.live import Live
from rich.text import Text

from edge.commands.console import Screen
from edge.system.text import printable

SHOWN_S, LINE_S = 0.1, 5.0  # between two looks in a terminal, and two lines elsewhere


class Steps(AbstractContextManager["Steps"]):
    """Called with what is done and which part of it, 0..1. A terminal that goes away is shown nothing more."""

    def __init__(self, screen: Screen, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._quiet, self._clock = screen, quiet, clock
        self._live: Live | None = None
        self._next = clock() + (SHOWN_S if screen.is_terminal else LINE_S)

    def __call__(self, what: str, part: float) -> None:
        """Show it, if it is time to."""
        now = self._clock()
        if self._quiet or now < self._next:
            return
        said = f"{printable(what)}: {100 * min(max(part, 0.0), 1.0):.0f} %"
        try:
            if not self._screen.is_terminal:
                self._next = now + LINE_S
                self._screen.say(said)
                return
            self._next = now + SHOWN_S
            if self._live is None:
                self._live = Live(console=self._screen, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(Text(said), refresh=True)
        except (OSError, ValueError):
            self._quiet = True

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            try:
                self._live.stop()
            except (OSError, ValueError):
                self._quiet = True
