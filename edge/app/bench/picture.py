"""A picture of a bench: latency over time, how often each latency came, and where the time went; drawn with OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.app.bench.timed_run import Run
from edge.errors import SinkError
from edge.sinks.colours import on_paper_bgr
from edge.sinks.draw import FONT
from edge.system.files import reason_of, write_private

WIDTH, HEIGHT = 1400, 1000
INK, GREY, PAPER = (40, 40, 40), (170, 170, 170), (255, 255, 255)  # BGR
DOT, BAR, MARK = on_paper_bgr(6), on_paper_bgr(1), on_paper_bgr(5)
BINS = 60
MANY = 600  # results: above, dots are smaller
ROOM = 1.15  # of an axis beyond the largest value

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]  # x, y, width, height
Float64 = npt.NDArray[np.float64]


def draw_bench(report: dict[str, Any], runs: Sequence[Run]) -> Image:
    """``(1000, 1400, 3)`` uint8 BGR."""
    image = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    _text(image, f"{report['model']} on {report['engine']}", (40, 44), 0.8)
    board = report["host"]["board"] or report["host"]["cpu"]
    published = "five runs of 600 s" if report["published"] else "a short bench, not for publishing"
    _text(image, f"{report['fps']:.2f} frames/s, {report['frames']} results; {board}; {published}", (40, 74), 0.55)
    latency = np.concatenate([np.asarray(run.records.latency) for run in runs])
    _over_time(image, (110, 130, WIDTH - 160, 330), runs, latency)
    _histogram(image, (110, 560, 560, 360), latency, report["latency_ms"])
    _stages(image, (900, 560, 450, 360), report["stages_ms"])
    return image


def write_picture(path: Path, report: dict[str, Any], runs: Sequence[Run]) -> None:
    """Draw it to a PNG file, whatever its name. Raises SinkError where it cannot be written."""
    done, data = cv2.imencode(".png", draw_bench(report, runs))
    try:
        if not done:
            raise OSError("OpenCV cannot encode it")
        write_private(path, data.tobytes())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}") from None


def _over_time(image: Image, box: Box, runs: Sequence[Run], latency: Float64) -> None:
    x, y, width, height = box
    long = max(run.over - run.began for run in runs)
    most = float(latency.max()) * ROOM
    _frame(
        image,
        box,
        "latency of every result, over time",
        f"seconds of {'the run' if len(runs) == 1 else f'each of {len(runs)} runs'}",
        "ms",
    )
    _ticks(image, box, long, most)
    for n, run in enumerate(runs):
        times = np.asarray(run.records.ready) - run.began
        at_x = (x + times / max(long, 1e-9) * width).astype(int)
        at_y = (y + height - np.asarray(run.records.latency) / most * height).astype(int)
        colour = on_paper_bgr(6 + n)
        for px, py in zip(at_x.tolist(), at_y.tolist(), strict=True):
            cv2.circle(image, (px, py), 1 if len(latency) > MANY else 3, colour, cv2.FILLED, cv2.LINE_AA)


def _histogram(image: Image, box: Box, latency: Float64, spread: dict[str, float]) -> None:
    x, y, width, height = box
    low, high = 0.0, float(latency.max()) * 1.02
    counts, _ = np.histogram(latency, BINS, (low, high))
    most = float(counts.max()) * ROOM
    _frame(image, box, "how often each latency came", "ms", "results")
    _ticks(image, box, high, most)
    for i, count in enumerate(counts.tolist()):
        left, right = x + i * width // BINS, x + (i + 1) * width // BINS - 1
        if count:
            top = min(y + height - round(count / most * height), y + height - 1)
            cv2.rectangle(image, (left, top), (right, y + height), BAR, cv2.FILLED)
    told = [(name, ms) for name, ms in spread.items() if name.startswith("p")]
    for n, (name, ms) in enumerate(told):
        at = x + round(ms / high * width)
        cv2.line(image, (at, y), (at, y + height), MARK, 1, cv2.LINE_AA)
        to_left = at + 130 > x + width
        _text(image, f"{name} {ms:.2f}", (at - 105 if to_left else at + 5, y + 18 + 20 * n), 0.5, MARK)


def _stages(image: Image, box: Box, stages: dict[str, dict[str, float]]) -> None:
    """A bar a stage: its mean, and a line to its highest percentile that is known."""
    x, y, width, height = box
    _text(image, "stages: mean (bar), and the highest percentile that is known (line), ms", (x - 110, y - 14), 0.5)
    rows = [(name, spread) for name, spread in stages.items() if spread]
    tails = [max((name for name in s if name.startswith("p")), key=lambda p: float(p[1:])) for _, s in rows]
    most = max((max(s["mean"], s[tail]) for (_, s), tail in zip(rows, tails, strict=True)), default=1.0) or 1.0
    step = height // max(len(rows), 1)
    for n, ((name, spread), tail) in enumerate(zip(rows, tails, strict=True)):
        top, scale = y + n * step, (width - 130) / most
        _text(image, name, (x - 110, top + step // 2 + 5), 0.45)
        at = x + 20
        cv2.rectangle(
            image, (at, top + step // 4), (at + round(spread["mean"] * scale), top + 3 * step // 4), BAR, cv2.FILLED
        )
        end = at + round(spread[tail] * scale)
        cv2.line(image, (at, top + step // 2), (end, top + step // 2), MARK, 2)
        right = max(end, at + round(spread["mean"] * scale))
        _text(image, f"{spread['mean']:.2f}, {tail} {spread[tail]:.2f}", (right + 8, top + step // 2 + 5), 0.42)


def _frame(image: Image, box: Box, title: str, below: str, beside: str) -> None:
    x, y, width, height = box
    cv2.rectangle(image, (x, y), (x + width, y + height), INK, 1)
    _text(image, title, (x, y - 14), 0.5)
    (wide, _), _ = cv2.getTextSize(below, FONT, 0.5, 1)
    _text(image, below, (x + width - wide, y + height + 44), 0.5)
    _text(image, beside, (x - 100, y + 14), 0.5)


def _ticks(image: Image, box: Box, most_x: float, most_y: float) -> None:
    x, y, width, height = box
    for value in nice(most_x):
        at = x + round(value / most_x * width)
        cv2.line(image, (at, y + height), (at, y + height + 6), INK, 1)
        _text(image, f"{value:g}", (at - 8, y + height + 24), 0.45)
    for value in nice(most_y):
        at = y + height - round(value / most_y * height)
        cv2.line(image, (x + 1, at), (x + width - 1, at), GREY, 1)
        text = f"{value:g}"
        (wide, _), _ = cv2.getTextSize(text, FONT, 0.45, 1)
        _text(image, text, (x - 10 - wide, at + 5), 0.45)


def nice(most: float, about: int = 6) -> list[float]:
    """Round numbers from 0 up to ``most``, some ``about`` of them."""
    if not most > 0:
        return [0.0]
    power = 10.0 ** np.floor(np.log10(most / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * about >= most)
    return [round(float(step * n), 10) for n in range(int(most / step) + 1)]


def _text(image: Image, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int] = INK) -> None:
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)  # OpenCV draws no other
    cv2.putText(image, shown, at, FONT, size, colour, 1, cv2.LINE_AA)
