"""The units of each flight, in their order, and what became of each in a job."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edge.app.output import RECORDING
from edge.archive.manifest import Manifest
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.archive.work import Places

NOT_YET = "it has no result yet"


@dataclass(frozen=True)
class Parts:
    """One flight. ``units``: all of them; ``there``: those that have a result, with its folder; ``missing``: the
    others, with why.
    """

    flight: str
    units: tuple[Unit, ...]
    there: tuple[tuple[Unit, Path], ...]
    missing: tuple[tuple[Unit, str], ...]

    @property
    def digest(self) -> str:
        """Of what its units hold: the same for a copy of the flight."""
        return hashlib.sha256(" ".join(unit.sha256 for unit in self.units).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Of its folder: two flights of one name are told apart by what they hold. Every recording lies in a folder of
        one name: it is called by the folder around it.
        """
        flight = Path(self.flight)
        said = flight.parent.name if flight.name == RECORDING else flight.name
        words = re.sub(r"[^\w.-]+", "_", said).strip("._") or "flight"
        return f"{words[:80]}-{self.digest[:8]}"


def flights_of(manifest: Manifest, job: Path) -> Iterator[Parts]:
    """Each flight of a plan; ``job``: the folder of the job. Raises InputError as the manifest does."""
    for flight, group in groupby(manifest.units(), key=lambda unit: unit.flight):
        units = tuple(group)
        there, missing = [], []
        for unit in units:
            places = Places.of(job, unit.sha256)
            if places.result.is_dir():
                there.append((unit, places.result))
            else:
                tries = Tries(places.tries)
                missing.append((unit, f"given up: {tries.reason}" if tries.over else NOT_YET))
        yield Parts(flight, units, tuple(there), tuple(missing))
