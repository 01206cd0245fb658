"""What all benchmarks do with what is typed and with files that are given: a mistake is answered in one line.

if __name__ == "__main__":
    run(main)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from edge.errors import EdgeError, InputError
from edge.system.files import reason_of

GIVEN_WRONG = FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError


def run(main: Callable[[], int | None]) -> NoReturn:
    """Ends the program with what `answered` returns."""
    sys.exit(answered(Path(sys.argv[0]).stem, main))


def answered(program: str, main: Callable[[], int | None]) -> int:
    """What ``main`` returns (None: 0), or where it raises an error that `edge` would tell, one line and the exit code
    of `edge`: 2 for what was typed or given, 1 for what failed on the way.
    """
    try:
        return main() or 0
    except EdgeError as error:
        line, code = str(error), error.exit_code
    except OSError as error:
        line = f"{error.filename or 'standard output'}: {reason_of(error)}"
        code = 2 if isinstance(error, GIVEN_WRONG) else 1
    sys.stderr.write(f"{program}: {line}\n")
    return code


def number_of(what: str, default: int) -> int:
    """The one number that may stand behind the name of the benchmark. Raises InputError where it is none from 1 on."""
    if len(sys.argv) > 2:
        raise InputError(f"{' '.join(sys.argv[1:])}: expected one number, of {what}")
    return whole(what, sys.argv[1]) if len(sys.argv) > 1 else default


def whole(what: str, text: str) -> int:
    """Raises InputError where ``text`` is no whole number from 1 on."""
    if not _is_whole(text, 1):
        raise InputError(f"{what} {text}: expected a whole number, 1 or more")
    return int(text)


def at_least(least: int) -> Callable[[str], int]:
    """For ``type=`` of argparse: whole numbers from ``least`` on; others end the program with its usage."""

    def number(text: str) -> int:
        if not _is_whole(text, least):
            raise argparse.ArgumentTypeError(f"{text}: expected a whole number, {least} or more")
        return int(text)

    return number


def _is_whole(text: str, least: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least


def read_json(path: Path, *keys: str) -> Any:
    """An object with ``keys``, each of which holds a list. Raises InputError where the file holds something else."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: no JSON ({error}): expected an object with {', '.join(keys)}") from error
    missing = [key for key in keys if not (isinstance(content, dict) and isinstance(content.get(key), list))]
    if missing:
        raise InputError(f"{path}: it has no list {', '.join(missing)}: expected an object with {', '.join(keys)}")
    return content
