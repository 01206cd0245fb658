"""The page of a comparison: one HTML file that needs no other, with the pictures of what one run alone found."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from edge.app.compare import compare_json as to
from edge.app.compare.boxes import BoxPair, side_px
from edge.app.compare.compare import Comparison
from edge.app.compare.crops import of_boxes, of_track
from edge.app.compare.map_svg import map_of
from edge.app.compare.page_tables import changes, tables
from edge.app.compare.table import found_by, what_of
from edge.app.compare.tracks import BOTH, ONLY, PARTS, UNFOLLOWED, Seen, TrackPair, name_of
from edge.measure.counts_json import ClassCount

ASSETS = Path(__file__).parent / "assets"
MOST_TRACKS = 60  # pictures of tracks of each kind; the others are in tracks.csv
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(found: Comparison, boxes: Sequence[BoxPair]) -> str:
    """The page. ``boxes``: those of no track that one run alone found and that are to be shown."""
    figures = found.figures
    style, script = ((ASSETS / f"compare.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>What changed: A and B</title><style>{style}</style></head><body>",
        "<h1>What changed</h1>",
        f'<p><span class="a">A</span> is {escape(figures.a.folder)}, <span class="b">B</span> is '
        f"{escape(figures.b.folder)}. {escape(frames_line(figures.frames))}</p>",
        *_sums(figures),
        *_notes(figures),
        *_runs(figures),
        *_counts(figures),
        *_pick(found, boxes),
        *_pictures(found, boxes),
        *changes(figures),
        *_map(found),
        *tables(figures),
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def frames_line(frames: to.FramesCompared) -> str:
    """How many frames were compared, in a sentence."""
    left = [
        f"{n} {why}"
        for n, why in (
            (frames.only_a, "only A looked at"),
            (frames.only_b, "only B looked at"),
            (frames.not_searched, "were not searched by both"),
        )
        if n
    ]
    said = f"{frames.compared} frames were searched by both and are compared"
    said += f"; left out: {', '.join(left)}." if left else "."
    return said + (f" In {frames.overflowed} of them numbers overflowed in a network." if frames.overflowed else "")


def _sums(figures: to.Compared) -> Iterator[str]:
    """The answer, in large."""
    if figures.tracks and figures.tracks.groups and (one := figures.tracks.groups[0]).a.tracks + one.b.tracks:
        tiles = [
            ("", one.a.both + one.a.other_class, "objects that both followed"),
            ("of-a", one.a.only, "objects that A alone found"),
            ("of-b", one.b.only, "objects that B alone found"),
            ("of-a", one.a.not_followed + one.a.in_parts, "that A followed, and B in pieces or not as a track"),
            ("of-b", one.b.not_followed + one.b.in_parts, "that B followed, and A in pieces or not as a track"),
        ]
    else:
        box = figures.boxes[0]
        tiles = [
            ("", box.a.both + box.a.other_class, "boxes that both found"),
            ("of-a", box.a.only, "boxes that A alone found"),
            ("of-b", box.b.only, "boxes that B alone found"),
        ]
    for letter, other, unknown in (("a", "B", figures.unknown_a), ("b", "A", figures.unknown_b)):
        if unknown:
            names = ", ".join(map(escape, unknown))
            tiles.append((f"of-{letter}", sum(unknown.values()), f"boxes of {names}, which {other} does not know"))
    cells = "".join(f'<div class="{kind}"><b>{n}</b>{text}</div>' for kind, n, text in tiles)
    yield f'<div class="sums">{cells}</div>'
    yield (
        "<p class=soft>Nobody has checked what is there: that one run alone found it may be a success of the one or a "
        "false alarm of it. A box is not an animal: one animal in 100 frames is 100 boxes, and one object here.</p>"
    )


def _notes(figures: to.Compared) -> Iterator[str]:
    classes = figures.classes
    lines = [f"The same frames: {figures.same_frames}.", *(f"Assumed: {line}." for line in figures.assumed)]
    lines += [f"Missing: {line}." for line in figures.missing]
    for run, names, unknown in (("B", classes.only_a, figures.unknown_a), ("A", classes.only_b, figures.unknown_b)):
        if names:
            boxes = sum(unknown.values())
            lines.append(f"{run} does not know {', '.join(names)}: {boxes} boxes of them are in no figure below.")
    yield "<h2>How far to trust it</h2><ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
    if figures.differs:
        rows = "".join(f"<li>{escape(line)}</li>" for line in figures.differs)
        yield f"<p>What is not the same in the two runs:</p><ul>{rows}</ul>"


def _runs(figures: to.Compared) -> Iterator[str]:
    def cells(name: str, look: Iterable[object]) -> str:
        shown = "".join(f"<td>{escape('not known' if value is None else str(value))}</td>" for value in look)
        return f"<tr><td>{name}</td>{shown}</tr>"

    runs = (figures.a, figures.b)
    rows = [
        cells("model", (run.model for run in runs)),
        cells("engine", (run.engine for run in runs)),
        cells("source", (run.source for run in runs)),
        cells("frames a second", (_number(run.fps) for run in runs)),
        cells("latency, median", (_ms(run.latency_ms.get("p50")) for run in runs)),
        cells("the engine alone, median", (_ms(run.infer_ms) for run in runs)),
        cells("thresholds", (", ".join(f"{n} {v:g}" for n, v in run.thresholds.items()) or None for run in runs)),
    ]
    head = '<thead><tr><th></th><th class="a">A</th><th class="b">B</th></tr></thead>'
    yield f'<h2>The two runs</h2><div class="wide"><table class="text">{head}{"".join(rows)}</table></div>'


def _counts(figures: to.Compared) -> Iterator[str]:
    if not any(pair.a or pair.b for pair in figures.counts.values()):
        return
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{count_in_words(pair.a)}</td><td>{count_in_words(pair.b)}</td></tr>"
        for name, pair in figures.counts.items()
    )
    yield (
        "<h2>How many there are</h2><p class=soft>Of the whole run, by counts.json: the number, and the interval that "
        'holds it.</p><table class="text">'
        '<thead><tr><th>class</th><th class="a">A</th><th class="b">B</th></tr></thead>'
        f"{rows}</table>"
    )


def count_in_words(one: ClassCount | None) -> str:
    """How many there are of a class, with the interval; ``-``: the run says nothing of it."""
    if one is None:
        return "-"
    if one.count is None:
        return f"{one.tracks} tracks, not counted"
    high = "?" if one.high is None else one.high
    return f"{one.count} ({one.low} to {high})"


# ---- pictures ----


def _pick(found: Comparison, boxes: Sequence[BoxPair]) -> Iterator[str]:
    names = {name_of(seen) for pair in found.tracks for seen in (pair.a, pair.b) if seen and pair.differs}
    names |= {box.name for pair in boxes for box in (pair.a, pair.b) if box}
    if len(names) > 1:
        options = "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in sorted(names))
        yield f'<p class="pick">Show <select id="pick"><option value="">all classes</option>{options}</select></p>'


def _pictures(found: Comparison, boxes: Sequence[BoxPair]) -> Iterator[str]:
    for run, other in (("A", "B"), ("B", "A")):
        alone = [pair for pair in found.tracks if found_by(pair) == run]
        for what, title in (
            (ONLY, f"Found by {run} alone"),
            (UNFOLLOWED, f"Followed by {run}; {other} has boxes there, and no track"),
            (PARTS, f"A part of what {other} follows as one"),
        ):
            yield from _group(found, title, [pair for pair in alone if pair.what == what])
    changed = [pair for pair in found.tracks if pair.what == BOTH and pair.differs]
    yield from _group(found, "Followed by both, as another class or at another place", changed)
    cut, said = of_boxes((found.a, found.b), boxes)
    for run in ("A", "B"):
        shown = [
            _figure([one], pair, _box_words(pair))
            for one, pair in zip(cut, boxes, strict=True)
            if found_by(pair) == run
        ]
        if shown:
            words = f"In no track; the highest scores; {escape(said)}."
            yield f"<h2>Single boxes of {run} alone</h2><p class=soft>{words}</p>"
            yield f'<div class="crops">{"".join(shown)}</div>'


def _group(found: Comparison, title: str, pairs: list[TrackPair]) -> Iterator[str]:
    if not pairs:
        return
    pairs.sort(key=lambda pair: -max(seen.best.score for seen in (pair.a, pair.b) if seen))
    more = "" if len(pairs) <= MOST_TRACKS else f" The {MOST_TRACKS} of the highest score; all are in tracks.csv."
    yield f"<h2>{title}: {len(pairs)}</h2><p class=soft>By their score.{more}</p>"
    shown = []
    for pair in pairs[:MOST_TRACKS]:
        crops = [of_track(side, seen.number) for seen, side in ((pair.a, found.a), (pair.b, found.b)) if seen]
        shown.append(_figure(crops, pair, _track_words(pair)))
    yield f'<div class="crops">{"".join(shown)}</div>'


def _figure(crops: Sequence[bytes | None], pair: BoxPair | TrackPair, words: str) -> str:
    seen = [one for one in (pair.a, pair.b) if one]
    names = "|".join(name_of(one) if isinstance(one, Seen) else one.name for one in seen)
    shown = "".join(
        '<div class="none">no picture</div>'
        if data is None
        else f'<img alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
        for data in crops
    )
    two = f'<div class="two">{shown}</div>' if len(crops) > 1 else shown
    kind = found_by(pair).lower()
    return f'<figure class="of-{kind}" data-classes="{escape(names)}">{two}<figcaption>{words}</figcaption></figure>'


def _track_words(pair: TrackPair) -> str:
    said = []
    for run, seen in (("A", pair.a), ("B", pair.b)):
        if seen:
            said.append(
                f"<b>{run}: {escape(name_of(seen))} {seen.number}</b><br>score {seen.best.score:.2f}, "
                f"{side_px(seen.best.box):.0f} px, {seen.frames} frames, best in {_frame(seen.best_frame)}"
            )
    if pair.a and pair.b:
        said.append(escape(what_of(pair)))
    if pair.apart_m is not None:
        said.append(f"{pair.apart_m:.1f} m apart")
    return "<br>".join(said)


def _box_words(pair: BoxPair) -> str:
    box = pair.a or pair.b
    assert box is not None
    return f"<b>{escape(box.name)}</b><br>score {box.score:.2f}, {side_px(box.box):.0f} px, {_frame(pair.frame)}"


def _frame(frame: object) -> str:
    origin, seq = getattr(frame, "origin", None), getattr(frame, "seq", "")
    if isinstance(origin, str):
        return escape(origin)
    return f"frame {seq}" + (f" ({origin:.1f} s)" if isinstance(origin, float) else "")


def _map(found: Comparison) -> Iterator[str]:
    if drawn := map_of(found):
        yield "<h2>Where</h2><p class=soft>North is up. places.geojson has the same for a map.</p>" + drawn


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} ms"
