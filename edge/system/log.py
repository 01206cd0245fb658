"""Gone once the cameras log: until then, what they tell goes the same way."""

from __future__ import annotations

import logging

log = logging.getLogger("edge.camera")


def to_stderr(line: str) -> None:
    """Log one line."""
    log.warning("%s", line)
