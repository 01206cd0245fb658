"""``edge bench``: measure every stage of the pipeline on this machine."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.app.bench import DEFAULT_SOURCE, BenchSettings, bench
from edge.app.output import check_file
from edge.app.report import write_report
from edge.commands.console import Screen
from edge.commands.options import (
    SOURCES,
    Commands,
    Screens,
    add_backend,
    add_command,
    add_gpu_options,
    add_model,
    positive,
    settings_of,
)


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(
        commands, "bench", execute, "measure how fast a model is on this machine, stage by stage", SOURCES
    )
    add_model(sub)
    sub.add_argument(
        "--source", default=DEFAULT_SOURCE, metavar="S", help=f"where frames come from (default: {DEFAULT_SOURCE})"
    )
    sub.add_argument("--seconds", type=positive, default=20.0, metavar="S", help="how long to measure (default: 20)")
    sub.add_argument(
        "--rate", type=positive, metavar="HZ", help="take so many frames a second (default: as many as it can)"
    )
    sub.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    add_backend(sub)
    add_gpu_options(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Measure, and show the figures."""
    if arguments.json:
        check_file(arguments.json)  # before the minutes that it takes
    names = {field.name for field in fields(BenchSettings)} - {"threads"}
    report = bench(BenchSettings(**settings_of(arguments, names)))
    show_bench(report, screens.out)
    if arguments.json:
        write_report(arguments.json, report)


def show_bench(report: dict[str, Any], screen: Screen) -> None:
    """Print the figures as a table."""
    table = Table(title=Text(f"{report['model']} on {report['engine']}"), title_justify="left")
    table.add_column("stage")
    for name in ("p50", "p95", "p99"):
        table.add_column(f"{name} ms", justify="right")
    rows = {**report["stages_ms"], "capture to detections": report["latency_ms"]}
    for name, values in rows.items():
        table.add_row(name, *(f"{values[p]:.2f}" if values else "-" for p in ("p50", "p95", "p99")))
    screen.print(table)
    screen.print(Text(_STAGES))
    screen.say(
        f"{report['fps']:.2f} frames/s over {report['frames']} frames; not processed: {report['dropped']} dropped, "
        f"{report['duplicates']} duplicates, {report['lost']} lost; most memory {report['peak_memory_mib']} MiB"
    )
    screen.say(f"source: {report['camera']}")


_STAGES = """\
p50 ms: half of the frames took at most so many milliseconds; p95, p99: 95 and 99 of 100 frames. wait: for the camera. \
infer: in the engine. consumer: whoever takes the results. capture to detections: the latency, from the time of the \
frame to its boxes
"""
