"""The tables of a comparison's page: objects and boxes by class, size and score, and what was taken for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from edge.app.compare import compare_json as to

BY = {"class": "by class", "size": "by size (side of a square as large as the box)", "score": "by score"}
MOST_CHANGES = 60


def changes(figures: to.Compared) -> Iterator[str]:
    """What one run takes for one class and the other for another."""
    if not figures.class_changes:
        return
    rows = "".join(
        f"<tr><td>{escape(one.a)}</td><td>{escape(one.b)}</td><td>{one.boxes}</td><td>{one.tracks}</td></tr>"
        for one in figures.class_changes[:MOST_CHANGES]
    )
    head = '<tr><th class="a">A says</th><th class="b">B says</th><th>boxes</th><th>objects</th></tr>'
    yield f'<h2>Another class</h2><table class="text"><thead>{head}</thead>{rows}</table>'


def tables(figures: to.Compared) -> Iterator[str]:
    """Objects and boxes by class, size and score."""
    if figures.tracks:
        names = {
            "tracks": "objects", "both": "both", "other_class": "other class", "in_parts": "in pieces",
            "not_followed": "not followed", "only": "alone",
        }  # fmt: skip
        yield "<h2>Objects that were followed</h2>" + _table(names, figures.tracks.groups)
        yield (
            "<p class=soft>both: the other run followed it, as this class. In pieces: the other run's track of it is "
            "that of another object of this run. Not followed: the other run has boxes there, and no such track. "
            f"Alone: it has nothing there. {_apart(figures.tracks)}</p>"
        )
    names = {
        "boxes": "boxes", "both": "both", "other_class": "other class", "only": "alone",
        "only_in_followed": "of these followed", "only_below": "of these below",
    }  # fmt: skip
    yield "<h2>Boxes</h2>" + _table(names, figures.boxes)
    pairs, matching = figures.pairs, figures.matching
    yield (
        f"<p class=soft>Two boxes of one frame are one object from an overlap (IoU) of {matching.least_iou:g} on. Of "
        f"{pairs.pairs} that both found {pairs.moved} overlap by less than {matching.moved_iou:g}; of {pairs.placed} "
        f"with a position in both {pairs.apart} are further apart than their errors say. Of these followed: in an "
        "object that the other run followed in other frames. Of these below: the score is below the other run's "
        "threshold.</p>"
    )


def _table(names: dict[str, str], groups: Sequence[to.BoxGroup] | Sequence[to.TrackGroup]) -> str:
    head = "".join(f'<th colspan="{len(names)}" class="{run}">{run.upper()}</th>' for run in "ab")
    head = f"<tr><th></th>{head}</tr><tr><th></th>{2 * ''.join(f'<th>{name}</th>' for name in names.values())}</tr>"
    rows, by = [], "all"
    for group in groups:
        if group.by != by:
            by = group.by
            rows.append(f'<tr class="by"><th colspan="{2 * len(names) + 1}">{BY[by]}</th></tr>')
        cells = "".join(f"<td>{getattr(side, name)}</td>" for side in (group.a, group.b) for name in names)
        rows.append(f"<tr><td>{escape(group.value)}</td>{cells}</tr>")
    return f'<div class="wide"><table><thead>{head}</thead>{"".join(rows)}</table></div>'


def _apart(tracks: to.TracksCompared) -> str:
    said = []
    if tracks.placed:
        said.append(
            f"Of {tracks.placed} with a position in both {tracks.apart} are further apart than their errors say; half "
            f"are at most {tracks.apart_m:g} m apart."
        )
    for run, n in (("A", tracks.not_compared_a), ("B", tracks.not_compared_b)):
        if n:
            said.append(f"{n} tracks of {run} are in no frame that was compared.")
    return " ".join(said)
