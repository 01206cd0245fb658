"""``edge-export check``: is the bundle still the same detector, and does it compile."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from rich.table import Table

from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_FP16, Bundle
from edge.system.files import reason_of, write_whole
from export.commands.console import bars_on, console_of, say
from export.detector.factory import detector_from_factory
from export.graph.trt_operators import refusals
from export.parity.compare import Comparison, compare
from export.parity.pairs import SIZES
from export.parity.reference import compare_with_reference, read_reference
from export.tensorrt.build import BuildSettings
from export.tensorrt.listing import by_part, kernels
from export.tensorrt.process import build_in_process

# an architecture that TensorRT-RTX compiles for without the GPU, and Orin's nearest
TARGET = "SM86"
FRAMES = 20


def add_check_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``check`` to the subcommands; its ``run`` default is `run_check`."""
    what = "compare a bundle with the detector it was made from, and compile it"
    parser = commands.add_parser("check", help=what, description=what)
    parser.set_defaults(run=run_check)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="model folder")
    parser.add_argument("--images", required=True, metavar="DIR", help="stills, or a video file, of your own")
    against = parser.add_mutually_exclusive_group()
    against.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="the checkpoint that the bundle was made from: torchvision's detector with its weights is compared, too. "
        "It has the bundle's own settings, so that a wrong one is not noticed; --model and --reference notice it",
    )
    against.add_argument(
        "--model",
        metavar="PACKAGE.MODULE:FUNCTION",
        help="your own detector: the function is imported from your code, which then runs here, and returns a "
        "torchvision FasterRCNN",
    )
    against.add_argument(
        "--reference",
        type=Path,
        metavar="FILE.json",
        help="what your own program found in these images, as the script of edge-export reference writes it",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="with --model: a checkpoint to load into it")
    parser.add_argument(
        "--weights-of", metavar="NAME", help="which weights of --weights or --checkpoint, where it holds several"
    )
    parser.add_argument(
        "--frames",
        type=int,
        help=f"compare at most so many frames, spread over all (default: {FRAMES}, and all of --reference)",
    )
    parser.add_argument(
        "--min-score", type=float, help="compare detections of this score or more (default: the bundle's threshold)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, see docs/output.md")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_check(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0 = the same detector that compiles, 1 = not.

    Raises EdgeError, whose text is for the user, where it cannot be told.
    """
    if arguments.frames is not None and arguments.frames < 1:
        raise InputError(f"--frames {arguments.frames}: expected 1 or more")
    if arguments.weights and not arguments.model:
        raise InputError("--weights needs --model, the detector to load it into; or give the file as --checkpoint")
    if arguments.weights_of and not (arguments.weights or arguments.checkpoint):
        raise InputError("--weights-of chooses among the weights of --weights or --checkpoint: give one of them")
    console = console_of(arguments.quiet)
    bundle = Bundle.load(arguments.bundle)
    with bars_on(console) as bar:
        task = bar.add_task("compare", total=None)
        comparisons, causes, notes = _compared(
            bundle, arguments, lambda done, of: bar.update(task, completed=done, total=of)
        )
        bar.update(task, description="compile", completed=0, total=None)
        refused = refusals(onnx.load(bundle.file(ONNX_FP16)))
        compiled = _compile(bundle)
    failures = [words for c in comparisons for words in c.failures]
    failures += [f"TensorRT would refuse {words}" for words in refused]
    if "error" in compiled:
        failures.append(compiled["error"])
    for line in notes:
        say(console, line)
    for comparison in comparisons:
        console.print(_table(comparison))
    say(console, f"operators, types and limits of TensorRT 10.3 .. 11: {len(refused)} refusals")
    if "parts" in compiled:
        console.print(_parts_table(compiled))
    say(console, f"compiled: {compiled.get('summary') or compiled.get('error') or compiled['skipped']}")
    report = {
        "bundle": str(bundle.path),
        "images": arguments.images,
        "comparisons": [c.to_json() for c in comparisons],
        "refusals": refused,
        "compiled": compiled,
        "failures": failures,
        "likely_causes": causes,
    }
    if arguments.json is not None:
        try:
            write_whole(arguments.json, (json.dumps(report, indent=2) + "\n").encode())
        except OSError as error:
            raise InputError(f"{arguments.json} cannot be written ({reason_of(error)}): give another file") from None
    for words in failures:
        say(console, f"beyond tolerance: {words}")
    for words in causes:
        say(console, f"likely cause: {words}")
    if not failures:
        say(console, "the same detector, within tolerance")
    return 1 if failures else 0


def _compared(
    bundle: Bundle, arguments: argparse.Namespace, progress: Callable[[int, int], None]
) -> tuple[list[Comparison], list[str], list[str]]:
    """What was compared, what is likely wrong, and lines about what was compared with what."""
    if arguments.reference:
        reference = read_reference(arguments.reference)
        comparisons, causes = compare_with_reference(
            bundle, Path(arguments.images), reference, arguments.frames, arguments.min_score, progress
        )
        written, compared = len(reference.images), comparisons[0].frames
        left = [f"{compared} of the {written} pictures of {arguments.reference} were compared"] * (compared < written)
        return comparisons, causes, left
    notes: list[str] = []
    model = None
    if arguments.model:
        model = detector_from_factory(arguments.model, arguments.weights, arguments.weights_of)
        notes += model.notes
    elif arguments.checkpoint:
        notes.append(
            f"eager: {arguments.checkpoint} with the bundle's own settings. A setting that was assumed wrongly is not "
            "noticed here; --model and --reference notice it"
        )
    most = arguments.frames or FRAMES
    comparisons = compare(
        bundle, arguments.images, arguments.checkpoint, most, arguments.min_score, progress, model, arguments.weights_of
    )
    return comparisons, [], notes


class Silent:
    """Hears of the build's phases and lets it go on."""

    def start(self, phase: str, parent: str | None, steps: int) -> None: ...

    def step(self, phase: str, step: int) -> bool:  # noqa: ARG002 - the protocol names them
        return True

    def finish(self, phase: str) -> None: ...


def _compile(bundle: Bundle) -> dict[str, Any]:
    """Compile the float16 graph, strongly typed, where TensorRT-RTX is installed; it needs no GPU for that."""
    if importlib.util.find_spec("tensorrt_rtx") is None:
        return {"skipped": "no (pip install tensorrt-rtx compiles here, without a GPU, as a check)"}
    settings = BuildSettings(workspace_mib=4096, compute_capability=TARGET)
    try:
        built = build_in_process("tensorrt_rtx", bundle.file(ONNX_FP16), bundle, settings, Silent())
    except EngineError as error:
        return {"error": str(error)}
    summary = f"TensorRT-RTX {built.tensorrt} for {TARGET}, {built.seconds:.1f} s, {len(built.plan) / 1e6:.1f} MB"
    compiled = {"seconds": built.seconds, "bytes": len(built.plan), "tensorrt_rtx": built.tensorrt}
    try:
        found = kernels(built.listing)
    except EngineError as error:  # of another version; it compiles all the same
        return {"summary": f"{summary}; {error}", **compiled}
    size = sum(kernel.size for kernel in found)
    return {
        "summary": f"{summary}; {len(found)} kernels, {size / 1e6:.0f} MB a frame",
        **compiled,
        "kernels": len(found),
        "bytes_a_frame": size,
        "parts": {part: {"kernels": n, "bytes_a_frame": b} for part, (n, b) in by_part(found).items()},
    }


def _parts_table(compiled: dict[str, Any]) -> Table:
    """Kernels, and what they read and write, by part of the network."""
    table = Table("part", "kernels", "MB a frame", title="the compiled graph")
    for column in table.columns[1:]:
        column.justify = "right"
    for part, row in (compiled["parts"] | {"all": compiled}).items():
        if part == "all":
            table.add_section()
        table.add_row(part, str(row["kernels"]), f"{row['bytes_a_frame'] / 1e6:.1f}")
    return table


def _table(comparison: Comparison) -> Table:
    figures = comparison.to_json()
    title = f"{comparison.other} against {comparison.reference}, {comparison.frames} frames"
    table = Table("objects", "paired", "lost", "new", "least IoU", "largest score change", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for size in (*SIZES, "all"):
        row = figures["all"] if size == "all" else figures["sizes"][size]
        worst = ["-", "-"]
        if row["paired"]:
            worst = [f"{row['least_iou']:.5f}", f"{row['largest_score_change']:.1e}"]
        table.add_row(size, *(str(row[key]) for key in ("paired", "lost", "new")), *worst)
    return table
