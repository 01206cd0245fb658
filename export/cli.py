"""``edge-export``: from a checkpoint to a bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from edge.bundle import sha256
from edge.records import EdgeError
from export.bundle import Provenance, export_bundle
from export.checkpoint import read_state
from export.detector import frc_resnet_fpn
from export.pyramid import PYRAMIDS


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; 0 = done, 1 = failed while running, 2 = bad arguments or bad input."""
    parser = argparse.ArgumentParser(prog="edge-export", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_onnx(commands.add_parser("onnx", help="checkpoint -> bundle"))
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except EdgeError as error:
        print(f"edge-export: {error}", file=sys.stderr)
        return error.exit_code


def _add_onnx(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_onnx)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--depth", type=int, default=18)
    parser.add_argument("--pyramid", choices=PYRAMIDS, default="layer1")
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--representation-size", type=int, default=1024)
    parser.add_argument("--classes", required=True)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--mean", type=float)
    parser.add_argument("--std", type=float)
    parser.add_argument("--sampling-ratio", type=int, default=-1)
    parser.add_argument("--rpn-pre-nms", type=int, default=1000)
    parser.add_argument("--rpn-post-nms", type=int, default=1000)
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp32")
    parser.add_argument("--name", default="")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--quiet", action="store_true")


def _onnx(a: argparse.Namespace) -> int:
    console = Console(quiet=a.quiet)
    classes = [name.strip() for name in a.classes.split(",")]
    overrides = {}
    if a.mean is not None:
        overrides = {"image_mean": (a.mean,) * 3, "image_std": (a.std,) * 3}
    model = frc_resnet_fpn(
        a.depth, classes, a.pyramid, channels=a.channels, representation_size=a.representation_size,
        sampling_ratio=a.sampling_ratio, rpn_pre_nms_top_n_test=a.rpn_pre_nms,
        rpn_post_nms_top_n_test=a.rpn_post_nms, min_size=min(a.height, a.width), max_size=max(a.height, a.width),
        **overrides,
    )
    model.load_state_dict(read_state(a.checkpoint))
    bundle = export_bundle(
        model, a.out, classes, a.height, a.width, weights=a.weights, overwrite=a.overwrite,
        provenance=Provenance(a.name, {"name": f"frc_resnet{a.depth}_fpn", "pyramid": a.pyramid}, sha256(a.checkpoint)),
        progress=lambda step: console.print(f"  {step}"),
    )
    console.print(f"{bundle.path}: " + ", ".join(f"{n} {bundle.file(n).stat().st_size / 1e6:.1f} MB" for n in bundle.files))
    return 0
