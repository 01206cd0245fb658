"""What a bench leaves: the report, every result and every sample beside it, a picture."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.app.bench.bench import Measured
from edge.app.bench.picture import write_picture
from edge.app.bench.settings import BenchSettings
from edge.app.bench.timed_run import Run
from edge.app.output import check_file
from edge.app.report import write_report
from edge.errors import InputError, SinkError
from edge.system.files import reason_of, write_private
from edge.system.sampler import Sample


def results_beside(path: Path) -> Path:
    """``bench.json`` -> ``bench.results.csv``."""
    return path.with_name(f"{path.name.removesuffix('.json')}.results.csv")


def samples_beside(path: Path) -> Path:
    """``bench.json`` -> ``bench.samples.jsonl``."""
    return path.with_name(f"{path.name.removesuffix('.json')}.samples.jsonl")


def check_files(settings: BenchSettings) -> None:
    """Raises InputError where a file that is asked for cannot be written, or two are one. Makes their folders."""
    beside = [] if settings.json is None else [results_beside(settings.json), samples_beside(settings.json)]
    asked = [*main_files(settings), *beside]
    for path in asked:
        check_file(path)
    if len({path.resolve() for path in asked}) < len(asked):
        raise InputError(f"two files of the bench are one: {', '.join(map(str, asked))}: give each its own name")
    if settings.trace and settings.trace.exists():
        raise InputError(f"--trace {settings.trace} is there already, and a trace is appended to: give another file")


def main_files(settings: BenchSettings) -> list[Path]:
    """Files that are asked for by name."""
    return [path for path in (settings.json, settings.png, settings.trace) if path is not None]


def write_files(settings: BenchSettings, measured: Measured) -> Iterator[str]:
    """Write what was asked for; a line for a person for each. Raises SinkError where one cannot be written."""
    if settings.json:
        results = results_csv(measured.runs)
        _write(results_beside(settings.json), results)
        _write(samples_beside(settings.json), samples_jsonl(measured.samples))
        report = {
            **measured.report,
            "results_file": {
                "name": results_beside(settings.json).name,
                "sha256": hashlib.sha256(results).hexdigest(),
            },
        }
        write_report(settings.json, report)
        yield (
            f"written: {settings.json}, {results_beside(settings.json)} (every result), "
            f"{samples_beside(settings.json)} (the machine, second after second)"
        )
    if settings.png:
        write_picture(settings.png, measured.report, measured.runs)
        yield f"written: {settings.png}, a picture of it"
    if settings.trace:
        yield f"written: {settings.trace}, a line a result"


def results_csv(runs: list[Run]) -> bytes:
    """A row a result: its run, the frame's number, capture and result in seconds since the run began to be measured,
    latency and stages in milliseconds.
    """
    stages = list(dict.fromkeys(name for run in runs for name in run.records.stages))
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["run", "seq", "captured_s", "ready_s", "latency_ms", *(f"{name}_ms" for name in stages)])
    for number, run in enumerate(runs, 1):
        r = run.records
        columns = [r.stages.get(name) for name in stages]
        for i in range(len(r)):
            times = (f"{r.t[i] - run.began:.6f}", f"{r.ready[i] - run.began:.6f}", f"{r.latency[i]:.3f}")
            cells = ("" if c is None or c[i] != c[i] else f"{c[i]:.3f}" for c in columns)
            out.writerow([number, r.seq[i], *times, *cells])
    return text.getvalue().encode()


def samples_jsonl(samples: list[Sample]) -> bytes:
    """A line a sample, ``t`` in seconds since the first one."""
    lines: list[dict[str, Any]] = [{**s.to_json(), "t": round(s.t - samples[0].t, 3)} for s in samples]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def _write(path: Path, data: bytes) -> None:
    try:
        write_private(path, data)
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}") from None
