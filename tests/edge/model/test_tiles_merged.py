"""Boxes of tiles become those that one look at the whole frame gives, wherever the seams lie."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.measure.matching import iou
from edge.model.tiles_merged import Found, _margin, merge
from edge.model.tiling import TilePlan, Tiling, whole

MODEL = 160, 128
PLAN = Tiling.parse("2x2").plan(300, 240, *MODEL)  # tiles of 160x128 at their own size
NINE = Tiling.parse("3x3").plan(440, 352, *MODEL)
ROW = Tiling.parse("3x1").plan(440, 128, *MODEL)
X = 150  # middle of the overlap of PLAN, 140 to 160
LEAST = 4.0  # px of a piece that a detector sees


def looked(
    plan: TilePlan,
    truth: np.ndarray,
    scores: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    jitter: float = 0.0,
) -> list[Found]:
    """What a detector that finds all finds in each look: of what goes on behind a border, the piece that is seen."""
    random_ = np.random.default_rng(len(truth))
    found = []
    for x, y, width, height in plan.looks:
        limits = np.array([x, y, x + width, y + height])
        seen = np.concatenate([np.maximum(truth[:, :2], limits[:2]), np.minimum(truth[:, 2:], limits[2:])], axis=1)
        there = (seen[:, 2:] - seen[:, :2] >= np.minimum(LEAST, truth[:, 2:] - truth[:, :2])).all(axis=1)
        seen = np.clip(
            seen + random_.uniform(-jitter, jitter, seen.shape), np.tile(limits[:2], 2), np.tile(limits[2:], 2)
        )
        s = np.full(len(truth), 0.75) if scores is None else scores
        n = np.zeros(len(truth)) if labels is None else labels
        found.append((seen[there].astype(np.float32), s[there].astype(np.float32), n[there].astype(np.int32)))
    return found


def boxes_of(found: Found) -> list[list[float]]:
    return sorted(found[0].tolist())


def merged(plan: TilePlan, truth: list[list[float]]) -> list[list[float]]:
    return boxes_of(merge(plan, looked(plan, np.array(truth, np.float64).reshape(-1, 4))))


def of_size(width: float, height: float, x: float, y: float) -> list[float]:
    return [x, y, x + width, y + height]


# ---- one object ----


def test_how_near_to_a_border_a_box_counts_as_cut() -> None:
    assert PLAN.overlap == (20, 16)
    assert _margin(PLAN) == 2.0  # half of what the longest small box leaves of the smaller overlap
    large = Tiling.parse("2x2").plan(1280, 1024, 640, 512)  # tiles of 683x547: overlaps of 86 and 70 px
    assert _margin(large) == pytest.approx(3 * 547 / 512)  # 3 px of the model
    assert whole(80, 64, 160, 128).overlap == (0, 0)


@pytest.mark.parametrize("plan", [PLAN, NINE, ROW])
@pytest.mark.parametrize("size", [(6, 6), (9, 7), (12, 5), (20, 16), (31, 9), (90, 60)])
def test_an_object_is_one_box_at_every_place(plan: TilePlan, size: tuple[int, int]) -> None:
    for x in range(0, plan.width - size[0] + 1, 3 if plan is PLAN else 11):
        y = (7 * x) % (plan.height - size[1] + 1)
        box = of_size(*size, x, y)
        assert merged(plan, [box]) == [box]


@pytest.mark.parametrize("edge", [140, 160])
def test_an_object_that_ends_exactly_at_a_border(edge: int) -> None:
    for box in (of_size(8, 6, edge - 8, 50), of_size(8, 6, edge, 50), of_size(20, 6, 140, 50), of_size(8, 6, 0, 50)):
        assert merged(PLAN, [box]) == [box]


def test_an_object_larger_than_the_overlap_is_that_of_the_whole_frame() -> None:
    box = of_size(100, 90, 90, 70)
    assert merged(PLAN, [box]) == [box]


def test_pieces_become_one_where_the_whole_frame_does_not_show_it() -> None:
    box = of_size(100, 20, 90, 50)
    looks = looked(PLAN, np.array([box]))
    looks[-1] = tuple(a[:0] for a in looks[-1])  # type: ignore[assignment]
    assert boxes_of(merge(PLAN, looks)) == [box]


def test_a_piece_goes_where_the_neighbour_sees_that_place_and_finds_nothing() -> None:
    found = looked(PLAN, np.zeros((0, 4)))
    found[0] = (np.array([[152, 50, 160, 58]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int32))
    assert boxes_of(merge(PLAN, found)) == []
    found[0][0][:] = [[142, 50, 150, 58]]  # not cut: the tile saw all of it
    assert boxes_of(merge(PLAN, found)) == [[142, 50, 150, 58]]


def test_a_sloppy_piece_of_a_large_body_goes_with_the_whole() -> None:
    body = of_size(80, 30, 100, 50)
    found = looked(PLAN, np.array([body]))
    found[0] = (np.array([[110, 60, 160, 68]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int32))
    assert boxes_of(merge(PLAN, found)) == [body]


def test_small_boxes_of_the_whole_frame_are_not_taken() -> None:
    found = looked(PLAN, np.zeros((0, 4)))
    box = np.array([of_size(15, 12, 20, 20), of_size(15.5, 12, 60, 20), of_size(9, 12.5, 90, 20)], np.float32)
    found[-1] = (box, np.full(3, 0.9, np.float32), np.zeros(3, np.int32))
    assert boxes_of(merge(PLAN, found)) == boxes_of(
        (box[1:], *found[-1][1:])
    )  # three quarters of the overlap: 15 and 12 px


def test_the_best_whole_box_is_taken_with_the_highest_score() -> None:
    found = looked(PLAN, np.zeros((0, 4)))
    labels = np.zeros(1, np.int32)
    found[0] = (np.array([[144, 50, 154, 58]], np.float32), np.array([0.5], np.float32), labels)
    found[1] = (np.array([[144, 50, 155, 58]], np.float32), np.array([0.6], np.float32), labels)
    found[-1] = (np.array([[143, 49, 155, 59]], np.float32), np.array([0.4], np.float32), labels)
    boxes, scores, _ = merge(PLAN, found)
    assert (boxes.tolist(), scores.tolist()) == ([[144, 50, 155, 58]], [np.float32(0.6)])
    large = of_size(80, 30, 100, 50)
    found = looked(PLAN, np.array([large]), np.array([0.9]))
    found[-1][1][:] = 0.2  # only it is whole: its box, and how sure the tiles are
    boxes, scores, _ = merge(PLAN, found)
    assert (boxes.tolist(), scores.tolist()) == ([large], [np.float32(0.9)])


# ---- several ----


def test_two_animals_side_by_side_at_a_seam_stay_two() -> None:
    for gap in (0, 1, -3):
        for x in range(120, 175):
            pair = [of_size(9, 7, x, 50), of_size(9, 7, x + 9 + gap, 50)]
            assert merged(PLAN, pair) == pair


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([150, 100, 170, 200], [150, 100, 250, 130]),
        ([145, 90, 165, 180], [100, 90, 165, 135]),
        ([60, 104, 156, 140], [130, 104, 156, 230]),
    ],
)
def test_pieces_that_are_alike_go_with_their_own_bodies(one: list[float], other: list[float]) -> None:
    """Two bodies that are whole in no tile, and of which one tile sees the same corner."""
    for pair in ([one, other], [other, one]):
        assert merged(PLAN, pair) == sorted([one, other])


def test_classes_are_apart() -> None:
    truth, labels = np.array([of_size(8, 8, 146, 50)] * 2), np.array([0, 1])
    boxes, _, found = merge(PLAN, looked(PLAN, truth, labels=labels))
    assert (boxes.tolist(), sorted(found.tolist())) == (truth.tolist(), [0, 1])


def test_two_boxes_of_one_tile_stay_as_the_model_left_them() -> None:
    pair = [of_size(20, 20, 20, 20), of_size(12, 12, 22, 22)]
    assert merged(PLAN, pair) == pair


def test_scores_fall_and_types_are_those_of_the_engine() -> None:
    truth = np.array([of_size(8, 8, 20 * i, 50) for i in range(1, 12)])
    boxes, scores, labels = merge(PLAN, looked(PLAN, truth, np.linspace(0.1, 0.9, 11)))
    assert (boxes.dtype, scores.dtype, labels.dtype) == (np.float32, np.float32, np.int32)
    assert scores.tolist() == np.linspace(0.1, 0.9, 11)[::-1].astype(np.float32).tolist()
    assert all(len(a) == 0 for a in merge(PLAN, looked(PLAN, np.zeros((0, 4)))))


def test_one_look_is_left_as_it_is() -> None:
    plan = Tiling.parse("auto").plan(160, 128, *MODEL)
    found = (np.ones((2, 4), np.float32), np.array([0.1, 0.9], np.float32), np.array([0, 0], np.int32))
    assert merge(plan, [found])[0] is found[0]


@st.composite
def herds(draw: st.DrawFn, largest: int) -> tuple[TilePlan, np.ndarray]:
    """Bodies of which no two would be taken for one by the model itself."""
    plan = draw(st.sampled_from([PLAN, NINE, ROW]))
    bodies: list[list[float]] = []
    for _ in range(draw(st.integers(1, 6))):
        width, height = draw(st.integers(5, largest)), draw(st.integers(5, min(largest, plan.height)))
        x, y = draw(st.integers(0, plan.width - width)), draw(st.integers(0, plan.height - height))
        bodies.append(of_size(width, height, x, y))
    truth = np.array(bodies, np.float64)
    overlaps = iou(truth.astype(np.float32), truth.astype(np.float32))
    assume((overlaps[~np.eye(len(truth), dtype=bool)] < 0.5).all())
    return plan, truth


@settings(max_examples=40)
@given(herds(largest=20))
def test_a_herd_of_small_bodies_is_found_as_in_one_look(herd: tuple[TilePlan, np.ndarray]) -> None:
    plan, truth = herd
    assert merged(plan, truth.tolist()) == sorted(truth.tolist())


@settings(max_examples=40)
@given(herds(largest=120))
def test_so_is_one_of_any_size(herd: tuple[TilePlan, np.ndarray]) -> None:
    plan, truth = herd
    assert merged(plan, truth.tolist()) == sorted(truth.tolist())


@settings(max_examples=40)
@given(herds(largest=60), st.randoms(use_true_random=False))
def test_the_order_of_tiles_and_boxes_means_nothing(herd: tuple[TilePlan, np.ndarray], order: random.Random) -> None:
    plan, truth = herd
    scores, labels = np.linspace(0.2, 0.9, len(truth)), np.arange(len(truth)) % 2
    found = looked(plan, truth, scores, labels, jitter=2.0)
    expected = merge(plan, found)
    shuffled = list(range(len(plan.windows)))
    order.shuffle(shuffled)
    mixed = TilePlan(
        *(plan.width, plan.height, plan.model_width, plan.model_height, plan.columns, plan.rows),
        *(tuple(plan.windows[i] for i in shuffled), plan.overlap, plan.scale),
    )
    looks = []
    for i in (*shuffled, len(shuffled)):
        rows = np.array(order.sample(range(len(found[i][1])), len(found[i][1])), int)
        looks.append(tuple(array[rows] for array in found[i]))
    for one, other in zip(expected, merge(mixed, looks), strict=True):  # type: ignore[arg-type]
        assert one.tolist() == other.tolist()


@settings(max_examples=40)
@given(herds(largest=60))
def test_boxes_that_are_a_pixel_off_are_one_object_all_the_same(herd: tuple[TilePlan, np.ndarray]) -> None:
    plan, truth = herd
    size = (truth[:, 2:] - truth[:, :2]).min()
    overlaps = iou(truth.astype(np.float32), truth.astype(np.float32))
    assume(size >= 10 and (overlaps[~np.eye(len(truth), dtype=bool)] == 0).all())
    boxes, _, _ = merge(plan, looked(plan, truth, jitter=1.0))
    assert len(boxes) == len(truth)
    assert iou(boxes, truth.astype(np.float32)).max(axis=1).min() > 0.6
