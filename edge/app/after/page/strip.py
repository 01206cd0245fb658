"""How a flight went over time: an SVG of rows over one axis, from what its files hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.app.after.flight.flight import Flight
from edge.app.after.page.words import lasting, many, number, text, utc

LEFT, WIDE, RIGHT = 150, 820, 90  # px: names, the rows, the largest values
HIGH, GAP, MARK = 34, 12, 18  # px: of a chart, between rows, of a row of marks
AXIS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Chart:
    """``values``: of each step; NaN or 0: none. ``unit``: of the largest, which is shown."""

    name: str
    values: Float64
    unit: str
    digits: int = 1


@dataclass(frozen=True)
class Span:
    """Of ``begin`` to ``end`` seconds; None: to the end. ``said``: shown when it is pointed at, and in the table."""

    begin: float
    end: float
    said: str


def strip(flight: Flight) -> str:
    """The chart and, below it, the same in words; "" without a frame."""
    frames, table = flight.frames, flight.frames.strip
    if not frames.frames:
        return ""
    seconds = max(frames.seconds, table.step_s)
    charts = [Chart("frames a second", table["frames"] / table.step_s, "/s"), *_missing(table.step_s, flight)]
    with np.errstate(invalid="ignore", divide="ignore"):
        charts.append(Chart("boxes a frame", table["boxes"] / table["frames"], ""))
        if table["traced"].any():
            charts.append(Chart("latency, mean", table["latency_sum"] / table["traced"], "ms", 0))
            charts.append(Chart("latency, longest", table["latency_most"], "ms", 0))
    marks = {name: spans for name, spans in _marks(flight, seconds).items() if spans}
    return _svg(flight, charts, marks, seconds) + _in_words(marks, flight) + _not_kept(flight)


def _missing(step_s: float, flight: Flight) -> list[Chart]:
    missing = flight.frames.strip["missing"]
    return [Chart("frames without a line", missing / step_s, "/s")] if missing.any() else []


def _marks(flight: Flight, seconds: float) -> dict[str, list[Span]]:
    """Rows of spans by their name."""
    table = flight.frames.strip
    rows = {
        "shutter closed": _held(table["shut"] > 0, table.step_s, "shutter closed"),
        "not searched": _held(table["spared"] > 0, table.step_s, "the board was spared: some frames not searched"),
        "overflowed": _held(table["overflowed"] > 0, table.step_s, "numbers in the network overflowed"),
        "no pose": _held((table["posed"] == 0) & (table["frames"] > 0), table.step_s, "no pose"),
    }
    if not table["posed"].any():
        del rows["no pose"]
    report = flight.facts.report
    for name, held in report.health.items():
        if (begin := _when(flight, held.first.t, held.first.utc)) is not None:
            seen = f": {held.seen}" if isinstance(held.seen, str) else ""
            said = (
                f"{name.replace('_', ' ')} from here on, {many(held.times, 'time')}, "
                f"{many(held.frames, 'frame')} in all{seen}"
            )
            rows.setdefault("first seen", []).append(Span(begin, begin, said))
    for gap in report.reconnects.gaps if report.reconnects else ():
        if (begin := _when(flight, gap.t, None)) is not None:
            rows.setdefault("camera away", []).append(Span(begin, begin + gap.seconds, f"camera away: {gap.why}"))
    for name, spans in _degraded(flight, seconds).items():
        rows[name] = spans
    return rows


def _degraded(flight: Flight, seconds: float) -> dict[str, list[Span]]:
    rows: dict[str, list[Span]] = {}
    began: dict[str, tuple[float, str]] = {}
    steps = flight.facts.report.degraded.steps if flight.facts.report.degraded else []
    for step in steps:
        t = _when(flight, step.t, None)
        if t is None:
            continue
        said = f"{step.because} {step.value:g}, limit {step.limit:g}"
        if step.begins:
            began[step.step] = t, said
        elif step.step in began:
            begin, why = began.pop(step.step)
            rows.setdefault(f"given up: {step.step}", []).append(Span(begin, t, f"{step.step} given up: {why}"))
    for name, (begin, why) in began.items():
        rows.setdefault(f"given up: {name}", []).append(Span(begin, seconds, f"{name} given up: {why}, to the end"))
    return rows


def _when(flight: Flight, t: float, at: str | None) -> float | None:
    """Seconds of the flight; None: its seconds are of another clock."""
    times = flight.times
    if times.kind == "utc" and at is not None:
        found = times.epoch(t, at) - (times.zero or 0.0)
    elif times.kind == "t" or (times.kind == "utc" and flight.facts.report.clock is not None):
        found = t - times.zero_t
    else:
        return None
    return found if math.isfinite(found) and -3600 < found < flight.frames.seconds + 3600 else None


def _held(yes: npt.NDArray[np.bool_], step_s: float, said: str) -> list[Span]:
    """Spans of the steps in which it holds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], yes, [False])).astype(np.int8)))
    return [Span(float(a) * step_s, float(b) * step_s, said) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _svg(flight: Flight, charts: Sequence[Chart], marks: dict[str, list[Span]], seconds: float) -> str:
    y, parts = 6.0, []
    for chart in charts:
        parts.append(_chart(chart, y, flight.frames.strip.step_s, seconds))
        y += HIGH + GAP
    for name, spans in marks.items():
        parts.append(_row(name, spans, y, seconds))
        y += MARK + 4
    parts.insert(0, _axis(flight, y, seconds))
    label = (
        f"Over {lasting(seconds)}: {', '.join(chart.name for chart in charts)}"
        + (f"; marks: {', '.join(marks)}" if marks else "")
        + ". The same in words stands below."
    )
    width, height = LEFT + WIDE + RIGHT, y + 34
    return (
        f'<div class="wide"><svg class="strip" viewBox="0 0 {width} {height:.0f}" role="img" '
        f'aria-label="{text(label)}">{"".join(parts)}</svg></div>'
    )


def _chart(chart: Chart, y: float, step_s: float, seconds: float) -> str:
    values = np.nan_to_num(chart.values, nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    bars = []
    if top > 0:
        wide = WIDE * step_s / seconds
        for i, value in enumerate(values):
            if value > 0:
                x, high = LEFT + i * wide, HIGH * float(value) / top
                w = min(wide, LEFT + WIDE - x)
                if w > 0:
                    bars.append(f"M{x:.1f} {y + HIGH:.1f}h{w:.2f}v{-high:.1f}h{-w:.2f}z")
    return (
        f'<text x="{LEFT - 10}" y="{y + HIGH / 2 + 4:.0f}" class="name">{text(chart.name)}</text>'
        f'<path class="bars" d="{"".join(bars)}"/>'
        f'<path class="base" d="M{LEFT} {y + HIGH:.1f}h{WIDE}"/>'
        f'<text x="{LEFT + WIDE + 8}" y="{y + 10:.0f}" class="value">{number(top, chart.digits)} {text(chart.unit)}'
        "</text>"
    )


def _row(name: str, spans: Sequence[Span], y: float, seconds: float) -> str:
    parts = []
    for span in spans[:2000]:
        x = LEFT + WIDE * min(max(span.begin / seconds, 0.0), 1.0)
        if span.end <= span.begin:
            parts.append(
                f'<path class="point" d="M{x:.1f} {y + 2:.1f}l5 10h-10z"><title>{text(span.said)}</title></path>'
            )
            continue
        width = max(WIDE * (min(span.end, seconds) - max(span.begin, 0.0)) / seconds, 1.5)
        parts.append(
            f'<rect class="span" x="{x:.1f}" y="{y + 2:.1f}" width="{min(width, LEFT + WIDE - x + 1.5):.1f}" '
            f'height="{MARK - 6}"><title>{text(span.said)}</title></rect>'
        )
    return (
        f'<path class="base" d="M{LEFT} {y + MARK / 2:.1f}h{WIDE}"/>'
        f'<text x="{LEFT - 10}" y="{y + 12:.0f}" class="name">{text(name[:24])}</text>{"".join(parts)}'
    )


def _axis(flight: Flight, y: float, seconds: float) -> str:
    step = next((s for s in AXIS if seconds / s <= 10), 10 ** math.ceil(math.log10(seconds / 10)))
    epoch, ticks = flight.frames.first_epoch, []
    for i in range(int(seconds / step) + 1):
        x = LEFT + WIDE * i * step / seconds
        ticks.append(
            f'<path class="tick" d="M{x:.1f} 4V{y + 4:.0f}"/><text x="{x:.1f}" y="{y + 16:.0f}" class="tick">'
            f"{_clock(i * step)}</text>"
        )
    begin = "" if math.isnan(epoch) else f", from {utc(epoch)} UTC"
    ticks.append(
        f'<text x="{LEFT + WIDE / 2}" y="{y + 31:.0f}" class="tick">time since the first frame'
        f" ({'h:mm:ss' if seconds >= 3600 else 'm:ss'}){begin}</text>"
    )
    return "".join(ticks)


def _clock(seconds: int) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _in_words(marks: dict[str, list[Span]], flight: Flight) -> str:
    items = []
    for name, spans in marks.items():
        lengths = sum(max(span.end - span.begin, 0.0) for span in spans)
        said = f"{name}: {many(len(spans), 'time')}" + (f", {lasting(lengths)} together" if lengths else "")
        if name == "first seen" or name.startswith("given up") or name == "camera away":
            told = "; ".join(f"{_clock(int(max(span.begin, 0)))} {span.said}" for span in spans[:12])
            said = f"{name}: {told}" + (f"; and {len(spans) - 12} more" if len(spans) > 12 else "")
        items.append(f"<li>{text(said)}</li>")
    for name, held in flight.facts.report.health.items():
        if _when(flight, held.first.t, held.first.utc) is None:
            said = f"{name.replace('_', ' ')}: {many(held.times, 'time')}, {many(held.frames, 'frame')} in all"
            items.append(f"<li>{text(said)}, first in frame {held.first.seq}</li>")
    return (
        f'<ul class="small">{"".join(items)}</ul>' if items else '<p class="small">No condition held that is told.</p>'
    )


def _not_kept(flight: Flight) -> str:
    said = [
        "Contrast and the board's temperatures are not kept over time: files have the moment when a condition began"
    ]
    if not flight.frames.strip["traced"].any():
        said.append("latency over time is kept with edge run --trace")
    if not flight.facts.ended:
        said.append("conditions and what was given up stand in report.json, which is not there")
    return f'<p class="small">{text("; ".join(said))}.</p>'
