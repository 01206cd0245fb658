"""``edge archive plan | run | merge``: detect in an archive of flights, on one machine or a cluster."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from edge.app.settings import MODEL
from edge.archive.drive import Tally
from edge.archive.job import Options
from edge.archive.manifest import NAME, Manifest
from edge.archive.plan import plan
from edge.archive.run import Pace, Share, Work, run_archive
from edge.commands.archive.merge import add_merge
from edge.commands.options import (
    Commands,
    Screens,
    add_backend,
    add_command,
    add_model,
    add_quiet,
    add_tiles,
    add_verbose,
    count,
    threshold,
)
from edge.errors import EdgeError
from edge.system.text import printable

LINE_S = 5.0  # between two lines of progress
SHOWN = 20  # of what could not be read, or was left


def add(commands: Commands) -> None:
    """The command and its options."""
    help = "detect in many flights: folders of stills, recordings and videos; see docs/archive.md"
    parser = commands.add_parser("archive", help=help, description=help)
    add_verbose(parser, argparse.SUPPRESS)
    whats = parser.add_subparsers(required=True, metavar="WHAT")
    sub = add_command(whats, "plan", make_plan, "find what can be detected in, and what cannot be read")
    sub.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="folders of flights (default: those of the plan before)"
    )
    sub.add_argument("--out", required=True, type=Path, metavar="ARCHIVE", help="folder of the plan and the results")
    add_quiet(sub)
    sub = add_command(whats, "run", run, "detect in all units that have no result yet; goes on where it was cut off")
    sub.add_argument("archive", type=Path, metavar="ARCHIVE", help="what edge archive plan --out wrote")
    add_model(sub)
    add_backend(sub)
    sub.add_argument("--threshold", type=threshold, metavar="T", help="as of edge run")
    add_tiles(sub)
    for name, help in (("lens", "of the camera"), ("ground", "under the flights"), ("mounting", "of the camera")):
        sub.add_argument(f"--{name}", metavar="SPEC", help=f"{help}, for positions, as of edge run")
    sub.add_argument(
        "--scheduler", metavar="ADDRESS", help="workers of this Dask scheduler, such as tcp://10.0.0.1:8786"
    )
    sub.add_argument("--processes", type=count, metavar="N", help="on this machine (default: as many as detect most)")
    sub.add_argument("--shard", type=Share.parse, metavar="I/N", help="only this part of the units, for batch systems")
    sub.add_argument("--retry", action="store_true", help="try units again that were given up")
    add_quiet(sub)
    add_merge(whats)


def make_plan(arguments: argparse.Namespace, screens: Screens) -> None:
    """Plan, and say what is there and what is not."""
    said = _Lines(screens, arguments.quiet)
    planned = plan(
        arguments.folders,
        arguments.out,
        lambda units, read, what: said.now(f"{units} units, {_gb(read)} read; {what}"),
    )
    if arguments.quiet:
        return
    manifest = Manifest(arguments.out)
    for i, unread in enumerate(manifest.unread()):
        if i == SHOWN:
            screens.out.say(f"! and {planned.unread - SHOWN} more, all in {arguments.out / NAME}")
            break
        screens.out.say(printable(f"! {unread.path}: {unread.why}"))
    silent = f" and those of {planned.silent} units that do not say how many" if planned.silent else ""
    screens.out.say(
        f"{planned.units} units of {planned.flights} flights, {_gb(planned.bytes)}, {planned.frames} frames{silent}; "
        f"{planned.unread} not read; {planned.new} new since the plan before, {planned.gone} gone"
    )
    screens.out.say(f"next: edge archive run {arguments.out}")


def run(arguments: argparse.Namespace, screens: Screens) -> None:
    """Detect, and say how it goes and what was left. Raises EdgeError where units were given up: exit code 1."""
    said = _Lines(screens, arguments.quiet)
    pace: list[Pace] = []

    def begin(work: Work) -> None:
        pace.append(Pace(work))
        said.line(f"{work.units} units, {_gb(work.bytes)}; results: {work.folder}")
        said.line(f"workers: {work.workers}")

    text = None if arguments.threshold is None else str(arguments.threshold)
    options = Options(
        backend=arguments.backend,
        threshold=text,
        tiles=arguments.tiles,
        lens=arguments.lens,
        ground=arguments.ground,
        mounting=arguments.mounting,
    )
    try:
        tally = run_archive(
            arguments.archive,
            arguments.model or MODEL,
            options,
            scheduler=arguments.scheduler,
            processes=arguments.processes,
            shard=arguments.shard,
            retry=arguments.retry,
            begin=begin,
            tell=lambda tally: said.now(_progress(tally, pace[0] if pace else None)),
        )
    except KeyboardInterrupt:
        said.line("what is done is kept; run the same command again: it goes on here")
        raise
    for unit, why in tally.left[:SHOWN]:
        said.line(printable(f"! {unit.name}: {why}"))
    said.line(_progress(tally, None))
    if tally.given_up > len(tally.left[:SHOWN]):
        said.line(f"! and {tally.given_up - SHOWN} more: edge archive merge names all")
    if tally.given_up:
        raise EdgeError(
            f"{tally.given_up} of {tally.units} units were given up after two tries, the others are done: see why "
            "above; --retry tries them again"
        )
    said.line(f"next: edge archive merge {arguments.archive}")


class _Lines:
    """Progress, now and then; nothing with --quiet."""

    def __init__(self, screens: Screens, quiet: bool) -> None:
        self._screens, self._quiet = screens, quiet
        self._next = time.monotonic() + LINE_S

    def now(self, line: str) -> None:
        """If it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_S
            self.line(line)

    def line(self, line: str) -> None:
        if not self._quiet:
            self._screens.out.say(printable(line))


def _progress(tally: Tally, pace: Pace | None) -> str:
    left = pace.left_s(tally) if pace else None
    parts = [f"{tally.done} units done now", f"{tally.there} before", f"{tally.given_up} given up"]
    if tally.elsewhere:
        parts.append(f"{tally.elsewhere} at other runs")
    parts.append(f"{tally.frames} frames, {_gb(tally.bytes)}")
    return ", ".join(parts) + ("" if left is None else f"; about {_duration(left)} left")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
