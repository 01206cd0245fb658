"""Where tables and lines for a person go."""

from __future__ import annotations

import os

from rich.console import Console


class Screen(Console):
    """A console whose reader may go away: that is a BrokenPipeError, in every version of rich, and no exit."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def say(self, line: str) -> None:
        """One line as it is: no markup, no wrapping, so that paths and commands in it can be copied."""
        self.print(line, highlight=False, soft_wrap=True, markup=False)


def hold_standard_files() -> None:
    """Where stdin, stdout or stderr is closed: open its number on nothing.

    The next file to be opened would get that number, and libraries print into number 2.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
