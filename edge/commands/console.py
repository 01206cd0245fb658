"""Where tables and lines for a person go."""

from __future__ import annotations

import io
import os
import sys

from rich.console import Console


class Screen(Console):
    """A console whose reader may go away: that is a BrokenPipeError, in every version of rich, and no exit."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def say(self, line: str) -> None:
        """One line as it is: no markup, no wrapping, so that paths and commands in it can be copied."""
        self.print(line, highlight=False, soft_wrap=True, markup=False)


def prepare_standard_files() -> None:
    """Make stdin, stdout and stderr such that nothing printed there can do harm.

    Where one of them is closed, its number is opened on nothing: the next file to be opened would get it, and
    libraries print into number 2. And a file name that is no text is printed with escapes, not refused.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
