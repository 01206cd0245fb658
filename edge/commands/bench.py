"""``edge bench``: measure every stage of the pipeline on this machine."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from edge.app.bench.bench import bench
from edge.app.bench.compare import compare
from edge.app.bench.files import check_files, main_files, write_files
from edge.app.bench.settings import DEFAULT_SOURCE, SECONDS, WARM_UP_S, BenchSettings
from edge.app.output import without_new_folders
from edge.commands.bench_table import compared, show_bench
from edge.commands.options import (
    SOURCES,
    Commands,
    Screens,
    add_backend,
    add_command,
    add_gpu_options,
    add_model,
    add_tiles,
    count,
    positive,
    positive_or_zero,
    settings_of,
)
from edge.system.signals import finishing


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(
        commands, "bench", execute, "measure how fast a model is on this machine, stage by stage", SOURCES
    )
    add_model(sub)
    sub.add_argument(
        "--source", default=DEFAULT_SOURCE, metavar="S", help=f"where frames come from (default: {DEFAULT_SOURCE})"
    )
    sub.add_argument(
        "--seconds", type=positive, metavar="S", help=f"how long a run measures at least (default: {SECONDS:.0f})"
    )
    sub.add_argument("--runs", type=count, metavar="N", help="how many runs, to see their spread (default: 1)")
    sub.add_argument(
        "--publish",
        action="store_true",
        help="what a published figure needs: five runs of 600 s, the rates 10, 30, 60, the highest rate; with --json",
    )
    sub.add_argument(
        "--warm-up",
        dest="warm_up_s",
        type=positive_or_zero,
        default=WARM_UP_S,
        metavar="S",
        help=f"seconds before each run that are not counted (default: {WARM_UP_S:g})",
    )
    sub.add_argument(
        "--rate",
        type=positive,
        nargs="+",
        default=(),
        metavar="HZ",
        help="also at these rates of a camera, as in --rate 10 30 60: a frame's age, and how many are lost",
    )
    sub.add_argument("--peak", action="store_true", help="also the highest rate with at most 5 %% of the frames lost")
    sub.add_argument(
        "--no-cold-start",
        dest="cold_start",
        action="store_false",
        help="do not measure how long a fresh process takes to its first detections",
    )
    sub.add_argument("--layers", action="store_true", help="TensorRT: also how long each layer takes")
    sub.add_argument("--frames", type=Path, metavar="DIR", help="labelled frames: also how much is found in them")
    sub.add_argument("--annotations", type=Path, metavar="FILE", help="their boxes, COCO's JSON")
    sub.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the figures to FILE, and every result beside it"
    )
    sub.add_argument("--png", type=Path, metavar="FILE", help="also draw the figures")
    sub.add_argument(
        "--compare", type=Path, nargs=2, metavar=("A", "B"), help="measure nothing: how B's report compares with A's"
    )
    sub.add_argument("--trace", type=Path, metavar="FILE", help="also write a line a result, as edge run --trace does")
    add_backend(sub)
    add_tiles(sub)
    add_gpu_options(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Measure, and show the figures; or compare two reports.

    Raises KeyboardInterrupt where Ctrl-C came: after what is whole was shown and written, if anything was.
    """
    if arguments.compare:
        for line in compared(compare(*arguments.compare), *arguments.compare):
            screens.out.say(line)
        return
    names = {field.name for field in fields(BenchSettings)} - {"threads"}
    settings = BenchSettings(**settings_of(arguments, names))
    with without_new_folders(main_files(settings)):
        check_files(settings)  # before the minutes that it takes
        measured = bench(settings)
    with finishing():
        show_bench(measured.report, screens.out)
        for line in write_files(settings, measured):
            screens.out.say(line)
    if measured.report["interrupted"]:
        raise KeyboardInterrupt
