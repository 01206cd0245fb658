"""``edge-export engine BUNDLE``: build the engine and its passport, on the board that flies."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import TracebackType

from rich.progress import TaskID
from rich.table import Table

from edge.commands.console import Screen
from edge.engine.device import find_device
from edge.engine.passport_check import this_machine
from edge.model.bundle import Bundle
from edge.model.passport import ENGINE, PASSPORT
from export.commands.console import bars_on, console_of, say
from export.tensorrt.build import LEVELS, BuildSettings, BuiltEngine, import_tensorrt
from export.tensorrt.plan import (
    WORKSPACE_MOST_MIB,
    Plan,
    keep_timing_cache,
    make_plan,
    read_timing_cache,
    write_engine,
)
from export.tensorrt.process import build_in_process


def add_engine_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add ``engine`` to the subcommands; its ``run`` default is `run_engine`."""
    what = "build the TensorRT engine, on the board that flies"
    parser = commands.add_parser("engine", help=what, description=what)
    parser.set_defaults(run=run_engine)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="model folder with model.fp16.onnx")
    parser.add_argument(
        "--workspace-mib",
        type=int,
        metavar="MIB",
        help=f"most scratch memory for a layer (default: a quarter of what is free, at most {WORKSPACE_MOST_MIB})",
    )
    parser.add_argument(
        "--optimization-level",
        type=int,
        choices=LEVELS,
        default=BuildSettings.optimization_level,
        help="higher tries more and takes longer (default: %(default)s, TensorRT's own)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be built, and stop")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser


def run_engine(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0.

    Raises EdgeError, whose text is for the user, or KeyboardInterrupt; nothing was written then.
    """
    console = console_of(arguments.quiet)
    bundle = Bundle.load(arguments.bundle)
    target = this_machine(import_tensorrt().__version__, find_device())
    plan = make_plan(bundle, target, arguments.workspace_mib, arguments.optimization_level)
    show_plan(plan, console)
    if arguments.dry_run:
        return 0
    with BuildProgress(console) as progress:
        built = build_in_process("tensorrt", plan.onnx, bundle, plan.settings, progress, read_timing_cache(plan))
    write_engine(plan, built)
    show_built(plan, built, keep_timing_cache(plan, built), console)
    return 0


def show_plan(plan: Plan, console: Screen) -> None:
    """Print what will be built, with which settings, where, and for how long one waits."""
    target, cache = plan.target, plan.timing_cache
    table = Table(show_header=False, title=f"engine of {plan.bundle.name}", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "from": f"{plan.onnx} ({plan.onnx_bytes / 1e6:.1f} MB), strongly typed",
        "to": f"{plan.bundle.path / ENGINE} and {PASSPORT}",
        "by": f"TensorRT {target.tensorrt}, optimization level {plan.settings.optimization_level}",
        "for": f"{target.board or target.device}, compute capability {target.compute_capability}, "
        f"{target.sm_count} multiprocessors",
        "power mode": f"{target.power_mode or 'unknown'}: tactics are timed in it, so build as you fly",
        "workspace": f"{plan.settings.workspace_mib} MiB of {plan.free_mib} MiB free",
        "timing cache": f"{cache} ({'of an earlier build' if cache.exists() else 'new'})",
        "time": "minutes; not measured on a board",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def show_built(plan: Plan, built: BuiltEngine, cache_trouble: str | None, console: Screen) -> None:
    """Print what was built and what to do with it."""
    lines = [
        f"{plan.bundle.path / ENGINE}: {len(built.plan) / 1e6:.1f} MB in {built.seconds:.0f} s, loads, its inputs and "
        "outputs are the model's",
        f"next: edge run --source S --model {plan.bundle.path} --backend trt --out DIR",
    ]
    if built.skipped_tactics:
        lines.append(
            f"{built.skipped_tactics} tactics were left out for want of memory: an engine built with more "
            "memory free may be faster"
        )
    if cache_trouble:
        lines.append(cache_trouble)
    for line in lines:
        say(console, line)


class BuildProgress:
    """TensorRT's open phases as nested bars: steps done of steps known, and the time so far.

    There is no estimate of the rest: TensorRT does not know how long a tactic takes before it is timed.
    """

    def __init__(self, console: Screen) -> None:
        self._bars = bars_on(console)
        self._open: dict[str, tuple[TaskID, int]] = {}

    def __enter__(self) -> BuildProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        depth = self._open[parent][1] + 1 if parent in self._open else 0
        self._open[phase] = (self._bars.add_task("  " * depth + phase, total=steps), depth)

    def step(self, phase: str, step: int) -> bool:
        if phase in self._open:
            self._bars.update(self._open[phase][0], completed=step + 1)
        return True

    def finish(self, phase: str) -> None:
        if phase in self._open:
            self._bars.remove_task(self._open.pop(phase)[0])
