"""``edge report``: the report after landing, what another run found, and the results in the files of other tools."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from edge.app.after.hand_over import OF_DETECTIONS, OF_TRACKS, hand_over
from edge.app.after.report import write_flight_report
from edge.app.compare.files import write_comparison
from edge.commands.after.compare_table import show_comparison
from edge.commands.options import Commands, Screens, add_command, add_quiet
from edge.commands.steps import Steps
from edge.errors import InputError

FILES = {
    "geojson": "a point for each track with a position (CalTopo, QGIS)",
    "kmz": "place marks with pictures (Google Earth, QGIS, ATAK)",
    "csv": "a row for each track, for a spreadsheet",
    "coco": "the boxes of all frames with their scores",
    "megadetector": "the boxes of all frames for Timelapse and AddaxAI",
    "camtrap-dp": "the folder as a Camtrap Data Package: datapackage.json and three tables",
}


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(
        commands, "report", execute, "write the report of a flight, report.html, or its results in files of other tools"
    )
    sub.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="what edge run --out wrote; several flights over the same ground are counted together",
    )
    sub.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder for report.html, tracks.csv and tracks.geojson (default: DIR; several flights need it)",
    )
    for name in (*OF_TRACKS, *OF_DETECTIONS):
        sub.add_argument(
            f"--{name}",
            dest="files",
            action="append_const",
            const=name,
            default=[],
            help=f"write into DIR, and no report: {FILES[name]}",
        )
    sub.add_argument(
        "--location",
        type=degrees,
        nargs=2,
        metavar=("LAT", "LON"),
        help="with --camtrap-dp: where the flight was, degrees (default: where its first object was found)",
    )
    sub.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="compare with another run over the same frames, such as another model's: DIR/compare/compare.html of the "
        "first shows what one of them alone found",
    )
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Write them, and say what they hold."""
    folders: list[Path] = arguments.folders
    place = _place(arguments.location)
    one = len(folders) == 1 and arguments.out is None
    lines: Sequence[str] = ()
    if arguments.against and not one:
        raise InputError("--against compares one flight with another run over it: give one DIR, no --out")
    if arguments.files:
        if not one:
            files = ", ".join(f"--{name}" for name in dict.fromkeys(arguments.files))
            raise InputError(f"{files}: these files are written into the folder of one flight: give one DIR, no --out")
        lines = hand_over(folders[0], list(dict.fromkeys(arguments.files)), place)
    elif place is not None:
        raise InputError("--location belongs to --camtrap-dp: a report has the places of the flight itself")
    elif not arguments.against:
        with Steps(screens.err, quiet=arguments.quiet) as steps:
            lines = write_flight_report(folders, arguments.out, steps).lines
    for line in () if arguments.quiet else lines:
        screens.out.say(line)
    if arguments.against:
        found = write_comparison(folders[0], arguments.against)
        if not arguments.quiet:
            show_comparison(found, screens.out)


def degrees(text: str) -> float:
    """A number of degrees."""
    if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r}: expected degrees, such as 51.5 or -0.12 (south and west)")
    return float(text)


def _place(given: list[float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    latitude, longitude = given
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise InputError(
            f"--location {latitude:g} {longitude:g}: expected a latitude of -90 to 90, then a longitude of -180 to 180"
        )
    return latitude, longitude
