"""Options of train that name frames to watch it by, none of which it is trained on."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from edge.commands.console import Screen
from edge.errors import InputError
from export.commands.console import say
from export.commands.label_options import HELD
from export.data.clean import tidy, told
from export.data.dataset import LabelledSet, merge
from export.data.formats import read_folder
from export.evaluate.classes import ClassChoice, ways_out
from export.evaluate.readable import check_boxes, check_readable
from export.training.loop import Watch


def add_watch_options(parser: argparse.ArgumentParser) -> None:
    """``--watch`` and how it is done."""
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="while training, evaluate on frames of this folder now and then, and draw the curve of AP",
    )
    parser.add_argument("--watch-split", metavar="NAME", help=f"which part of it (default: {HELD}, or valid)")
    parser.add_argument(
        "--watch-frames", type=int, default=30, help="how many, spread over the part (default: %(default)s)"
    )
    parser.add_argument(
        "--watch-minutes", type=float, default=20.0, help="time between two evaluations (default: %(default)s)"
    )


def read_watched(arguments: argparse.Namespace) -> LabelledSet | None:
    """What --watch names; None without it. Raises InputError."""
    if not (arguments.watch_frames >= 1 and arguments.watch_minutes > 0):
        raise InputError("--watch-frames and --watch-minutes: expected more than 0")
    if not arguments.watch:
        if arguments.watch_split:
            raise InputError("--watch-split is a part of the folder of --watch: give --watch DIR")
        return None
    return read_folder(arguments.watch, arguments.watch_split or HELD)


def watch_of(
    arguments: argparse.Namespace, data: LabelledSet, watched: LabelledSet, choice: ClassChoice, console: Screen
) -> Watch:
    """Some frames of ``watched``, none of which is in ``data``, with the classes of ``data``.

    Raises InputError where frames are in both, cannot be used, or are of classes that are not trained.
    """
    where = f"--watch {arguments.watch}"
    held = choice.of(watched, where, (*data.classes, *choice.ignored), empty=True)
    if not set(held.classes) <= set(data.classes):
        raise InputError(
            f"{where} has the classes {', '.join(held.classes)}, trained on are {', '.join(data.classes)}: expected no "
            f"others; {ways_out(held.classes, data.classes)}"
        )
    lacking = [name for name in data.classes if name not in held.classes]
    held = merge([LabelledSet(data.classes, ()), held])
    both = {f.path.resolve() for f in data.frames} & {f.path.resolve() for f in held.frames}
    if both:
        raise InputError(
            f"{len(both)} frames of --watch are trained on, such as {min(both)}: expected others; another part of the "
            "folder: --watch-split NAME"
        )
    tidied, problems = tidy(held)
    check_boxes(held, tidied)
    step = max(1, len(held) // arguments.watch_frames)
    some = replace(tidied, frames=tidied.frames[::step][: arguments.watch_frames])
    if not sum(some.count().values()):
        raise InputError(f"the {len(some)} frames of --watch hold no boxes: raise --watch-frames")
    check_readable(some)
    for note in (*held.notes, *told([p for p in problems if p.detail not in lacking])):
        say(console, f"{where}: {note}")
    say(console, f"{where}: {len(some)} of its {len(held)} frames are looked at")
    if lacking:
        say(console, f"{where} has no class {', '.join(lacking)}: the AP is that of the others")
    return Watch(some, arguments.watch_minutes)
