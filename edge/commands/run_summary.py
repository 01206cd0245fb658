"""The last lines of a run: what its report says, for a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.app.output import REPORT, SHEET
from edge.app.watch.watchdog import say
from edge.commands.console import Screen, last_words
from edge.geo.coverage.coverage import hectares
from edge.geo.positions import NO_POSE
from edge.measure.counts_json import ClassCount
from edge.model.thresholds import in_words
from edge.sinks.coverage.sink import FILE as COVERAGE
from edge.sinks.coverage.sink import PICTURE
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.activity import SHOWING
from edge.system.declared import MOST_JSON, decoded
from edge.system.files import read_limited


def say_summary(report: dict[str, Any], out: Path, screen: Screen, then: Callable[[], None] = lambda: None) -> None:
    """Print `summary`, and what ``then`` prints; a terminal that takes nothing is not waited for without end."""

    def show() -> None:
        for line in summary(report, out):
            screen.say(line)
        then()

    if not last_words(show):
        say(logging.WARNING, f"{SHOWING.hung}: the last lines were not shown; the run is over, and {out} has it all")


def summary(report: dict[str, Any], out: Path) -> list[str]:
    """The report of a run into the folder ``out`` in a few lines, for a person."""
    latency, fps = report["latency_ms"], report["fps"]
    speed = "" if fps is None else f"; {fps:.1f} frames/s"
    delay = f"; latency {', '.join(f'{name} {ms:.0f} ms' for name, ms in latency.items() if name != 'p95')}"
    delay = delay if latency else ""
    lines = [
        f"{report['frames']} frame{'s' * (report['frames'] != 1)} processed ({report['ended']}){speed}{delay}",
        f"not processed: {report['dropped']} dropped (a newer frame was there), {report['duplicates']} duplicates (the "
        f"same picture again), {report['lost']} lost (never came)",
        f"boxes in all frames: {_boxes(report['detections'])}, with a score of {in_words(report['thresholds'])} or "
        "more. A box is not an animal: one animal in 100 frames is 100 boxes",
        *_one_body(report.get("one_body")),
        f"engine: {report['engine']}; source: {report['camera']}",
        f"written in {out}: {', '.join(_written(report, out))}; docs/output.md explains every field",
    ]
    if tiling := report.get("tiling"):
        lines += [f"tiles {tiling['asked']}: {_tiles(row)}" for row in tiling["frames"]]
    if (lost := report["reconnects"]) and lost["outages"]:
        lines.append(f"the camera was lost {lost['outages']} times, for {lost['lost_seconds']:.1f} s together")
    if poses := report["pose"]:
        lines.append(f"poses: {poses['frames_with']} frames have one{_without(poses['frames_without'])}")
    if (placed := report["position"]) and (placed["placed"] or set(placed["refused"]) - {NO_POSE}):
        refused = "".join(f"; {n} have none: {why}" for why, n in placed["refused"].items())
        lines.append(f"positions: {placed['placed']} boxes have one{refused}")
    if (aligned := placed and placed.get("alignment")) and (aligned["suggested"] or poses):
        lines.append(_alignment(**aligned))
    if covered := report["coverage"]:
        lines += _searched(covered, out)
    lines += _counts(out / COUNTS)
    if report["overflowed"]:
        lines.append(
            f"WARNING: in {report['overflowed']} frame(s) numbers inside the network became too large: objects may be "
            "missing there"
        )
    for name, sink in report["sinks"].items():
        if sink["skipped"]:
            lines.append(f"{name}: {sink['skipped']} frames are missing in it: writing was too slow, or it stopped")
    if moved := report.get("spare"):
        lines.append(f"WARNING: detections went on in {moved['file']}: {moved['because']}")
    if (kept := report.get("keep_free")) and kept["files"]:
        lines.append(
            f"removed of earlier runs: {kept['files']} files, {kept['bytes'] / 1e6:.0f} MB, to keep {kept['asked']} "
            f"free; keep_free in {REPORT} says which"
        )
    if given_up := report.get("degraded", {}).get("seconds"):
        told = ", ".join(f"{step} for {seconds:.0f} s" for step, seconds in given_up.items())
        lines.append(f"given up so that detections went on: {told}; degraded in {REPORT} says why")
    lines += [f"{name}: {_link(link)}" for name, link in report.get("links", {}).items()]
    if recorded := report["recording"]:
        lines.append(
            f"recorded: {recorded['frames']} frames, {recorded['bytes'] / 1e6:.1f} MB, in {out / recorded['folder']}; "
            f"{recorded['dropped']} not recorded (the disk was too slow or full), {recorded['frames_removed']} removed "
            "for --record-budget"
        )
    if compared := report["verify"]:
        lines.append(f"verified: {compared['verdict']}")
    return [*lines, f"next: {_next(report, out)}"]


def _one_body(left: dict[str, Any] | None) -> list[str]:
    """Which boxes were not followed, as they lie on a surer one of another class."""
    if not left or not left["boxes"]:
        return []
    named = "; ".join(" or ".join(names) for names in left["classes"])
    return [
        f"{left['boxes']} of these boxes lie on a surer one of another class ({named}), and are not followed: a body "
        "is counted once"
    ]


def _alignment(suggested: str | None, said: str) -> str:
    if suggested is None:
        return f"mounting: no suggestion: {said}"
    return f"mounting: {said}. It was not corrected; the next run does it with --mounting {suggested}"


def _searched(covered: dict[str, Any], out: Path) -> list[str]:
    """What ground was searched, and where the gaps are."""
    others = "".join(f"; {n} frames do not count: {why}" for why, n in covered["frames_not_counted"].items())
    if not covered["frames"]:
        return [f"searched: nothing that is known{others}"]
    seen = covered["seen_m2"]
    gaps = f"{covered['gaps']} gap{'s' * (covered['gaps'] != 1)}, {hectares(covered['gap_m2'])}"
    lines = [
        f"searched {hectares(covered['searched_m2'])} of {hectares(seen)} seen, {covered['search']}; {gaps}, see "
        f"{out / COVERAGE}{others}"
    ]
    contrast = "" if covered["contrast"] is None else f" at a contrast of {covered['contrast']:.1f}"
    if chances := covered["probability"]:
        least, median, part = chances
        lines.append(
            f"probability of detection on {100 * part:.0f} % of that: {median:.2f} (median), {least:.2f} (least); by "
            f"the recall on {covered['recall']}{contrast}; {covered['assumed']}"
        )
    elif covered["searched_m2"]:
        unknown = "recall of that class was not measured: edge-export eval --set-recall does it"
        why = "recall.json says nothing of such a size" if covered["recall"] else unknown
        if unlike := covered["frames_unlike"]:
            why = "recall.json says nothing of such pictures: " + ", ".join(f"{n} {how}" for how, n in unlike.items())
        why += f"{contrast}; {covered['assumed']}" if contrast else ""
        lines.append(f"probability of detection: not known, the model's {why}")
    return lines


def _tiles(row: dict[str, Any]) -> str:
    """How frames of one size were looked at."""
    return (
        f"{row['width']}x{row['height']} in {row['columns']}x{row['rows']} tiles of {row['tile'][0]}x{row['tile'][1]}, "
        f"{row['engine_calls']} calls of the engine a frame"
    )


def _counts(path: Path) -> list[str]:
    """How many there are, in a line; none where nothing was followed or the file is not there."""
    try:
        counts = decoded(read_limited(path, MOST_JSON), dict[str, ClassCount])
    except (OSError, ValueError):
        return []
    told = [
        f"{one.count} {name} ({one.low} to {one.high} in 9 of 10 cases)"
        if one.count is not None
        else f"{one.tracks} tracks of {name}, not counted: {one.method}"
        for name, one in counts.items()
        if one.tracks
    ]
    return [f"counted, from tracks: {'; '.join(told)}"] if told else []


def _next(report: dict[str, Any], out: Path) -> str:
    """What to do with it."""
    shown = [out / sink["file"] for name, sink in report["sinks"].items() if name in ("video", "pictures")]
    if report["recording"]:
        folder = out / report["recording"]["folder"]
        tiles = f"--tiles {report['tiling']['asked']} " if report.get("tiling") else ""
        again = f"edge run --source rec:{folder} {tiles}--verify {DETECTIONS.path(out)} --out {out}-again"
        return f"{again} compares this machine with the flight"
    if shown:
        return f"look at {' and '.join(map(str, shown))}: the boxes are drawn there"
    return "to see the boxes, run it again with --video (one film) or --pictures (each frame) and another --out"


def _without(frames: dict[str, int]) -> str:
    """Frames without a pose, and why."""
    return "".join(f"; {n} have none: {why}" for why, n in frames.items())


def _link(link: dict[str, Any]) -> str:
    """What became of what was sent."""
    said = f"{link['sent']} messages were sent to {link['to']}"
    for key, words in (
        ("waiting", "were not sent before the end"),
        ("dropped", "were dropped"),
        ("refused", "it did not want"),
    ):
        said += f", {link[key]} {words}" if link[key] else ""
    if link["away"]:
        return f"{said}; it is away: {link['error']}"
    times = link["reconnects"]
    return f"{said}; it was away {times} time{'s' * (times != 1)}, last: {link['error']}" if times else said


def _boxes(detections: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in detections.items() if n) or "none"


def _written(report: dict[str, Any], out: Path) -> list[str]:
    """Names of what this run left in its folder; what is recorded has a line of its own."""
    first, *others = (sink["file"] for sink in report["sinks"].values() if sink["file"])
    return [name for name in (first, REPORT, *others, PICTURE, SHEET) if (out / name).exists()]
