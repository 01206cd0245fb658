"""A bench on the screen: every figure under its name, and what was not measured said so."""

from __future__ import annotations

import io
from typing import Any

from edge.commands.bench_table import lines, show_bench
from edge.commands.console import Screen

MS = {"mean": 1.5, "p50": 1.25, "p90": 2.0, "p95": 2.5, "p99": 3.75, "max": 9.5}
MACHINE: dict[str, Any] = {
    "samples": 60,
    "cpu_percent": 131.0,
    "machine_percent": 37.0,
    "rss_mib": {"first": 300.0, "last": 311.0, "max": 313.0},
    "rss_slope_mib_per_min": 0.25,
    "cpu_mhz": {"min": 1200, "mean": 1400.0, "max": 1510, "allowed": 1510, "hardware": 1728},
    "gpu_mhz": {"min": 600, "mean": 905.0, "max": 918, "allowed": 918, "hardware": 1020},
    "celsius": {"cpu": {"first": 40.0, "max": 61.5, "trip": 99.0}, "gpu": {"first": 40.0, "max": 63.2, "trip": None}},
    "fan_rpm": 1800.0,
    "power": {"rails_w": {}, "total_w": 11.2, "total_of": ["VDD_IN"], "idle_w": 4.3, "above_idle_w": 6.9,
              "joules_a_frame": 0.5},
    "events": {},
    "throttling": ["heat: tj"],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "model": "deer", "engine": "ORT", "stages_ms": {"wait": MS, "odd": {}}, "latency_ms": {**MS, "p50": 7.0},
    "fps": 4.256, "frames": 50, "dropped": 7, "duplicates": 5, "lost": 3, "peak_memory_mib": 99, "camera": "c",
    "published": False, "spread": {"fps": [4.1, 4.4]}, "rates": [], "peak": None, "cold_start": None, "layers": None,
    "accuracy": None, "machine": MACHINE, "interrupted": None,
    "runs": [{"seconds": 60.25, "ended": "enough results", "results": 700, "jitter_ms": {"p50": 0.4}}],
}  # fmt: skip


def said(**changed: Any) -> list[str]:
    return list(lines({**REPORT, **changed}))


def test_each_column_of_the_table_in_a_terminal_of_100_columns() -> None:
    out = io.StringIO()
    show_bench(REPORT, Screen(file=out, width=100))
    shown = out.getvalue().splitlines()
    cells = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in shown]
    assert [row for row in cells if row] == [
        ["wait", "1.50", "1.25", "2.00", "2.50", "3.75", "9.50"],
        ["odd", "-", "-", "-", "-", "-", "-"],
        ["capture to detections", "1.50", "7.00", "2.00", "2.50", "3.75", "9.50"],
    ]
    head = next(line for line in shown if "stage" in line)
    assert [cell.strip() for cell in head.split("\u2503")[1:-1]] == [
        *("stage", "mean ms", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms"),
    ]
    assert max(map(len, shown[:9])) <= 100


def test_every_line_below_it() -> None:
    assert said() == [
        "4.26 frames/s over 50 frames in 60.2 s (enough results)",
        "not processed: 7 dropped, 5 duplicates, 3 lost; most memory 99 MiB",
        "jitter: half of the results came at most 0.40 ms earlier or later than usual",
        "CPU 131 % of a core; all programs 37 % of the machine; memory 311 MiB, growing by 0.25 MiB a minute",
        "GPU 905 MHz of 918; fastest core 1400 MHz of 1510; hottest 63.2 deg C (gpu); 11.20 W (VDD_IN, 4.30 W before "
        "anything was computed)",
        "! heat: tj",
        "source: c",
        "a short bench, not for publishing: edge bench --publish --json FILE measures five runs of 600 s",
    ]


def test_a_bench_that_was_ended_says_what_is_whole() -> None:
    assert said(interrupted="2 of 5 runs: interrupted")[len(said()) - 1 :] == [
        "! 2 of 5 runs: interrupted: the figures are of what is whole, and not for publishing"
    ]


def test_what_was_asked_for_besides() -> None:
    rate = {"rate": 30.0, "loss": 0.8512, "age_ms": {"mean": 1, "p50": 210.04, "p95": 240.0, "max": 300.0}}
    silent = dict.fromkeys(("kind", "output", "tactic"))
    layers: dict[str, Any] = {"frames": 9}
    layers["layers"] = [{"name": f"l{i}", "mean_ms": i / 10, **silent} for i in range(12)]
    layers["layers"][10] |= {"kind": "CaskPooling", "output": "Half", "tactic": "sm86_pool"}
    row = {"boxes": 12, "ap50": 0.9234, "recall": 0.5, "precision": None}
    more = said(
        rates=[rate, {**rate, "rate": 60.0, "age_ms": {}}],
        peak={"rate": 4.44, "most_loss": 0.05},
        cold_start={"error": None, "imported_s": 0.5, "engine_s": 1.25, "first_detections_s": 2.5},
        layers=layers,
        accuracy={"classes": {"Person": row}},
        published=True,
    )
    new = [line for line in more if line not in said()]
    assert new[:4] == [
        "cold start: first detections 2.50 s after the start of the process (engine open after 1.25 s)",
        "at 30 frames/s: 85.1% lost; a frame's age at its detections: p50 210.0, p95 240.0 ms",
        "at 60 frames/s: 85.1% lost; a frame's age at its detections: no result",
        "highest rate with at most 5% lost: 4.4 frames/s",
    ]
    assert new[4:7] == [
        "layers: 12, together 6.60 ms without CUDA graph; the slowest:",
        "  1.100 ms  l11",
        "  1.000 ms  l10 (CaskPooling, Half, sm86_pool)",
    ]
    assert new[-1] == "accuracy of the same files, Person: ap50 0.923, recall 0.500 (12 boxes)"
    assert len(new) == 4 + 11 + 1
    assert "highest rate with at most 5% lost: none that was tried" in said(peak={"rate": None, "most_loss": 0.05})


def test_what_the_machine_does_not_tell() -> None:
    silent = dict.fromkeys(("gpu_mhz", "cpu_mhz", "power", "machine_percent", "rss_slope_mib_per_min"))
    told = said(machine={**MACHINE, **silent, "celsius": {}, "throttling": []})
    assert "CPU 131 % of a core; memory 311 MiB" in told
    assert "clocks, temperatures and watts: this machine does not tell them" in told
    clock = {**MACHINE["cpu_mhz"], "allowed": None}
    assert "fastest core 1400 MHz" in said(machine={**MACHINE, **silent, "cpu_mhz": clock, "celsius": {}})


def test_several_runs_and_a_time_that_was_too_short_for_p99() -> None:
    runs = [{**REPORT["runs"][0], "ended": "time limit", "results": 383}] * 2
    told = said(runs=runs)
    assert told[0] == "4.26 frames/s over 50 frames, the middle of 2 runs (4.10 to 4.40)"
    assert told[-2] == ("the time limit came before 662 results, which p99 needs: about --seconds 110 would carry it")
    assert told[-2] not in said(runs=[{**runs[0], "results": 662}])
