"""Camtrap DP 1.0.2: the folder of a run becomes a data package, for Agouti, camtrapdp and GBIF.

A flight is one deployment. Its media are the frames, where these are files, else the pictures of the tracks.
Observations of a medium are boxes; those of an event are tracks: one animal, person or vehicle that was followed.
"""

from __future__ import annotations

import json
import math
import mimetypes
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edge.app.wildlife.camtrap_tables import TABLES, Table, observation_type, table
from edge.errors import InputError
from edge.measure.detections_lines import DetectionLine, FrameLine, Size
from edge.measure.read_detections import DetectionsFile, picture_name, searched, why_not_searched
from edge.measure.track_lines import TrackLine
from edge.system.files import write_private

VERSION = "1.0.2"
NAMES = ("datapackage.json", *(f"{name}.csv" for name in TABLES))
AT = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
M_PER_DEGREE = 111_195.0
FARTHEST_M = 100_000.0  # from where a flight found something or was, to where its user says that it was
UNKNOWN = "not known to the program that wrote this: put it in"


class Flight:
    """What is gathered while the frames are read: times and places.

    ``started``: when the run began, for frames and tracks that do not know their time. ``location``: latitude and
    longitude, as the user gave them, or None.
    """

    def __init__(self, name: str, started: datetime | None, location: tuple[float, float] | None) -> None:
        self.name, self.location = name, location
        self._given = location
        self._own: dict[tuple[float, float], None] = {}  # places of the flight itself, to a hundredth of a degree
        self._started = started
        self._zero: float | None = None
        self.guessed = False
        self.methods: set[str] = set()
        self.first = self.last = ""
        self._farthest = 0.0

    def time(self, utc: str | None, t: float) -> str:
        """ISO 8601, seconds. Raises InputError where nothing tells it."""
        self._zero = t if self._zero is None else self._zero
        if utc is not None:
            when = datetime.fromisoformat(utc)
        elif self._started is not None:
            when, self.guessed = self._started + timedelta(seconds=t - self._zero), True
        else:
            raise InputError("Camtrap DP needs the date of each picture: neither the frames nor report.json tell it")
        said = when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.first, self.last = min(self.first or said, said), max(self.last, said)
        return said

    def place(self, latitude: float, longitude: float, error_m: float) -> None:
        """Something was found there: the first of them is where the flight was, if nobody says otherwise."""
        if self.location is None:
            self.location = (latitude, longitude)
        self.over(latitude, longitude)
        self._farthest = max(self._farthest, _metres(self.location, (latitude, longitude)) + error_m)

    def over(self, latitude: float, longitude: float) -> None:
        """The aircraft was there."""
        self._own[round(latitude, 2), round(longitude, 2)] = None

    def check(self) -> None:
        """Raises InputError where the user's place is far from all that the flight itself knows."""
        if self._given is None or not self._own:
            return
        far, nearest = min((_metres(self._given, own), own) for own in self._own)
        if far <= FARTHEST_M:
            return
        swapped = self._given[::-1]
        fits = abs(swapped[0]) <= 90 and min(_metres(swapped, own) for own in self._own) <= FARTHEST_M
        raise InputError(
            f"--location {_said(self._given)} is {far / 1000:.0f} km from the nearest place of the flight itself, "
            f"{_said(nearest)}; expected latitude, then longitude, within {FARTHEST_M / 1000:g} km of it: "
            + (f"give --location {_said(swapped)}, or leave it out" if fits else "leave --location out")
        )

    def method(self, name: str) -> str:
        """Of a medium; noted for the package."""
        self.methods.add(name)
        return name

    @property
    def uncertainty_m(self) -> int | str:
        return math.ceil(self._farthest) or ""


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Between two places, latitude and longitude in degrees: by the haversine, on a sphere."""
    p, q = math.radians(a[0]), math.radians(b[0])
    north, east = math.sin((q - p) / 2), math.sin(math.radians(b[1] - a[1]) / 2)
    half = math.asin(min(1.0, math.hypot(north, east * math.sqrt(math.cos(p) * math.cos(q)))))
    return math.degrees(2 * half) * M_PER_DEGREE


def _said(place: tuple[float, float]) -> str:
    return f"{place[0]:g} {place[1]:g}"


def write_camtrap_dp(
    folder: Path,
    detections: DetectionsFile,
    tracks: Sequence[TrackLine],
    started: datetime | None,
    location: tuple[float, float] | None = None,
) -> list[str]:
    """Write ``datapackage.json`` and its three tables into the folder of the run; returns what a person should know.

    ``started``: when the run began, by the computer's clock, or None. ``location``: latitude, longitude of the
    flight, degrees; None: where the first object was found.

    Raises InputError where the time, the place or every medium is unknown, where ``location`` is far from all places of
    the flight itself, and as `DetectionsFile` does: then an earlier package is as it was. OSError where it cannot be
    written; then ``datapackage.json`` is not there.
    """
    flight = Flight(folder.resolve().name or "flight", started, location)
    with table(folder, "media") as media, table(folder, "observations") as observations:
        for frame in detections:
            _add_frame(flight, folder, detections, frame, media, observations)
        for track in tracks:
            _add_track(flight, folder, track, media, observations, crops=media.rows == 0)
        if media.rows == 0:
            raise InputError(
                f"Camtrap DP describes files of pictures, and {folder} has none: run it with --pictures, or on stills"
            )
        flight.check()
        if flight.location is None:
            raise InputError("Camtrap DP needs the place of the flight, and no track has one: give --location LAT LON")
        (folder / NAMES[0]).unlink(missing_ok=True)  # from here on the tables are no longer its own
        with table(folder, "deployments") as deployments:
            _add_deployment(flight, deployments)
    package = json.dumps(_package(flight, detections.first.model, bool(tracks)), indent=2)
    write_private(folder / NAMES[0], (package + "\n").encode())
    said = [
        f"{folder / NAMES[0]}: {media.rows} media, {observations.rows} observations",
        f"fill in {NAMES[0]} what the program does not know: contributors, project.samplingDesign, licenses",
    ]
    if flight.guessed:
        said.append("times count from the start of the program, since the frames have none: timestampIssues is true")
    return said


def _add_frame(
    flight: Flight, folder: Path, detections: DetectionsFile, frame: FrameLine, media: Table, observations: Table
) -> None:
    when, name = flight.time(frame.utc, frame.t), picture_name(frame)
    if isinstance(frame.pose, tuple):
        flight.over(*frame.pose[:2])
    for found in frame.detections:
        if isinstance(found.position, tuple):
            flight.place(*found.position)
    if not isinstance(frame.origin, str) and not (folder / name).exists():
        return
    medium = f"{flight.name}-f{frame.seq}"
    media.add(
        mediaID=medium,
        deploymentID=flight.name,
        captureMethod=flight.method("timeLapse"),
        timestamp=when,
        **_file(name.partition("#")[0]),
        mediaComments="" if searched(frame) else why_not_searched(frame),
    )
    common = {
        "deploymentID": flight.name,
        "mediaID": medium,
        "eventStart": when,
        "eventEnd": when,
        "observationLevel": "media",
        "classificationMethod": "machine",
        "classifiedBy": detections.first.model or "thermal-edge",
    }
    for n, found in enumerate(frame.detections, 1):
        observations.add(observationID=f"{medium}-{n}", **common, **_box(found, detections.size(frame)))
    if not frame.detections and searched(frame):
        observations.add(observationID=f"{medium}-blank", **common, observationType="blank")


def _box(found: DetectionLine, size: Size) -> dict[str, Any]:
    x1, y1, x2, y2 = found.box
    left, top = round(x1 / size.width, 6), round(y1 / size.height, 6)
    return {
        "observationType": observation_type(found.name),
        "count": 1,
        "bboxX": left,
        "bboxY": top,
        "bboxWidth": round(round(x2 / size.width, 6) - left, 6),
        "bboxHeight": round(round(y2 / size.height, 6) - top, 6),
        "classificationProbability": found.score,
        "observationTags": f"class:{found.name}" + (f" | track:{found.track}" if isinstance(found.track, int) else ""),
    }


def _add_track(flight: Flight, folder: Path, track: TrackLine, media: Table, observations: Table, crops: bool) -> None:
    """An observation; and where no frame is a file (``crops``) its pictures as media."""
    event = f"{flight.name}-t{track.track}"
    start, end = flight.time(track.first_utc, track.first_t), flight.time(track.last_utc, track.last_t)
    comment = f"{track.frames} frames; one animal may have several tracks"
    if track.position is not None:
        where = track.position
        flight.place(where.lat, where.lon, where.sigma_m)
        comment += f"; at {where.lat:.7f}, {where.lon:.7f}, {where.sigma_m:.1f} m (1 sigma)"
    for n, name in enumerate(track.crops if crops else [], 1):
        if (folder / name).exists():
            media.add(
                mediaID=f"{event}-{n}",
                deploymentID=flight.name,
                captureMethod=flight.method("activityDetection"),
                timestamp=start,
                **_file(name),
                mediaComments=f"a part of a frame, between {start} and {end}",
            )
    observations.add(
        observationID=event,
        deploymentID=flight.name,
        eventID=event,
        eventStart=start,
        eventEnd=end,
        observationLevel="event",
        observationType=observation_type(track.name),
        count=1,
        classificationMethod="machine",
        classificationProbability=track.score,
        observationTags=f"class:{track.name} | track:{track.track}",
        observationComments=comment,
    )


def _file(path: str) -> dict[str, Any]:
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    # the standard takes no path with two dots in a row, as one that leaves the folder would have
    safe = path.replace("..", "%2E%2E")
    return {"filePath": safe, "filePublic": False, "fileName": Path(path).name, "fileMediatype": kind}


def _add_deployment(flight: Flight, deployments: Table) -> None:
    latitude, longitude = flight.location or (math.nan, math.nan)
    comment = "a flight; the place is not that of the camera, but where something was found or what the user gave"
    if flight.guessed:
        comment += "; times count from the start of the program"
    deployments.add(
        deploymentID=flight.name,
        latitude=round(latitude, 7),
        longitude=round(longitude, 7),
        coordinateUncertainty=flight.uncertainty_m,
        deploymentStart=flight.first,
        deploymentEnd=flight.last,
        timestampIssues=flight.guessed,
        baitUse=False,
        deploymentComments=comment,
    )


def _package(flight: Flight, model: str | None, events: bool) -> dict[str, Any]:
    latitude, longitude = flight.location or (math.nan, math.nan)
    return {
        "name": "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in flight.name.lower()),
        "profile": f"{AT}/camtrap-dp-profile.json",
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": flight.name,
        "description": f"found by thermal-edge with the model {model}; no person has checked it. "
        "classificationProbability is the score of the model, which is not a probability",
        "contributors": [{"title": UNKNOWN, "role": "contact"}],
        "project": {
            "title": flight.name,
            "samplingDesign": "opportunistic",
            "description": f"samplingDesign: {UNKNOWN}",
            "captureMethod": sorted(flight.methods),
            "individualAnimals": False,
            "observationLevel": ["media", "event"] if events else ["media"],
        },
        "spatial": {"type": "Point", "coordinates": [round(longitude, 7), round(latitude, 7)]},
        "temporal": {"start": flight.first[:10], "end": flight.last[:10]},
        "taxonomic": [],
        "resources": [
            {
                "name": name,
                "path": f"{name}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{AT}/{name}-table-schema.json",
            }
            for name in TABLES
        ],
    }
