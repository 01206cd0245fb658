"""Names of boxes cover neither each other nor a box, and lie in the picture."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from edge.sinks.names import GAP, Name, Place, place_names

PICTURE = (0, 0, 640, 512)
TEXTS = [(100, 16), (24, 16)]


def overlap(one: Place, other: Place) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_one_stands_above_its_box_and_at_the_top_below_it() -> None:
    boxes = [(200, 200, 220, 230), (300, 5, 320, 30)]
    first, second = place_names(boxes, [TEXTS, TEXTS], PICTURE)
    assert first == Name((200, 200 - 16 - GAP, 300, 200 - GAP), 0, False)
    assert second == Name((300, 30 + GAP, 400, 46 + GAP), 0, False)


def test_at_the_edge_it_is_moved_inside() -> None:
    (name,) = place_names([(610, 200, 630, 230)], [TEXTS], PICTURE)
    assert name == Name((540, 200 - 16 - GAP, 640, 200 - GAP), 0, False)


@pytest.mark.parametrize("many", [5, 40, 150])
def test_in_a_herd_nothing_is_covered(many: int) -> None:
    rng = np.random.default_rng(many)
    corners = rng.integers(0, (560, 440), (many, 2))
    boxes = [(x, y, x + 14, y + 12) for x, y in corners.tolist()]
    names = place_names(boxes, [TEXTS] * many, PICTURE)
    there = [name.place for name in names if name]
    assert not any(overlap(a, b) for a, b in combinations(there, 2))
    assert not any(overlap(name, box) for name in there for box in boxes)
    assert all(x1 >= 0 and y1 >= 0 and x2 <= 640 and y2 <= 512 for x1, y1, x2, y2 in there)
    assert len(there) >= min(many, 40)
    for name in filter(None, names):
        assert (name.place[2] - name.place[0], name.place[3] - name.place[1]) == TEXTS[name.which]


def test_a_shorter_one_is_better_than_one_far_away_and_that_better_than_none() -> None:
    boxes = [(200, 200, 220, 230)]
    walls = [(0, 0, 640, 180), (0, 250, 640, 512), (0, 180, 170, 250), (260, 180, 640, 250)]
    (name,) = place_names(boxes + walls, [TEXTS], PICTURE)
    assert name is not None
    assert (name.which, name.line) == (1, False)
    ring = [(190, 170, 230, 197), (190, 233, 230, 260), (100, 197, 197, 233), (223, 197, 400, 233)]
    (name,) = place_names(boxes + ring, [TEXTS], PICTURE)
    assert name is not None
    assert name.line
    assert place_names([*boxes, (0, 0, 640, 512)], [TEXTS], PICTURE) == [None]
