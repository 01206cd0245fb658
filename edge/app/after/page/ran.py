"""What ran, how fast, with what settings; and what was searched, in figures."""

from __future__ import annotations

from edge.app.after.flight.flight import Flight, thresholds_of
from edge.app.after.flight.lines import FileState
from edge.app.after.page.words import area, dot, facts, lasting, many, number, table, text
from edge.app.report_json import Percentiles
from edge.health.conditions import CONDITIONS


def ran(flight: Flight, states: tuple[FileState, ...]) -> str:
    """Of one flight."""
    report, start, frames = flight.facts.report, flight.facts.start, flight.frames
    both = flight.facts.both
    speed = facts(
        [
            ("frames searched", f"{number(frames.searched)} of {many(frames.frames, 'result')}"),
            ("frames a second", number(report.fps, 2) if report.fps is not None else None),
            ("latency", _percentiles(report.latency_ms)),
            ("dropped, a newer frame was there", _count(report.dropped)),
            ("duplicates, the same picture again", _count(report.duplicates)),
            ("lost, never came", _count(report.lost)),
            ("shutter closed", _count(report.shutter_frames)),
            ("camera stood still", lasting(report.frozen_seconds) if report.frozen_seconds else None),
            ("longest step", _longest(flight)),
            ("the run took", lasting(report.seconds) if report.seconds is not None else None),
            ("ended", report.ended),
        ]
    )
    stages = [[text(name), *_three(one)] for name, one in report.stages_ms.items()]
    took = table(["stage", "p50 ms", "p95 ms", "p99 ms"], stages, "Time of each stage of a frame") if stages else ""
    set_to = facts(
        [
            ("model", both("model")),
            ("backend", both("backend")),
            ("engine", both("engine")),
            ("why this engine", report.engine_chosen),
            ("source", both("source")),
            ("camera", both("camera")),
            ("frames", _size(flight)),
            ("policy", report.policy),
            ("poses", report.pose and report.pose.description),
            ("lens", report.position and report.position.camera),
            ("mounting", report.position and report.position.mounting),
            ("ground", report.position and report.position.ground),
            ("assumed of poses", "; ".join(report.position.assumed) if report.position else None),
            ("mission", _mission(flight)),
            ("started", report.started or (start.clock and start.clock.utc)),
            ("machine", _machine(flight)),
            ("versions", ", ".join(f"{name} {version}" for name, version in _versions(flight).items())),
        ]
    )
    limits = thresholds_of(flight)
    scores = [
        [f"{dot(i)} {text(name)}", number(limits.get(name), 2), number(frames.boxes.get(name, 0))]
        for i, name in enumerate(flight.classes)
    ]
    classes = table(["class", "threshold", "boxes in all frames"], scores, "Classes: the lowest score that is written")
    hashes = both("model_files")
    digests = ""
    if isinstance(hashes, dict) and hashes:
        rows = "".join(f"<dt>{text(name)}</dt><dd><code>{text(value)}</code></dd>" for name, value in hashes.items())
        digests = f'<h4>Files of the model, sha256</h4><dl class="facts">{rows}</dl>'
    read = facts((state.name, state.in_words) for state in states)
    return (
        f'<div class="two"><div><h4>Speed</h4>{speed}</div><div>{took}</div></div>'
        f"<h4>Settings</h4>{set_to}{_notes(flight)}{classes}{digests}<h4>Files that this was read from</h4>{read}"
    )


def searched(flight: Flight) -> str:
    """What ground was searched; "" where nobody asked."""
    report, ground = flight.facts.report.coverage, flight.ground
    if report is None and ground is None:
        return '<p class="none">What ground was searched well enough is not known: run with --coverage.</p>'
    if report is None:
        assert ground is not None
        rows = [
            ("searched", area(ground.searched_m2)),
            ("seen, also not well enough", area(ground.seen_m2)),
            ("gaps", _gaps(sum(piece.properties.kind == "gap" for piece in ground.features), ground.gap_m2)),
            ("what counts as searched", ground.search),
        ]
        return facts(rows)
    chances = report.probability
    known = chances and f"{chances[1]:.2f} (median), {chances[0]:.2f} (least), of {100 * chances[2]:.0f} % of it"
    others, unlike = (
        "; ".join(f"{why}: {number(n)}" for why, n in table.items())
        for table in (report.frames_not_counted, report.frames_unlike)
    )
    said = facts(
        [
            ("searched", area(report.searched_m2)),
            ("seen, also not well enough", area(report.seen_m2)),
            ("gaps between searched ground", _gaps(report.gaps, report.gap_m2)),
            ("what counts as searched", report.search),
            ("probability of detection", known or "not known"),
            ("by", report.recall),
            ("contrast of such a body", number(report.contrast, 1) if report.contrast is not None else None),
            ("assumed", report.assumed),
            ("frames with a poor picture", _count(report.frames_poor or None)),
            ("frames of which no probability is said", unlike),
            ("frames that do not count", others),
        ]
    )
    why = [[text(reason), area(square)] for reason, square in report.gap_reasons.items()]
    listed = ""
    if ground is not None:
        gaps = [piece.properties for piece in ground.features if piece.properties.kind == "gap"][:20]
        if gaps:
            listed = table(
                ["gap", "area"],
                [[text(one.title), area(one.area_m2)] for one in gaps],
                "The largest gaps, as on the map",
            )
    return said + (table(["why", "area"], why, "Why ground is a gap") if why else "") + listed


def conditions(flight: Flight) -> str:
    """What held of the picture, with what it means."""
    rows = []
    for name, held in flight.facts.report.health.items():
        meaning = CONDITIONS[name].meaning if name in CONDITIONS else ""
        seen = f" ({held.seen})" if isinstance(held.seen, str) else ""
        rows.append([text(name.replace("_", " ")), text(meaning + seen), number(held.frames), number(held.times)])
    return (
        table(["condition", "what it means", "frames", "times"], rows, "Conditions of the picture", 2) if rows else ""
    )


def _gaps(many_of: int, square_metres: float) -> str:
    return f"{number(many_of)}, {area(square_metres)} together" if many_of else "none"


def _percentiles(one: Percentiles | None) -> str | None:
    if one is None:
        return None
    told = [
        f"{name} {number(value, 0, 'ms')}"
        for name, value in (("p50", one.p50), ("p95", one.p95), ("p99", one.p99))
        if isinstance(value, float | int)
    ]
    return ", ".join(told) or None


def _three(one: Percentiles) -> list[str]:
    return [number(v, 2) if isinstance(v, float | int) else "–" for v in (one.p50, one.p95, one.p99)]


def _count(value: int | None) -> str | None:
    return None if value is None else number(value)


def _longest(flight: Flight) -> str | None:
    step = flight.facts.report.longest_step
    return None if step is None else f"{step.doing}, {lasting(step.seconds)}"


def _size(flight: Flight) -> str | None:
    first = flight.frames.first
    if first is None:
        return None
    cut = f", cut from {', '.join(map(str, first.crop))}" if first.crop else ""
    return f"{first.frame.width} x {first.frame.height} pixels{cut}"


def _mission(flight: Flight) -> str | None:
    mission = flight.facts.report.mission or flight.facts.start.mission
    return None if mission is None else f"{mission.name} ({mission.file}, sha256 {mission.sha256})"


def _machine(flight: Flight) -> str | None:
    host, power = flight.facts.report.host, flight.facts.report.power
    if host is None:
        return None
    said = f"{host.board or host.cpu}, {many(host.cores, 'core')}, {number(host.memory_mib)} MiB, {host.system}"
    if power and power.mode:
        said += f"; power mode {power.mode}"
    if power and power.celsius:
        said += f"; hottest at the end {max(power.celsius.values()):.0f} °C"
    return said


def _versions(flight: Flight) -> dict[str, str]:
    found = flight.facts.both("versions")
    return found if isinstance(found, dict) else {}


def _notes(flight: Flight) -> str:
    lines = [*flight.facts.report.engine_notes]
    position = flight.facts.report.position
    if position and position.refused:
        lines += [f"{many(n, 'box', 'boxes')} without a position: {why}" for why, n in position.refused.items()]
    if position and position.alignment:
        lines.append(f"mounting of the camera: {position.alignment.said}")
    return f'<ul class="small">{"".join(f"<li>{text(line)}</li>" for line in lines[:50])}</ul>' if lines else ""
