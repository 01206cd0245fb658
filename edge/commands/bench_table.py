"""The figures of a bench on a screen, for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.app.bench.compare import Comparison
from edge.app.bench.settings import MOST_TIMES, RESULTS
from edge.commands.console import Screen

COLUMNS = ("mean", "p50", "p90", "p95", "p99", "max")

_WORDS = """\
p50 ms: half of the frames took at most so many milliseconds; p90, p95, p99: 90, 95, 99 of 100 frames. wait: for the \
camera. infer: in the engine. consumer: whoever takes the results. capture to detections: the latency, from the time \
of the frame to its boxes. -: too few results to tell (p90 needs 64, p95 130, p99 662)
"""


def show_bench(report: dict[str, Any], screen: Screen) -> None:
    """Print the figures as a table, and a line for each other thing that was measured."""
    table = Table(title=Text(f"{report['model']} on {report['engine']}"), title_justify="left")
    table.add_column("stage")
    for name in COLUMNS:
        table.add_column(f"{name} ms", justify="right")
    for name, values in {**report["stages_ms"], "capture to detections": report["latency_ms"]}.items():
        table.add_row(name, *(milliseconds(values.get(p)) for p in COLUMNS))
    screen.print(table)
    screen.print(Text(_WORDS))
    for line in lines(report):
        screen.say(line)


def lines(report: dict[str, Any]) -> Iterator[str]:
    """What stands below the table."""
    yield _speed(report)
    yield (
        f"not processed: {report['dropped']} dropped, {report['duplicates']} duplicates, {report['lost']} lost; most "
        f"memory {report['peak_memory_mib']} MiB"
    )
    jitter = [run["jitter_ms"] for run in report["runs"]]
    if jitter[0]:
        yield f"jitter: half of the results came at most {jitter[0]['p50']:.2f} ms earlier or later than usual"
    if cold := report["cold_start"]:
        yield _cold(cold)
    for one in report["rates"]:
        yield (
            f"at {one['rate']:g} frames/s: {one['loss']:.1%} lost; a frame's age at its detections: "
            f"{_short(one['age_ms'])}"
        )
    if peak := report["peak"]:
        found = "none that was tried" if peak["rate"] is None else f"{peak['rate']:.1f} frames/s"
        yield f"highest rate with at most {peak['most_loss']:.0%} lost: {found}"
    yield from _machine(report["machine"])
    if report["layers"]:
        yield from _layers(report["layers"])
    if report["accuracy"]:
        yield from _accuracy(report["accuracy"])
    yield f"source: {report['camera']}"
    yield from _left_out(report)


def compared(found: Comparison, first: Path, second: Path) -> Iterator[str]:
    """A comparison in words."""
    faster = f"{found.ratio:.2f} times as fast" if found.ratio >= 1 else f"{1 / found.ratio:.2f} times as slow"
    yield f"median latency: {found.first_ms:.3f} ms in {first}, {found.second_ms:.3f} ms in {second}"
    yield f"{second} is {faster}: ratio {found.ratio:.3f}, {found.low:.3f} to {found.high:.3f} ({found.method})"
    if found.low <= 1 <= found.high:
        yield "the spread includes 1: these figures do not tell which is faster"
    for line in found.differs:
        yield f"! differs: {line}"


def milliseconds(value: float | None) -> str:
    """For a cell of the table."""
    return "-" if value is None else f"{value:.2f}"


def _speed(report: dict[str, Any]) -> str:
    runs, spread = report["runs"], report["spread"]["fps"]
    said = f"{report['fps']:.2f} frames/s over {report['frames']} frames"
    if len(runs) > 1:
        return f"{said}, the middle of {len(runs)} runs ({spread[0]:.2f} to {spread[1]:.2f})"
    return f"{said} in {runs[0]['seconds']:.1f} s ({runs[0]['ended']})"


def _cold(cold: dict[str, Any]) -> str:
    if cold["error"]:
        return f"cold start: not measured: {cold['error']}"
    return (
        f"cold start: first detections {cold['first_detections_s']:.2f} s after the start of the process (engine open "
        f"after {cold['engine_s']:.2f} s)"
    )


def _machine(state: dict[str, Any]) -> Iterator[str]:
    slope, rss = state["rss_slope_mib_per_min"], state["rss_mib"]
    load = [f"CPU {state['cpu_percent']:.0f} % of a core"] if state["cpu_percent"] is not None else []
    if state["machine_percent"] is not None:
        load.append(f"all programs {state['machine_percent']:.0f} % of the machine")
    if rss:
        load.append(
            f"memory {rss['last']:.0f} MiB" + ("" if slope is None else f", growing by {slope:.2f} MiB a minute")
        )
    yield "; ".join(load)
    seen = []
    for name, clock in (("GPU", state["gpu_mhz"]), ("fastest core", state["cpu_mhz"])):
        if clock:
            allowed = "" if clock["allowed"] is None else f" of {clock['allowed']}"
            seen.append(f"{name} {clock['mean']:.0f} MHz{allowed}")
    hot = {zone: value["max"] for zone, value in state["celsius"].items()}
    if hot:
        zone = max(hot, key=lambda name: hot[name])
        seen.append(f"hottest {hot[zone]:.1f} deg C ({zone})")
    if power := state["power"]:
        idle = "" if power["idle_w"] is None else f", {power['idle_w']:.2f} W before anything was computed"
        seen.append(f"{power['total_w']:.2f} W ({', '.join(power['total_of'])}{idle})")
    yield "; ".join(seen) or "clocks, temperatures and watts: this machine does not tell them"
    for line in state["throttling"]:
        yield f"! {line}"


def _layers(layers: dict[str, Any]) -> Iterator[str]:
    rows = sorted(layers["layers"], key=lambda row: -row["mean_ms"])
    total = sum(row["mean_ms"] for row in rows)
    yield f"layers: {len(rows)}, together {total:.2f} ms without CUDA graph; the slowest:"
    for row in rows[:10]:
        known = ", ".join(row[key] for key in ("kind", "output", "tactic") if row[key])
        yield f"  {row['mean_ms']:.3f} ms  {row['name']}" + (f" ({known})" if known else "")


def _accuracy(accuracy: dict[str, Any]) -> Iterator[str]:
    for name, row in accuracy["classes"].items():
        figures = (f"{key} {row[key]:.3f}" for key in ("ap50", "recall", "precision") if row[key] is not None)
        yield f"accuracy of the same files, {name}: {', '.join(figures)} ({row['boxes']} boxes)"


def _short(spread: dict[str, float]) -> str:
    told = ", ".join(f"{name} {ms:.1f}" for name, ms in spread.items() if name in ("p50", "p95", "p99"))
    return f"{told} ms" if told else "no result"


def _left_out(report: dict[str, Any]) -> Iterator[str]:
    short = [run for run in report["runs"] if run["ended"] == "time limit" and run["results"] < RESULTS]
    if short and report["fps"]:
        seconds = math.ceil(RESULTS / report["fps"] / MOST_TIMES / 10) * 10
        yield (
            f"the time limit came before {RESULTS} results, which p99 needs: about --seconds {seconds} would carry it"
        )
    if said := report["interrupted"]:
        yield f"! {said}: the figures are of what is whole, and not for publishing"
    elif not report["published"]:
        yield "a short bench, not for publishing: edge bench --publish --json FILE measures five runs of 600 s"
