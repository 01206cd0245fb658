"""Whatever a driver raises, to the flight it is a camera that failed."""

from __future__ import annotations

import logging

from edge.errors import without_password

log = logging.getLogger(__name__)


def in_words(who: str, error: Exception) -> str:
    """One line on an exception that is none of ours, for the CameraError or SourceError in its place.

    ``who``: the camera. The traceback is logged for debugging.
    """
    who = without_password(who)
    log.debug("%s raised", who, exc_info=error)
    text = without_password(" ".join(str(error).split()))  # OpenCV writes several lines
    return f"{who}: {type(error).__name__}: {text}" if text else f"{who}: {type(error).__name__}"
