"""Text, numbers and times as they stand on the page; all text is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from edge.sinks.colours import on_paper
from edge.system.text import without_control

MOST_NUMBER = 1e15  # what is beyond is no figure of a flight
MOST = 500  # characters of a text from outside: what is longer was made to be
_LIMITS = (-2.2e9, 3.2e10)  # seconds since 1970: the years 1900 to 2983


def text(value: object) -> str:
    """Escaped, for a text or an attribute in double quotes; cut where it is very long."""
    said = str(value)
    said = said if len(said) <= MOST else f"{said[:MOST]}… ({len(said) - MOST} more characters)"
    return html.escape(without_control(said))


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """With thin spaces between thousands; a dash where it is not known."""
    if value is None or not abs(value) <= MOST_NUMBER:
        return "–"
    return f"{value:,.{digits}f}".replace(",", "\u202f") + (f"\u00a0{unit}" if unit else "")


def area(square_metres: float) -> str:
    """In hectares from one hectare on."""
    return number(square_metres / 1e4, 2, "ha") if square_metres >= 1e4 else number(square_metres, 0, "m²")


def lasting(seconds: float) -> str:
    """``12.3 s``, ``4 min 05 s``, ``1 h 02 min``."""
    if not abs(seconds) <= MOST_NUMBER:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f}\u00a0s"
    if seconds < 3600:
        return f"{int(seconds // 60)}\u00a0min {int(seconds % 60):02d}\u00a0s"
    return f"{int(seconds // 3600)}\u00a0h {int(seconds % 3600 // 60):02d}\u00a0min"


def utc(epoch: float, seconds: bool = True) -> str:
    """``2026-05-01 04:30:00``; a dash where it is not known."""
    if not _LIMITS[0] < epoch < _LIMITS[1]:
        return "–"
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def many(n: int, one: str, more: str = "") -> str:
    """``1 track``, ``2 tracks``."""
    return f"{number(n)}\u00a0{one if n == 1 else more or one + 's'}"


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """A list of names and values; rows without a value are left out."""
    told = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows if value not in (None, "", {}, [])]
    return f'<dl class="facts">{"".join(told)}</dl>' if told else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str, left: int = 1) -> str:
    """Cells are HTML already. ``left``: so many columns at the begin are text, the others figures."""
    heads = "".join(f'<th scope="col"{_side(i, left)}>{text(name)}</th>' for i, name in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{cell}</th>' if i == 0 else f"<td{_side(i, left)}>{cell}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{text(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def dot(label: int) -> str:
    """A small mark in that colour, as SVG."""
    return (
        '<svg class="dot" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">'
        f'<circle cx="5" cy="5" r="4.5" fill="{on_paper(label)}"/></svg>'
    )


def section(name: str, title: str, body: str, lead: str = "") -> str:
    """One of the page's parts."""
    intro = f'<p class="lead">{text(lead)}</p>' if lead else ""
    return (
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{text(title)}</h2>{intro}{body}</section>\n'
    )


def _side(i: int, left: int) -> str:
    return "" if i < left else ' class="n"'
