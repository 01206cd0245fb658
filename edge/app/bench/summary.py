"""Figures over all runs of a bench, and what is whole of one that was ended."""

from __future__ import annotations

from typing import Any

from edge.app.bench.settings import BenchSettings
from edge.app.bench.timed_run import Run, stages_of
from edge.measure.percentiles import RULE, spread_of


def summary(runs: list[Run]) -> dict[str, Any]:
    """Over all runs: percentiles of all results together, the middle FPS, and the spread between runs."""
    counts = {name: sum(run.counts[name] for run in runs) for name in runs[0].counts}
    middles = [spread_of(run.records.latency)["p50"] for run in runs]
    rates = [run.fps for run in runs if run.fps is not None]
    detections: dict[str, int] = {}
    for run in runs:
        for name, n in run.detections.items():
            detections[name] = detections.get(name, 0) + n
    return {
        "frames": sum(len(run.records) for run in runs),
        "fps": round(middle(rates), 3),
        "latency_ms": spread_of([ms for run in runs for ms in run.records.latency]),
        "stages_ms": stages_of([run.records for run in runs]),
        "percentiles": f"of all results, linear between two; {RULE}",
        "spread": {
            "fps": [round(min(rates), 3), round(max(rates), 3)],
            "latency_p50_ms": [min(middles), max(middles)],
        },
        **counts,
        "detections": detections,
    }


def interrupted(settings: BenchSettings, runs: int, rates: int, peak: dict[str, Any] | None) -> str:
    """What is whole of what was asked for."""
    parts = [f"{runs} of {settings.run_count} runs"]
    if settings.rates:
        parts.append(f"{rates} of {len(settings.rates)} rates")
    if settings.asks_peak and peak is None:
        parts.append("no highest rate")
    return f"{', '.join(parts)}: interrupted"


def middle(rates: list[float | None] | list[float]) -> float:
    """The middle one of the rates that are known, one at least; of an even number the mean of the middle two."""
    known = sorted(rate for rate in rates if rate is not None)
    half = len(known) // 2
    return known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2
