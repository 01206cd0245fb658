"""Reports of boards that users send: what must hold of one, and the table of docs/measured.md.

python -m benchmarks.boards FILE.json ...   checks reports, each with its FILE.results.csv beside it
python -m benchmarks.boards --write         writes the table anew, from the reports in benchmarks/boards/reports

How to send one stands in docs/measured.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from edge.app.bench.bench_json import BenchReport, read_report
from edge.app.bench.compare import latencies_of
from edge.app.bench.settings import DEFAULT_SOURCE, PUBLISHED_RUNS, PUBLISHED_SECONDS, RATES
from edge.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "benchmarks/boards/reports"
EARLIER = ROOT / "benchmarks/boards/bundles"  # model.json of bundles that were bundled once
PAGE = ROOT / "docs/measured.md"
BEGIN, END = "<!-- boards: python -m benchmarks.boards --write -->", "<!-- end of boards -->"
NONE = "No report of a board has come yet. Yours would be the first."


def known_bundles() -> list[dict[str, str]]:
    """sha256 by file of every bundle that reports may be of."""
    paths = [*sorted((ROOT / "edge/models").glob("*/model.json")), *sorted(EARLIER.glob("*.json"))]
    return [json.loads(path.read_text())["files"] for path in paths]


def problems(path: Path, with_results: bool = True) -> Iterator[str]:
    """Why a report cannot be taken, a line each. ``with_results``: every result must lie beside it and say the same."""
    try:
        report = read_report(path)
        if with_results:
            latencies_of(path, report)
    except InputError as error:
        yield str(error)
        return
    yield from _measured(report)
    yield from _told(report)


def _measured(report: BenchReport) -> Iterator[str]:
    if not report.published or len(report.runs) != PUBLISHED_RUNS:
        yield f"it is no published bench: edge bench --publish makes {PUBLISHED_RUNS} runs"
    if any(run.seconds < PUBLISHED_SECONDS for run in report.runs):
        yield f"a run is shorter than {PUBLISHED_SECONDS:.0f} s"
    rates = sorted(run.fps for run in report.runs if run.fps is not None)
    said = (report.fps, *report.spread.fps)
    if not rates or any(
        abs(a - b) > 0.002 for a, b in zip(said, (rates[len(rates) // 2], rates[0], rates[-1]), strict=True)
    ):
        yield f"fps and its spread, {said}, are not those of its runs, {rates}: it was altered"
    if report.frames != sum(run.results for run in report.runs):
        yield f"frames, {report.frames}, is not the sum of its runs: it was altered"
    if tuple(rate.rate for rate in report.rates) != RATES or report.peak is None:
        yield "the fixed rates or the highest rate are missing: edge bench --publish measures them"
    if report.source != DEFAULT_SOURCE:
        yield f"it looked at {report.source}: expected {DEFAULT_SOURCE}, which every machine has"
    if report.model_files not in known_bundles():
        yield f"its model {report.model} is none of the bundled ones: boards are compared with the same model"


def _told(report: BenchReport) -> Iterator[str]:
    host, mode = report.host, report.power.before.mode
    if not host.board:
        yield "it does not name its board (/proc/device-tree/model)"
    if host.l4t and not mode:
        yield "it does not name the power mode: nvpmodel -q must answer"
    if mode != report.power.after.mode:
        yield f"the power mode was {mode} before and {report.power.after.mode} after"
    for name in ("thermal-edge", "python", "numpy", "opencv"):
        if report.versions.get(name, "not installed") == "not installed":
            yield f"it does not name the version of {name}"


def table(reports: list[tuple[str, BenchReport]]) -> str:
    """Markdown, the fastest first; what slowed a board down stands in its row."""
    if not reports:
        return f"{NONE}\n"
    lines = [
        "| board, power mode | backend | frames/s (lowest to highest of the runs) | latency p50, p99 | power | slowed "
        "down by | report |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, report in sorted(reports, key=lambda item: -item[1].fps):
        mode, power = report.power.before.mode, report.machine.power
        latency = report.latency_ms
        p99 = latency.p99 if isinstance(latency.p99, float) else None
        cells = [
            f"{report.host.board}, {mode or 'no power mode'}",
            report.engine,
            f"{report.fps:.1f} ({report.spread.fps[0]:.1f} to {report.spread.fps[1]:.1f})",
            f"{latency.p50:.1f} ms, {'-' if p99 is None else f'{p99:.1f} ms'}",
            "not measured" if power is None else f"{power.total_w:.1f} W ({', '.join(power.total_of)})",
            "; ".join(report.machine.throttling) or "nothing that was seen",
            f"`{name}`",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def kept(folder: Path = REPORTS) -> list[tuple[str, BenchReport]]:
    """The reports in the repository, by name. Raises InputError where one cannot be read."""
    return [(path.name, read_report(path)) for path in sorted(folder.glob("*.json"))]


def page_with(text: str, rows: str) -> str:
    """The page with this table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{rows}\n{END}{after}"
