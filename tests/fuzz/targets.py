"""The table of targets: every reader of bytes that come from outside. A new one is a row in one of these files."""

from __future__ import annotations

from tests.fuzz import of_archives, of_flights, of_labels, of_models, of_pages, of_pictures, of_poses, of_words
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *of_models.ROWS,
    *of_flights.ROWS,
    *of_pictures.ROWS,
    *of_poses.ROWS,
    *of_labels.ROWS,
    *of_words.ROWS,
    *of_pages.ROWS,
    *of_archives.ROWS,
)
