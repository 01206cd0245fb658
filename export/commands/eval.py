"""``edge-export eval``: the figures of a checkpoint or a bundle on labelled frames."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.app.output import check_file, without_new_folders
from edge.commands.options import add_backend, add_tiles
from edge.engine import open_engine
from edge.engine.tiled import tiling_of
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds
from edge.system.files import reason_of, write_whole
from export.commands.console import bars_on, console_of, say
from export.commands.detector_options import (
    add_detector_options,
    add_device_option,
    asked_settings,
    detector_settings,
    device_of,
)
from export.commands.judging.groups import (
    add_group_options,
    by_group,
    check_group_options,
    conditions_of,
    other_bundle,
    seen_by,
)
from export.commands.judging.tables import coco_line, show_choice, show_figures
from export.commands.label_options import HELD, add_class_options, class_choice, read_labels
from export.data.clean import tidy, told
from export.data.dataset import LabelledSet
from export.detector.checkpoint import Checkpoint, detector_of, normalisers_of, read_checkpoint
from export.evaluate.classes import matched, names_without
from export.evaluate.coco_figures import check_installed, coco_figures, coco_truth
from export.evaluate.evaluate import Detect, detect_with_bundle, detect_with_model, figures, judge, only_classes
from export.evaluate.hard_examples import hard_examples_of
from export.evaluate.pictures import draw_page
from export.evaluate.readable import check_boxes, check_readable
from export.evaluate.recall import set_recall
from export.evaluate.score_choice import USUAL, Rule, set_class_scores, set_score


def add_eval_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``eval`` to the subcommands; its ``run`` default is `run_eval`."""
    what = "measure a bundle or a checkpoint on labelled frames: what it finds, and how many false alarms it gives"
    parser = commands.add_parser("eval", help=what, description=what)
    parser.set_defaults(run=run_eval)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", metavar="BUNDLE", help="bundle, run by the same code as edge run")
    which.add_argument("--checkpoint", type=Path, metavar="FILE", help="checkpoint, run in torch")
    add_device_option(parser, "of a --checkpoint: ")
    add_backend(parser)
    add_tiles(parser)
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder with frames and labels, as train --data reads it"
    )
    parser.add_argument("--split", metavar="NAME", help=f"which part of it (default: {HELD}, or valid)")
    parser.add_argument(
        "--annotations", type=Path, metavar="JSON", help="in place of --data: a label file of COCO or HIT-UAV"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of its images")
    add_class_options(parser)
    parser.add_argument(
        "--coco",
        action="store_true",
        help="with --annotations: also COCO's own figures, by faster-coco-eval. AP and AP50 are the same where no "
        "frame holds crowds or other ignored regions, or more than 100 detections of a class; sizes are COCO's, by the "
        "areas in the file",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, see docs/output.md")
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE.jpg", help="draw a page of frames: best, worst, most missed, most false"
    )
    parser.add_argument(
        "--hard-examples",
        "--mistakes",
        type=Path,
        metavar="FILE",
        help="write the places of missed objects and false alarms to FILE, for train --hard-examples",
    )
    parser.add_argument(
        "--set-threshold",
        nargs="?",
        const=Rule(USUAL),
        type=choice_rule,
        metavar="RULE",
        help="with --model: write the score of the best F1 into model.json, from which edge run then shows detections. "
        "One for all classes: mean: the mean of F1 over classes, so that a rare class counts; all: F1 of all classes "
        "together. One for each class that is evaluated: class: its best F1; false=N: the lowest with at most N false "
        f"alarms a frame of it, such as false=0.1 (default: {USUAL})",
    )
    add_group_options(parser)
    parser.add_argument(
        "--set-recall",
        action="store_true",
        help="with --model: write recall.json into the bundle: of objects of each size and contrast the part that is "
        "found, from which edge run --coverage says probabilities of detection",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="evaluate only each Nth frame")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_detector_options(parser)


def choice_rule(text: str) -> Rule:
    """How scores are chosen, as `Rule.parse` reads it."""
    try:
        return Rule.parse(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run_eval(arguments: argparse.Namespace) -> int:
    """Evaluate, print tables, write what was asked for."""
    with without_new_folders(_files(arguments)):
        return _evaluate(arguments)


def _files(arguments: argparse.Namespace) -> list[Path]:
    return [file for file in (arguments.json, arguments.pictures, arguments.hard_examples) if file]


def _evaluate(arguments: argparse.Namespace) -> int:
    _check(arguments)
    data = _labels(arguments)
    data, detect, about, model = _detector(arguments, data)
    console = console_of(arguments.quiet)
    read, (data, problems) = data, tidy(data)
    check_boxes(read, data)
    conditions, unused = conditions_of(arguments, data)
    compare = other_bundle(arguments, data) if arguments.against else None
    notes = [*read.notes, *told(problems), *unused]
    for note in notes:
        say(console, note)
    truth = coco_truth(arguments.annotations, arguments.images, data, class_choice(arguments)) if arguments.coco else []
    with bars_on(console) as progress:
        task = progress.add_task("check", total=len(data))
        keys = check_readable(data, lambda done: progress.update(task, completed=done))
        seen, lines, parted = seen_by(arguments, data, keys, model)
        conditions = {**conditions, **parted}
        for line in lines:
            say(console, line)
        task = progress.add_task("frames", total=len(data))
        judged = judge(data, detect, lambda done: progress.update(task, completed=done))
    labels = str(arguments.annotations or arguments.data)
    shown = model.thresholds.of_classes(data.classes) if isinstance(model, Bundle) else None
    found = figures(judged, data.classes, shown)
    score = shown or Thresholds.alike(found["best_mean_f1"]["threshold"], data.classes)
    score_of = "bundle" if shown else "best_mean_f1"
    result = {**about, "annotations": labels, "notes": [*notes, *lines], **seen, **found}
    result |= by_group(arguments, data, judged, conditions, score, score_of)
    if compare:
        with bars_on(console) as progress:
            task = progress.add_task("the other", total=len(data))
            result["against"] = compare(judged, conditions, score, lambda done: progress.update(task, completed=done))
    show_figures(result, console)
    if arguments.coco:
        result["coco"] = coco_figures(judged, data.classes, truth)
        say(console, coco_line(result["coco"]))
    threshold = result["best_f1"]["threshold"]
    outputs: tuple[tuple[Path | None, Callable[[], bytes]], ...] = (
        (arguments.json, lambda: _json(result)),
        (arguments.pictures, lambda: draw_page(data, judged, threshold)),
        (arguments.hard_examples, lambda: _json(hard_examples_of(data, judged, threshold))),
    )
    for path, content in outputs:
        if path:
            _write(path, content())
    if arguments.set_threshold:
        named = Path(labels).name + (f", part {arguments.split or HELD}" if arguments.data else "")
        rule: Rule = arguments.set_threshold
        if rule.by_class:
            rows, lines = set_class_scores(arguments.model, rule, judged, data.classes, named, keys)
            show_choice(rows, lines, console)
        else:
            say(console, set_score(arguments.model, rule.name, found, named, keys))
    if arguments.set_recall:
        say(console, set_recall(arguments.model, data, judged, about["path"]))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Raises InputError for options that do not go together, and where a file cannot be written."""
    if arguments.every < 1:
        raise InputError(f"--every {arguments.every}: expected 1 or more")
    check_group_options(arguments)
    if arguments.set_threshold and not arguments.model:
        raise InputError("--set-threshold goes into a bundle: give --model BUNDLE")
    if arguments.set_recall and not arguments.model:
        raise InputError("--set-recall goes into a bundle: give --model BUNDLE")
    if arguments.backend != "auto" and not arguments.model:
        raise InputError(f"--backend {arguments.backend} runs a bundle: give --model BUNDLE")
    if arguments.device and not arguments.checkpoint:
        raise InputError(f"--device {arguments.device} is where torch computes: give --checkpoint FILE, or --backend")
    if arguments.tiles and not arguments.model:
        raise InputError(f"--tiles {arguments.tiles} are looked at as in flight, by a bundle: give --model BUNDLE")
    if arguments.coco and not arguments.annotations:
        raise InputError(
            "--coco needs a COCO file: give --annotations and --images; edge-export data check makes one of other "
            "labels, cleaned.json"
        )
    if arguments.coco:
        check_installed()
    for file in _files(arguments):
        check_file(file)  # before the minutes that the frames take


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({reason_of(error)})") from None


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()


def _labels(arguments: argparse.Namespace) -> LabelledSet:
    data = read_labels(arguments)
    return replace(data, frames=data.frames[:: arguments.every])


def _detector(
    arguments: argparse.Namespace, data: LabelledSet
) -> tuple[LabelledSet, Detect, dict[str, Any], Bundle | Checkpoint]:
    """``data`` with the classes that are evaluated, what finds them, what the figures are of, and whose."""
    choice, where = class_choice(arguments), str(arguments.annotations or arguments.data)
    if arguments.checkpoint:
        checkpoint = read_checkpoint(arguments.checkpoint, arguments.weights_of)
        model = detector_of(checkpoint, arguments.arch, **detector_settings(arguments)).to(device_of(arguments))
        asked_settings(arguments, checkpoint, model.configuration)
        data = replace(data, notes=(*checkpoint.notes, *data.notes))
        who = f"checkpoint {arguments.checkpoint}"
        count = model.roi_heads.box_predictor.cls_score.out_features - 1
        known = checkpoint.classes or names_without(count, data, choice, who, where)
        if not checkpoint.classes:
            order = f"{who} has no class names: its classes are taken to be, in this order, {', '.join(known)}"
            data = replace(data, notes=(*data.notes, order))
        if len(known) != count:
            raise InputError(f"{who} names {len(known)} classes ({', '.join(known)}) and has {count}: it is broken")
        data, detect = matched(data, known, choice, who, where), detect_with_model(model, normalisers_of(model))
        about: dict[str, Any] = {"checkpoint_sha256": checkpoint.sha256(), "path": "torch"}
        whose: Bundle | Checkpoint = checkpoint
    else:
        bundle = Bundle.load(arguments.model)
        known = bundle.classes
        data = matched(data, known, choice, f"bundle {arguments.model}", where)
        engine = open_engine(bundle, arguments.backend, tiles=arguments.tiles)
        if tiling := tiling_of(engine):
            data = replace(data, notes=(*data.notes, f"tiles: {tiling.in_words()}"))
        detect, path = detect_with_bundle(engine), f"flight, {engine.backend}"
        about = {
            "model": bundle.name,
            "checkpoint_sha256": bundle.checkpoint_sha256,
            "path": path,
            "score_threshold": bundle.score_threshold,
            "score_thresholds": bundle.thresholds.of_classes(data.classes).to_json(),
            "tiles": arguments.tiles,
        }
        whose = bundle
    return data, only_classes(detect, known, data.classes), about, whose
