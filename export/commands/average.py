"""``edge-export average``: a checkpoint between a model and one that was trained from it."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import torch

from edge.errors import InputError
from edge.system.files import reason_of, write_whole
from export.commands.console import console_of, say
from export.detector.average import average
from export.detector.checkpoint import Checkpoint, detector_of, normalisers_of, read_checkpoint
from export.detector.entries import CONFIGURATION, NAMES, RECORD
from export.evaluate.trained_on import SEEN, TrainedOn

FARTHEST = 2  # as far beyond the second as it is from the first: farther nothing is left that either could do


def add_average_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``average`` to the subcommands; its ``run`` default is `run_average`."""
    what = "make a checkpoint between a model and one that was trained from it"
    parser = commands.add_parser(
        "average",
        help=what,
        description=f"{what}: it keeps more of what the first could do, and most of what the second learnt. Measure it "
        "on frames of both kinds: edge-export eval --checkpoint FILE.",
    )
    parser.set_defaults(run=run_average)
    parser.add_argument("before", type=Path, metavar="BEFORE", help="bundle or checkpoint that the training began with")
    parser.add_argument("after", type=Path, metavar="AFTER", help="checkpoint that the training made, RUN/model.pth")
    parser.add_argument(
        "--part",
        type=float,
        default=0.5,
        help="how far to go from BEFORE to AFTER, 0 to 1, or beyond it, up to 2 (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.pth", help="checkpoint to write")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_average(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0. Raises InputError where the two do not belong together, or --out cannot be written."""
    part: float = arguments.part
    if not 0 <= part <= FARTHEST:
        raise InputError(
            f"--part {part}: expected 0, which is BEFORE, to 1, which is AFTER, or beyond it, up to {FARTHEST}"
        )
    out: Path = arguments.out
    if out.exists():
        raise InputError(f"{out} exists already: give another name")
    console = console_of(arguments.quiet)
    before, after = read_checkpoint(arguments.before), read_checkpoint(arguments.after)
    models = detector_of(before), detector_of(after)
    if normalisers_of(models[0]) != normalisers_of(models[1]):
        raise InputError(
            f"{arguments.before} and {arguments.after} were trained on frames that became grey in other ways: expected "
            "a model and one that was trained from it"
        )
    for note in (*before.notes, *after.notes):
        say(console, note)
    dropped = [name for name in models[0].class_names if name not in models[1].class_names]
    state, new = average(*models, part)
    content = {
        "model": state,
        NAMES[0]: list(models[1].class_names),
        RECORD: _record(before, after, part),
        CONFIGURATION: models[1].configuration.to_json(),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    try:
        write_whole(out, buffer.getvalue())
    except OSError as error:
        raise InputError(f"{out} cannot be written ({reason_of(error)}): give another file") from None
    if not _began_with(before, after):
        say(
            console,
            f"{arguments.after} does not say that it was trained from {arguments.before}: if it was not, the weights "
            "between them find nothing",
        )
    if dropped:
        say(console, f"left out, as {arguments.after} does not know them: {', '.join(dropped)}")
    if new:
        say(console, f"as in {arguments.after}, since {arguments.before} does not know them: {', '.join(new)}")
    say(console, f"{out}: {part:g} of the way from {arguments.before} to {arguments.after}")
    say(console, f"next: edge-export eval --checkpoint {out} --data DIR, on frames of what each of them knew")
    return 0


def _began_with(before: Checkpoint, after: Checkpoint) -> bool:
    """Whether ``after`` names ``before`` among what its training goes back to."""
    origin, sought = after.training.get("start"), before.sha256()
    while origin:
        if origin.get("checkpoint_sha256") == sought:
            return True
        origin = origin.get("start")
    return False


def _record(before: Checkpoint, after: Checkpoint, part: float) -> dict[str, object]:
    """That of the second's training, which has seen what the first had if it began with it."""
    record = {**after.training, "average": {"with": before.origin(), "part": part}}
    seen = TrainedOn.said_by(after.training)
    if seen and not _began_with(before, after):
        record[SEEN] = seen.after(before.training, str(before.origin()["name"])).to_json()
    return record
