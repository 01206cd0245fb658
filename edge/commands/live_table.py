"""What a person sees while it runs: a table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.app.observer import Observer, Progress
from edge.commands.console import Screen
from edge.data import Result
from edge.geo.coverage.coverage import hectares

TABLE_HZ = 4.0
LINE_S = 5.0
LATENCIES = ("p50", "p95", "p99")


class LiveTable(Observer):
    """Shows FPS, latency, drops and boxes by class on ``screen``.

    A terminal that goes away while it runs is shown nothing more, and nothing else happens.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._progress: Progress | None = None
        self._live: Live | None = None
        self._gone = False
        self._shown = 0.0

    def begin(self, progress: Progress) -> None:
        """Open the table, where ``screen`` is a terminal."""
        self._progress, self._shown = progress, time.monotonic()
        if self._screen.is_terminal:
            self._live = Live(console=self._screen, auto_refresh=False, transient=True)
            self._show(self._live.start)

    def __call__(self, result: Result) -> None:
        """Show the state after this result, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (1 / TABLE_HZ if self._live else LINE_S):
            return
        self._shown = now
        if live := self._live:
            self._show(lambda: live.update(self._table(result), refresh=True))
        else:
            self._show(lambda: self._screen.say(self._line(result)))

    def close(self) -> None:
        """Take the table away."""
        if live := self._live:
            self._live = None
            self._show(live.stop)

    def _show(self, step: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            step()
        except (OSError, ValueError):  # nobody looks any more: no reason to stop flying
            self._gone = True

    def figures(self, result: Result) -> list[tuple[str, str]]:
        """What is shown: (name, value)."""
        progress = self._progress
        assert progress is not None
        meter = progress.totals.meter
        fps, latency = meter.recent_fps, meter.recent_latency_ms
        frames = str(meter.results) + (f" / {progress.frames}" if progress.frames else "")
        boxes = "  ".join(f"{name} {n}" for name, n in progress.totals.detections.items() if n) or "none yet"
        figures = [
            ("frames", frames),
            ("frames/s", "-" if fps is None else f"{fps:.1f}"),
            (
                f"latency {' / '.join(LATENCIES)}",
                " / ".join(f"{latency[p]:.0f}" if p in latency else "-" for p in LATENCIES) + " ms" if latency else "-",
            ),
            ("not processed", f"{result.dropped} dropped, {result.duplicates} duplicates, {result.lost} lost"),
            ("boxes in all frames", boxes),
        ]
        if (covered := progress.coverage) and covered.state.looks:
            found = covered.state.findings
            n = len(found.gaps)
            gaps = f"{n} gap{'s' * (n != 1)} of {hectares(found.gap_m2)}" if n else "no gaps"
            figures.append(("searched", f"{hectares(found.searched_m2)}, {gaps}"))
        return figures if progress.recorder is None else [*figures, ("recording", progress.recorder.status)]

    def _table(self, result: Result) -> Table:
        table = Table(show_header=False, title="thermal-edge", title_justify="left")
        for name, value in self.figures(result):
            table.add_row(name, Text(value))
        return table

    def _line(self, result: Result) -> str:
        return "  ".join(f"{name}: {value}" for name, value in self.figures(result))
