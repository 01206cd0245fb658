"""``edge-export engine BUNDLE``: build the engine and its passport, on the board that flies."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import TracebackType

from rich.progress import TaskID
from rich.table import Table

from edge.commands.console import Screen
from edge.engine.device import find_device
from edge.engine.passport_check import other_level, this_machine
from edge.errors import EngineError
from edge.model.bundle import Bundle
from edge.model.comparison import Comparison
from edge.model.passport import ENGINE, PASSPORT, BuildClocks
from edge.system.sensors import Sensors
from export.commands.console import bars_on, console_of, say
from export.tensorrt.build import LEVELS, BuildCancelled, BuildSettings, BuiltEngine, Progress, import_tensorrt
from export.tensorrt.compare import simulated
from export.tensorrt.place import check_comparable, compare_again, write_engine
from export.tensorrt.plan import WORKSPACE_MOST_MIB, Plan, keep_timing_cache, make_plan, read_timing_cache
from export.tensorrt.process import build_in_process, compare_in_process


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
    parser.add_argument(
        "--frames",
        metavar="DIR",
        help="stills on which the engine is compared with ONNX Runtime, best such with objects in them "
        "(default: frames of the simulated camera)",
    )
    parser.add_argument(
        "--compare-only", action="store_true", help="build nothing: compare the engine that is there once more"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be built, and stop")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser


def run_engine(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0.

    Raises EdgeError, whose text is for the user, or KeyboardInterrupt; no engine was put in place then.
    """
    console = console_of(arguments.quiet)
    bundle = Bundle.load(arguments.bundle)
    if arguments.compare_only:
        frames = arguments.frames or simulated(bundle)
        check_comparable(bundle, frames)
        with BuildProgress(console) as progress:
            comparison = compare_again(bundle, lambda candidate: _compare(bundle, candidate, frames, progress))
        show_comparison(comparison, console)
        return 0
    target = this_machine(import_tensorrt().__version__, find_device())
    plan = make_plan(bundle, target, arguments.workspace_mib, arguments.optimization_level, arguments.frames)
    show_plan(plan, console)
    check_comparable(bundle, plan.frames)
    if arguments.dry_run:
        return 0
    with BuildProgress(console) as progress:
        built = build_in_process("tensorrt", plan.onnx, bundle, plan.settings, progress, read_timing_cache(plan))
        trouble = keep_timing_cache(plan, built)  # also of an engine that turns out to be wrong
        clocks = progress.clocks()
        comparison = write_engine(
            plan, built, clocks, lambda candidate: _compare(bundle, candidate, plan.frames, progress)
        )
    show_built(plan, built, clocks, trouble, comparison, console)
    return 0


def _compare(bundle: Bundle, candidate: Bundle, frames: str, progress: Progress) -> Comparison:
    try:
        return compare_in_process(bundle, candidate, frames, progress)
    except BuildCancelled:
        raise
    except EngineError as error:
        raise EngineError(f"the engine could not be compared with ONNX Runtime: {error}") from None


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
        "compared on": plan.frames,
        "time": "minutes; not measured on a board",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def show_built(
    plan: Plan,
    built: BuiltEngine,
    clocks: BuildClocks,
    cache_trouble: str | None,
    comparison: Comparison,
    console: Screen,
) -> None:
    """Print what was built, what may have made it slower than it could be, what it finds, and what to do with it."""
    lines = [
        f"{plan.bundle.path / ENGINE}: {len(built.plan) / 1e6:.1f} MB in {built.seconds:.0f} s, loads, its inputs and "
        "outputs are the model's",
    ]
    if built.skipped_for_memory:
        lines.append(
            f"{built.skipped_for_memory} tactics were left out for want of memory: an engine built with more "
            "memory free may be faster"
        )
    if built.skipped_otherwise:
        lines.append(
            f"{built.skipped_otherwise} tactics were left out because they failed, not for want of memory (the first: "
            f"{built.first_exception}): the engine may be slower than it need be; try --optimization-level "
            f"{other_level(plan.settings.optimization_level)}"
        )
    if clocks.over_current_events:
        lines.append(
            f"the board's over-current protection stepped in {clocks.over_current_events} times while tactics were "
            "timed: use a stronger power supply or a lower power mode, and build again"
        )
    if cache_trouble:
        lines.append(cache_trouble)
    for line in lines:
        say(console, line)
    show_comparison(comparison, console)
    say(console, f"next: edge run --source S --model {plan.bundle.path} --backend trt --out DIR")


def show_comparison(comparison: Comparison, console: Screen) -> None:
    """Print what the engine and ONNX Runtime found in the same frames."""
    say(console, str(comparison))
    for doubt in comparison.doubts:
        say(console, f"note: {doubt}")
    if comparison.empty:
        say(console, "give frames with objects in them: --compare-only --frames DIR")


class BuildProgress:
    """TensorRT's open phases as nested bars: steps done of steps known, and the time so far.

    There is no estimate of the rest: TensorRT does not know how long a tactic takes before it is timed. While it
    works the GPU's clock is looked at, which shows nothing once the GPU rests.
    """

    def __init__(self, console: Screen) -> None:
        self._bars = bars_on(console)
        self._open: dict[str, tuple[TaskID, int]] = {}
        self._sensors = Sensors()
        self._gpu_mhz, self._events = self._sensors.gpu_mhz(), self._sensors.over_current_events()

    def clocks(self) -> BuildClocks:
        """The highest clock of the GPU, and how often over-current protection stepped in, until now."""
        events = self._sensors.over_current_events()
        known = events is not None and self._events is not None
        return BuildClocks(self._gpu_mhz, max(0, (events or 0) - (self._events or 0)) if known else None)

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
        if (now := self._sensors.gpu_mhz()) is not None:
            self._gpu_mhz = max(now, self._gpu_mhz or 0)
        if phase in self._open:
            self._bars.update(self._open[phase][0], completed=step + 1)
        return True

    def finish(self, phase: str) -> None:
        if phase in self._open:
            self._bars.remove_task(self._open.pop(phase)[0])
