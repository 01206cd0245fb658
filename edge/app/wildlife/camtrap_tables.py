"""The three tables of Camtrap DP 1.0.2: their columns, all of them and in their order, and how a row is written.

The description is at https://camtrap-dp.tdwg.org/data/; a column that is not known is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.measure.kinds import kind_of
from edge.system.files import written_private

DEPLOYMENTS = (
    *("deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty"),
    *("deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight"),
    *("cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues", "baitUse"),
    *("featureType", "habitat", "deploymentGroups", "deploymentTags", "deploymentComments"),
)
MEDIA = (
    *("mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName"),
    *("fileMediatype", "exifData", "favorite", "mediaComments"),
)
OBSERVATIONS = (
    *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel"),
    *("observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior"),
    *("individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed"),
    *("bboxX", "bboxY", "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy"),
    *("classificationTimestamp", "classificationProbability", "observationTags", "observationComments"),
)
TABLES = {"deployments": DEPLOYMENTS, "media": MEDIA, "observations": OBSERVATIONS}
TYPES = {"animal": "animal", "person": "human", "vehicle": "vehicle", None: "unknown"}


class Table:
    """A table that grows by rows. ``rows``: how many it has."""

    def __init__(self, name: str, text: io.TextIOBase) -> None:
        self._columns, self.rows = TABLES[name], 0
        self._writer = csv.DictWriter(text, self._columns, restval="")
        self._writer.writeheader()

    def add(self, **cells: Any) -> None:
        """Write a row; raises ValueError for a column that the table does not have."""
        self._writer.writerow({name: _cell(value) for name, value in cells.items()})
        self.rows += 1


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@contextmanager
def table(folder: Path, name: str) -> Iterator[Table]:
    """``NAME.csv`` in ``folder``: there when the block has ended. Raises OSError."""
    with written_private(folder / f"{name}.csv") as out:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", errors="surrogateescape")
        try:
            yield Table(name, text)
        finally:
            text.detach()  # flushes it; the file below is not its to close


def observation_type(name: str) -> str:
    """``animal``, ``human``, ``vehicle``, or ``unknown`` for a class of which no word is known."""
    return TYPES[kind_of(name)]
