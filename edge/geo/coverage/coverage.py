"""The map of one flight: takes its results, and says what ground was searched so far."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.data import Result
from edge.engine.tiled import tiling_of
from edge.errors import InputError
from edge.geo.coverage.contrast import CURVED, BodyContrast
from edge.geo.coverage.gaps import Findings, find_gaps
from edge.geo.coverage.grid import AWAY_S, Grid, Look, side_of
from edge.geo.coverage.local import Local
from edge.geo.coverage.search import Search
from edge.model.recall import RecallCurve, read_recall
from edge.model.thresholds import Thresholds
from edge.model.tiling import Tiling, whole
from edge.seams import Engine

LONGEST_S = 1.0  # between two frames: what is longer is no dwell
POOR = frozenset({"black_hot", "byte_order", "drift", "low_contrast", "saturated", "warm_ground"})
"""Conditions of `edge.health.conditions` under which recall is not what was measured, and ground does not count."""
SPARED = "the engine was not asked, as the board was in trouble"
SHUTTER, FROZEN, OVERFLOWED = "the shutter was closed", "the camera stood still", "numbers of the network overflowed"
NO_POSE = "the frame has no pose"
NO_GROUND = "most of the picture looks more than 75 degrees off nadir or past the ground, or the lens is not known"
NO_ROOM = "the map has no room for such ground"
ASSUMED = (
    "one look a pass counts, the best one; passes are taken for independent of each other; of what nothing hides from "
    "above; where the picture was poor nothing is said"
)
TOO_HIGH = "in haze, fog or out of focus it is too high: recall.json does not say what the labelled frames were like"
NO_RECALL = (
    "the model's recall of {} was not measured: the map says what was searched, not how probable a detection is; "
    "edge-export eval --set-recall measures it, on labelled frames that show some"
)
NO_CONTRAST = "contrast is not in it: the recall was measured by size alone"


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What is known now. ``looks``: frames that count; ``others``: frames that do not, by why. ``cell_m``: the cells'
    side; ``side_m``: mean side of a picture on the ground.
    """

    findings: Findings
    looks: int = 0
    others: tuple[tuple[str, int], ...] = ()
    cell_m: float = 0.0
    side_m: float = 0.0


class Coverage:
    """Fed with the results of a flight by one thread; `state` may be read by any: it is exchanged as a whole.

    ``search``: by the model, see `Search.of`. ``recall``: what the model finds of such objects, None: nobody measured
    it. ``size``: width and height of the model's input, pixels. ``stills``: frames do not follow each other; where they
    do not say when they were taken either, all of them are one pass. ``tiling``: how frames are cut for the model.
    """

    def __init__(
        self,
        search: Search,
        recall: RecallCurve | None,
        size: tuple[int, int],
        stills: bool = False,
        tiling: Tiling | None = None,
    ) -> None:
        self.search, self.recall, self._size, self._stills = search, recall, size, stills
        self._cut = tiling.plan if tiling else whole
        self.grid = Grid(search.size_m, recall)
        grey, like = (recall.grey, recall.pictures) if recall else (None, None)
        self._contrast = None if grey is None else BodyContrast(search.kelvin, grey, stills, like)
        self.local: Local | None = None
        self.state = State(Findings())
        self._looks, self._others = 0, Counter[str]()
        self._sides = 0.0
        self._poor = self._cut_off = 0
        self._last_t: float | None = None
        self._first_t: float | None = None

    @classmethod
    def of(cls, search: Search, engine: Engine, lowest: float | Thresholds, stills: bool) -> Coverage:
        """Of a flight with this engine that shows detections from ``lowest`` on, each class from its own; ``stills``:
        frames that do not follow each other. Raises InputError where the model has no such class, or normalises so that
        kelvins tell nothing, BundleError for a broken ``recall.json``.
        """
        bundle = engine.bundle
        search = search.of(bundle.classes, stills)
        if search.kelvin and (method := bundle.normalise_16bit.method) in CURVED:
            raise InputError(
                f"coverage kelvin={search.kelvin:g}: the model normalises by {method}, and what grey a kelvin is there "
                "is not known: leave kelvin= out"
            )
        score = Thresholds.of(lowest)[search.name]
        recall = None if engine.backend == "null" else read_recall(bundle, search.name, score)  # null finds nothing
        if recall is None and engine.backend != "null":
            log.warning("coverage: %s", NO_RECALL.format(search.name))
        return cls(search, recall, (bundle.width, bundle.height), stills, tiling_of(engine))

    def add(self, result: Result) -> None:
        """Note what ground one result saw."""
        t = 0.0 if self._stills and result.frame.utc is None else result.t_source  # else when it was read
        last, self._last_t = self._last_t, t
        if self._first_t is None:
            self._first_t = t
        if why := _uncounted(result):
            self._others[why] += 1
            return
        corners = result.footprint
        assert corners is not None
        if self.local is None:
            self.local = Local(*corners[0].tolist())
        frame, metres = result.frame, self.local.metres(corners)
        left, top, right, bottom = result.footprint_part or (0, 0, frame.width, frame.height)
        width, height = right - left, bottom - top
        passed = 0.0 if last is None else t - last
        good, side = not result.warnings & POOR, side_of(metres)
        scale = self._cut(frame.width, frame.height, *self._size).scale
        contrasts = np.zeros(0)
        if good and self._contrast and side > 0:
            body = self.search.size_m * math.sqrt(width * height) / side
            contrasts = self._contrast.of(result, body, t, scale)
        look = Look(
            corners=metres,
            width=width,
            height=height,
            scale=scale,
            t=t - self._first_t,
            seconds=passed if 0 < passed <= LONGEST_S else 0.0,
            good=good,
            mask=None if frame.mask is None else frame.mask[top:bottom, left:right],
            contrasts=contrasts,
        )
        if not self.grid.add(look):
            self._others[NO_ROOM] += 1
            return
        self._looks += 1
        self._poor += not good
        self._cut_off += (width, height) != (frame.width, frame.height)
        self._sides += side

    def look_through(self, ended: bool = True) -> State:
        """Find the gaps in what was seen so far; the new `state`. ``ended``: nothing comes any more; else ground that
        is still in view, or was less than `AWAY_S` ago, is no gap yet.
        """
        side, findings = self._sides / self._looks if self._looks else 0.0, Findings()
        if self.local and self._last_t is not None and self._first_t is not None and self._looks:
            since = math.inf if ended else self._last_t - self._first_t - AWAY_S
            findings = find_gaps(self.grid, self.search, self.local, side, since)
        self.state = State(findings, self._looks, tuple(self._others.most_common()), self.grid.cell_m, side)
        return self.state

    def report(self) -> dict[str, Any]:
        """For report.json, as of the last `look_through`."""
        state = self.state
        found = state.findings
        return {
            "search": self.search.in_words,
            "searched_m2": round(found.searched_m2, 1),
            "seen_m2": round(found.seen_m2, 1),
            "gaps": len(found.gaps),
            "gap_m2": round(found.gap_m2, 1),
            "gap_reasons": {name: round(area, 1) for name, area in reasons(found).items()},
            "cell_m": state.cell_m,
            "frames": state.looks,
            "frames_poor": self._poor,
            "frames_cut": self._cut_off,
            "frames_unlike": dict(self._contrast.unlike) if self._contrast else {},
            "frames_not_counted": dict(state.others),
            "recall": self.recall and self.recall.source,
            "probability": probability(found),
            "contrast": found.contrast and round(found.contrast, 1),
            "assumed": self.assumed,
        }

    @property
    def assumed(self) -> str:
        """What the probability assumes, in words."""
        said = [ASSUMED]
        if self.recall and self.recall.pictures is None:
            said.append(TOO_HIGH)
        if self._contrast is None:
            said += [NO_CONTRAST] if self.recall else []
        else:
            said += [f"{n} frames of which nothing is said: {why}" for why, n in self._contrast.unlike.most_common()]
            said += filter(None, [self._contrast.assumed])
        return "; ".join(said)


def hectares(m2: float) -> str:
    """``3.2 ha``; square metres below a twentieth of one."""
    return f"{m2 / 1e4:.1f} ha" if m2 >= 500 else f"{m2:.0f} m2"


def reasons(found: Findings) -> dict[str, float]:
    """Square metres of the gaps by reason, most first."""
    total: dict[str, float] = {}
    for gap in found.gaps:
        for name, area in gap.reasons.items():
            total[name] = total.get(name, 0.0) + area
    return dict(sorted(total.items(), key=lambda one: -one[1]))


def probability(found: Findings) -> list[float] | None:
    """Least, and median by area, of the searched ground, and the part of it that has one; None where nobody knows."""
    known = [(one, shape.area_m2) for shape in found.covered if (one := shape.probability)]
    if not known:
        return None
    whole = sum(shape.area_m2 for shape in found.covered)
    areas = [area * one[2] for one, area in known]
    order = np.argsort([one[1] for one, _ in known])
    half = np.searchsorted(np.cumsum(np.array(areas)[order]), sum(areas) / 2)
    middle = known[int(order[min(int(half), len(order) - 1)])][0][1]
    return [round(min(one[0] for one, _ in known), 3), round(middle, 3), round(sum(areas) / whole, 3)]


def _uncounted(result: Result) -> str:
    """Why nothing was searched with this frame; "" = it was."""
    if not result.inferred:
        return SHUTTER if result.frame.shutter_closed else SPARED
    if "frozen" in result.frame.flags:
        return FROZEN
    if not result.finite:
        return OVERFLOWED
    if result.frame.pose is None:
        return NO_POSE
    return NO_GROUND if result.footprint is None else ""
