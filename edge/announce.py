"""Which engine flies, why, and what a person should know of it: told on stderr before the first frame."""

from __future__ import annotations

import sys

from edge.engine import Engine


def announce(engine: Engine, backend: str, quiet: bool = False) -> None:
    """Say it, a line each; ``backend``: what was asked for. Once an engine: the reports carry it too."""
    if quiet:
        return
    lines = [f"backend auto takes {engine.description}: {engine.chosen}"] if backend == "auto" else []
    for line in (*lines, *(f"note: {note}" for note in engine.notes)):
        print(f"edge: {line}", file=sys.stderr)
