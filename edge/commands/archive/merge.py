"""``edge archive merge``: the results of an archive's units as flights, and the survey of all of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.archive.job import JOBS, NAME
from edge.archive.merge.against import JSON, Against, write_against
from edge.archive.merge.merge import Merged, job_of, merge
from edge.archive.merge.survey_json import SurveyCount
from edge.commands.options import Screens, add_command, add_quiet
from edge.commands.steps import Steps
from edge.errors import InputError
from edge.system.text import printable

SHOWN = 20  # flights that are named


def add_merge(whats: Any) -> None:
    """The command and its options."""
    help = "the units' results as flights, and a table, map and report of all of them"
    sub = add_command(whats, "merge", run, help)
    sub.add_argument("archive", type=Path, metavar="ARCHIVE", help="what edge archive run detected in")
    sub.add_argument("--model", type=Path, metavar="BUNDLE", help="of the job (default: the job that was begun last)")
    sub.add_argument("--out", type=Path, metavar="FOLDER", help="(default: ARCHIVE/merged/JOB)")
    sub.add_argument(
        "--against",
        metavar="JOB",
        help="what another job found in the same flights, with pictures of what one of them alone found: its name, or "
        "the bundle of its model",
    )
    add_quiet(sub)


def run(arguments: argparse.Namespace, screens: Screens) -> None:
    """Merge, and say what there is and what is missing."""
    job = job_of(arguments.archive, arguments.model)
    other = None if arguments.against is None else _other(arguments.archive, arguments.against, job)
    with Steps(screens.err, quiet=arguments.quiet) as steps:
        found = merge(arguments.archive, job, arguments.out, steps)
        said = list(_said(found))
        if other is not None:
            before = merge(arguments.archive, other, None, steps)
            said += _against(write_against(found, before, steps), found)
    for line in () if arguments.quiet else said:
        screens.out.say(printable(line))


def _other(archive: Path, text: str, job: Path) -> Path:
    """The job that is meant. Raises InputError where there is none, or it is the same one."""
    named = archive / JOBS / text
    if (named / NAME).is_file() and Path(text).name == text:
        other = named
    elif not Path(text).exists():
        there = ", ".join(sorted(path.parent.name for path in (archive / JOBS).glob(f"*/{NAME}") if path.parent != job))
        raise InputError(f"--against {text}: no job and no bundle; other jobs there: {there or 'none'}")
    else:
        other = job_of(archive, Path(text), but=job)
    if other == job:
        raise InputError(f"--against {text} is the job that is merged: give another one of {archive / JOBS}")
    return other


def _said(found: Merged) -> Iterator[str]:
    survey = found.survey
    yield f"job {survey.job.name}: {len(survey.flights)} flights, {survey.frames} frames"
    for line in survey.said:
        yield f"! {line}"
    if survey.copies:
        yield f"! {len(survey.copies)} flights hold the same as another one, and are in it once"
    wrong = [row for row in survey.flights if row.missing or row.error]
    for row in wrong[:SHOWN]:
        why = row.error or f"part {row.missing[0].part}: {row.missing[0].why}"
        yield f"! {row.name}: {len(row.missing)} of {row.units} units have no result: {why}"
    if wrong:
        more = f" ({len(wrong) - SHOWN} more than are named here)" if len(wrong) > SHOWN else ""
        yield f"! {survey.incomplete} flights are incomplete, {survey.without} have no result at all{more}"
    for name, one in survey.counts.items():
        if one.tracks:
            yield f"{name}: {one.tracks} tracks, {_counted(one)}"
    yield from found.lines


def _counted(one: SurveyCount) -> str:
    if one.count is None:
        return "count not known"
    return f"counted {one.count} ({one.low} to {'?' if one.high is None else one.high})"


def _against(found: Against, merged: Merged) -> Iterator[str]:
    yield f"A: {found.a}, B: {found.b}; {found.compared} flights compared, {found.frames} frames"
    for row in [row for row in found.flights if row.page is None][:SHOWN]:
        yield f"! {row.name} was not compared: {row.why}"
    for name, one in found.classes.items():
        yield (
            f"{name}: objects A {one.tracks_a}, B {one.tracks_b}, both {one.tracks_both}, A alone {one.tracks_only_a}, "
            f"B alone {one.tracks_only_b}; boxes A {one.boxes_a}, B {one.boxes_b}, both {one.boxes_both}, A alone "
            f"{one.boxes_only_a}, B alone {one.boxes_only_b}"
        )
    for run, other, unknown in (("A", "B", found.unknown_a), ("B", "A", found.unknown_b)):
        for name, boxes in unknown.items():
            yield f"! {other} does not know {name}: {boxes} boxes of {run} are in no number here: see the pages"
    yield f"of the boxes of both {found.moved} overlap by less than half; of their places {found.apart} are apart"
    yield f"{merged.out / JSON}: every flight with its page of pictures"
