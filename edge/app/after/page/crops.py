"""The pictures of tracks for the page: within a budget of bytes, the best of every counted individual first."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.app.after.flight.lines import Progress
from edge.app.after.flight.tracks import all_lines
from edge.app.after.page.rows import Rows
from edge.app.after.survey.survey import Survey
from edge.system.files import read_limited

BUDGET = 24 << 20  # bytes of base64 in one page
MOST_PICTURED = 20_000  # tracks
MOST_PICTURE = 1 << 20  # bytes: a crop has a few kB
CHUNK = 32  # tracks that the page unpacks at once
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Pictured:
    """What became of pictures. ``kept``: of the tracks in the page; ``embedded``; ``gone``: named, and not there;
    ``damaged``: no PNG, or far too large. The others did not fit into the budget.
    """

    kept: int = 0
    embedded: int = 0
    gone: int = 0
    damaged: int = 0

    @property
    def left_out(self) -> int:
        """Over the budget."""
        return self.kept - self.embedded - self.gone - self.damaged


class Crops:
    """The pictures of ``rows``; `chunks` writes their numbers into the column ``chunk``."""

    def __init__(self, survey: Survey, rows: Rows, budget: int = BUDGET, progress: Progress | None = None) -> None:
        self.told = Pictured(kept=int(rows.columns["kept"].astype(np.int64).sum()))
        self._rows = rows
        self._names, self.told.gone = _names(survey, rows, progress)
        self._chosen = self._choose(budget)

    def _choose(self, budget: int) -> dict[int, list[Path]]:
        """By row what fits: the best picture of each, in the rows' order, then the second ones, then the third."""
        chosen: dict[int, list[Path]] = {}
        counted: list[bool] = (self._rows.columns["animal"][list(self._names)] > 0).tolist() if self._names else []
        for of_it in (True, False):
            rows = [row for row, yes in zip(self._names, counted, strict=True) if yes == of_it]
            for place in range(max((len(self._names[row]) for row in rows), default=0)):
                for row in rows:
                    if place >= len(self._names[row]):
                        continue
                    path = self._names[row][place]
                    try:
                        size = -(-os.stat(path).st_size // 3) * 4
                    except (OSError, ValueError):
                        self.told.gone += 1
                        continue
                    if size > MOST_PICTURE * 4 // 3:
                        self.told.damaged += 1
                    elif size <= budget:
                        budget -= size
                        chosen.setdefault(row, []).append(path)
        return chosen

    def chunks(self, progress: Progress | None = None) -> Iterator[dict[str, list[str]]]:
        """Rows with their pictures in base64, so many at once; numbers from 1 in their order."""
        rows = sorted(self._chosen)
        for number, begin in enumerate(range(0, len(rows), CHUNK), 1):
            chunk: dict[str, list[str]] = {}
            for row in rows[begin : begin + CHUNK]:
                found = [data for path in self._chosen[row] if (data := self._read(path))]
                if found:
                    chunk[str(row)] = found
                    self._rows.columns["chunk"][row] = number
            if progress:
                progress("pictures", begin / len(rows))
            yield chunk

    def _read(self, path: Path) -> str:
        try:
            data = read_limited(path, MOST_PICTURE)
        except OSError:
            self.told.gone += 1
            return ""
        if not data.startswith(PNG):
            self.told.damaged += 1
            return ""
        self.told.embedded += 1
        return base64.b64encode(data).decode()


def _names(survey: Survey, rows: Rows, progress: Progress | None) -> tuple[dict[int, Sequence[Path]], int]:
    """By row, in the rows' order: files of pictures that lie within the flight's folder, the best first; and how many
    lie outside.
    """
    needed = np.flatnonzero(rows.columns["kept"])[:MOST_PICTURED]
    row_of = {int(rows.source[row]): int(row) for row in needed}
    names, outside = dict[int, Sequence[Path]](), 0
    for i, flight in enumerate(survey.flights):
        if not any(key >> 32 == i for key in row_of):
            continue
        inside = Inside(flight.folder)
        for place, track in enumerate(all_lines(flight.folder, flight.tracks, progress)):
            if (row := row_of.get(i << 32 | place)) is not None:
                paths = [inside.path(name) for name in track.crops if not name.endswith("-counts.png")]
                names[row] = [path for path in paths if path is not None]
                outside += len(paths) - len(names[row])
    return dict(sorted(names.items())), outside


class Inside:
    """Files of one flight's folder. A link in a folder from elsewhere could lead to any file of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inside = folder.resolve()
        self._folders: dict[str, bool] = {}  # by the folder's name within it: whether it lies there; mostly one

    def path(self, name: str) -> Path | None:
        """Of a file by its name within the folder; None where it lies elsewhere."""
        path, (within, _, _) = self._folder / name, name.rpartition("/")
        try:
            if within not in self._folders:
                self._folders[within] = path.parent.resolve().is_relative_to(self._inside)
            if not self._folders[within]:
                return None
            return path if not path.is_symlink() or path.resolve().is_relative_to(self._inside) else None
        except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
            return None
