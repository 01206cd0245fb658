"""What `edge-export` shows a person: lines, tables, and bars while it works."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def console_of(quiet: bool) -> Console:
    """Where lines and tables go: stdout, or nowhere with ``--quiet``."""
    return Console(quiet=quiet)


def say(console: Console, line: str) -> None:
    """One line as it is: no markup, no wrapping, so that paths and commands in it can be copied."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)


def bars_on(console: Console) -> Progress:
    """Bars, one a task: what is done, how much of how much, for how long. They go when the work is done, and there are
    none where nobody looks at them: with ``--quiet``, or where the console is no terminal.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=console.quiet or not console.is_terminal)
