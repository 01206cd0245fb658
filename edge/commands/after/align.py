"""``edge align``: what the camera is mounted off by, from objects that a run saw on several headings."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.app.after.alignment import alignment_of
from edge.commands.options import Commands, Screens, add_command


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(
        commands, "align", execute, "find what the camera is mounted off by, from objects seen on several headings"
    )
    sub.add_argument("folder", type=Path, metavar="DIR", help="what edge run --out wrote, with --pose and --lens")
    sub.add_argument(
        "--ground",
        type=float,
        default=0.0,
        metavar="M",
        help="height of the objects' ground above that below the camera, m; it is taken for level (default: 0)",
    )


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Find it, and say it as an option of the next run."""
    found = alignment_of(arguments.folder, arguments.ground)
    screens.out.say(str(found.left))
    screens.out.say(f"next: edge run ... --mounting {found.next}")
