"""``edge run``: detect in a camera, a stream or files."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

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
    address,
    count,
    normalise_spec,
    positive,
    positive_or_zero,
    score,
    settings_of,
    size_in_bytes,
    url,
)
from edge.geo.positions import NO_POSE
from edge.measure.counts_json import ClassCount
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.live import cot, mavlink_out, webhook
from edge.sinks.open import known_specs
from edge.sinks.tracks.counts import FILE as COUNTS


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(commands, "run", execute, "find objects in a camera, a stream or files", SOURCES)
    add_source(sub, "where frames come from, see below", required=True)
    add_model(sub)
    sub.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write results to")
    sub.add_argument("--frames", type=count, metavar="N", help="stop after N frames")
    sub.add_argument("--seconds", type=positive, metavar="S", help="stop after S seconds")
    sub.add_argument(
        "--policy",
        choices=("latest", "every"),
        help="latest: always the newest frame, older ones are dropped (default for cameras and streams); every: no "
        "frame is left out (default for files)",
    )
    sub.add_argument(
        "--threshold",
        type=score,
        metavar="T",
        help="write detections with a score of T or more, 0 to 1 (default: the model's, see edge info)",
    )
    sub.add_argument(
        "--normalise",
        type=normalise_spec,
        metavar="N",
        help="how raw counts become grey levels, such as window:low=5,high=25,unit=celsius. Another one than the model "
        "was trained with is refused",
    )
    sub.add_argument(
        "--override-normalise",
        action="store_true",
        help="use --normalise although the model was trained with another one",
    )
    for spec in known_specs():
        if not spec.essential:
            sub.add_argument(
                f"--{spec.name}", dest="outputs", action="append_const", const=spec.name, default=[], help=spec.help
            )
    sub.add_argument(
        "--pose",
        metavar="P",
        help="where the aircraft was and where the camera looked: mavlink:udp:HOST:PORT, mavlink:/dev/ttyN, tlog:FILE, "
        "srt:FILE, klv:FILE, exif (stills). Options behind a ?, as in 'tlog:FILE?mount=0,-90,0'",
    )
    sub.add_argument(
        "--lens",
        metavar="L",
        help="for positions: focal=MM,pitch=UM or focal=MM,camera=NAME or hfov=DEGREES, or a calibration file",
    )
    sub.add_argument(
        "--ground",
        metavar="G",
        help="for positions: a ground model, .hgt or .tif, or metres of level ground above that below the camera "
        "(default: 0)",
    )
    sub.add_argument(
        "--mounting",
        metavar="KEY=VALUE,...",
        help="for positions: what the poses are off by, such as yaw_offset_deg=3,height_offset_m=-2 (what edge align "
        "finds)",
    )
    sub.add_argument(
        "--cot",
        type=address,
        metavar="ADDRESS",
        help="send a mark for each track with a position to a team's maps (Cursor on Target, for TAK): udp:HOST:PORT, "
        "also of a multicast group, or tcp:HOST:PORT",
    )
    sub.add_argument(
        "--mavlink-out",
        type=address,
        metavar="ADDRESS",
        help="be a MAVLink camera for the ground station or router at udp:HOST:PORT or tcp:HOST:PORT: a text for each "
        "new track, and the box that is followed",
    )
    sub.add_argument(
        "--webhook",
        type=url,
        metavar="URL",
        help="post JSON to http://HOST/PATH or https://HOST/PATH when a track is found, and when it is over",
    )
    sub.add_argument("--record", action="store_true", help="also write every raw frame to DIR/recording")
    sub.add_argument(
        "--record-budget",
        type=size_in_bytes,
        metavar="SIZE",
        help="with --record: most disk space for it, such as 20GB; if it is used up, the oldest frames are removed",
    )
    sub.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="with --source rec:DIR/recording: compare with the detections.jsonl of that flight",
    )
    sub.add_argument(
        "--reconnect-seconds",
        dest="reconnect_s",
        type=positive_or_zero,
        metavar="S",
        help="how long to look for a camera that is lost, seconds; 0: end at once (default: until it is back)",
    )
    add_backend(sub)
    add_gpu_options(sub)
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Run, and say what came of it."""
    options = settings_of(arguments, {field.name for field in fields(RunSettings)})
    settings = RunSettings(**{**options, "outputs": tuple(arguments.outputs)})
    links = []
    if arguments.cot:
        links.append(cot.spec_of(arguments.cot))
    if arguments.mavlink_out:
        links.append(mavlink_out.spec_of(arguments.mavlink_out))
    if arguments.webhook:
        links.append(webhook.spec_of(arguments.webhook))
    report = run(settings, sinks=links, watch=None if arguments.quiet else LiveTable(screens.err), give_up=_give_up)
    if not arguments.quiet:
        for line in summary(report, arguments.out):
            screens.out.say(line)


def _give_up() -> None:
    os._exit(1)  # no thread of a hung driver can be ended otherwise; a service starts the command anew


def summary(report: dict[str, Any], out: Path) -> list[str]:
    """The report of a run into the folder ``out`` in a few lines, for a person."""
    latency, fps = report["latency_ms"], report["fps"]
    speed = "" if fps is None else f"; {fps:.1f} frames/s"
    delay = f"; latency {', '.join(f'{name} {ms:.0f} ms' for name, ms in latency.items() if name != 'p95')}"
    delay = delay if latency else ""
    lines = [
        f"{report['frames']} frame{'s' * (report['frames'] != 1)} processed ({report['ended']}){speed}{delay}",
        f"not processed: {report['dropped']} dropped (a newer frame was there), {report['duplicates']} duplicates (the "
        f"same picture again), {report['lost']} lost (never came)",
        f"boxes in all frames: {_boxes(report['detections'])}, with a score of {report['threshold']:g} or more. A box "
        "is not an animal: one animal in 100 frames is 100 boxes",
        f"engine: {report['engine']}; source: {report['camera']}",
        f"written in {out}: {', '.join(_written(report, out))}; docs/output.md explains every field",
    ]
    if (lost := report["reconnects"]) and lost["outages"]:
        lines.append(f"the camera was lost {lost['outages']} times, for {lost['lost_seconds']:.1f} s together")
    if poses := report["pose"]:
        lines.append(f"poses: {poses['frames_with']} frames have one{_without(poses['frames_without'])}")
    if (placed := report["position"]) and (placed["placed"] or set(placed["refused"]) - {NO_POSE}):
        refused = "".join(f"; {n} have none: {why}" for why, n in placed["refused"].items())
        lines.append(f"positions: {placed['placed']} boxes have one{refused}")
    lines += _counts(out / COUNTS)
    if report["overflowed"]:
        lines.append(
            f"WARNING: in {report['overflowed']} frame(s) numbers inside the network became too large: objects may be "
            "missing there"
        )
    for name, sink in report["sinks"].items():
        if sink["skipped"]:
            lines.append(f"{name}: {sink['skipped']} frames are missing in it: writing was too slow, or it stopped")
    if kept := report["recording"]:
        lines.append(
            f"recorded: {kept['frames']} frames, {kept['bytes'] / 1e6:.1f} MB, in {out / kept['folder']}; "
            f"{kept['dropped']} not recorded (the disk was too slow or full), {kept['frames_removed']} removed for "
            "--record-budget"
        )
    if compared := report["verify"]:
        lines.append(f"verified: {compared['verdict']}")
    return [*lines, f"next: {_next(report, out)}"]


def _counts(path: Path) -> list[str]:
    """How many there are, in a line; none where nothing was followed or the file is not there."""
    try:
        counts = msgspec.json.decode(path.read_bytes(), type=dict[str, ClassCount])
    except (OSError, msgspec.MsgspecError):
        return []
    told = [
        f"{one.count} {name} ({one.low} to {one.high} in 9 of 10 cases)"
        if one.count is not None
        else f"{one.tracks} tracks of {name}, not counted: {one.method}"
        for name, one in counts.items()
        if one.tracks
    ]
    return [f"counted, from tracks: {'; '.join(told)}"] if told else []


def _next(report: dict[str, Any], out: Path) -> str:
    """What to do with it."""
    shown = [out / sink["file"] for name, sink in report["sinks"].items() if name in ("video", "pictures")]
    if report["recording"]:
        folder = out / report["recording"]["folder"]
        again = f"edge run --source rec:{folder} --verify {DETECTIONS.path(out)} --out {out}-again"
        return f"{again} compares this machine with the flight"
    if shown:
        return f"look at {' and '.join(map(str, shown))}: the boxes are drawn there"
    return "to see the boxes, run it again with --video (one film) or --pictures (each frame) and another --out"


def _without(frames: dict[str, int]) -> str:
    """Frames without a pose, and why."""
    return "".join(f"; {n} have none: {why}" for why, n in frames.items())


def _boxes(detections: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in detections.items() if n) or "none"


def _written(report: dict[str, Any], out: Path) -> list[str]:
    """Names of what this run left in its folder; what is recorded has a line of its own."""
    first, *others = (sink["file"] for sink in report["sinks"].values() if sink["file"])
    return [name for name in (first, REPORT, *others, SHEET) if (out / name).exists()]
