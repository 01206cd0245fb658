"""Two reports: how many times as fast, how sure that is, and what else differs between them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import UnsetType

from edge.app.bench.bench_json import BenchReport, read_report
from edge.errors import InputError
from edge.system.files import read_limited, reason_of

Float64 = npt.NDArray[np.float64]
DRAWS = 2000
SEED = 1
LEVEL = 95  # per cent
MOST_RESULTS = 1 << 30  # bytes: days at the highest rate
BLOCK = 20  # results that follow each other are alike: they are drawn together


@dataclass(frozen=True)
class Comparison:
    """``ratio``: median latency of the first by that of the second: 2 = the second takes half the time; ``low``,
    ``high``: its spread, by ``method``. ``differs``: what else is not the same, a line each.
    """

    first_ms: float
    second_ms: float
    ratio: float
    low: float
    high: float
    method: str
    differs: list[str]


def compare(first: Path, second: Path) -> Comparison:
    """Compare two reports of ``edge bench --json``; every result is read from the file beside each.

    Raises InputError for a report that cannot be read, is of another version or was altered, and for two that looked at
    different frames: their ratio would mean nothing.
    """
    reports = read_report(first), read_report(second)
    latencies = [latencies_of(path, report) for path, report in zip((first, second), reports, strict=True)]
    _refuse(*reports)
    medians = [_middle_of(runs) for runs in latencies]
    if min(len(runs) for runs in latencies) >= 3:
        pairs = [np.array([float(np.median(run)) for run in runs]) for runs in latencies]
        low, high = pairs[0].min() / pairs[1].max(), pairs[0].max() / pairs[1].min()
        method = f"lowest and highest of {len(latencies[0])} and {len(latencies[1])} runs' medians"
    else:
        draws = [_bootstrap(np.concatenate(runs), SEED + i) for i, runs in enumerate(latencies)]
        low, high = np.percentile(draws[0] / draws[1], [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
        method = (
            f"bootstrap of blocks of {BLOCK} results, {DRAWS} draws, {LEVEL} %; what differs from run to run is not in "
            "it: measure both with --runs 3 or more"
        )
    return Comparison(
        round(medians[0], 3),
        round(medians[1], 3),
        round(medians[0] / medians[1], 3),
        round(float(low), 3),
        round(float(high), 3),
        method,
        list(differences(*reports)),
    )


def latencies_of(path: Path, report: BenchReport) -> list[Float64]:
    """(N,) milliseconds by run, from the file beside the report.

    Raises InputError where it is missing, is not the one that was written with the report, or the report's figures are
    not those of its results.
    """
    file = report.results_file
    if isinstance(file, UnsetType):
        raise InputError(f"{path} names no file with its results: give a report as edge bench --json wrote it")
    beside = path.with_name(Path(file.name).name)
    try:
        data = read_limited(beside, MOST_RESULTS)
    except OSError as error:
        raise InputError(f"{beside} cannot be read ({reason_of(error)}): copy it from where {path} was made") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise InputError(f"{beside} is not the file that was written with {path}: its sha256 differs; copy both again")
    try:
        rows = list(csv.DictReader(data.decode().splitlines()))
        runs = [
            np.array([float(row["latency_ms"]) for row in rows if int(row["run"]) == n + 1])
            for n in range(len(report.runs))
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{beside} holds no results of a bench ({error}): copy it again") from None
    for n, (run, said) in enumerate(zip(runs, report.runs, strict=True), 1):
        if len(run) != said.results or not len(run):
            raise altered(path, f"run {n} has {said.results} results, the file beside it {len(run)}")
        if abs(float(np.median(run)) - float(said.latency_ms.p50 or 0)) > 0.002:
            raise altered(
                path, f"the median latency of run {n} is {said.latency_ms.p50} ms, its results say {np.median(run):.3f}"
            )
    return runs


def altered(path: Path, why: str) -> InputError:
    """For a report whose figures are not those of its results."""
    return InputError(f"{path} was altered: {why}: give the report as edge bench --json wrote it")


def _refuse(first: BenchReport, second: BenchReport) -> None:
    frames = [report.held_frames.sha256 if report.held_frames else None for report in (first, second)]
    if frames[0] != frames[1] or None in frames:
        raise InputError(
            f"the two reports looked at different frames ({first.source}; {second.source}), so their ratio means "
            "nothing: measure both with the same --source, a file or a simulation"
        )


def differences(first: BenchReport, second: BenchReport) -> list[str]:
    """What a reader must know of two reports before he believes their ratio, a line each."""
    looks: list[tuple[str, Callable[[BenchReport], Any]]] = [
        ("machine", lambda r: r.host.board or r.host.cpu),
        ("cores", lambda r: r.host.cores),
        ("L4T", lambda r: r.host.l4t),
        ("power mode", lambda r: r.power.before.mode),
        ("model", lambda r: r.model),
        ("classes", lambda r: ", ".join(r.detections)),
        ("model files", lambda r: " ".join(sorted(sha[:12] for sha in r.model_files.values()))),
        ("engine", lambda r: r.engine),
        ("tiles", lambda r: r.tiling.asked if r.tiling else "none"),
        ("published", lambda r: r.published),
        ("version", lambda r: r.versions.get("thermal-edge")),
    ]
    said = [f"{name}: {look(first)} and {look(second)}" for name, look in looks if look(first) != look(second)]
    for name, report in (("first", first), ("second", second)):
        said += [f"the {name} was slowed down: {line}" for line in report.machine.throttling]
    return said


def _middle_of(runs: list[Float64]) -> float:
    return float(np.median(np.concatenate(runs)))


def _bootstrap(values: Float64, seed: int) -> Float64:
    """(DRAWS,) medians of as many values, drawn in blocks."""
    rng = np.random.default_rng(seed)
    block = min(BLOCK, len(values))
    starts = rng.integers(0, len(values) - block + 1, (DRAWS, -(-len(values) // block)))
    found = [np.median(values[(row[:, None] + np.arange(block)).ravel()[: len(values)]]) for row in starts]
    return np.array(found)
