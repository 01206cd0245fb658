"""The command line's own errors: one line that says what came, what was expected, and what may be meant."""

from __future__ import annotations

import argparse
import difflib
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge.system.text import printable

_EXPECTED = {int: "a whole number", float: "a number", Path: "a path"}


class Parser(argparse.ArgumentParser):
    """argparse's, with one line and exit code 2 for each mistake instead of a page of usage.

    ``~/`` at the start of a value is the home folder, also where the shell leaves it as it is, as in ``--out=~/x``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given: list[str] = []

    def parse_known_args(  # type: ignore[override]  # one of argparse's overloads is enough
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse's, and nothing is left over: that is an error of the command that does not know it."""
        self.given = list(sys.argv[1:] if args is None else args)
        required = [action.required for action in self._actions]
        try:
            found, left = super().parse_known_args(self.given, namespace)
        finally:  # an option may have excused the others, this once
            for action, before in zip(self._actions, required, strict=True):
                action.required = before
        if left:
            self.error(self._too_much(left[0]))
        return found, left

    def error(self, message: str) -> Any:
        """Print one line on stderr, and exit with 2."""
        wrong_choice = re.search(r"invalid choice: '(.*?)' \((?:choose|maybe).*?from (.*)\)$", message)
        if wrong_choice:
            known = [word.strip(" '") for word in wrong_choice[2].split(",")]
            message = re.sub(r"invalid choice: .*", "", message) + (
                f"{wrong_choice[1]!r}: expected one of {', '.join(known)}{_meant(wrong_choice[1], known)}"
            )
        elif "are required" in message or "is required" in message:
            message += self._misspelt()
        self.exit(2, printable(f"{self.prog}: {message} ({self.prog} --help tells more)") + "\n")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """The value of one word. Refuses a path that is empty, and a number that is none."""
        if not arg_string and (action.type is Path or action.dest in ("model", "bundle")):
            raise argparse.ArgumentError(action, "the value is empty: expected a path")
        if arg_string.startswith("~/"):
            arg_string = os.path.expanduser(arg_string)
        try:
            value = super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if not error.message.startswith("invalid "):
                raise
            expected = _EXPECTED.get(action.type, action.metavar)  # type: ignore[call-overload]
            raise argparse.ArgumentError(action, f"{arg_string!r}: expected {expected}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise argparse.ArgumentError(action, f"{arg_string!r}: expected a finite number")
        return value

    def _options(self) -> dict[str, argparse.Action]:
        return {option: action for action in self._actions for option in action.option_strings}

    def _too_much(self, word: str) -> str:
        """What is wrong with a word that no option takes."""
        options = self._options()
        if word.startswith("-"):
            return self._no_option(word.partition("=")[0])
        at = self.given.index(word)
        before = self.given[at - 1] if at else ""
        option = self.given[at - 2] if at > 1 else ""
        if before in options and options[before].nargs == 0:
            return f"{word!r} is too much: {before} takes no value"
        if option in options and options[option].nargs != 0:
            return (
                f"{word!r} is too much: {option} takes one value; a name with spaces, ?, * or & needs quotes: "
                f"{option} '{before} ...'"
            )
        meant = f"; is --source {word} meant?" if "--source" in options and "--source" not in self.given else ""
        return f"{word!r} is too much: it belongs to no option{meant}"

    def _no_option(self, name: str) -> str:
        near = _meant(name, self._options())
        plain = [str(action.metavar) for action in self._actions if not action.option_strings and action.metavar]
        return f"{name} is no option here{near or (f'; {plain[0]} stands alone' if plain else '')}"

    def _misspelt(self) -> str:
        """Where something is missing: what was given that may have been meant."""
        options = self._options()
        for word in self.given:
            name = word.partition("=")[0]
            if re.match(r"-+[a-zA-Z]", name) and not any(option.startswith(name) for option in options):
                return f"; {self._no_option(name)}"
        first = next(iter(self.given), "-")
        if not first.startswith("-") and "--source" in options and "--source" not in self.given:
            return f"; is --source {first} meant?"
        return ""


def _meant(word: str, known: Iterable[str]) -> str:
    plain = {name.lstrip("-"): name for name in known}
    near = difflib.get_close_matches(word.lstrip("-").lower(), plain, n=1, cutoff=0.65)
    return f"; is {plain[near[0]]} meant?" if near else ""
