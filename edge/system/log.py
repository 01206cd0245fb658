"""A line on stderr, for the person in front of the screen or for the journal."""

from __future__ import annotations

import contextlib
import sys


def to_stderr(line: str) -> None:
    """Say ``edge: line`` at once. Nobody listens any more: no reason to stop flying."""
    if sys.stderr is not None:  # print would take stdout instead
        with contextlib.suppress(OSError, ValueError):
            print(f"edge: {line}", file=sys.stderr, flush=True)


def nothing(_line: str) -> None:
    """In the place of `to_stderr`, where all shall be quiet."""
