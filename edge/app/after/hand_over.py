"""The results of a run that has ended, in the files of other tools: ``edge report DIR``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from edge.app.output import REPORT
from edge.app.wildlife import camtrap_dp, coco, megadetector
from edge.errors import InputError, SinkError
from edge.measure.detections_lines import moment
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import TrackLine, read_tracks
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.geojson import SPEC as GEOJSON
from edge.sinks.tracks.geojson import geojson
from edge.sinks.tracks.jsonl import SPEC as TRACKS
from edge.sinks.tracks.kmz import SPEC as KMZ
from edge.sinks.tracks.kmz import kmz
from edge.sinks.tracks.track_csv import SPEC as CSV
from edge.sinks.tracks.track_csv import track_csv
from edge.sinks.tracks.track_file import Format, write_tracks
from edge.system.declared import json_file
from edge.system.files import read_limited, reason_of

OF_TRACKS: dict[str, tuple[str, Format]] = {  # name: file, how it is made
    "geojson": (str(GEOJSON.file), geojson),
    "kmz": (str(KMZ.file), kmz),
    "csv": (str(CSV.file), track_csv),
}
MOST_PICTURE = 16 << 20  # bytes; crops have a few kB
OF_DETECTIONS = ("coco", "megadetector", "camtrap-dp")


def hand_over(folder: Path, names: Sequence[str], location: tuple[float, float] | None = None) -> list[str]:
    """Write the files of ``names`` (keys of `OF_TRACKS`, and `OF_DETECTIONS`) into the folder of a run, each whole or
    not at all; returns a line for a person on each.

    ``location``: latitude and longitude of the flight, degrees, for Camtrap DP where no track has a position.

    Raises InputError where the folder is none of a run or lacks what a file needs; SinkError where one cannot be
    written.
    """
    said: list[str] = []
    for name in names:
        try:
            said += write_track_files(folder, [name]) if name in OF_TRACKS else _of_detections(folder, name, location)
        except OSError as error:
            raise SinkError(f"cannot write into {folder}: {reason_of(error)}: free some space") from None
    return said


def write_track_files(folder: Path, names: Sequence[str] = tuple(OF_TRACKS)) -> list[str]:
    """Write ``tracks.geojson``, ``tracks.kmz`` and ``tracks.csv`` anew from ``tracks.jsonl`` and its pictures.

    Raises InputError where they cannot be read, SinkError where a file cannot be written.
    """
    tracks = read_tracks(TRACKS.path(folder))
    without = sum(track.position is None for track in tracks)
    said = []
    for name in names:
        file, form = OF_TRACKS[name]
        write_tracks(folder / file, form, tracks, _picture_of(folder))
        on_map = "" if name == "csv" else f", {len(tracks) - without} of them on the map"
        said.append(f"{folder / file}: {len(tracks)} tracks{on_map}")
    return said


def _picture_of(folder: Path) -> Callable[[TrackLine], bytes | None]:
    """The best picture of a track, from its file; None where that is gone."""
    inside = folder.resolve()

    def picture(track: TrackLine) -> bytes | None:
        try:
            path = (folder / track.crops[0]).resolve() if track.crops else None
            # a link in a folder from elsewhere could lead to any file of this machine
            return read_limited(path, MOST_PICTURE) if path and path.is_relative_to(inside) else None
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            return None

    return picture


def _of_detections(folder: Path, name: str, location: tuple[float, float] | None) -> list[str]:
    detections = DetectionsFile(DETECTIONS.path(folder))
    if name == "coco":
        return [coco.write_coco(detections, folder / coco.NAME)]
    if name == "megadetector":
        return [megadetector.write_megadetector(detections, folder / megadetector.NAME)]
    path = TRACKS.path(folder)
    tracks = read_tracks(path) if path.exists() else []
    return camtrap_dp.write_camtrap_dp(folder, detections, tracks, _started(folder), location)


def _started(folder: Path) -> datetime | None:
    """When the run began, by its report; None: it has none that says so, or the machine's date could not be.

    Where the clock became right only later, the begin is counted back from then.
    """
    path = folder / REPORT
    try:
        report = json_file(path)
        clock = report.get("clock") if isinstance(report, dict) else None
        if clock is not None and (first := clock["first"])["state"] != "synchronised":
            if (last := clock["last"])["state"] == "synchronised":
                return moment(last["utc"]) - timedelta(seconds=float(last["t"]) - float(first["t"]))
            if first["state"] == "unset":
                return None
        return moment(report["started"])
    except OSError:
        return None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: {error!r}: expected the report of a run") from None
