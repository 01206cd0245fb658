"""Tracks across the border of two units of one flight: which of the second goes on which of the first.

A unit begins with no memory, so that an object in its first frame gets a new number. It is the one of the unit before
where its box lies where that one was going to be. One to one, and only within a second of the border.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import lap
import numpy as np
from msgspec.structs import replace

from edge.measure.detections_lines import FrameLine
from edge.measure.track_lines import TrackLine

EDGE_S = 1.0  # from the border; a track is confirmed within some frames
LOOK_BACK = 8  # sightings that tell where it was going
FARTHEST = 1.5  # sides of the object that it may be from there
GROWS = 2.0  # its side may be so many times as long, or short
_NONE = 1e6


class Sighting(NamedTuple):
    """``t``: seconds; ``x``, ``y``: the centre of its box, ``side``: the root of its area, pixels of the frame."""

    t: float
    x: float
    y: float
    side: float
    label: int


@dataclass
class Edges:
    """Of one unit: the first sighting of each track that begins within `EDGE_S` of its first frame, and the last ones
    of each that is seen within `EDGE_S` of its last. ``last``: the highest number of a track in it.
    """

    begins: dict[int, Sighting] = field(default_factory=dict)
    ends: dict[int, tuple[Sighting, ...]] = field(default_factory=dict)
    highest: int = 0


def edges_of(frames: Iterable[FrameLine]) -> Edges:
    """In one pass over a unit's frames, in their order."""
    edges = Edges()
    latest: dict[int, deque[Sighting]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))
    first = last = None
    for frame in frames:
        first, last = frame.t if first is None else first, frame.t
        for found in frame.detections:
            if not isinstance(found.track, int):
                continue
            x1, y1, x2, y2 = found.box
            side = ((x2 - x1) * (y2 - y1)) ** 0.5
            seen = Sighting(frame.t, (x1 + x2) / 2, (y1 + y2) / 2, side, found.label)
            if found.track not in latest and frame.t - first <= EDGE_S:
                edges.begins[found.track] = seen
            latest[found.track].append(seen)
    edges.highest = max(latest, default=0)
    edges.ends = {
        track: tuple(seen) for track, seen in latest.items() if last is not None and last - seen[-1].t <= EDGE_S
    }
    return edges


def joined(before: Edges, after: Edges) -> dict[int, int]:
    """``{track of the second unit: track of the first}``, for those that are one object."""
    olds, news = list(before.ends), list(after.begins)
    if not olds or not news:
        return {}
    table = np.full((len(olds), len(news)), _NONE)
    for i, old in enumerate(olds):
        for j, new in enumerate(news):
            table[i, j] = _cost(before.ends[old], after.begins[new])
    partner = lap.lapjv(table, extend_cost=True, cost_limit=2 * FARTHEST, return_cost=False)[0]
    return {news[j]: olds[i] for i, j in enumerate(partner) if j >= 0 and table[i, j] <= FARTHEST}


def _cost(old: Sequence[Sighting], new: Sighting) -> float:
    """Sides between where it was going to be and where it is; `_NONE` where it cannot be the same."""
    first, last = old[0], old[-1]
    gone = new.t - last.t
    if new.label != last.label or not 0 < gone <= 2 * EDGE_S:
        return _NONE
    longer, shorter = max(new.side, last.side), min(new.side, last.side)
    if shorter <= 0 or longer > GROWS * shorter:
        return _NONE
    lasted = last.t - first.t
    x, y = last.x, last.y
    if lasted > 0:
        x, y = x + (last.x - first.x) / lasted * gone, y + (last.y - first.y) / lasted * gone
    return float(np.hypot(new.x - x, new.y - y)) / longer


def numbers(edges: Sequence[Edges]) -> list[dict[int, int]]:
    """Of each unit of a flight, in their order: ``{its track: the flight's}``, for those that go on; `new_number` for
    all others.
    """
    result: list[dict[int, int]] = []
    offset = 0
    for number, own in enumerate(edges):
        goes_on: dict[int, int] = {}
        if number:
            before, offset_before = result[-1], offset - edges[number - 1].highest
            for track, old in joined(edges[number - 1], own).items():
                goes_on[track] = before.get(old, offset_before + old)
        result.append(goes_on)
        offset += own.highest
    return result


def as_one(parts: Sequence[TrackLine], number: int, crops: Mapping[int, Sequence[str]], most: int) -> TrackLine:
    """The track of one object from its parts, in the order of time. ``crops``: of each part by its place, as they are
    called in the flight's folder; of all of them ``most`` stay, those of the best part first.
    """
    best = max(range(len(parts)), key=lambda i: parts[i].score)
    placed = [part.position for part in parts if part.position is not None]
    order = [best, *(i for i in range(len(parts)) if i != best)]
    return replace(
        parts[best],
        track=number,
        first_seq=parts[0].first_seq,
        first_t=parts[0].first_t,
        first_utc=parts[0].first_utc,
        last_seq=parts[-1].last_seq,
        last_t=parts[-1].last_t,
        last_utc=parts[-1].last_utc,
        frames=sum(part.frames for part in parts),
        position=min(placed, key=lambda position: position.sigma_m, default=None),
        crops=[name for i in order for name in crops[i]][:most],
    )
