"""``edge-export data review``: what people said of flights, as frames and labels to train on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from edge.app.output import without_new_folders
from edge.errors import InputError
from export.commands.console import bars_on, console_of, say
from export.data.assist.write import check_empty
from export.data.reviewed.flights import APART_S, MOST, Reviewed, check_folders, reviewed_flight
from export.data.reviewed.write import IMAGES, JSON, Written, write_reviewed

NO_PIXELS = (
    "no frame of them is kept: fly with --record, or give the source of the flight again: --source S (of one flight)"
)


def add_review_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``review``; its ``run`` default is `run_review`."""
    what = "write the frames of reviewed flights with what people said as labels (COCO), to train on"
    parser = actions.add_parser("review", help=what, description=what)
    parser.set_defaults(run=run_review)
    parser.add_argument(
        "folder", nargs="+", type=Path, metavar="DIR", help="what edge run --out wrote, and was reviewed"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="new or empty folder for images and annotations.json"
    )
    parser.add_argument(
        "--source",
        metavar="S",
        help="of one flight without a recording: the files that it looked at, as edge run --source had them",
    )
    parser.add_argument(
        "--apart",
        type=float,
        default=APART_S,
        metavar="SECONDS",
        help="two frames of one track are at least so far apart (default: %(default)s)",
    )
    parser.add_argument(
        "--most", type=int, default=MOST, metavar="N", help="frames chosen for one track (default: %(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_review(arguments: argparse.Namespace) -> int:
    """Write them; returns 0. Raises EdgeError."""
    a = arguments
    if not 0 <= a.apart <= 1e6 or a.most < 1:
        raise InputError(f"--apart {a.apart:g} --most {a.most}: expected seconds, 0 or more, and 1 or more frames")
    names = check_folders(a.folder)
    if a.source is not None and len(names) > 1:
        raise InputError(f"--source is of one flight, and {len(names)} are given: export each by itself")
    flights = {name: reviewed_flight(folder, a.apart, a.most) for folder, name in names.items()}
    if not any(flight.chosen for flight in flights.values()):
        raise InputError(
            f"nothing to export: {sum(f.reviewed for f in flights.values())} tracks were reviewed, none as right or "
            "wrong, and nothing was marked as missed with a box: edge review DIR"
        )
    console = console_of(a.quiet)
    with without_new_folders([a.out / JSON]):
        check_empty(a.out)
        with bars_on(console) as progress:
            task = progress.add_task("frames", total=sum(len(flight.chosen) for flight in flights.values()))
            done = write_reviewed(a.out, flights, a.source, lambda count: progress.update(task, completed=count))
        if not done.images:
            raise InputError(f"{done.without_pixels} frames were reviewed, and {NO_PIXELS}")
    for line in told(a.out, flights, done):
        say(console, line)
    return 0


def told(out: Path, flights: Mapping[str, Reviewed], done: Written) -> list[str]:
    """What a person should know of it."""
    lines = [
        f"{name}: {flight.reviewed} of {flight.tracks} tracks are reviewed, {len(flight.chosen)} frames chosen"
        + "".join(f"; {n} {why} are left out" for why, n in flight.left_out.items())
        + (f"; {flight.torn} lines of its review were left unfinished and say nothing" if flight.torn else "")
        for name, flight in flights.items()
    ]
    by_class = ", ".join(f"{n} {label}" for label, n in done.objects.items())
    lines.append(f"{done.images} frames written, {done.empty} of them without an object; objects: {by_class}")
    lines.append(f"{done.wrong} boxes of wrong tracks are background")
    if done.ignored:
        by_why = ", ".join(f"{n} {why}" for why, n in sorted(done.ignored.items()))
        lines.append(f"ignored regions, neither object nor background: {by_why}")
    if done.without_pixels:
        lines.append(
            f"{done.without_pixels} frames are left out: their pixels are not kept (edge run --record keeps them)"
        )
    if done.converted:
        lines.append(f"{done.converted} frames have a scale that no label file holds: written as counts of 0.01 K")
    lines += list(done.losses)
    return [
        *lines,
        f"next: edge-export train --annotations {out / JSON} --images {out / IMAGES} --from BUNDLE --out run",
    ]
