"""``edge-export onnx --int8``: its options, and the INT8 graph for a bundle that is there already."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.console import Screen
from edge.errors import InputError
from edge.model.bundle import ONNX_INT8, Bundle
from edge.model.passport import ENGINE
from export.commands.console import bars_on, say
from export.detector.assumed import OPTIONS
from export.detector.checkpoint import load_detector
from export.detector.from_bundle import is_bundle
from export.graph.int8.add import add_int8
from export.graph.int8.calibrate import FEWEST, FRAMES, calibration_frames

_OF_ADDING = {"run", "parser", "command", "checkpoint", "int8", "calibrate", "overwrite", "quiet"}


def add_int8_options(parser: argparse.ArgumentParser) -> None:
    """``--int8`` and ``--calibrate``."""
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write model.int8.onnx too, for ONNX Runtime on processors that multiply bytes: VNNI, AMX, AVX2, "
        "ARM's dot products",
    )
    parser.add_argument(
        "--calibrate",
        metavar="DIR",
        help="with --int8: stills, or a video file, such as the detector flies on and not those that it is evaluated "
        f"on: {FRAMES} frames, spread over all, are looked at, {FEWEST} must be there",
    )


def check_int8(arguments: argparse.Namespace) -> None:
    """Raises InputError where options of `add_int8_options` do not fit each other or ``--out``."""
    if bool(arguments.int8) != bool(arguments.calibrate):
        given, other = ("--int8", "--calibrate DIR") if arguments.int8 else ("--calibrate", "--int8")
        raise InputError(f"{given} without {other}: expected both; INT8 is made for frames such as those in DIR")
    if arguments.out is not None:
        return
    if not (arguments.int8 and arguments.checkpoint and is_bundle(arguments.checkpoint)):
        raise InputError("--out is missing: expected a folder for the bundle (--checkpoint BUNDLE --int8 needs none)")
    spare = [OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in _changed(arguments)]
    if spare:
        raise InputError(
            f"{', '.join(spare)}: --int8 without --out adds a graph to {arguments.checkpoint} and leaves the rest of "
            "it as it is: leave them out, or give --out FOLDER"
        )


def _changed(arguments: argparse.Namespace) -> list[str]:
    """Names of arguments that were given and say something about a new bundle."""
    default = arguments.parser.get_default
    return sorted(n for n, value in vars(arguments).items() if n not in _OF_ADDING and value != default(n))


def add_to_bundle(folder: Path, frames: str, overwrite: bool, console: Screen) -> int:
    """Write ``model.int8.onnx`` into a bundle that is there; returns 0.

    Raises InputError where it has one and ``overwrite`` was not said, its weights cannot be read back, or the frames
    will not do: it stays as it was then.
    """
    bundle = Bundle.load(folder)
    if ONNX_INT8 in bundle.files and not overwrite:
        raise InputError(f"{folder} has a {ONNX_INT8} already: say --overwrite to replace it")
    with bars_on(console) as bar:
        task = bar.add_task("read the detector", total=None)
        model = load_detector(folder)
        bar.update(task, description="read the frames")
        seen = calibration_frames(bundle, frames)

        def step(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        bundle = add_int8(bundle, model, seen, step)
    show_int8(bundle, console)
    path = bundle.file(ONNX_INT8)
    say(console, f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    if (bundle.path / ENGINE).exists():
        say(console, f"its {ENGINE} belongs to the old model.json, build it again: edge-export engine {folder}")
    return 0


def show_int8(bundle: Bundle, console: Screen) -> None:
    """A line on how the INT8 graph was calibrated, and what to do next."""
    said = bundle.int8
    say(
        console,
        f"INT8: {said['layers']} layers, calibrated on {said['frames']} frames by {said['method']}; compare it with "
        f"the float graph: edge-export check {bundle.path} --images DIR",
    )
