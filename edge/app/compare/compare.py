"""Two runs over the same frames side by side: read once, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.app.compare import compare_json as to
from edge.app.compare.boxes import LEAST_IOU, MOVED_IOU, BoxPair, pairs_of
from edge.app.compare.same_frames import SameFrames
from edge.app.compare.side import Facts, Side, key_of
from edge.app.compare.tally import Tally
from edge.app.compare.tracks import BOTH, LEAST_PART, TrackPair, Tracks
from edge.errors import InputError, without_password
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import searched
from edge.system.text import printable


@dataclass(frozen=True)
class Comparison:
    """``figures``: what compare.json holds. ``tracks``: each object that one of the two followed."""

    a: Side
    b: Side
    figures: to.Compared
    tracks: list[TrackPair]


def _nothing(_pair: BoxPair) -> None:
    """Nobody wants them."""


def compare(a: Path, b: Path, note: Callable[[BoxPair], None] = _nothing) -> Comparison:
    """Compare the runs in two folders, A and B. ``note`` gets each box of the frames that both searched, in their
    order: a flight may have a million, and none is kept.

    Raises InputError where a folder is none of a run, the two are not of the same frames, or have no class in common.
    """
    one, other = Side.read("A", a), Side.read("B", b)
    tally = Tally(one, other)
    if not tally.shared:
        names = [", ".join(side.first.classes) or "none" for side in (one, other)]
        raise InputError(
            f"{a} has the classes {names[0]}, {b} has {names[1]}: expected one or more of the same name, to compare "
            "what was found of it"
        )
    same, tracks = SameFrames(one, other), Tracks(one, other)
    frames = to.FramesCompared(compared=0, only_a=0, only_b=0, not_searched=0, overflowed=0)
    for x, y in same.pairs():
        if x is None or y is None or not (searched(x) and searched(y)):
            _left_out(frames, tracks, x, y)
            continue
        frames.compared += 1
        frames.overflowed += x.overflowed is True or y.overflowed is True
        pairs = list(pairs_of(x, y))
        tracks.add(pairs)
        for pair in pairs:
            tally.add_box(pair)
            note(pair)
    found = list(tracks.pairs())
    for pair_of_tracks in found:
        tally.add_track(pair_of_tracks)
    return Comparison(one, other, _figures(one, other, same, frames, tally, tracks, found), found)


def _left_out(frames: to.FramesCompared, tracks: Tracks, x: FrameLine | None, y: FrameLine | None) -> None:
    if y is None:
        frames.only_a += 1
    elif x is None:
        frames.only_b += 1
    else:
        frames.not_searched += 1
    for run, line in enumerate((x, y)):
        if line is not None:
            tracks.left_out(run, line)


def _figures(
    a: Side,
    b: Side,
    same: SameFrames,
    frames: to.FramesCompared,
    tally: Tally,
    tracks: Tracks,
    found: list[TrackPair],
) -> to.Compared:
    both = [pair for pair in found if pair.what == BOTH]
    followed = ({p.a.number: p for p in both if p.a}, {p.b.number: p for p in both if p.b})
    names = {**(a.counts or {}), **(b.counts or {})}
    return to.Compared(
        format=to.FORMAT,
        a=_facts(a),
        b=_facts(b),
        same_frames=same.how,
        assumed=same.assumed,
        missing=[*a.missing, *b.missing],
        differs=list(differences(a, b)),
        frames=frames,
        matching=to.Matching(least_iou=LEAST_IOU, moved_iou=MOVED_IOU, least_part=LEAST_PART),
        classes=to.ClassesCompared(
            both=list(tally.shared.values()),
            only_a=[name for name in a.first.classes if key_of(name) not in tally.shared],
            only_b=[name for name in b.first.classes if key_of(name) not in tally.shared],
        ),
        boxes=tally.boxes(followed),
        pairs=tally.pairs(),
        unknown_a=dict(tally.unknown[0]),
        unknown_b=dict(tally.unknown[1]),
        class_changes=tally.changes(),
        tracks=tally.tracks((tracks.not_compared(0), tracks.not_compared(1))),
        counts={name: to.CountPair(a=(a.counts or {}).get(name), b=(b.counts or {}).get(name)) for name in names},
    )


def _facts(side: Side) -> to.RunFacts:
    facts = side.facts
    return to.RunFacts(
        folder=str(side.folder),
        model=side.first.model,
        backend=facts.backend,
        engine=facts.engine,
        source=None if facts.source is None else without_password(facts.source),
        thresholds=side.thresholds,
        fps=facts.fps,
        latency_ms=facts.latency_ms,
        infer_ms=facts.stages_ms.get("infer", {}).get("p50"),
    )


def differences(a: Side, b: Side) -> Iterator[str]:
    """What a reader must know of two runs before he believes that it is the model, a line each."""
    looks: list[tuple[str, Callable[[Side], object]]] = [
        ("model", lambda s: s.first.model),
        ("model files", lambda s: " ".join(sorted(sha[:12] for sha in s.facts.model_files.values()))),
        ("classes", lambda s: ", ".join(s.first.classes)),
        ("thresholds", lambda s: ", ".join(f"{name} {score:g}" for name, score in s.thresholds.items())),
        ("engine", lambda s: s.facts.engine),
        ("tiles", lambda s: s.facts.tiling.asked if s.facts.tiling else "none"),
        ("normaliser", lambda s: _normaliser(s.facts)),
        ("policy", lambda s: s.facts.policy),
        ("mission", lambda s: None if isinstance(s.first.mission, msgspec.UnsetType) else s.first.mission.sha256[:12]),
        ("version", lambda s: s.facts.versions.get("thermal-edge")),
        ("ended by", lambda s: s.facts.ended),
    ]
    for name, look in looks:
        one, other = look(a), look(b)
        if one != other:
            yield f"{name}: {_told(one)} in A, {_told(other)} in B"


def _normaliser(facts: Facts) -> str | None:
    if facts.normalise is None:
        return None
    specs = (facts.normalise.eight_bit, facts.normalise.sixteen_bit)
    return ", ".join(f"{spec.method} {spec.params}" if spec.params else spec.method for spec in specs)


def _told(value: object) -> str:
    return "not known" if value is None else printable(str(value)) or "none"
