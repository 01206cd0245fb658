"""``edge-export onnx``: a checkpoint, or the detector of the user's own program -> bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from rich.table import Table
from torchvision.models.detection import FasterRCNN

from edge.commands.console import Screen
from edge.commands.options import threshold
from edge.errors import InputError
from edge.model.bundle import Bundle, sha256
from edge.model.thresholds import Filter
from export.commands.console import bars_on, console_of, say
from export.commands.detector_options import add_detector_options, asked_settings, detector_settings
from export.commands.int8 import add_int8_options, add_to_bundle, check_int8, show_int8
from export.detector.assumed import OPTIONS, Setting
from export.detector.checkpoint import detector_of, normalisers_of, read_checkpoint
from export.detector.factory import detector_from_factory
from export.graph.bundle import STEPS, export_bundle
from export.graph.flops import cost_by_part
from export.graph.onnx_graph import Storage
from export.graph.stages.roi_align import SAMPLES
from export.graph.static import StaticDetector
from export.parity.compare import compare
from export.parity.golden import store_golden

FORMS: tuple[Storage, ...] = get_args(Storage)


def add_onnx_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``onnx`` to the subcommands; its ``run`` default is `run_onnx`."""
    what = "make a bundle of a torchvision Faster R-CNN"
    parser = commands.add_parser("onnx", help=what, description=what)
    parser.set_defaults(run=run_onnx, parser=parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="torch state dict, or a bundle that was exported with --store shared",
    )
    source.add_argument(
        "--model",
        metavar="PACKAGE.MODULE:FUNCTION",
        help="your own function that returns the detector, as your program makes it: nothing has to be assumed",
    )
    parser.add_argument(
        "--weights",
        action=_Weights,
        metavar="FILE",
        help="checkpoint to load into the detector of --model (fp32, fp16 and shared are taken as --store)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="bundle folder to write; left out with --checkpoint BUNDLE --int8: that bundle itself",
    )
    parser.add_argument(
        "--classes",
        metavar="NAME,NAME,...",
        help="names of labels 1, 2, ... (default: the checkpoint's). Where it has names, a new one stands in the place "
        "of the old one; one of its own in another place is refused",
    )
    parser.add_argument("--height", type=int, default=512, help="height of the frames, px (default: %(default)s)")
    parser.add_argument("--width", type=int, default=640, help="width of the frames, px (default: %(default)s)")
    add_detector_options(parser)
    parser.add_argument(
        "--store",
        choices=FORMS,
        default="fp32",
        help="how weights are stored: fp32 as they are, fp16 in model.onnx, or shared: one fp16 file for both graphs "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--images",
        metavar="DIR",
        help="with --model: stills, or a video file, of your own, on which the bundle is compared with the detector",
    )
    parser.add_argument(
        "--roi-samples",
        type=int,
        default=SAMPLES,
        help="most samples a bin and axis of adaptive RoIAlign in the TensorRT graph",
    )
    parser.add_argument(
        "--score",
        type=threshold,
        default=0.5,
        help="score from which a detection is shown; of single classes too: 0.5,Animal=0.2 (default: %(default)s)",
    )
    parser.add_argument(
        "--one-body",
        metavar="NAME,NAME",
        action="append",
        default=[],
        type=names,
        help="classes that are mistaken for each other, such as Person,Animal: of overlapping boxes of theirs one is "
        "followed and counted, the surer one; may be given again for others",
    )
    add_int8_options(parser)
    parser.add_argument("--name", default="", help="name of the bundle (default: the folder's)")
    for option, content in (("data", "training data"), ("licence", "its licence"), ("citation", "its citation")):
        parser.add_argument(f"--{option}", metavar="TEXT", help=f"{content}, for model.json")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that is in DIR")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_onnx(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0, or 1 where the bundle is not the detector of ``--model`` on ``--images``.

    Raises EdgeError, whose text is for the user; nothing was written then.
    """
    _check_arguments(arguments)
    console, asked = console_of(arguments.quiet), Filter.of(arguments.score)
    if arguments.out is None:
        return add_to_bundle(arguments.checkpoint, arguments.calibrate, arguments.overwrite, console)
    detectors: list[StaticDetector] = []  # the one of the TensorRT graph, for what it costs
    with bars_on(console) as bar:
        task = bar.add_task("read the detector", total=len(STEPS) + arguments.int8)
        model, settings, digest, notes = _made(arguments) if arguments.model else _read(arguments)
        normalisers = normalisers_of(model)
        classes, renamed = _class_names(model, arguments.classes)

        def step(what: str) -> None:
            bar.update(task, description=what, advance=1)

        bundle = export_bundle(
            model,
            arguments.out,
            classes,
            arguments.height,
            arguments.width,
            name=arguments.name,
            weights=arguments.store,
            samples=arguments.roi_samples,
            score_threshold=0.5 if asked.threshold is None else asked.threshold,
            score_thresholds=asked.by_class,
            one_body=arguments.one_body,
            checkpoint_sha256=digest,
            normalise_8bit=normalisers.spec_8bit,
            normalise_16bit=normalisers.spec_16bit,
            assumed={s.field: s.value for s in settings if s.assumed},
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
            calibrate=arguments.calibrate,
            overwrite=arguments.overwrite,
            progress=step,
            built=detectors.append,
        )
    for line in (*notes, *renamed):
        say(console, line)
    _summary(console, bundle, detectors[0])
    if arguments.int8:
        show_int8(bundle, console)
    if settings:
        console.print(_settings_table(settings))
    else:
        say(console, f"nothing assumed: sizes, thresholds and sampling are those of the detector of {arguments.model}")
    say(console, store_golden(bundle, model, arguments.images or arguments.calibrate))
    return _compared(console, bundle, model, arguments.images) if arguments.images else 0


def names(text: str) -> tuple[str, ...]:
    """``Person,Animal`` as its names."""
    return tuple(part.strip() for part in text.split(","))


class _Weights(argparse.Action):
    """``--weights`` was the form of storage before it was a file: those words still are."""

    def __call__(self, _parser: object, namespace: argparse.Namespace, values: Any, _option: str | None = None) -> None:
        if values in FORMS:
            namespace.store = values
        else:
            namespace.weights = Path(values)


def _check_arguments(arguments: argparse.Namespace) -> None:
    check_int8(arguments)
    if arguments.checkpoint:
        if arguments.weights:
            raise InputError(
                f"--weights {arguments.weights}: expected one of {', '.join(FORMS)} beside --checkpoint, which holds "
                "the weights itself, or --model PACKAGE.MODULE:FUNCTION --weights FILE"
            )
        if arguments.images:
            raise InputError(
                "--images compares with the program's own detector: expected --model PACKAGE.MODULE:FUNCTION; to "
                "compare a bundle with a checkpoint: edge-export check BUNDLE --checkpoint FILE --images DIR"
            )
        return
    given = [OPTIONS.get(field, f"--{field.replace('_', '-')}") for field in detector_settings(arguments)]
    given += ["--arch"] * bool(arguments.arch) + ["--assume-rest"] * arguments.assume_rest
    if given:
        raise InputError(
            f"{', '.join(given)}: with --model everything is taken from the detector that {arguments.model} returns: "
            "leave it out, or set it there"
        )


def _read(arguments: argparse.Namespace) -> tuple[FasterRCNN, list[Setting], str, tuple[str, ...]]:
    """The detector of ``--checkpoint``, who says each setting, its sha256, and lines for the user."""
    named = {} if arguments.classes is None else {"classes": len(arguments.classes.split(","))}
    checkpoint = read_checkpoint(arguments.checkpoint, arguments.weights_of)
    model = detector_of(checkpoint, arguments.arch, **detector_settings(arguments), **named)
    settings = asked_settings(arguments, checkpoint, model.configuration)
    return model, settings, checkpoint.sha256(), checkpoint.notes


def _made(arguments: argparse.Namespace) -> tuple[FasterRCNN, list[Setting], str, tuple[str, ...]]:
    """The detector of ``--model``: as `_read`, nothing is assumed."""
    model = detector_from_factory(arguments.model, arguments.weights, arguments.weights_of)
    return model, [], sha256(arguments.weights) if arguments.weights else "", model.notes


def _class_names(model: FasterRCNN, given: str | None) -> tuple[list[str], list[str]]:
    """Names of labels 1, 2, ..., and a line for each that the detector itself calls otherwise.

    Raises InputError where nobody names them, and for a name that it has for another label: people would become cars.
    """
    known = list(model.class_names)
    if given is None:
        if not known:
            count = model.roi_heads.box_predictor.cls_score.out_features - 1
            raise InputError(f"the checkpoint does not name its {count} classes: give --classes NAME,NAME,...")
        return known, []
    asked = names(given)
    label_of = {name.casefold(): i for i, name in enumerate(known, 1)}
    renamed = []
    for i, (old, new) in enumerate(zip(known, asked, strict=False), 1):
        if label_of.get(new.casefold(), i) != i:
            raise InputError(
                f"--classes {given}: label {i} is {old}, and {new} is label {label_of[new.casefold()]}, as the "
                f"checkpoint names them: expected {','.join(known)}, or new names in their places; leave --classes out"
            )
        if old != new:
            renamed.append(f"label {i}: {old} is called {new}")
    return list(asked), renamed


def _compared(console: Screen, bundle: Bundle, model: FasterRCNN, images: str) -> int:
    """Compare on the user's frames, say it, and return the exit code."""
    failures = []
    for found in compare(bundle, images, model=model):
        figures = found.to_json()["all"]
        what = f"{found.other} against {found.reference}, {found.frames} frames"
        say(console, f"{what}: {figures['paired']} detections the same, {figures['lost']} lost, {figures['new']} new")
        failures += found.failures
    for words in failures:
        say(console, f"beyond tolerance: {words}")
    return 1 if failures else 0


def _summary(console: Screen, bundle: Bundle, detector: StaticDetector) -> None:
    architecture = bundle.architecture
    name = f"{bundle.name}: {architecture['name']}" if architecture else bundle.name
    table = Table("part", "parameters", "GFLOP a frame", title=name)
    for column in table.columns[1:]:
        column.justify = "right"
    costs = cost_by_part(detector)
    for part, cost in costs.items():
        table.add_row(part, f"{cost.parameters / 1e6:.2f} M", f"{cost.gflops:.1f}")
    table.add_section()
    total = sum(c.parameters for c in costs.values()), sum(c.gflops for c in costs.values())
    table.add_row("all", f"{total[0] / 1e6:.2f} M", f"{total[1]:.1f}")
    console.print(table)
    size, frame = detector.image_input.size, detector.image_input.original
    resized = "" if size == frame else f", resized to {size[1]}x{size[0]} inside, as the detector does it"
    say(
        console,
        f"input {bundle.width}x{bundle.height} uint8{resized}, {detector.proposals.count} region proposals, at most "
        f"{bundle.max_detections} detections a frame",
    )
    for file in bundle.files:
        say(console, f"{bundle.file(file)}  {bundle.file(file).stat().st_size / 1e6:.1f} MB")


def _settings_table(settings: list[Setting]) -> Table:
    """Each setting by the option that changes it, or by its name where the weights alone tell it."""
    presets = {s.origin.partition(": ")[2] for s in settings if s.assumed}
    note = f"assumed: as {', '.join(sorted(presets))} has it" if presets else None
    table = Table("setting", "value", "who says it", title="the detector", caption=note)
    for setting in settings:
        origin = "assumed" if setting.assumed else setting.origin
        style = "bold" if setting.assumed else None
        table.add_row(setting.option or setting.field, setting.value, origin, style=style)
    return table
