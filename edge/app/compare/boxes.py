"""The boxes of one frame in two runs: which are the same object, and what differs between those that are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from edge.app.compare.side import key_of
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.measure.detections_lines import DetectionLine, FrameLine
from edge.measure.matching import iou, match_best_first

LEAST_IOU = 0.3  # of two boxes of one object: a box of 10 px that is off by 5 px has 0.33
MOVED_IOU = 0.5  # below it a matched box is told as moved: such a box misses its object by the usual measure

Bool = npt.NDArray[np.bool_]
Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class BoxPair:
    """One object in one frame. ``a``, ``b``: its box in either run; None: that run has none there. ``overlap``: IoU of
    the two, 0 where there is one. ``apart_m``: metres between their positions, None where one is not known; ``apart``:
    whether that is more than both errors say.
    """

    frame: FrameLine
    a: DetectionLine | None
    b: DetectionLine | None
    overlap: float = 0.0
    apart_m: float | None = None
    apart: bool = False

    @property
    def other_class(self) -> bool:
        """Whether both have it, as another class each."""
        return bool(self.a and self.b) and key_of(self.a.name) != key_of(self.b.name)  # type: ignore[union-attr]

    @property
    def moved(self) -> bool:
        """Whether both have it, in another place of the picture."""
        return bool(self.a and self.b) and self.overlap < MOVED_IOU

    @property
    def differs(self) -> bool:
        """Whether there is anything to be told of it."""
        return not (self.a and self.b) or self.other_class or self.moved or self.apart


def pairs_of(one: FrameLine, other: FrameLine) -> Iterator[BoxPair]:
    """The objects of a frame that both runs searched: first those that both found, by their overlap."""
    a, b = one.detections, other.detections
    overlaps = _overlaps(a, b)
    same = np.array([[key_of(x.name) == key_of(y.name) for y in b] for x in a], bool).reshape(overlaps.shape)
    partner = dict(_matched(overlaps, same))
    left = np.ones(overlaps.shape, bool)  # what has no partner of its class may have one of another
    left[list(partner)] = False
    left[:, list(partner.values())] = False
    partner |= dict(_matched(overlaps, left & ~same))
    taken = set(partner.values())
    for i, j in sorted(partner.items()):
        distance, beyond = apart(position_of(a[i]), position_of(b[j]))
        yield BoxPair(one, a[i], b[j], float(overlaps[i, j]), distance, beyond)
    yield from (BoxPair(one, x, None) for i, x in enumerate(a) if i not in partner)
    yield from (BoxPair(one, None, y) for j, y in enumerate(b) if j not in taken)


def apart(a: Place | None, b: Place | None) -> tuple[float | None, bool]:
    """Metres between two positions (latitude, longitude, 1-sigma error), and whether they are further apart than the
    errors of both together; None where one is not known.
    """
    if a is None or b is None:
        return None, False
    north, east = metres_a_degree((a[0] + b[0]) / 2)
    distance = math.hypot(north * (a[0] - b[0]), east * float(wrapped(a[1] - b[1])))
    return distance, distance > math.hypot(a[2], b[2])


def position_of(box: DetectionLine) -> Place | None:
    """Of a detection; None: it has none."""
    return None if isinstance(box.position, msgspec.UnsetType) else box.position


def side_px(box: Sequence[float]) -> float:
    """The side of a square as large as the box, pixels."""
    x1, y1, x2, y2 = box
    return math.sqrt(max(x2 - x1, 0.0) * max(y2 - y1, 0.0))


def _overlaps(a: Sequence[DetectionLine], b: Sequence[DetectionLine]) -> npt.NDArray[np.float64]:
    """(N, M) IoU; NaN of two boxes without any area."""
    boxes = [np.array([box.box for box in side], np.float64).reshape(-1, 4) for side in (a, b)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return iou(boxes[0], boxes[1])  # type: ignore[arg-type]


def _matched(overlaps: npt.NDArray[np.float64], allowed: Bool) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(allowed & (overlaps >= LEAST_IOU))
    return match_best_first(rows, columns, overlaps[rows, columns])
