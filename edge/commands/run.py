"""``edge run``: detect in a camera, a stream or files."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import Any

from edge.app.mission.mission import Mission, link_specs, settings_of
from edge.app.output import FolderTakenError
from edge.app.run import run
from edge.app.service.pace import Starts
from edge.app.watch.awaited import StoppedWaiting
from edge.commands.live_table import LiveTable
from edge.commands.mission.take import add_mission, add_write_mission, placed, take_mission, write_mission
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
    add_tiles,
    add_trusted_key,
    address,
    broker,
    count,
    keep_free,
    normalise_spec,
    page,
    peer,
    positive,
    positive_or_zero,
    size_in_bytes,
    status,
    threshold,
    topic,
    url,
    viewer,
)
from edge.commands.run_summary import say_summary
from edge.errors import InputError
from edge.sinks.open import known_specs

log = logging.getLogger(__name__)


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(commands, "run", execute, "find objects in a camera, a stream or files", SOURCES)
    add_mission(sub, "fly what this file says; options beside it win, see docs/mission.md")
    add_write_mission(sub)
    add_source(sub, "where frames come from, see below", required=True)
    add_model(sub)
    add_trusted_key(sub)
    sub.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write results to")
    sub.add_argument(
        "--spare",
        type=Path,
        metavar="DIR",
        help="a second folder, best on another disk: detections go on there when --out cannot be written any more",
    )
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
        type=threshold,
        metavar="T",
        help="write detections with a score of T or more, 0 to 1: 0.4; Animal=0.2,Person=0.6: of these classes; "
        "0.5,Animal=0.2: of all others 0.5 (default: the model's, see edge info)",
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
        help="for positions: focal=MM,pitch=UM or focal=MM,camera=NAME or hfov= or dfov=DEGREES, or a calibration file",
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
        "--coverage",
        nargs="?",
        const="",
        metavar="KEY=VALUE,...",
        help="map the ground that is searched, and the gaps: DIR/coverage.geojson and coverage.png. For what: "
        "class=NAME (default: the first person or animal), size=METRES of it from above, px=PIXELS a side (default: "
        "8), frames=N (default: 3, stills 1), kelvin=K that it is warmer than the ground",
    )
    sub.add_argument(
        "--cot",
        type=address,
        metavar="ADDRESS",
        help="send a mark for each track with a position to a team's maps (Cursor on Target, for TAK): udp:HOST:PORT, "
        "also of a multicast group, tcp:HOST:PORT, or 'tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE'",
    )
    sub.add_argument(
        "--mavlink-out",
        type=peer,
        metavar="ADDRESS",
        help="be a MAVLink camera for the ground station, router or autopilot at udp:HOST:PORT, tcp:HOST:PORT or "
        "'/dev/ttyN?baud=921600': a text for each new track, and the box that is followed. ?signing=FILE: the key of a "
        "signed link",
    )
    sub.add_argument(
        "--webhook",
        type=url,
        metavar="URL",
        help="post JSON to http://HOST/PATH or https://HOST/PATH when a track is found, and when it is over",
    )
    sub.add_argument(
        "--mqtt",
        type=broker,
        metavar="URL",
        help="publish the same to a broker: mqtt://HOST/TOPIC or 'mqtts://HOST/TOPIC?login=FILE&ca=FILE'",
    )
    sub.add_argument(
        "--foxglove",
        type=viewer,
        metavar="PORT",
        help="be watched in Foxglove or Lichtblick, at ws://127.0.0.1:PORT; HOST:PORT: by others in the network, too, "
        "who are asked for no password (pip install 'thermal-edge[foxglove]')",
    )
    sub.add_argument(
        "--ros2",
        type=topic,
        metavar="TOPIC",
        help="publish the boxes of each frame as vision_msgs/Detection2DArray, in a shell where your ROS 2 is sourced",
    )
    sub.add_argument(
        "--status",
        type=status,
        metavar="ADDRESS",
        help="answer at http://ADDRESS/healthz and /metrics (for Prometheus) how the run goes: PORT, of this machine "
        "alone, or HOST:PORT",
    )
    sub.add_argument(
        "--web",
        type=page,
        metavar="ADDRESS",
        help="show the run in a browser at http://ADDRESS/: PORT, of this machine alone, or HOST:PORT, which prints a "
        "link with a token; 'HOST:PORT?token=FILE&map=FILE': a token of one's own, and map tiles (PMTiles)",
    )
    sub.add_argument("--record", action="store_true", help="also write every raw frame to DIR/recording")
    sub.add_argument(
        "--record-budget",
        type=size_in_bytes,
        metavar="SIZE",
        help="with --record: most disk space for it, such as 20GB; if it is used up, the oldest frames are removed",
    )
    sub.add_argument(
        "--keep-free",
        type=keep_free,
        metavar="SIZE",
        help="keep so much of the disk free, such as 5GB or 10%%: where less is, videos, pictures, recordings and "
        "crops of earlier runs in DIR/earlier-N are removed, the oldest first (default: nothing is ever removed)",
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
    add_tiles(sub)
    add_gpu_options(sub)
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Run, and say what came of it."""
    if arguments.write_mission:
        write_mission(arguments, screens.out)
        return
    starts = Starts.from_environment() if arguments.own_process else None
    if starts is None:
        _execute(arguments, screens)
        return
    try:
        starts.wait()
    except KeyboardInterrupt:
        log.warning("stopped while it waited for its start")
        starts.forget()
        return
    try:
        if _execute(arguments, screens):
            starts.forget()
    except InputError:  # exit code 2: it is not started again
        starts.forget()
        raise


def _execute(arguments: argparse.Namespace, screens: Screens) -> bool:
    """The run itself; whether somebody stopped it."""
    mission = take_mission(arguments) if arguments.mission else None
    managed = "NOTIFY_SOCKET" in os.environ  # a service manager has its status line, and a journal to be kept small
    watch = None if arguments.quiet or managed else LiveTable(screens.err)
    try:
        with placed(mission, arguments):
            report = _flown(arguments, mission, watch)
    except StoppedWaiting:
        log.warning("stopped while it waited for the camera: nothing was looked at")
        return True
    if not arguments.quiet:
        say_summary(report, arguments.out, screens.out)
    return report["ended"] in ("interrupted", "stopped")


def _flown(arguments: argparse.Namespace, mission: Mission | None, watch: LiveTable | None) -> dict[str, Any]:
    """The run's report. Another run may take the folder that a mission's pattern has named: it names the next one."""
    while True:
        settings, links = settings_of(vars(arguments), mission), link_specs(vars(arguments))
        try:
            return run(settings, sinks=links, watch=watch, give_up=_give_up, own_process=arguments.own_process)
        except FolderTakenError:
            if mission is None or "out" in arguments.given:
                raise
            before, arguments.out = arguments.out, mission.options()["out"]
            if arguments.out == before:
                raise
            log.warning("another run has just taken %s: this one writes to %s", before, arguments.out)


def _give_up() -> None:
    os._exit(1)  # no thread of a hung driver can be ended otherwise; a service starts the command anew
