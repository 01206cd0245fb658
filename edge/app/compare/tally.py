"""Counts what two runs found of each class, size and score, box after box and track after track."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from edge.app.compare import compare_json as to
from edge.app.compare.boxes import BoxPair, side_px
from edge.app.compare.side import Side, key_of
from edge.app.compare.tracks import BOTH, ONLY, PARTS, UNFOLLOWED, Seen, TrackPair, name_of
from edge.measure.detections_lines import DetectionLine

EDGES_PX = (8, 16, 32, 64)  # of the groups by size: the side of a square as large as the box
BY: tuple[to.By, ...] = ("all", "class", "size", "score")


class Tally:
    """``shared``: the classes that both runs know, by `key_of`, as A writes them."""

    def __init__(self, a: Side, b: Side) -> None:
        known = [{key_of(name): name for name in side.first.classes} for side in (a, b)]
        self.shared = {key: name for key, name in known[0].items() if key in known[1]}
        self._thresholds = [{key_of(name): score for name, score in side.thresholds.items()} for side in (a, b)]
        self._boxes: Counter[tuple[to.By, str, int, str]] = Counter()  # by, value, run, what
        self._only_of_tracks: Counter[tuple[to.By, str, int, int]] = Counter()
        self._tracks: Counter[tuple[to.By, str, int, str]] = Counter()
        self.unknown: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._changes: dict[str, Counter[tuple[str, str]]] = {"boxes": Counter(), "tracks": Counter()}
        self._pairs: Counter[str] = Counter()
        self._apart: list[float] = []
        self._apart_tracks = 0

    # ---- boxes ----

    def add_box(self, pair: BoxPair) -> None:
        """Note one object of one frame."""
        if pair.a and pair.b:
            self._pairs["pairs"] += 1
            self._pairs["moved"] += pair.moved
            self._pairs["placed"] += pair.apart_m is not None
            self._pairs["apart"] += pair.apart
            if pair.other_class:
                self._changes["boxes"][pair.a.name, pair.b.name] += 1
            what = "other_class" if pair.other_class else "both"
        else:
            what = "only"
        for run, box in enumerate((pair.a, pair.b)):
            if box is None:
                continue
            if key_of(box.name) not in self.shared:
                self.unknown[run][box.name] += 1
                continue
            for by, value in self._groups(box.name, side_px(box.box), box.score):
                self._boxes[by, value, run, what] += 1
                if what == "only":
                    self._boxes[by, value, run, "below"] += self._below(1 - run, box)
                    if isinstance(box.track, int):
                        self._only_of_tracks[by, value, run, box.track] += 1

    def _below(self, run: int, box: DetectionLine) -> bool:
        """Whether that run would not have written it for its score alone."""
        return box.score < self._thresholds[run].get(key_of(box.name), 0.0)

    def boxes(self, followed: Sequence[Mapping[int, object]]) -> list[to.BoxGroup]:
        """The groups. ``followed``: of either run the tracks that the other followed, too, by number."""
        again: Counter[tuple[to.By, str, int]] = Counter()
        for (by, value, run, track), boxes in self._only_of_tracks.items():
            if track in followed[run]:
                again[by, value, run] += boxes
        return [
            to.BoxGroup(
                by=by, value=value, a=self._box_count(by, value, 0, again), b=self._box_count(by, value, 1, again)
            )
            for by, value in self._values(self._boxes)
        ]

    def _box_count(self, by: to.By, value: str, run: int, again: Counter[tuple[to.By, str, int]]) -> to.BoxCount:
        both, other, only = (self._boxes[by, value, run, what] for what in ("both", "other_class", "only"))
        return to.BoxCount(
            boxes=both + other + only,
            both=both,
            other_class=other,
            only=only,
            only_in_followed=again[by, value, run],
            only_below=self._boxes[by, value, run, "below"],
        )

    def pairs(self) -> to.BoxPairs:
        """Of the boxes that both found."""
        return to.BoxPairs(**{name: self._pairs[name] for name in ("pairs", "moved", "placed", "apart")})

    def changes(self) -> list[to.ClassChange]:
        """Boxes and tracks that the two took for other classes, the most frequent first."""
        boxes, tracks = self._changes["boxes"], self._changes["tracks"]
        found = [to.ClassChange(a=a, b=b, boxes=boxes[a, b], tracks=tracks[a, b]) for a, b in {**boxes, **tracks}]
        return sorted(found, key=lambda one: (-one.boxes, -one.tracks, one.a, one.b))

    # ---- tracks ----

    def add_track(self, pair: TrackPair) -> None:
        """Note one object that was followed."""
        if pair.a and pair.b and pair.other_class:
            self._changes["tracks"][name_of(pair.a), name_of(pair.b)] += 1
        if pair.apart_m is not None:
            self._apart.append(pair.apart_m)
            self._apart_tracks += pair.apart
        for run, seen in enumerate((pair.a, pair.b)):
            if seen is None or key_of(name_of(seen)) not in self.shared:
                continue
            what = "other class" if pair.other_class else pair.what
            for by, value in self._groups(name_of(seen), *_best(seen)):
                self._tracks[by, value, run, what] += 1

    def tracks(self, not_compared: tuple[int, int]) -> to.TracksCompared | None:
        """All of them. ``not_compared``: tracks of A and of B in no frame that was compared."""
        if not self._tracks and not any(not_compared):
            return None
        groups = [
            to.TrackGroup(by=by, value=value, a=self._track_count(by, value, 0), b=self._track_count(by, value, 1))
            for by, value in self._values(self._tracks)
        ]
        return to.TracksCompared(
            groups=groups,
            not_compared_a=not_compared[0],
            not_compared_b=not_compared[1],
            placed=len(self._apart),
            apart=self._apart_tracks,
            apart_m=round(statistics.median(self._apart), 2) if self._apart else None,
        )

    def _track_count(self, by: to.By, value: str, run: int) -> to.TrackCount:
        names = (BOTH, "other class", PARTS, UNFOLLOWED, ONLY)
        found = [self._tracks[by, value, run, what] for what in names]
        return to.TrackCount(
            tracks=sum(found),
            both=found[0],
            other_class=found[1],
            in_parts=found[2],
            not_followed=found[3],
            only=found[4],
        )

    # ---- groups ----

    def _groups(self, name: str, px: float, score: float) -> Iterable[tuple[to.By, str]]:
        tenth = min(int(score * 10), 9)
        return (
            ("all", "all"),
            ("class", self.shared[key_of(name)]),
            ("size", size_group(px)),
            ("score", f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}"),
        )

    def _values(self, counted: Mapping[tuple[to.By, str, int, str], int]) -> list[tuple[to.By, str]]:
        """The groups that there are, in the order of `BY`, of the model's classes, of sizes and of scores."""
        there: set[tuple[to.By, str]] = {("all", "all"), *((by, value) for by, value, _, _ in counted)}
        order = [*self.shared.values(), *SIZES]
        return sorted(there, key=lambda one: (BY.index(one[0]), order.index(one[1]) if one[1] in order else 0, one[1]))


SIZES = (
    f"below {EDGES_PX[0]} px",
    *(f"{low} to {high} px" for low, high in pairwise(EDGES_PX)),
    f"{EDGES_PX[-1]} px and more",
)


def size_group(px: float) -> str:
    """In words, of `SIZES`."""
    return SIZES[sum(px >= edge for edge in EDGES_PX)]


def _best(seen: Seen) -> tuple[float, float]:
    """Size and score of its best box."""
    return side_px(seen.best.box), seen.best.score
