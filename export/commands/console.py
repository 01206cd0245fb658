"""What `edge-export` shows a person: lines, tables, and bars while it works."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edge.commands.console import Screen


def console_of(quiet: bool) -> Screen:
    """Where lines and tables go: stdout, or nowhere with ``--quiet``."""
    return Screen(quiet=quiet)


def say(console: Screen, line: str) -> None:
    """One line as it is: no markup, no wrapping, so that paths and commands in it can be copied."""
    console.say(line)


def bars_on(console: Console) -> Progress:
    """Bars, one a task: what is done, how much of how much, for how long. They go when the work is done, and there are
    none where nobody looks at them: with ``--quiet``, or where the console is no terminal.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=console.quiet or not console.is_terminal)


def now_and_then(
    console: Screen, every_s: float = 60.0, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], None]:
    """Says how far a training is: a step at once, and after it at most one in ``every_s`` seconds, so that hours of
    work into a log show that they go on; on a terminal none, there is a bar. Other lines, such as of a checkpoint that
    could not be written, are always said.
    """
    due = clock()

    def tell(line: str) -> None:
        nonlocal due
        step = line.startswith("step ")
        if step and (console.is_terminal or clock() < due):
            return
        if step:
            due = clock() + every_s
        say(console, line)

    return tell
