"""A small map of the objects of two runs: which of them found each, and where. North is up."""

from __future__ import annotations

import math
from html import escape

from edge.app.compare.compare import Comparison
from edge.app.compare.table import found_by, place_of_pair, what_of
from edge.geo.wgs84 import metres_a_degree, wrapped

WIDTH, HEIGHT, MARGIN = 720.0, 420.0, 40.0
LEAST_M = 10.0  # across: the errors alone are some metres
MOST_POINTS = 2000


def map_of(found: Comparison) -> str:
    """An SVG; "" where nothing has a place."""
    placed = [(pair, place) for pair in found.tracks if (place := place_of_pair(found, pair))][:MOST_POINTS]
    if not placed:
        return ""
    middle = placed[0][1]
    north, east = metres_a_degree(middle[0])
    xs = [east * float(wrapped(place[1] - middle[1])) for _, place in placed]
    ys = [north * (place[0] - middle[0]) for _, place in placed]
    across, up = max(max(xs) - min(xs), LEAST_M), max(max(ys) - min(ys), LEAST_M)
    scale = min((WIDTH - 2 * MARGIN) / across, (HEIGHT - 2 * MARGIN) / up)
    left, top = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    dots = []
    for (pair, _), x, y in zip(placed, xs, ys, strict=True):
        cx, cy, who = WIDTH / 2 + scale * (x - left), HEIGHT / 2 - scale * (y - top), found_by(pair)
        name = ", ".join(f"{run} {seen.number}" for run, seen in (("A", pair.a), ("B", pair.b)) if seen)
        words = escape(f"{name}: {what_of(pair)}")
        dots.append(
            f'<circle class="of-{who.lower()}" cx="{cx:.1f}" cy="{cy:.1f}" r="5"><title>{words}</title></circle>'
        )
    bar = _round(across / 4)
    legend = "".join(
        f'<circle class="of-{who}" cx="{20 + 130 * i}" cy="18" r="5"/><text x="{30 + 130 * i}" y="22">{words}</text>'
        for i, (who, words) in enumerate((("both", "followed by both"), ("a", "by A alone"), ("b", "by B alone")))
    )
    scale_bar = (
        f'<line x1="20" x2="{20 + scale * bar:.1f}" y1="{HEIGHT - 16}" y2="{HEIGHT - 16}" stroke-width="2"/>'
        f'<text x="20" y="{HEIGHT - 22}">{bar:g} m</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}">{"".join(dots)}{legend}{scale_bar}</svg>'


def _round(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not more."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value)
