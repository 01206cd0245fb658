"""What a command line takes, as text: every option of a parser with its kind and default."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

FEW = 8  # choices that are written out; of more their number


def commands_of(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """``name`` and its parser, then every command below it with its own."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from commands_of(inner, f"{name} {word}")


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """A line for each option and word of this parser alone, without its help, sorted: ``--seed int = 7``."""
    return sorted(
        line
        for action in parser._actions
        if not isinstance(action, (argparse._SubParsersAction, argparse._HelpAction, argparse._VersionAction))
        and (line := _line(action))
    )


def _line(action: argparse.Action) -> str:
    words = ["/".join(action.option_strings) or str(action.metavar)]
    if action.option_strings and action.dest != action.option_strings[0].lstrip("-").replace("-", "_"):
        words.append(f"-> {action.dest}")
    if action.nargs == 0:
        words.append(f"adds {action.const}" if isinstance(action, argparse._AppendConstAction) else "flag")
    elif action.choices is not None:
        choices = [str(choice) for choice in action.choices]
        words.append("|".join(choices) if len(choices) <= FEW else f"one of {len(choices)}")
    else:
        words.append("text" if action.type is None else str(getattr(action.type, "__name__", action.type)).strip("_"))
    if action.nargs in ("+", "?", "*"):
        words.append(f"({action.nargs})")
    if action.required:
        words.append("required")
    if not (action.default is None or action.default is False or action.default == argparse.SUPPRESS):
        words.append(f"= {_default(action.default)}")
    return " ".join(words)


def _default(value: object) -> str:
    """A default without the folders of this machine."""
    text = str(value) if isinstance(value, Path) else repr(value)
    return repr(text.rpartition("/edge/")[2].rstrip("'")) if "/edge/" in text else text
