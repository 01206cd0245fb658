"""Writes the page: text first, then data and pictures one by one, so that memory stays small; in one file."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edge.app.after.flight.flight import Flight
from edge.app.after.flight.lines import FileState, Progress
from edge.app.after.page.answer import answer
from edge.app.after.page.crops import BUDGET, Crops, Pictured
from edge.app.after.page.ground_map import ground_map
from edge.app.after.page.notes import notes
from edge.app.after.page.parts import MAP_HINT, proofs, the_map, tracks, viewer
from edge.app.after.page.ran import conditions, ran, searched
from edge.app.after.page.rows import TYPES, Rows, encoded, rows_of
from edge.app.after.page.strip import strip
from edge.app.after.page.words import lasting, many, number, section, text, utc
from edge.app.after.reviewed import Reviewed
from edge.app.after.survey.survey import Survey
from edge.sinks.colours import ON_PAPER
from edge.system.host import versions

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("data.js", "viewer.js", "cards.js", "map.js", "tracks.js")
NO_PICTURE = "The picture is not on this page, which has room for so many; it is in the flight's folder, in crops."


def write_page(
    out: BinaryIO,
    survey: Survey,
    reviewed: Sequence[Reviewed | None],
    states: Sequence[tuple[FileState, ...]],
    progress: Progress | None = None,
    budget: int = BUDGET,
) -> Pictured:
    """The page of a survey into ``out``; returns what became of the pictures. ``states``: of the files of each flight.

    Nothing in it is loaded from elsewhere; its policy forbids that, and every script but its own.
    """
    style = (ASSETS / "report.css").read_text(encoding="utf-8")
    script = "".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    rows = rows_of(survey, reviewed)
    crops = Crops(survey, rows, budget, progress)

    def put(part: str) -> None:
        out.write(part.encode("utf-8", "replace"))

    put(_head(survey, style, script))
    told = "".join(_text(survey, rows, tuple(reviewed), states))
    put(told)
    for n, chunk in enumerate(crops.chunks(progress), 1):
        put(_data(f"c{n}", chunk))
    put(_pictures_told(crops.told))
    put(_data("facts", _facts(survey, reviewed)))
    for name, column in rows.columns.items():
        put(f'<script type="text/plain" id="col-{name}">')
        out.write(encoded(column))
        put("</script>\n")
    put(f"<script>{script}</script>\n</body>\n</html>\n")
    return crops.told


def _head(survey: Survey, style: str, script: str) -> str:
    policy = (
        f"default-src 'none'; script-src 'sha256-{_digest(script)}'; style-src 'sha256-{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(survey.title)}: report</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">To the content</a>\n'
    )


def _text(
    survey: Survey, rows: Rows, reviewed: tuple[Reviewed | None, ...], states: Sequence[tuple[FileState, ...]]
) -> list[str]:
    said = notes(survey, states)
    shown = proofs(rows)
    placed = int(np.isfinite(rows.columns["east"]).sum())
    links = [
        ("counts", "How many"),
        *([("notes", "Not known")] if said else []),
        *([("proofs", "Proofs")] if shown else []),
        *(("map", "Map"), ("tracks", "Tracks"), ("coverage", "Coverage"), ("time", "Over time"), ("run", "Run")),
    ]
    menu = "".join(f'<a href="#{name}">{text(words)}</a>' for name, words in links)
    version = versions({})["thermal-edge"]
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M")
    return [
        f"<header><div><h1>{text(survey.title)}</h1>{_when_where(survey)}</div>"
        '<button type="button" id="print">Print</button></header>\n',
        f'<nav aria-label="parts of the report"><div>{menu}</div></nav>\n<main id="main">\n',
        answer(survey, reviewed),
        said,
        shown,
        the_map(survey, placed),
        tracks(survey, rows, any(reviewed)),
        section("coverage", "Coverage and gaps", _each(survey, searched)),
        section("time", "Over time", _each(survey, lambda flight: strip(flight) + conditions(flight))),
        section("run", "The run", _runs(survey, states)),
        f'</main>\n{viewer()}\n<p id="told" class="unseen" aria-live="polite"></p>\n',
        f"<footer><p>Made by edge report, thermal-edge {text(version)}, at {made} UTC by this computer's clock. "
        "Scores are no probabilities; temperatures are apparent ones.</p>\n",
    ]


def _when_where(survey: Survey) -> str:
    lines = []
    for flight in survey.flights[:20]:
        frames = flight.frames
        begin, end = frames.first_epoch, frames.last_epoch
        if math.isnan(begin):
            when = f"time of day not known, {lasting(frames.seconds)}" if frames.frames else "no frame"
        else:
            late = utc(end)[11:] if utc(end)[:10] == utc(begin)[:10] else utc(end)
            when = f"{utc(begin)} to {late} UTC, {lasting(frames.seconds)}"
        model = flight.facts.both("model")
        parts = [when, many(frames.frames, "frame"), f"model {model}" if model else ""]
        name = f"{flight.name}: " if survey.many or survey.title != flight.name else ""
        lines.append(f'<p class="sub">{text(name + ", ".join(part for part in parts if part))}</p>')
    if len(survey.flights) > 20:
        lines.append(f'<p class="sub">and {len(survey.flights) - 20} more flights</p>')
    if (home := survey.home) is not None:
        lines.append(f'<p class="sub">around {home.latitude:.5f}, {home.longitude:.5f} (WGS84)</p>')
    return "".join(lines)


def _each(survey: Survey, of_one: Any) -> str:
    if not survey.many:
        return str(of_one(survey.flights[0])) or '<p class="none">Nothing is known.</p>'
    return "".join(f"<h3>{text(flight.name)}</h3>{of_one(flight)}" for flight in survey.flights)


def _runs(survey: Survey, states: Sequence[tuple[FileState, ...]]) -> str:
    def of_one(flight: Flight) -> str:
        return ran(flight, states[survey.flights.index(flight)])

    return _each(survey, of_one)


def _pictures_told(told: Pictured) -> str:
    said = f"{many(told.embedded, 'picture')} of {number(told.kept)} that the flight kept of these tracks."
    if told.left_out:
        said += f" {number(told.left_out)} are left out, as they do not fit into the page: they are in crops."
    if told.gone or told.damaged:
        said += f" {number(told.gone)} are not where tracks.jsonl says; {number(told.damaged)} are damaged."
    return f"<p>On this page: {text(said)}</p></footer>\n"


def _facts(survey: Survey, reviewed: Sequence[Reviewed | None]) -> dict[str, Any]:
    return {
        "columns": TYPES,
        "classes": [str(name)[:100] for name in _classes(survey)],
        "colours": ON_PAPER,
        "flights": [flight.name[:100] for flight in survey.flights],
        "counted": survey.counts is not None,
        "reviewed": any(one is not None for one in reviewed),
        "times_known": all(not math.isnan(flight.frames.first_epoch) for flight in survey.flights),
        "map": ground_map(survey),
        "map_hint": MAP_HINT,
        "no_picture": NO_PICTURE,
    }


def _classes(survey: Survey) -> list[str]:
    names = list(survey.flights[0].classes)
    for label, name in survey.flights[0].tracks.names.items():
        if len(names) <= label < 1000:
            names += [f"class {i}" for i in range(len(names), label)] + [name]
    return names


def _data(name: str, value: Any) -> str:
    """JSON that no parser of HTML takes for the end of its element, or for anything else."""
    said = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    said = said.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="{name}">{said}</script>\n'


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
