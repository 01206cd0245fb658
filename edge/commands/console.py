"""Where tables and lines for a person go: the only place that prints, and that listens to what the library logs.

What comes from outside (names of files, answers of servers) is made harmless here: nothing in it is obeyed by the
terminal, and no password in it is shown.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from edge.system.activity import SHOWING, here
from edge.system.budget import HUNG_S, STOP_S
from edge.system.caution import seen_by_the_quiet
from edge.system.text import printable, without_control

LIBRARY = logging.getLogger("edge")


class Screen(Console):
    """A console that hands no control character of a text to the terminal.

    Its reader may go away: that is a BrokenPipeError, in every version of rich, and no exit.
    """

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does it, of text, tables and all else; its own control sequences are left."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                lines = "\n".join(map(without_control, segment.text.split("\n")))
                yield Segment(lines, segment.style)

    def say(self, line: str) -> None:
        """One line as it is: no markup, no wrapping, so that paths and commands in it can be copied."""
        self.print(printable(line), highlight=False, soft_wrap=True, markup=False, emoji=False)

    def rows(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Rows of (what, value, what to do about it or ""), as lines: a table would break commands that are copied."""
        rows = list(rows)
        width = max(len(name) for name, _, _ in rows) + 2
        for name, value, todo in rows:
            self.print(Text.assemble((name.ljust(width), "bold"), printable(value)), soft_wrap=True)
            if todo:
                self.print(Text.assemble(" " * width, (f"! {printable(todo)}", "yellow")), soft_wrap=True)


class LogLines(logging.Handler):
    """Prints what is logged as ``edge: LINE``, above a live table on the same screen.

    Tracebacks are shown at level DEBUG only. Nobody listens any more: no reason to stop flying.
    """

    def __init__(self, screen: Screen, level: int) -> None:
        super().__init__(level)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        try:
            with here().meanwhile(SHOWING):  # a terminal that takes nothing is what hangs then, not the work
                self._screen.say(f"edge: {record.getMessage()}")
                if self.level <= logging.DEBUG and record.exc_info:
                    for line in logging.Formatter().formatException(record.exc_info).splitlines():
                        self._screen.say(line)
        except (OSError, ValueError):  # stderr is gone
            pass
        except Exception:
            self.handleError(record)


@contextmanager
def listening(screen: Screen, level: int) -> Iterator[None]:
    """Inside, what the library logs at ``level`` and above is printed on ``screen``; of warnings at ERROR those that
    are of what was asked for.
    """
    handler, before = LogLines(screen, min(level, logging.WARNING)), LIBRARY.level
    if level >= logging.ERROR:
        handler.addFilter(seen_by_the_quiet)
    LIBRARY.addHandler(handler)
    LIBRARY.setLevel(handler.level)
    try:
        yield
    finally:
        LIBRARY.removeHandler(handler)
        LIBRARY.setLevel(before)


def last_words(show: Callable[[], object]) -> bool:
    """Run ``show``, which prints what a command says at its end, and return whether it came to its end.

    Nothing watches any more then, and a terminal that takes nothing would hold the command for ever: after 30 s, or
    0.8 s after a stop, it is left behind in its thread, with which `edge.commands.main.main` ends the process. To be
    called in the main thread. Raises what ``show`` raises.
    """
    outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            show()
        except BaseException as error:  # raised again where somebody waits for it
            outcomes.put(error)
        else:
            outcomes.put(None)

    speaker = threading.Thread(target=work, name="last words", daemon=True)
    try:
        try:
            try:
                speaker.start()
            except RuntimeError:  # no memory for a thread: better to wait for the terminal than to say nothing
                work()
            outcome = outcomes.get(timeout=HUNG_S)
        except KeyboardInterrupt:
            outcome = outcomes.get(timeout=STOP_S)
    except (queue.Empty, KeyboardInterrupt):
        return False
    with suppress(KeyboardInterrupt, RuntimeError):  # one that was not started cannot be waited for
        speaker.join()
    if outcome is not None:
        raise outcome
    return True


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


def print_nothing_more() -> None:
    """After standard output could not be written: else Python tries again when it ends, and says so."""
    with suppress(OSError, ValueError):  # one without a number, as a program has it that runs a command inside itself
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
