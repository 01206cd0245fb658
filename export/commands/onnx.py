"""``edge-export onnx``: checkpoint -> bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import Bundle
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.detector.configuration import PRESETS, Configuration, preset
from export.graph.bundle import STEPS, export_bundle
from export.graph.flops import cost_by_part
from export.graph.roi_align import SAMPLES
from export.graph.static import StaticDetector

# option -> field of Configuration, for what a state dict does not tell
_SETTINGS: dict[str, tuple[str, type, str]] = {
    "--sampling-ratio": ("sampling_ratio", int, "RoIAlign samples a bin and axis, -1 = adaptive"),
    "--canonical-scale": ("canonical_scale", int, "side of a region that pools from the canonical level, px"),
    "--canonical-level": ("canonical_level", int, "log2 of the stride of that level"),
    "--min-size": ("min_size", int, "shorter side that torchvision resizes frames to"),
    "--max-size": ("max_size", int, "longer side that torchvision resizes frames to at most"),
    "--norm-eps": ("norm_eps", float, "epsilon of batch norm; 0 for torchvision's COCO weights of resnet50_fpn"),
    "--rpn-pre-nms": ("rpn_pre_nms_top_n_test", int, "best anchors a level that go into suppression"),
    "--rpn-post-nms": ("rpn_post_nms_top_n_test", int, "regions that come out of it"),
    "--rpn-nms": ("rpn_nms_thresh", float, "IoU above which regions are suppressed"),
    "--rpn-score": ("rpn_score_thresh", float, "objectness below which anchors are dropped"),
    "--nms": ("box_nms_thresh", float, "IoU above which detections of a class are suppressed"),
    "--graph-score": ("box_score_thresh", float, "score below which the graph drops detections"),
    "--max-detections": ("box_detections_per_img", int, "detections a frame"),
}


def add_onnx_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``onnx`` to the subcommands; its ``run`` default is `run_onnx`."""
    what = "make a bundle of a torchvision Faster R-CNN checkpoint"
    parser = commands.add_parser("onnx", help=what, description=what)
    parser.set_defaults(run=run_onnx)
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="torch state dict")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="bundle folder to write")
    parser.add_argument("--classes", metavar="NAME,NAME,...", help="of labels 1, 2, ... (default: the checkpoint's)")
    parser.add_argument("--height", type=int, default=512, help="of the frames, px (default: %(default)s)")
    parser.add_argument("--width", type=int, default=640, help="of the frames, px (default: %(default)s)")
    add_detector_options(parser)
    parser.add_argument(
        "--weights",
        choices=("fp32", "fp16", "shared"),
        default="fp32",
        help="storage: as they are, float16 in model.onnx, or one float16 file for both graphs (default: %(default)s)",
    )
    parser.add_argument(
        "--roi-samples", type=int, default=SAMPLES, help="most adaptive RoIAlign samples in the TensorRT graph"
    )
    parser.add_argument("--score", type=float, default=0.5, help="score from which a detection is shown")
    parser.add_argument("--name", default="", help="of the bundle (default: the folder's)")
    for option, content in (("data", "training data"), ("licence", "its licence"), ("citation", "its citation")):
        parser.add_argument(f"--{option}", metavar="TEXT", help=f"{content}, for model.json")
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_detector_options(parser: argparse.ArgumentParser) -> None:
    """What the shapes of a checkpoint do not tell; defaults are the architecture's."""
    group = parser.add_argument_group("detector", "what a state dict does not tell (default: the architecture's)")
    group.add_argument("--arch", choices=PRESETS, help="default: told by the shapes")
    group.add_argument("--pyramid", choices=("conv1", "layer1", "classic"), help="checked against the shapes")
    group.add_argument("--channels", type=int, help="of the pyramid, checked against the shapes")
    group.add_argument("--mean", type=_floats, metavar="X[,X,X]", help="of training frames scaled to 0..1")
    group.add_argument("--std", type=_floats, metavar="X[,X,X]", help="of training frames scaled to 0..1")
    group.add_argument(
        "--anchor-sizes", type=_levels, metavar="4,8,...", help="px; levels apart with ';': 32;64;128;256;512"
    )
    group.add_argument("--aspect-ratios", type=_floats, metavar="0.5,1,2", help="height / width of anchors")
    group.add_argument("--roi-size", type=_size, metavar="ROWSxCOLUMNS", help="of a pooled region")
    for option, (field, kind, text) in _SETTINGS.items():
        group.add_argument(option, type=kind, dest=field, metavar=kind.__name__.upper(), help=text)


def detector_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Configuration` that were given."""
    fields = {field: getattr(arguments, field) for field, _, _ in _SETTINGS.values()}
    for name in ("pyramid", "channels", "anchor_sizes", "aspect_ratios", "roi_size"):
        fields[name] = getattr(arguments, name)
    fields |= {"image_mean": arguments.mean, "image_std": arguments.std}
    return {name: value for name, value in fields.items() if value is not None}


def run_onnx(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0.

    Raises EdgeError, whose text is for the user; nothing was written then.
    """
    console = Console(quiet=arguments.quiet)
    settings = detector_settings(arguments)
    detectors: list[StaticDetector] = []  # the one of the TensorRT graph, for what it costs
    named = {} if arguments.classes is None else {"classes": len(arguments.classes.split(","))}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
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
    console.print(
        f"input {bundle.width}x{bundle.height} uint8, pyramid {c.pyramid} with {c.channels} channels, "
        f"{detector.proposals.count} regions, at most {bundle.max_detections} detections a frame"
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
        console.print(f"not in the checkpoint's shapes, taken as {c.name} has it: {'; '.join(assumed)}")
    for name in bundle.files:
        console.print(f"{bundle.file(name)}  {bundle.file(name).stat().st_size / 1e6:.1f} MB")


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _levels(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(word) for word in level.split(",")) for level in text.split(";"))


def _size(text: str) -> tuple[int, int]:
    rows, columns = (int(word) for word in text.split("x"))
    return rows, columns
