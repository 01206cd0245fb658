"""Two runs side by side on a screen, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from edge.app.compare import compare_json as to
from edge.app.compare.compare import Comparison
from edge.app.compare.files import PAGE
from edge.app.compare.page import count_in_words, frames_line
from edge.app.output import COMPARED
from edge.commands.console import Screen

_WORDS = """\
A, B: what either run found in the frames that both searched. both: the other has it too, as this class. alone: the \
other has nothing there. else: the other has it as another class, in pieces, or as boxes that make no track. Nobody \
has checked which of the two is right
"""


def show_comparison(found: Comparison, screen: Screen) -> None:
    """Print the figures as tables, and a line for each other thing that is to be known."""
    figures = found.figures
    for line in head(figures):
        screen.say(line)
    if figures.tracks:
        screen.print(_table("Objects that were followed", figures.tracks.groups))
    screen.print(_table("Boxes", figures.boxes))
    screen.print(Text(_WORDS))
    for line in lines(figures):
        screen.say(line)
    out = Path(figures.a.folder) / COMPARED
    screen.say(f"written in {out}: {PAGE} has the pictures; docs/output.md explains every file")


def head(figures: to.Compared) -> Iterator[str]:
    """What stands above the tables."""
    yield f"A: {figures.a.folder}, model {figures.a.model}"
    yield f"B: {figures.b.folder}, model {figures.b.model}"
    yield frames_line(figures.frames)
    yield f"the same frames: {figures.same_frames}"
    for line in figures.assumed:
        yield f"! assumed: {line}"
    for line in figures.missing:
        yield f"! {line}"


def lines(figures: to.Compared) -> Iterator[str]:
    """What stands below them."""
    pairs, tracks = figures.pairs, figures.tracks
    yield (
        f"of {pairs.pairs} boxes that both found {pairs.moved} overlap by less than {figures.matching.moved_iou:g}; of "
        f"{pairs.placed} with a position in both {pairs.apart} are further apart than their errors say"
    )
    if tracks and tracks.placed:
        yield (
            f"of {tracks.placed} objects with a position in both {tracks.apart} are further apart than their errors "
            f"say; half are at most {tracks.apart_m:g} m apart"
        )
    for change in figures.class_changes[:10]:
        yield f"{change.a} in A is {change.b} in B: {change.boxes} boxes, {change.tracks} objects"
    for run, names, unknown in (
        ("B", figures.classes.only_a, figures.unknown_a),
        ("A", figures.classes.only_b, figures.unknown_b),
    ):
        if names:
            yield f"! {run} does not know {', '.join(names)}: {sum(unknown.values())} boxes are in no figure here"
    for name, pair in figures.counts.items():
        if (pair.a and pair.a.tracks) or (pair.b and pair.b.tracks):
            yield f"counted in the whole run, {name}: {count_in_words(pair.a)} in A, {count_in_words(pair.b)} in B"
    yield f"speed: {_speed(figures.a)} in A, {_speed(figures.b)} in B"
    for line in figures.differs:
        yield f"! differs: {line}"


def _table(title: str, groups: list[to.BoxGroup] | list[to.TrackGroup]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("A", "B", "both", "A alone", "B alone", "A else", "B else"):
        table.add_column(name, justify="right", no_wrap=True)
    before: str | None = None
    for group in groups:
        if before not in (None, group.by):
            table.add_section()
        before = group.by
        a, b = group.a, group.b
        sums = [one.boxes if isinstance(one, to.BoxCount) else one.tracks for one in (a, b)]
        rest = [whole - one.both - one.only for whole, one in zip(sums, (a, b), strict=True)]
        both = str(a.both) if a.both == b.both else f"{a.both} / {b.both}"
        table.add_row(Text(group.value), *map(str, sums), both, str(a.only), str(b.only), *map(str, rest))
    return table


def _speed(run: to.RunFacts) -> str:
    if run.fps is None:
        return "not known"
    latency = run.latency_ms.get("p50")
    return f"{run.fps:.1f} frames/s" + ("" if latency is None else f", latency {latency:.1f} ms (median)")
