"""``edge-export eval``: the figures of a checkpoint or a bundle on labelled frames."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from edge.app.output import check_file
from edge.engine import open_engine
from edge.errors import InputError
from edge.model.bundle import MODEL_JSON, Bundle
from edge.system.files import reason_of, write_whole
from export.commands.console import bars_on, console_of, say
from export.commands.detector_options import add_detector_options, detector_settings
from export.data.clean import tidy
from export.data.coco import read_coco
from export.data.dataset import LabelledSet
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.evaluate.evaluate import Detect, detect_with_bundle, detect_with_model, figures, judge
from export.evaluate.hard_examples import hard_examples_of
from export.evaluate.pictures import draw_page


def add_eval_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``eval`` to the subcommands; its ``run`` default is `run_eval`."""
    what = "COCO average precision by class and size, threshold and counting error, on labelled frames"
    parser = commands.add_parser("eval", help=what, description=what)
    parser.set_defaults(run=run_eval)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", metavar="BUNDLE", help="bundle, run by the same code as in edge run")
    which.add_argument("--checkpoint", type=Path, metavar="FILE", help="torch state dict, run in torch")
    parser.add_argument("--annotations", type=Path, required=True, metavar="JSON", help="labels: COCO's, or HIT-UAV's")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of its images")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE.jpg", help="draw a page of frames: best, worst, most missed, most false"
    )
    parser.add_argument(
        "--hard-examples",
        "--mistakes",
        type=Path,
        metavar="FILE",
        help="write the places of missed objects and false alarms there, for train --hard-examples",
    )
    parser.add_argument(
        "--set-threshold",
        action="store_true",
        help="with --model: write the score of the best F1 into model.json, from which edge run then shows detections",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="evaluate only each Nth frame")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_detector_options(parser)


def run_eval(arguments: argparse.Namespace) -> int:
    """Evaluate, print a table, write what was asked for."""
    if arguments.every < 1:
        raise InputError(f"--every {arguments.every}: expected 1 or more")
    if arguments.set_threshold and not arguments.model:
        raise InputError("--set-threshold goes into a bundle: give --model BUNDLE")
    for file in filter(None, (arguments.json, arguments.pictures, arguments.hard_examples)):
        check_file(file)  # before the minutes that the frames take
    data, _ = tidy(read_coco(arguments.annotations, arguments.images))
    data = LabelledSet(data.classes, data.frames[:: arguments.every])
    detect, about = _detector(arguments, data)
    console = console_of(arguments.quiet)
    with bars_on(console) as progress:
        task = progress.add_task("frames", total=len(data))
        judged = judge(data, detect, lambda done: progress.update(task, completed=done))
    result = {**about, "annotations": str(arguments.annotations), **figures(judged, data.classes)}
    console.print(_table(result))
    threshold = result["best_f1"]["threshold"]
    outputs: tuple[tuple[Path | None, Callable[[], bytes]], ...] = (
        (arguments.json, lambda: _json(result)),
        (arguments.pictures, lambda: draw_page(data, judged, threshold)),
        (arguments.hard_examples, lambda: _json(hard_examples_of(data, judged, threshold))),
    )
    for path, content in outputs:
        if path:
            try:
                write_whole(path, content())
            except OSError as error:
                raise InputError(f"{path} cannot be written ({reason_of(error)})") from None
    if arguments.set_threshold:
        say(console, set_threshold(arguments.model, result["best_f1"]))
    return 0


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()


def set_threshold(folder: str, best: dict[str, float]) -> str:
    """Write the threshold of ``best`` (of `Ranking.best_f1`) into the bundle's model.json; returns what was done.

    Raises InputError where nothing was found at any threshold, or model.json cannot be written: it stays as it was.
    """
    if not best["f1"]:
        raise InputError("no detection was right at any score: no threshold was set")
    bundle = Bundle.load(folder)
    # rounded down: the detection that the threshold was taken from is still shown
    changed = replace(bundle, score_threshold=math.floor(best["threshold"] * 1000) / 1000)
    try:
        changed.write_json()
    except OSError as error:
        raise InputError(f"{bundle.path / MODEL_JSON} cannot be written ({reason_of(error)})") from None
    text = (
        f"{bundle.name} now shows detections from {changed.score_threshold:.3f}, before from {bundle.score_threshold:g}"
    )
    if (bundle.path / "model.engine").exists():
        text += f". Its engine was built for the model.json of before, build it again: edge-export engine {folder}"
    return text


def _detector(arguments: argparse.Namespace, data: LabelledSet) -> tuple[Detect, dict[str, Any]]:
    if arguments.checkpoint:
        checkpoint = read_checkpoint(arguments.checkpoint)
        model = detector_of(checkpoint, **detector_settings(arguments))
        found = model.roi_heads.box_predictor.cls_score.out_features - 1
        if found != len(data.classes):
            raise InputError(
                f"the checkpoint has {found} classes, {arguments.annotations} has {', '.join(data.classes)}: expected "
                "annotations of the same classes in the same order"
            )
        return detect_with_model(model, normalisers_of(model)), {
            "checkpoint_sha256": checkpoint.sha256(),
            "path": "torch",
        }
    bundle = Bundle.load(arguments.model)
    if bundle.classes != data.classes:
        raise InputError(
            f"the bundle's classes are {', '.join(bundle.classes)}, those of {arguments.annotations} "
            f"{', '.join(data.classes)}: expected the same in the same order"
        )
    engine = open_engine(bundle)
    return detect_with_bundle(engine), {
        "model": bundle.name,
        "checkpoint_sha256": bundle.checkpoint_sha256,
        "path": f"flight, {engine.backend}",
    }


def _table(result: dict[str, Any]) -> Table:
    best = result["best_f1"]
    table = Table(
        title=f"{result['images']} frames: AP {_percent(result['ap'])}, AP50 {_percent(result['ap50'])}; "
        f"best F1 {_percent(best['f1'])} at score {best['threshold']:.2f}"
    )
    for column in ("class", "boxes", "AP", "AP50", "small", "medium", "large", "recall at 1 false in 10"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, boxes in result["boxes"].items():
        sizes = result["ap50_by_class_and_size"][name]
        table.add_row(
            name,
            str(boxes),
            _percent(result["per_class_ap"][name]),
            _percent(result["per_class_ap50"][name]),
            *(_percent(sizes[s]) for s in ("small", "medium", "large")),
            _percent(result["recall_at_1_false_in_10_frames"][name]),
        )
    return table


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
