"""``edge demo``: a simulated flight through the bundled model."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.app.demo import FRAMES, DemoSettings, demo
from edge.app.output import PAGE
from edge.commands.console import Screen
from edge.commands.live_table import LiveTable
from edge.commands.options import (
    Commands,
    Screens,
    add_backend,
    add_command,
    add_model,
    add_out,
    add_quiet,
    count,
    settings_of,
)
from edge.commands.run_summary import say_summary


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(
        commands,
        "demo",
        execute,
        "show it at work: a simulated flight of a 16-bit thermal camera through the bundled model",
    )
    add_out(sub, "out/demo", "folder to write results to")
    add_model(sub)
    sub.add_argument("--frames", type=count, default=FRAMES, metavar="N", help=f"how many frames (default: {FRAMES})")
    sub.add_argument(
        "--seed",
        type=int,
        default=DemoSettings.seed,
        metavar="N",
        help=f"another number is another flight (default: {DemoSettings.seed})",
    )
    add_backend(sub)
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Fly, and say what came of it."""
    settings = DemoSettings(**settings_of(arguments, {field.name for field in fields(DemoSettings)}))
    if arguments.quiet:
        demo(settings)
        return
    report = demo(settings, LiveTable(screens.err))

    def tables() -> None:
        show_score(report["score"], screens.out)
        show_counts(report["counted"], report["unknown"], screens.out)
        page = arguments.out / PAGE
        screens.out.say(
            f"the report: open {page} with a double click; each counted individual opens its pictures there"
        )

    say_summary(report, arguments.out, screens.out, tables)


def show_counts(counted: dict[str, dict[str, Any]], unknown: dict[str, int], screen: Screen) -> None:
    """Print how many there are by the count, and how many there really were."""
    table = Table(title="how many there are", title_justify="left")
    for column in ("class", "tracks", "counted", "from", "to", "really"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, row in counted.items():
        numbers = ("-" if row[key] is None else str(row[key]) for key in ("tracks", "count", "low", "high", "really"))
        table.add_row(Text(name), *numbers)
    screen.print(table)
    screen.print(Text(_COUNTS))
    if unknown:
        others = ", ".join(f"{n} {name}" for name, n in unknown.items())
        screen.print(
            Text(f"Also in view: {others}. The model has no such class, and counts some of them as another.\n")
        )


_COUNTS = """\
tracks: objects that were followed. counted: how many that makes where passes over the same ground are merged; from, \
to: the interval that holds the number in 9 of 10 cases. really: bodies that the simulator had at least half in view \
in two frames or more
"""


def show_score(score: dict[str, dict[str, Any]], screen: Screen) -> None:
    """Print what was found of what the simulator knows to be there, as a table."""
    table = Table(title="boxes compared with what the simulator has put there", title_justify="left")
    for column in ("class", "found", "missed", "false", "recall", "precision"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, row in score.items():
        rates = ("-" if row[key] is None else f"{row[key]:.2f}" for key in ("recall", "precision"))
        table.add_row(Text(name), str(row["found"]), str(row["missed"]), str(row["false"]), *rates)
    screen.print(table)
    screen.print(Text(_COLUMNS))


_COLUMNS = """\
found: objects with a box of their class that fits (IoU 0.5 or more), missed: those without, false: boxes without an \
object; of all frames together. recall: found of all objects. precision: found of all boxes. Objects of a class that \
the model does not have are not counted
"""
