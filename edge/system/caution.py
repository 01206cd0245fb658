"""Warnings of what was asked for, and not of what happens: they are seen with ``--quiet``, too.

Such as a spare folder on the disk that it is to stand in for, or a source whose picture is black-hot. To all else they
are warnings like the others.
"""

from __future__ import annotations

import logging

CAUTION = "caution"  # set in the record of such a line


def caution(log: logging.Logger, message: str, *args: object) -> None:
    """Log a warning that an order cannot do what it is for, or lets somebody in: whoever gave it must see it before
    the flight, and ``--quiet`` is of what the flight itself has to say.
    """
    log.warning(message, *args, extra={CAUTION: True}, stacklevel=2)


def seen_by_the_quiet(record: logging.LogRecord) -> bool:
    """Whether a line is an error, or such a warning."""
    return record.levelno >= logging.ERROR or getattr(record, CAUTION, False) is True
