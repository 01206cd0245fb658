"""Which engine flies, why, and what a person should know of it: told on stderr before the first frame."""

from __future__ import annotations

from edge.engine import Engine
from edge.system.log import to_stderr


def announce(engine: Engine, backend: str, quiet: bool = False) -> None:
    """Say it, a line each; ``backend``: what was asked for. Once an engine: the reports carry it too."""
    if quiet:
        return
    if backend == "auto":
        to_stderr(f"backend auto takes {engine.description}: {engine.chosen}")
    for note in engine.notes:
        to_stderr(f"note: {note}")
