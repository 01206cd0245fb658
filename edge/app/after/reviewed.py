"""What reviewers said of a flight's tracks, as a column beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edge.app.after.flight.flight import Flight
from edge.app.after.flight.lines import FileState
from edge.app.review.store import FILE, Review
from edge.errors import InputError

WORDS = ("", "right", "wrong", "unsure")  # by the number in a column


@dataclass(frozen=True)
class Reviewed:
    """``verdicts``: (N,) uint8, index into `WORDS` of each track. ``counts``: by word, ``missed`` too. ``strangers``:
    tracks that were reviewed and that tracks.jsonl does not have.
    """

    WRONG: ClassVar[int] = WORDS.index("wrong")

    verdicts: npt.NDArray[np.uint8]
    counts: Mapping[str, int]
    strangers: int


def reviewed(flight: Flight) -> tuple[Reviewed | None, FileState]:
    """None where nobody reviewed the flight, or the file cannot be read: the state says why."""
    state = FileState(FILE)
    if not (flight.folder / FILE).exists():
        state.state = "not there"
        return None, state
    try:
        review = Review.read(flight.folder)
    except InputError as error:
        state.refuse(str(error))
        return None, state
    state.torn = review.torn > 0
    opinions = review.opinions
    verdicts, found = np.zeros(len(flight.tracks), np.uint8), 0
    for row, track in enumerate(flight.tracks.ints["track"]):
        if opinion := opinions.get(track):
            verdicts[row] = WORDS.index(opinion.verdict)
            found += 1
    return Reviewed(verdicts, review.counts, len(opinions) - found), state
