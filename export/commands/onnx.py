"""``edge-export onnx``: checkpoint -> bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import Bundle
from export.commands.console import bars_on, console_of, say
from export.commands.detector_options import add_detector_options, detector_settings
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.detector.configuration import Configuration, preset
from export.graph.bundle import STEPS, export_bundle
from export.graph.flops import cost_by_part
from export.graph.stages.roi_align import SAMPLES
from export.graph.static import StaticDetector


def add_onnx_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``onnx`` to the subcommands; its ``run`` default is `run_onnx`."""
    what = "make a bundle of a torchvision Faster R-CNN checkpoint"
    parser = commands.add_parser("onnx", help=what, description=what)
    parser.set_defaults(run=run_onnx)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="FILE",
        help="torch state dict, or a bundle that was exported with --weights shared",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="bundle folder to write")
    parser.add_argument(
        "--classes", metavar="NAME,NAME,...", help="names of labels 1, 2, ... (default: the checkpoint's)"
    )
    parser.add_argument("--height", type=int, default=512, help="height of the frames, px (default: %(default)s)")
    parser.add_argument("--width", type=int, default=640, help="width of the frames, px (default: %(default)s)")
    add_detector_options(parser)
    parser.add_argument(
        "--weights",
        choices=("fp32", "fp16", "shared"),
        default="fp32",
        help="how weights are stored: fp32 as they are, fp16 in model.onnx, or shared: one fp16 file for both graphs "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--roi-samples",
        type=int,
        default=SAMPLES,
        help="most samples a bin and axis of adaptive RoIAlign in the TensorRT graph",
    )
    parser.add_argument(
        "--score", type=float, default=0.5, help="score from which a detection is shown (default: %(default)s)"
    )
    parser.add_argument("--name", default="", help="name of the bundle (default: the folder's)")
    for option, content in (("data", "training data"), ("licence", "its licence"), ("citation", "its citation")):
        parser.add_argument(f"--{option}", metavar="TEXT", help=f"{content}, for model.json")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that is in DIR")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_onnx(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0.

    Raises EdgeError, whose text is for the user; nothing was written then.
    """
    console = console_of(arguments.quiet)
    settings = detector_settings(arguments)
    detectors: list[StaticDetector] = []  # the one of the TensorRT graph, for what it costs
    named = {} if arguments.classes is None else {"classes": len(arguments.classes.split(","))}
    with bars_on(console) as bar:
        task = bar.add_task("read the checkpoint", total=len(STEPS) + 1)
        checkpoint = read_checkpoint(arguments.checkpoint)
        model = detector_of(checkpoint, arguments.arch, **settings, **named)
        _fit_to_frame(model, arguments, settings)
        normalisers = normalisers_of(model)

        def step(what: str) -> None:
            bar.update(task, description=what, advance=1)

        bundle = export_bundle(
            model,
            arguments.out,
            _class_names(model, arguments.classes),
            arguments.height,
            arguments.width,
            name=arguments.name,
            weights=arguments.weights,
            samples=arguments.roi_samples,
            score_threshold=arguments.score,
            checkpoint_sha256=checkpoint.sha256(),
            normalise_8bit=normalisers.spec_8bit,
            normalise_16bit=normalisers.spec_16bit,
            data={
                key: value
                for key, value in (
                    ("name", arguments.data),
                    ("licence", arguments.licence),
                    ("citation", arguments.citation),
                    ("training", model.training_record),
                )
                if value
            },
            overwrite=arguments.overwrite,
            progress=step,
            built=detectors.append,
        )
    _summary(console, bundle, model.configuration, settings, detectors[0])
    return 0


def _class_names(model: FasterRCNN, given: str | None) -> list[str]:
    if given is not None:
        return [name.strip() for name in given.split(",")]
    if not model.class_names:
        count = model.configuration.classes
        raise InputError(f"the checkpoint does not name its {count} classes: give --classes NAME,NAME,...")
    return list(model.class_names)


def _fit_to_frame(model: FasterRCNN, arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """A state dict of the paper's code sees frames as they come; torchvision's detectors resize them, as their users
    expect, and so do those of `edge-export train`, which says to what size.
    """
    configuration: Configuration = model.configuration
    known = model.training_record or {"min_size", "max_size"} & set(settings)
    if known or not configuration.name.startswith("frc_"):
        return
    sides = sorted((arguments.height, arguments.width))
    model.transform.min_size, model.transform.max_size = (sides[0],), sides[1]
    model.configuration = configuration.changed(min_size=sides[0], max_size=sides[1])


def _summary(
    console: Console, bundle: Bundle, configuration: Configuration, given: dict[str, Any], detector: StaticDetector
) -> None:
    table = Table("part", "parameters", "GFLOP a frame", title=f"{bundle.name}: {configuration.name}")
    for column in table.columns[1:]:
        column.justify = "right"
    costs = cost_by_part(detector)
    for part, cost in costs.items():
        table.add_row(part, f"{cost.parameters / 1e6:.2f} M", f"{cost.gflops:.1f}")
    table.add_section()
    total = sum(c.parameters for c in costs.values()), sum(c.gflops for c in costs.values())
    table.add_row("all", f"{total[0] / 1e6:.2f} M", f"{total[1]:.1f}")
    console.print(table)
    c = configuration
    say(
        console,
        f"input {bundle.width}x{bundle.height} uint8, pyramid {c.pyramid} with {c.channels} channels, "
        f"{detector.proposals.count} region proposals, at most {bundle.max_detections} detections a frame",
    )
    assumed = [
        f"{option[2:]} {getattr(c, field)}"
        for option, field in (
            ("--mean", "image_mean"),
            ("--std", "image_std"),
            ("--anchor-sizes", "anchor_sizes"),
            ("--sampling-ratio", "sampling_ratio"),
            ("--rpn-pre-nms", "rpn_pre_nms_top_n_test"),
            ("--rpn-post-nms", "rpn_post_nms_top_n_test"),
        )
        if field not in given and getattr(c, field) == getattr(preset(c.name), field)
    ]
    if assumed:
        say(
            console,
            f"not told by the checkpoint, and is taken as {c.name} has it: {'; '.join(assumed)}",
        )
    for name in bundle.files:
        say(console, f"{bundle.file(name)}  {bundle.file(name).stat().st_size / 1e6:.1f} MB")
