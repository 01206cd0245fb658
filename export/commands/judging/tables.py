"""What ``edge-export eval`` prints: tables, each with lines that say what its columns are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.commands.console import Screen
from edge.model.thresholds import in_words
from export.commands.console import say
from export.evaluate.resampling import FEWEST
from export.evaluate.score_choice import ClassScore
from export.evaluate.thresholds import why_in_words


def show_figures(result: dict[str, Any], console: Screen) -> None:
    """Print what `export.evaluate.evaluate.figures` gives, for a person."""
    sizes = result["sizes_px2"]
    console.print(_by_class(result))
    console.print(Text(_CLASSES.format(**sizes)))
    console.print(_by_score(result))
    console.print(Text(_SCORES))
    console.print(_by_group(result))
    for line in _about_groups(result):
        say(console, line)
    if "against" in result:
        console.print(_beside(result))
        say(console, _about_other(result["against"]))
    if len(result["boxes"]) > 1:
        console.print(_confused(result))
        for line in _about_confusion(result):
            say(console, line)
    say(console, _NEXT)


_CLASSES = """\
boxes: labelled ones. AP: average precision, 0 to 100 %, the mean over IoU 0.5 to 0.95; 100: everything is found and \
nothing is false. AP50: at IoU 0.5. small, medium, large: AP50 of boxes of up to {small}, up to {medium} and over \
{medium} square pixels. recall: how many of the boxes are found, in %, with 1 false alarm in 10 frames. -: there is no \
such box
"""
_SCORES = """\
A detection is shown if its score is the threshold or more. It is right if it meets a labelled box of its class (IoU \
0.5 or more); all others are false alarms. recall: how many of the labelled boxes are found, in %. precision: how many \
of the detections that are shown are right, in %. false/frame: false alarms divided by frames. 1 false in 10: the \
lowest threshold with at most 1 false alarm in 10 frames. the bundle's: edge run shows from there on without --threshold
"""
_NEXT = (
    "next: edge run --threshold T takes one of them for a run; --set-threshold, here, writes that of the best mean F1 "
    "into the bundle, and --set-threshold class one for each class; --json FILE writes every threshold of every class"
)


def show_choice(rows: Sequence[ClassScore], lines: Sequence[str], console: Screen) -> None:
    """Print the scores that were chosen by class, and what was done."""
    table = _table(
        "the score of each class, and what it gives on these very frames",
        "class",
        ("boxes", "before", "score", "recall", "precision", "false/frame"),
    )
    for one in rows:
        table.add_row(
            Text(one.name),
            str(one.boxes),
            f"{one.before:g}",
            "keeps it" if one.score is None else f"{one.score:g}",
            _percent(one.figures["recall"]),
            _percent(one.figures["precision"]),
            f"{one.figures['false_per_frame']:.3f}",
        )
    console.print(table)
    for line in lines:
        say(console, line)


def coco_line(found: dict[str, float | None]) -> str:
    """COCO's twelve figures as a line."""
    values = ", ".join(f"{name.replace('_', ' ').upper()} {_percent(value)}" for name, value in found.items())
    return f"COCO's own figures (at most 100 detections of a class and frame): {values}"


def _by_class(result: dict[str, Any]) -> Table:
    best = next((f"{row['score']:g}" for row in result["thresholds"]["all"] if "best_f1" in row["of"]), "none")
    table = _table(
        f"{result['images']} frames: AP {_percent(result['ap'])}, AP50 {_percent(result['ap50'])}; "
        f"best F1 {_percent(result['best_f1']['f1'])}, at threshold {best}",
        "class",
        ("boxes", "AP", "AP50", "small", "medium", "large", "recall"),
    )
    for name, boxes in result["boxes"].items():
        sizes = result["ap50_by_class_and_size"][name]
        figures = [
            result["per_class_ap"][name],
            result["per_class_ap50"][name],
            *(sizes[size] for size in ("small", "medium", "large")),
            result["recall_at_1_false_in_10_frames"][name],
        ]
        table.add_row(Text(name), str(boxes), *map(_percent, figures))
    return table


def _by_score(result: dict[str, Any]) -> Table:
    """Every row of all classes together; of each class that has boxes, or is found where it has none, those that stand
    for something.
    """
    table = _table(
        "what is found, and what is false, by threshold",
        "class",
        ("threshold", "recall", "precision", "false/frame"),
        "why this one",
    )
    rows = result["thresholds"]
    classes = [name for name, boxes in result["boxes"].items() if boxes or any(row["false"] for row in rows[name])]
    _add(table, next(iter(result["boxes"])) if len(result["boxes"]) == 1 else "all", rows["all"])
    for name in classes if len(result["boxes"]) > 1 else ():
        _add(table, name, [row for row in rows[name] if row["of"]])
    return table


def _add(table: Table, name: str, rows: Sequence[dict[str, Any]]) -> None:
    table.add_section()
    for i, row in enumerate(rows):
        table.add_row(
            Text("" if i else name),
            "none" if row["score"] is None else f"{row['score']:g}",
            _percent(row["recall"]),
            _percent(row["precision"]),
            f"{row['false_per_frame']:.3f}",
            ", ".join(map(why_in_words, row["of"])),
        )


def _shown(groups: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """All classes for every group, and each class over all frames; a name for each, "" before another kind of group."""
    rows: list[tuple[str, dict[str, Any]]] = []
    for row in groups:
        if row["class"] == "all" or row["by"] == "all":
            name = row["class"] if row["by"] == "all" else f"{row['by']} {row['value']}"
            rows += [("", row)] if rows and rows[-1][1]["by"] != row["by"] else []
            rows.append((name, row))
    return rows


def _by_group(result: dict[str, Any]) -> Table:
    how = result["groups_how"]
    table = _table(
        f"by class, size and what the frames were taken in, at score {_short(how['scores'])}",
        "",
        ("frames", "flights", "boxes", "AP50", "recall", "precision"),
    )
    for name, row in _shown(result["groups"]):
        if not name:
            table.add_section()
            continue
        counts = (str(row[key]) for key in ("frames", "flights", "boxes"))
        table.add_row(Text(name), *counts, *(_between(row[key]) for key in ("ap50", "recall", "precision")))
    return table


def _beside(result: dict[str, Any]) -> Table:
    """What the other bundle finds, what this one does, and the difference."""
    other = result["against"]
    title = f"before, {other['model']} at score {_short(other['score_thresholds'])}, and after, {result['model']} at "
    table = _table(f"{title}{_short(result['score_thresholds'])}", "", ("AP50", "recall", "precision"))
    for (name, new), (_, old) in zip(_shown(result["groups"]), _shown(other["groups"]), strict=True):
        if not name:
            table.add_section()
            continue
        table.add_row(Text(name), *(_change(old[key], new[key]) for key in ("ap50", "recall", "precision")))
    return table


def _change(old: dict[str, float | None], new: dict[str, float | None]) -> str:
    low, high = old["low"], old["high"]
    between = "" if low is None or high is None else f" ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{_percent(old['before'])} > {_percent(new['value'])}{between}"


def _about_other(other: dict[str, Any]) -> str:
    lacks = f" {other['model']} does not know {', '.join(other['without_class'])}." if other["without_class"] else ""
    return (
        f"before > after.{lacks} In brackets: the interval of the difference, from the same draws of flights for both. "
        "One without 0 says that flights like these tell the two apart"
    )


def _about_groups(result: dict[str, Any]) -> list[str]:
    how = result["groups_how"]
    of = "the bundle's" if how["score_of"] == "bundle" else "of the best mean F1 over classes, of these very frames"
    lines = [
        f"score {_short(how['scores'])}: {of}. AP50 of all: the mean of the classes. In brackets: "
        f"{100 * how['level']:g} % intervals, from {how['resamples']} draws of whole flights, a flight by "
        f"{how['flights']}; --json has them for every class"
    ]
    without = {row["no_interval"] for row in result["groups"] if row["no_interval"]}
    if why := next((one for one in without if "--flights" in one), None):
        lines.append(f"no interval: {why}")
    elif without:
        lines.append(
            f"no interval where fewer than {FEWEST} flights hold such boxes; AP50 of all has none where a class is in "
            "fewer"
        )
    return lines


def _between(figure: dict[str, float | None]) -> str:
    low, high = figure["low"], figure["high"]
    between = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return _percent(figure["value"]) + between


def _confused(result: dict[str, Any]) -> Table:
    found = result["confusion"]
    names = list(result["boxes"])
    table = _table(f"what is taken for what, boxes at score {_short(found['scores'])}", "labelled", (*names, "missed"))
    for name in names:
        row = found["found_as"][name]
        table.add_row(Text(name), *(str(row[other]) for other in names), str(found["missed"][name]))
    table.add_section()
    table.add_row("nothing", *(str(found["false"][name]) for name in names), "")
    return table


def _about_confusion(result: dict[str, Any]) -> list[str]:
    double = result["confusion"]["double"]
    pairs = [f"{n} {true} also as {name}" for true, row in double.items() for name, n in row.items() if n]
    lines = ["columns: as what boxes are found. nothing: false alarms"]
    return lines + ([f"of the false alarms, on a box that is found already: {', '.join(pairs)}"] if pairs else [])


def _table(title: str, first: str, numbers: Sequence[str], last: str | None = None) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    if last:
        table.add_column(last)
    return table


def _short(scores: Mapping[str, float]) -> str:
    """Of each class, to three figures."""
    return in_words({name: float(f"{score:.3g}") for name, score in scores.items()})


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
