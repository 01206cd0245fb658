"""``edge run``: detect in a camera, a stream or files."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from edge.app.output import REPORT, SHEET
from edge.app.run import run
from edge.app.settings import RunSettings
from edge.commands.live_table import LiveTable
from edge.commands.options import (
    SOURCES,
    Commands,
    Screens,
    add_backend,
    add_command,
    add_gpu_options,
    add_model,
    add_quiet,
    add_source,
    count,
    normalise_spec,
    positive,
    positive_or_zero,
    score,
    settings_of,
    size_in_bytes,
)
from edge.sinks.open import known_specs


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(commands, "run", execute, "detect in a camera, a stream or files", SOURCES)
    add_source(sub, "where frames come from, see below", required=True)
    add_model(sub)
    sub.add_argument("--out", required=True, type=Path, metavar="DIR", help="where results go")
    sub.add_argument("--frames", type=count, metavar="N", help="stop after N results")
    sub.add_argument("--seconds", type=positive, metavar="S", help="stop after S seconds")
    sub.add_argument(
        "--policy",
        choices=("latest", "every"),
        help="newest frame only (default of live sources), or every frame (of files)",
    )
    sub.add_argument("--threshold", type=score, metavar="T", help="lowest score shown (default: the bundle's)")
    sub.add_argument(
        "--normalise",
        type=normalise_spec,
        metavar="N",
        help="how raw counts become grey, as window:low=5,high=25,unit=celsius; refused where the bundle says another",
    )
    sub.add_argument(
        "--override-normalise", action="store_true", help="take --normalise although the bundle says another"
    )
    for spec in known_specs():
        if not spec.essential:
            sub.add_argument(
                f"--{spec.name}", dest="outputs", action="append_const", const=spec.name, default=[], help=spec.help
            )
    sub.add_argument("--record", action="store_true", help="also keep every raw frame, in DIR/recording")
    sub.add_argument(
        "--record-budget",
        type=size_in_bytes,
        metavar="SIZE",
        help="most disk space for it, as 20GB: then the oldest is removed",
    )
    sub.add_argument("--verify", type=Path, metavar="FILE", help="compare a replay with its flight's detections.jsonl")
    sub.add_argument(
        "--reconnect-seconds",
        dest="reconnect_s",
        type=positive_or_zero,
        metavar="S",
        help="how long to look for a camera that is lost, 0 = give up at once (default: until it is back)",
    )
    add_backend(sub)
    add_gpu_options(sub)
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Run, and say what came of it."""
    options = settings_of(arguments, {field.name for field in fields(RunSettings)})
    settings = RunSettings(**{**options, "outputs": tuple(arguments.outputs)})
    report = run(settings, watch=None if arguments.quiet else LiveTable(screens.err), give_up=_give_up)
    if not arguments.quiet:
        for line in summary(report, arguments.out):
            screens.out.say(line)


def _give_up() -> None:
    os._exit(1)  # no thread of a hung driver can be ended otherwise; a service starts the command anew


def summary(report: dict[str, Any], out: Path) -> list[str]:
    """The report of a run into the folder ``out`` in a few lines, for a person."""
    latency, fps = report["latency_ms"], report["fps"]
    speed = "" if fps is None else f", {fps:.1f} frames/s"
    delay = "" if not latency else f", latency p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms"
    lines = [
        f"{report['frames']} frame{'s' * (report['frames'] != 1)} ({report['ended']}){speed}{delay}, "
        f"{report['dropped']} dropped, {report['duplicates']} duplicates, {report['lost']} lost",
        f"boxes in all frames: {_boxes(report['detections'])} (score {report['threshold']:g} or more; one animal that "
        "is in 100 frames is 100 boxes)",
        f"engine: {report['engine']}; source: {report['camera']}",
        f"written: {', '.join(_written(report, out))} in {out}",
    ]
    if (lost := report["reconnects"]) and lost["outages"]:
        lines.append(f"camera lost: {lost['outages']}x, {lost['lost_seconds']:.1f} s in all")
    if report["overflowed"]:
        lines.append(
            f"WARNING: in {report['overflowed']} frame(s) the network's numbers overflowed: what it found there is "
            "not all that is there"
        )
    for name, sink in report["sinks"].items():
        if sink["skipped"]:
            lines.append(f"{name}: {sink['skipped']} results are not in it: writing was too slow, or it stopped")
    if kept := report["recording"]:
        lines.append(
            f"recorded: {kept['frames']} frames, {kept['bytes'] / 1e6:.1f} MB, in {out / kept['folder']}; "
            f"{kept['dropped']} left out, {kept['frames_removed']} removed again to make room"
        )
    if compared := report["verify"]:
        lines.append(f"verified: {compared['verdict']}")
    return lines


def _boxes(detections: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in detections.items() if n) or "none"


def _written(report: dict[str, Any], out: Path) -> list[str]:
    """Names of what this run left in its folder; what is recorded has a line of its own."""
    first, *others = (sink["file"] for sink in report["sinks"].values() if sink["file"])
    return [name for name in (first, REPORT, *others, SHEET) if (out / name).exists()]
