"""What a person sees while it runs: a table in a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from edge.meter import Meter
from edge.records import Result
from edge.sinks.recorder import Recorder

TABLE_HZ = 4.0
LINE_S = 5.0


class LiveView:
    """Shows FPS, latency, drops and detections by class on stderr. ``total``: frames to come, or None."""

    def __init__(
        self, meter: Meter, counts: Mapping[str, int], total: int | None, quiet: bool, recorder: Recorder | None = None
    ) -> None:
        self._meter, self._counts, self._total, self._quiet = meter, counts, total, quiet
        self._recorder = recorder
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._shown = time.monotonic()

    def update(self, result: Result) -> None:
        """Show the state after this result, if it is time to."""
        if self._quiet:
            return
        now = time.monotonic()
        if now - self._shown < (1 / TABLE_HZ if self._live else LINE_S):
            return
        self._shown = now
        if self._live:
            self._live.update(self._table(result), refresh=True)
        else:
            self._console.print(self._line(result), highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """One line that stays, above the table."""
        if not self._quiet:
            self._console.print(line, highlight=False, soft_wrap=True, markup=False)

    def __enter__(self) -> LiveView:
        if not self._quiet and self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def _figures(self, result: Result) -> list[tuple[str, str]]:
        fps, latency = self._meter.recent_fps, self._meter.recent_latency_ms
        frames = str(self._meter.results) + (f" / {self._total}" if self._total else "")
        counts = "  ".join(f"{name} {n}" for name, n in self._counts.items() if n) or "none yet"
        figures = [
            ("frames", frames),
            ("FPS", "-" if fps is None else f"{fps:.1f}"),
            (
                "latency p50 / p95 / p99",
                " / ".join(f"{ms:.0f}" for ms in latency.values()) + " ms" if latency else "-",
            ),
            ("dropped, repeated", f"{result.dropped}, {result.duplicates}"),
            ("detections", counts),
        ]
        return figures if self._recorder is None else [*figures, ("recording", self._recorder.status)]

    def _table(self, result: Result) -> Table:
        table = Table(show_header=False, title="thermal-edge", title_justify="left")
        for name, value in self._figures(result):
            table.add_row(name, value)
        return table

    def _line(self, result: Result) -> str:
        return "  ".join(f"{name}: {value}" for name, value in self._figures(result))
