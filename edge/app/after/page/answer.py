"""The answer first: how many there are, with the interval, how that was counted, and what each flight alone says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.app.after.page.words import dot, many, number, section, table, text
from edge.app.after.reviewed import Reviewed
from edge.app.after.survey.survey import Survey
from edge.measure.counts_json import ClassCount

LEAD = "What was seen several times counts once. The interval says how sure the number is."


def answer(survey: Survey, reviewed: tuple[Reviewed | None, ...]) -> str:
    """The section."""
    if survey.counts is None:
        return section("counts", "How many there are", _uncounted(survey))
    shown = {name: one for name, one in survey.counts.items() if one.tracks or one.count or one.method != _nothing(one)}
    found = {name: one for name, one in survey.counts.items() if one.tracks}
    labels = {name: label for label, name in enumerate(survey.flights[0].classes)}
    cards = "".join(_card(name, one, labels.get(name, len(labels))) for name, one in found.items())
    if not found:
        cards = '<p class="none">Nothing was followed. How many were missed is not known.</p>'
    empty = [name for name in shown if name not in found]
    rest = (
        f"<p>Nothing was found of: {text(', '.join(empty))}. How many of these were missed is not known.</p>"
        if empty
        else ""
    )
    body = f'<div class="answers">{cards}</div>{rest if found else ""}{_methods(found)}'
    if survey.many:
        body += _by_flight(survey, list(found))
    body += _review(survey, reviewed)
    return section("counts", "How many there are", body, LEAD)


def _card(name: str, one: ClassCount, label: int) -> str:
    if one.count is None:
        value, interval = "not counted", f"{many(one.tracks, 'track')} followed"
    else:
        value = number(one.count)
        top = "at least" if one.high is None else f"{number(one.low)} to {number(one.high)}"
        sure = "" if one.level is None else f", {100 * one.level:.0f}\u00a0% interval"
        interval = f"{top}{sure}"
    tracks = f"from {many(one.tracks, 'track')}" if one.count is not None else ""
    return (
        f'<div class="answer"><div class="class">{dot(label)} {text(name)}</div><div class="value">{text(value)}</div>'
        f'<div class="interval">{text(interval)}</div><div class="small">{text(tracks)}</div></div>'
    )


def _methods(found: Mapping[str, ClassCount]) -> str:
    methods: dict[str, list[str]] = {}
    for name, one in found.items():
        methods.setdefault(one.method, []).append(name)
    lines = "".join(
        f"<p>{text(', '.join(names))}: {text(method)}.</p>" if len(methods) > 1 else f"<p>{text(method)}.</p>"
        for method, names in methods.items()
    )
    return (
        f'<details open><summary>How it was counted</summary><div class="small">{lines}<p>The count is the sum of how '
        "likely each counted individual is one, so it can be less than their number below. A score is taken for that "
        "likelihood, and is none. What no pass found is not in the count: the interval allows for 5 of 100 missed in "
        "each pass, not for animals that something hid.</p></div></details>"
        if lines
        else ""
    )


def _by_flight(survey: Survey, names: list[str]) -> str:
    rows = []
    for i, flight in enumerate(survey.flights):
        cells = [text(flight.name), number(survey.passes[i])]
        for name in names:
            one = (flight.counts or {}).get(name)
            cells.append("–" if one is None or one.count is None else f"{number(one.count)} ({_between(one)})")
        rows.append(cells)
    together = ["all flights", number(sum(survey.passes))]
    for name in names:
        one = (survey.counts or {})[name]
        together.append("–" if one.count is None else f"<strong>{number(one.count)} ({_between(one)})</strong>")
    caption = "Each flight alone, by its counts.json, and all together: what several flights saw counts once"
    return table(["flight", "passes", *names], [*rows, together], caption)


def _between(one: ClassCount) -> str:
    return f"{number(one.low)} to {number(one.high)}" if one.high is not None else f"{number(one.low)} or more"


def _review(survey: Survey, reviewed: tuple[Reviewed | None, ...]) -> str:
    told = [one for one in reviewed if one is not None]
    if not told:
        return ""
    counts = {word: sum(one.counts.get(word, 0) for one in told) for word in ("right", "wrong", "unsure", "missed")}
    wrong = 0
    for animals, one in zip(survey.animals, reviewed, strict=True):
        if one is not None:
            wrong += len(np.unique(animals[(one.verdicts == one.WRONG) & (animals > 0)]))
    tracks = sum(len(flight.tracks) for flight in survey.flights)
    said = sum(counts[word] for word in ("right", "wrong", "unsure"))
    line = (
        f"A person looked at {many(said, 'track')} of {number(tracks)}: {number(counts['right'])} right, "
        f"{number(counts['wrong'])} wrong, {number(counts['unsure'])} unsure; {number(counts['missed'])} marked as "
        "missed. The count above does not know of that"
    )
    line += (
        f": {many(wrong, 'counted individual has', 'counted individuals have')} a track called wrong." if wrong else "."
    )
    return f'<p class="note">{text(line)}</p>'


def _uncounted(survey: Survey) -> str:
    (flight,) = survey.flights
    tracks = flight.tracks
    labels, counts = np.unique(tracks.column("label"), return_counts=True)
    rows = [
        [f"{dot(int(label))} {text(tracks.names.get(int(label), label))}", number(int(n))]
        for label, n in zip(labels, counts, strict=True)
    ]
    why = next(state for state in flight.states if state.name == "counts.json")
    body = (
        f'<p class="note">Nobody counted: counts.json {text(why.in_words)}. A track is not an animal: one that was '
        "seen on two lines of a flight has two.</p>"
    )
    return body + (
        table(["class", "tracks followed"], rows, "Tracks by class") if rows else "<p>No track was kept.</p>"
    )


def _nothing(one: ClassCount) -> str:
    return "" if one.tracks or one.count is None else one.method
