"""What a person sees while it runs: a table in a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.app.report import Totals
from edge.commands.console import Screen
from edge.data import Result
from edge.recording.recorder import Recorder

TABLE_HZ = 4.0
LINE_S = 5.0


class LiveView:
    """Shows FPS, latency, drops and detections by class on stderr. ``total``: frames to come, or None.

    A terminal that goes away while it runs is shown nothing more, and nothing else happens.
    """

    def __init__(self, totals: Totals, total: int | None, quiet: bool, recorder: Recorder | None = None) -> None:
        self._totals, self._total, self._quiet = totals, total, quiet
        self._recorder = recorder
        self._screen = Screen(stderr=True)
        self._live: Live | None = None
        self._shown = time.monotonic()

    def update(self, result: Result) -> None:
        """Show the state after this result, if it is time to."""
        now = time.monotonic()
        if self._quiet or now - self._shown < (1 / TABLE_HZ if self._live else LINE_S):
            return
        self._shown = now
        if live := self._live:
            self._show(lambda: live.update(self._table(result), refresh=True))
        else:
            self._show(lambda: self._screen.say(self._line(result)))

    def say(self, line: str) -> None:
        """One line that stays, above the table."""
        self._show(lambda: self._screen.say(line))

    def __enter__(self) -> LiveView:
        if not self._quiet and self._screen.is_terminal:
            self._live = Live(console=self._screen, auto_refresh=False, transient=True)
            self._show(self._live.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._show(self._live.stop)

    def _show(self, step: Callable[[], object]) -> None:
        if self._quiet:
            return
        try:
            step()
        except (OSError, ValueError):  # nobody looks any more: no reason to stop flying
            self._quiet = True

    def _figures(self, result: Result) -> list[tuple[str, str]]:
        meter = self._totals.meter
        fps, latency = meter.recent_fps, meter.recent_latency_ms
        frames = str(meter.results) + (f" / {self._total}" if self._total else "")
        counts = "  ".join(f"{name} {n}" for name, n in self._totals.detections.items() if n) or "none yet"
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
            table.add_row(name, Text(value))
        return table

    def _line(self, result: Result) -> str:
        return "  ".join(f"{name}: {value}" for name, value in self._figures(result))
