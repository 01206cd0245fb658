"""``edge report``: the results of a run, in the files of other tools."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from edge.app.after.hand_over import OF_DETECTIONS, OF_TRACKS, hand_over
from edge.commands.options import Commands, Screens, add_command, add_quiet
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
    sub = add_command(commands, "report", execute, "write the results of a run in the files of other tools")
    sub.add_argument("folder", type=Path, metavar="DIR", help="what edge run --out wrote")
    for name in (*OF_TRACKS, *OF_DETECTIONS):
        sub.add_argument(
            f"--{name}", dest="files", action="append_const", const=name, default=[], help=f"write {FILES[name]}"
        )
    sub.add_argument(
        "--location",
        type=degrees,
        nargs=2,
        metavar=("LAT", "LON"),
        help="with --camtrap-dp: where the flight was, degrees (default: where its first object was found)",
    )
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Write them, and say what they hold."""
    if not arguments.files:
        options = ", ".join(f"--{name}" for name in FILES)
        raise InputError(f"nothing to write: give one or more of {options}")
    for line in hand_over(arguments.folder, list(dict.fromkeys(arguments.files)), _place(arguments.location)):
        if not arguments.quiet:
            screens.out.say(line)


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
