"""What ``edge report A --against B`` writes: a folder with the figures, the rows, a map and a page."""

from __future__ import annotations

import heapq
from itertools import count
from pathlib import Path

import msgspec

from edge.app.compare.boxes import BoxPair
from edge.app.compare.compare import Comparison, compare
from edge.app.compare.page import page
from edge.app.compare.table import BoxRows, places, track_csv
from edge.app.output import COMPARED
from edge.errors import InputError, SinkError
from edge.system.files import folders_made, reason_of, write_private, written_private

JSON, BOXES, TRACKS, PLACES, PAGE = "compare.json", "boxes.csv", "tracks.csv", "places.geojson", "compare.html"
MOST_SHOWN = 48  # pictures of boxes of each run


class Best:
    """The boxes of no track that one run alone found, of the highest score; of each run at most ``most``."""

    def __init__(self, most: int = MOST_SHOWN) -> None:
        self._most, self._order = most, count(0, -1)
        self._kept: dict[str, list[tuple[float, int, BoxPair]]] = {"A": [], "B": []}

    def add(self, pair: BoxPair) -> None:
        """Note one box."""
        box = pair.a or pair.b
        if box is None or (pair.a and pair.b) or isinstance(box.track, int):
            return
        kept = self._kept["A" if pair.a else "B"]
        heapq.heappush(kept, (box.score, next(self._order), pair))  # of one score the first is kept
        if len(kept) > self._most:
            heapq.heappop(kept)

    def pairs(self) -> list[BoxPair]:
        """Those of A, then those of B, the best first."""
        return [
            pair for kept in self._kept.values() for _, _, pair in sorted(kept, key=lambda one: one[:2], reverse=True)
        ]


def write_comparison(a: Path, b: Path) -> Comparison:
    """Compare the runs in two folders, and write what came of it into ``compare/`` of the first one, anew.

    Raises InputError as `edge.app.compare.compare.compare` does, and for a folder and itself; SinkError where a file
    cannot be written.
    """
    if a.resolve() == b.resolve():
        raise InputError(f"{a} and {b} are one folder: give another run to compare with")
    out = a / COMPARED
    try:
        with folders_made(out, private=True):
            best = Best()
            with written_private(out / BOXES) as file:
                rows = BoxRows(file)

                def note(pair: BoxPair) -> None:
                    rows.add(pair)
                    best.add(pair)

                found = compare(a, b, note)
            text = msgspec.json.format(msgspec.json.encode(found.figures), indent=2)
            write_private(out / JSON, text + b"\n")
            write_private(out / TRACKS, track_csv(found))
            write_private(out / PLACES, places(found))
            write_private(out / PAGE, page(found, best.pairs()).encode())
    except OSError as error:
        raise SinkError(f"cannot write into {out}: {reason_of(error)}: free some space") from None
    return found
