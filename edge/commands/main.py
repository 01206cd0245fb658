"""``edge``: the command on the aircraft."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Sequence

from edge.commands import bench, demo, doctor, info, run
from edge.commands.after import align, report, review
from edge.commands.archive import archive
from edge.commands.console import Screen, last_words, listening, prepare_standard_files, print_nothing_more
from edge.commands.options import Command, Screens, add_verbose
from edge.commands.parser import Parser
from edge.commands.service import service
from edge.errors import EdgeError
from edge.system.files import not_a_path, reason_of
from edge.system.host import versions
from edge.system.memory import memory_error
from edge.system.signals import terminate_as_interrupt

COMMANDS = (run, demo, bench, info, doctor, report, review, align, archive, service)  # a file each

log = logging.getLogger("edge.commands")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 failed while running, 2 bad arguments or bad input.

    Without ``argv`` the process is the command's own. Where a thread of a driver or a disk hangs, it ends here: Python
    cannot end in order while that thread may come back.
    """
    code = _run(argv)
    if argv is None and any(thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    prepare_standard_files()
    try:
        arguments = _parser().parse_args(argv)
    except MemoryError as error:
        sys.stderr.write(f"edge: {memory_error(error)}\n")
        return 1
    arguments.own_process = argv is None  # a program that gives words of its own goes on behind a command
    screens = Screens(Screen(), Screen(stderr=True))
    terminate_as_interrupt()
    with listening(screens.err, _level(arguments)):
        try:
            command: Command = arguments.command
            command(arguments, screens)
        except EdgeError as error:
            _tell(error, error)
            return error.exit_code
        except KeyboardInterrupt:
            _tell("interrupted")
            return 1
        except BrokenPipeError:  # every command prints last: it is done, and nobody reads on
            print_nothing_more()
        except OSError as error:  # a full disk behind > FILE; what else the system says has words of its own below
            expected = not_a_path(error)
            line = f"{error.filename or 'standard output'}: {reason_of(error)}"
            _tell(f"{line}: {expected}" if expected else line, error)
            print_nothing_more()
            return 2 if expected else 1
        except Exception as error:
            if expected := not_a_path(error):
                _tell(f"{error}: {expected}", error)
                return 2
            if (said := memory_error(error)) is None:
                raise
            _tell(said, error)
            return said.exit_code
    return 0


def _tell(line: object, error: Exception | None = None) -> None:
    """The last line of a command that failed."""
    last_words(lambda: log.error("%s", line, exc_info=error))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="edge",
        description="See small warm objects from a drone.",
        epilog="edge COMMAND --help tells a command's options",
    )
    parser.add_argument("--version", action="version", version=f"thermal-edge {versions({})['thermal-edge']}")
    add_verbose(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _level(arguments: argparse.Namespace) -> int:
    """The least severe line that is printed."""
    if arguments.verbose:
        return logging.DEBUG
    return logging.ERROR if getattr(arguments, "quiet", False) else logging.INFO


if __name__ == "__main__":
    sys.exit(main())
