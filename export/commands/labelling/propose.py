"""``edge-export data propose``: boxes for unlabelled frames, for somebody to check, and which frames to label next."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from functools import partial
from pathlib import Path

from rich.progress import Progress, TaskID

from edge.app.output import without_new_folders
from edge.app.settings import MODEL
from edge.commands.console import Screen
from edge.commands.options import add_backend, score, threshold
from edge.engine import open_engine
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.thresholds import Filter, Thresholds
from edge.track.follower import Follower
from export.commands.console import bars_on, console_of, say
from export.data.assist.choose import RANDOM, Candidate, Choice, choose
from export.data.assist.look import Seen, look
from export.data.assist.write import CSV, IMAGES, JSON, RAW, Written, check_empty, check_names, write_proposals
from export.data.coco_file import EXPECTED, Coco, name_of
from export.data.json_file import read_json


def add_propose_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``propose``; its ``run`` default is `run_propose`."""
    what = "let a model and its tracks propose boxes for unlabelled frames, and choose which to label next"
    parser = actions.add_parser("propose", help=what, description=what)
    parser.set_defaults(run=run_propose)
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="stills, a folder of them, a video or rec:FOLDER, as edge run --source takes them; several are looked at "
        "one after the other",
    )
    parser.add_argument("--model", default=str(MODEL), metavar="BUNDLE", help="bundle, or the name of a bundled model")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="new or empty folder for pictures and proposals.json"
    )
    parser.add_argument(
        "--threshold",
        type=threshold,
        metavar="T",
        help="propose detections from this score on; of single classes: Animal=0.2 (default: the bundle's)",
    )
    parser.add_argument(
        "--choose", type=int, metavar="N", help="only the N frames that are worth labelling next (default: all frames)"
    )
    parser.add_argument(
        "--random",
        type=score,
        default=RANDOM,
        metavar="PART",
        help="with --choose: this part of them at random, so that the set stays honest (default: %(default)s)",
    )
    parser.add_argument(
        "--labelled",
        type=Path,
        action="append",
        default=[],
        metavar="JSON",
        help="with --choose: a COCO file whose pictures are labelled already, by name; may be given several times",
    )
    parser.add_argument("--seed", type=int, default=1, help="of what --choose draws at random (default: %(default)s)")
    add_backend(parser)
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_propose(arguments: argparse.Namespace) -> int:
    """Look at every source, write pictures and proposals; returns 0. Raises EdgeError."""
    a = arguments
    if a.choose is None and (a.labelled or a.random != RANDOM):
        raise InputError("--random and --labelled are of --choose N: give it too")
    if a.choose is not None and (a.choose < 1 or a.seed < 0):
        raise InputError(f"--choose {a.choose} --seed {a.seed}: expected 1 or more frames, a seed from 0")
    labelled = _labelled(a.labelled)
    bundle = Bundle.load(a.model)
    lowest = Filter.of(a.threshold).lowest(bundle.thresholds)
    with without_new_folders([a.out / JSON]):  # before the minutes that the frames take
        return _propose(a, bundle, lowest, labelled)


def _propose(a: argparse.Namespace, bundle: Bundle, lowest: Thresholds, labelled: Collection[str]) -> int:
    check_empty(a.out)
    console = console_of(a.quiet)
    seen: list[Seen] = []
    choices: list[Choice] = []
    with open_engine(bundle, a.backend) as engine, bars_on(console) as progress:
        for source in a.source:
            seen += look(source, engine, lowest, partial(_show, progress, progress.add_task(source)))
            check_names(seen)
    if a.choose is not None:
        choices = _choices(seen, a, lowest, labelled, console)
        by_name = {one.name: one for one in seen}
        seen = [by_name[choice.candidate.name] for choice in choices]
    with bars_on(console) as progress:
        task = progress.add_task("pictures", total=len(seen))
        done = write_proposals(
            a.out, seen, bundle, lowest, choices, lambda count: progress.update(task, completed=count)
        )
    for line in _told(seen, bundle, a.out, done, bool(choices)):
        say(console, line)
    return 0


def _show(progress: Progress, task: TaskID, done: int, total: int | None) -> None:
    progress.update(task, completed=done, total=total)


def _labelled(files: list[Path]) -> set[str]:
    """Stems of the pictures that are labelled already."""
    images = [image for file in files for image in read_json(file, Coco, "--labelled", EXPECTED).images]
    return {Path((name_of(image) or "").replace("\\", "/")).stem for image in images}


def _choices(
    seen: list[Seen], arguments: argparse.Namespace, lowest: Thresholds, labelled: Collection[str], console: Screen
) -> list[Choice]:
    new = [one for one in seen if one.name not in labelled]
    if labelled:
        say(console, f"{len(seen) - len(new)} of {len(seen)} frames are labelled already")
    candidates = [Candidate(one.name, one.flight, one.t, one.look, one.proposed) for one in new]
    choices = choose(candidates, arguments.choose, lowest, Follower.faintest(lowest), arguments.random, arguments.seed)
    drawn = sum(choice.reason == "at random" for choice in choices)
    flights = len({choice.candidate.flight for choice in choices})
    say(console, f"{len(choices)} of {len(new)} frames chosen, {drawn} of them at random, of {flights} flights")
    return choices


def _told(seen: list[Seen], bundle: Bundle, out: Path, done: Written, chosen: bool) -> list[str]:
    boxes = [box for one in seen for box in one.proposed.boxes]
    counts = [sum(box.label == label for box in boxes) for label in range(len(bundle.classes))]
    by_class = ", ".join(f"{n} {name}" for n, name in zip(counts, bundle.classes, strict=True))
    faint = sum(box.source == "track" and not box.interpolated for box in boxes)
    filled = sum(box.interpolated for box in boxes)
    lines = [
        f"{done.images} pictures, {done.boxes} proposed boxes: {by_class}",
        f"of them {faint} faint ones that a track supports, {filled} filled in between two detections, "
        f"{sum(box.flicker for box in boxes)} of no track, marked as flicker",
    ]
    if done.converted:
        lines.append(f"{done.converted} raw frames have a scale that no label file holds: written as counts of 0.01 K")
    lines += [f"why each was chosen: {out / CSV}"] if chosen else []
    raw = f"; the raw frames of {done.raw} are in {out / RAW}" if done.raw else ""
    return [
        *lines,
        f"nobody has checked them: upload {out / IMAGES} and {out / JSON} to a labelling tool{raw}",
        "next: correct them there, export COCO, then "
        f"edge-export data check {out} --annotations EXPORT.json --out check",
    ]
