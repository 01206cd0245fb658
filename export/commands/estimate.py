"""``edge-export estimate``: how fast a bundle may be on a board, from its operations and bytes; nothing is measured."""

from __future__ import annotations

import argparse
import importlib.util
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_FP16, Bundle
from edge.system.files import reason_of, write_whole
from export.commands.check import TARGET, Silent
from export.commands.console import console_of, say
from export.tensorrt.build import BuildSettings
from export.tensorrt.estimate.boards import BOARDS, Board, board_named
from export.tensorrt.estimate.published import Check, checks, median_error, worst
from export.tensorrt.estimate.roofline import FAST, LIKELY, SLOW, Span, span
from export.tensorrt.estimate.work import Work, total, work_by_part
from export.tensorrt.listing import Kernel, kernels
from export.tensorrt.process import build_in_process

NOT_MEASURED = "estimate: nothing below was measured on a board by the authors of this package; measure with edge bench"


def add_estimate_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``estimate`` to the subcommands; its ``run`` default is `run_estimate`."""
    what = "estimate how fast a bundle is on a board, from its operations and bytes; nothing is measured"
    parser = commands.add_parser("estimate", help=what, description=what)
    parser.set_defaults(run=run_estimate)
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="model folder")
    parser.add_argument("--board", metavar="NAME", help=f"one of {', '.join(board.name for board in BOARDS)}")
    parser.add_argument(
        "--validate", action="store_true", help="compare estimates of other networks with what others published"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the estimate to FILE, see docs/output.md")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_estimate(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0.

    Raises EdgeError, whose text is for the user.
    """
    if (arguments.bundle is None) != (arguments.board is None) or not (arguments.bundle or arguments.validate):
        raise InputError("expected BUNDLE and --board together, or --validate alone, or all three")
    console = console_of(arguments.quiet)
    checked = checks()
    lines = [NOT_MEASURED]
    report: dict[str, Any] = {}
    if arguments.bundle:
        board, bundle = board_named(arguments.board), Bundle.load(arguments.bundle)
        listed, counted = _listed(bundle)
        parts = work_by_part(onnx.load(bundle.file(ONNX_FP16), load_external_data=False), listed)
        lines += bundle_lines(bundle.name, board, parts, counted)
        report = _bundle_json(bundle, board, parts, counted)
    if arguments.validate:
        lines += [check_line(check) for check in checked]
    lines.append(error_line(checked))
    report |= {
        "published": [_check_json(check) for check in checked],
        "median_error_percent": round(median_error(checked) * 100, 1),
        "worst_error_percent": round(worst(checked).error * 100, 1),
    }
    for line in lines:
        say(console, line)
    if arguments.json is not None:
        try:
            write_whole(arguments.json, (json.dumps({"estimate": report}, indent=2) + "\n").encode())
        except OSError as error:
            raise InputError(f"{arguments.json} cannot be written ({reason_of(error)}): give another file") from None
    return 0


def _listed(bundle: Bundle) -> tuple[list[Kernel] | None, str]:
    """What TensorRT-RTX lists, or None, and in words where the kernels come from."""
    rough = "counted in the ONNX graph by its shapes, which is coarser"
    if importlib.util.find_spec("tensorrt_rtx") is None:
        return None, f"{rough} (pip install tensorrt-rtx lists them, without a GPU)"
    settings = BuildSettings(workspace_mib=4096, compute_capability=TARGET)
    try:
        built = build_in_process("tensorrt_rtx", bundle.file(ONNX_FP16), bundle, settings, Silent())
        return kernels(built.listing), f"listed by TensorRT-RTX {built.tensorrt} for {TARGET}"
    except EngineError as error:
        return None, f"{rough} ({error})"


def bundle_lines(name: str, board: Board, parts: dict[str, list[Work]], counted: str) -> list[str]:
    """What is said of a bundle on a board; the word estimate stands in every line."""
    every = [work for part in parts.values() for work in part]
    low, likely, high = span(every, board).fps
    return [
        f"estimate of {name} on {board.name} ({board.mode}): the engine alone, one frame after the other",
        f"estimate from the board's {board.tflops} TFLOPS of dense float16 and {board.gbytes_s} GB/s: {board.source}",
        f"estimate from {total(every).kernels} kernels, {counted}",
        *(_part_line(part, work, board) for part, work in parts.items()),
        _part_line("all", every, board),
        f"estimate of frames a second: {likely:.0f} likely, {low:.0f} low, {high:.0f} high",
        f"estimate assumes {_range('compute', 100)} % of dense float16, {_range('bandwidth', 100)} % of the memory's "
        f"bandwidth, {_range('kernel_us')} us to start a kernel, {_range('walk_ns')} ns for each element that TopK "
        "walks; no time for camera, correction and results, no heat, no lower clock",
    ]


def _part_line(part: str, work: list[Work], board: Board) -> str:
    time, sums = span(work, board), total(work)
    return (
        f"estimate, {part:<15} {time.likely:6.2f} ms ({time.least:.2f} to {time.most:.2f}): {sums.gflop:.1f} GFLOP, "
        f"{sums.mbytes:.1f} MB, {sums.kernels} kernels"
    )


def _range(name: str, times: float = 1) -> str:
    likely, *ends = (getattr(assumed, name) * times for assumed in (LIKELY, SLOW, FAST))
    return f"{likely:g} ({min(ends):g} to {max(ends):g})"


def check_line(check: Check) -> str:
    """One published time and its estimate."""
    it, time = check.published, check.estimate
    return (
        f"estimate of {it.network} on {it.board}: {time.likely:.2f} ms ({time.least:.2f} to {time.most:.2f}), "
        f"published {it.ms:.2f} ms, error {check.error:+.0%}; {it.source}"
    )


def error_line(checked: list[Check]) -> str:
    """How far estimates are from what others published."""
    far = worst(checked)
    inside, fast = sum(check.inside for check in checked), sum(check.error < 0 for check in checked)
    return (
        f"estimate checked against {len(checked)} published times of other networks, float16: median error "
        f"{median_error(checked):.0%}, worst {far.error:+.0%} ({far.published.network} on {far.published.board}: "
        f"{far.estimate.likely:.2f} ms, published {far.published.ms:.2f} ms); {fast} estimates are too fast, {inside} "
        "published times lie in the estimate's range"
    )


def _bundle_json(bundle: Bundle, board: Board, parts: dict[str, list[Work]], counted: str) -> dict[str, Any]:
    every = [work for part in parts.values() for work in part]
    low, likely, high = span(every, board).fps
    return {
        "bundle": str(bundle.path),
        "board": asdict(board),
        "kernels": counted,
        "parts": {part: asdict(total(work)) | {"ms": _ms(span(work, board))} for part, work in parts.items()},
        "ms": _ms(span(every, board)),
        "fps": {"low": round(low, 1), "likely": round(likely, 1), "high": round(high, 1)},
        "assumed": {"likely": asdict(LIKELY), "slow": asdict(SLOW), "fast": asdict(FAST)},
    }


def _check_json(check: Check) -> dict[str, Any]:
    return asdict(check.published) | {"estimate_ms": _ms(check.estimate), "error_percent": round(check.error * 100, 1)}


def _ms(time: Span) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(time).items()}
