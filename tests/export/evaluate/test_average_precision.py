"""Average precision against faster-coco-eval, and the operator's figures by hand."""

from __future__ import annotations

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from edge.measure.average_precision import ALL, IOUS, Judged, Ranking, found_at, rank
from export.evaluate.evaluate import PAPER_SIZES, figures
from export.parity.pairs import size_of

NONE = np.zeros((0, 4), np.float32)


def random_frames(seed: int, count: int = 6) -> list[Judged]:
    rng = np.random.default_rng(seed)

    def boxes(n: int) -> np.ndarray:
        low = rng.uniform(0, 80, (n, 2))
        return np.concatenate([low, low + rng.uniform(6, 30, (n, 2))], axis=1).astype(np.float32)

    frames = []
    for _ in range(count):
        truth = boxes(int(rng.integers(0, 7)))
        near = truth + rng.normal(0, 2.0, truth.shape).astype(np.float32)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        found = np.concatenate([near, boxes(5)])
        labels = np.concatenate([rng.integers(0, 2, len(truth)), rng.integers(0, 2, 5)])
        frames.append(
            Judged(
                found,
                rng.permutation(len(found)).astype(np.float32) / 50 + rng.uniform(0, 0.01),
                labels,
                truth,
                rng.integers(0, 2, len(truth)),
                boxes(int(rng.integers(0, 2))) + 5,
            )
        )
    return frames


def reference_ap(frames: list[Judged], area: tuple[float, float]) -> list[list[float]]:
    """AP [class][iou] of COCOeval; ignored regions as crowds of every class."""

    def row(box: np.ndarray) -> list[float]:
        return [float(v) for v in (box[0], box[1], np.float64(box[2]) - box[0], np.float64(box[3]) - box[1])]

    truth, found = [], []
    for i, f in enumerate(frames):
        things = [(b, int(c), 0) for b, c in zip(f.true_boxes, f.true_labels, strict=True)]
        things += [(b, c, 1) for b in f.ignored for c in (0, 1)]
        for box, label, crowd in things:
            b = row(box)
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": i,
                    "category_id": label,
                    "bbox": b,
                    "area": b[2] * b[3],
                    "iscrowd": crowd,
                }
            )
        for box, score, label in zip(f.boxes, f.scores, f.labels, strict=True):
            found.append({"image_id": i, "category_id": int(label), "bbox": row(box), "score": float(score)})
    reference = COCO(
        {
            "info": {},
            "images": [{"id": i} for i in range(len(frames))],
            "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}],
            "annotations": truth,
        }
    )
    run = COCOeval_faster(reference, reference.loadRes(found), "bbox")
    run.params.areaRng, run.params.areaRngLbl = [[area[0], min(area[1], 1e10)]], ["x"]
    run.params.iouThrs = IOUS
    run.evaluate()
    run.accumulate()
    return [[float(run.eval["precision"][t, :, c, 0, -1].mean()) for t in range(10)] for c in (0, 1)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("area", [(0.0, float("inf")), *PAPER_SIZES.values()])
def test_equals_faster_coco_eval(seed: int, area: tuple[float, float]) -> None:
    frames = random_frames(seed)
    expected = reference_ap(frames, area)
    for label in (0, 1):
        for t, min_iou in enumerate(IOUS):
            got = rank(frames, label, float(min_iou), area).average_precision()
            # COCOeval says -1 where there is nothing to find
            assert (-1.0 if got is None else got) == pytest.approx(expected[label][t], abs=1e-9)


@pytest.mark.parametrize("area", [ALL, (100.0, 300.0)])
def test_each_true_box_is_found_at_the_score_of_its_detection(area: tuple[float, float]) -> None:
    for seed in range(4):
        frames = random_frames(seed)
        for label in (0, 1):
            each = np.concatenate([found_at(frame, label, 0.5, area) for frame in frames])
            ranking = rank(frames, label, 0.5, area)
            assert np.count_nonzero(~np.isnan(each)) == ranking.total
            assert sorted(each[each > 0].tolist()) == sorted(ranking.scores[ranking.hits].tolist())
            assert len(each) == sum(int((frame.true_labels == label).sum()) for frame in frames)


def test_operators_figures_by_hand() -> None:
    ranking = Ranking(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), total=4)
    assert ranking.best_f1() == {"threshold": 0.6, "f1": 0.75, "precision": 0.75, "recall": 0.75}
    assert ranking.recall_at_false(0.9) == 0.5
    assert ranking.recall_at_false(1.0) == 0.75
    # precision 1 up to recall 0.5 (51 of 101 points), then 3/4 up to 0.75 (25 points)
    assert ranking.average_precision() == pytest.approx((51 + 25 * 0.75) / 101)


def test_a_perfect_detector_and_a_blind_one() -> None:
    frames = random_frames(5)
    perfect = [
        Judged(
            f.true_boxes,
            np.ones(len(f.true_boxes), np.float32),
            f.true_labels,
            f.true_boxes,
            f.true_labels,
            f.ignored,
        )
        for f in frames
    ]
    result = figures(perfect, ("a", "b"))
    assert result["ap"] == pytest.approx(1.0)
    assert result["counting"]["a"] == {"bias": 0.0, "mean_absolute": 0.0}
    none = np.zeros((0, 4), np.float32)
    blind = [
        Judged(none, np.zeros(0, np.float32), np.zeros(0, np.int64), f.true_boxes, f.true_labels, none) for f in frames
    ]
    result = figures(blind, ("a", "b", "never"))
    assert result["ap50"] == 0.0
    assert result["per_class_ap50"]["never"] is None


def boxes_of(*sides: tuple[float, float]) -> np.ndarray:
    """Boxes of these widths and heights, far from each other."""
    return np.array([(100.0 * i, 0, 100.0 * i + w, h) for i, (w, h) in enumerate(sides)], np.float32)


def test_a_box_on_an_edge_is_of_one_size() -> None:
    """187 and 408 px^2: the smaller one, as `export.parity.pairs.size_of` and docs/output.md have it."""
    truth = boxes_of((11, 17), (17.03125, 11), (17, 24), (24.0625, 17))  # 187, 187.34, 408, 409.06
    labels, scores = np.zeros(4, np.int64), np.full(4, 0.9, np.float32)
    frame = Judged(truth, scores, labels, truth, labels, NONE)
    alone = {size: rank([frame], 0, 0.5, area).total for size, area in PAPER_SIZES.items()}
    assert alone == {"small": 1, "medium": 2, "large": 1}
    assert [("small", "medium", "large")[i] for i in size_of(truth)] == ["small", "medium", "medium", "large"]
    edges = np.concatenate([np.random.default_rng(7).integers(1, 40, (300, 2)), [(11, 17), (17, 24)]])
    whole = boxes_of(*map(tuple, edges.tolist()))
    one = Judged(whole, np.ones(302, np.float32), np.zeros(302, np.int64), whole, np.zeros(302, np.int64), NONE)
    assert sum(rank([one], 0, 0.5, area).total for area in PAPER_SIZES.values()) == 302


def test_counting_leaves_out_what_lies_over_ignored_regions() -> None:
    """Three frames: one right; one right and two over a region that nobody labelled; one false."""
    person, region, alone = [0.0, 0, 10, 10], [40.0, 0, 80, 40], [10.0, 50, 20, 60]
    inside = [[45.0, 5, 55, 15], [60.0, 20, 70, 30]]

    def frame(found: list[list[float]], ignored: list[list[float]]) -> Judged:
        count = len(found)
        truth, regions = (np.array(b, np.float32).reshape(-1, 4) for b in ([person], ignored))
        scores = np.full(count, 0.9, np.float32)
        return Judged(np.array(found, np.float32), scores, np.zeros(count, int), truth, np.zeros(1, np.int64), regions)

    judged = [frame([person], []), frame([person, *inside], [region])]
    result = figures(judged, ("Person",))
    assert result["counting"]["Person"] == {"bias": 0.0, "mean_absolute": 0.0}
    judged.append(frame([person, alone], [region]))
    result = figures(judged, ("Person",))
    row = next(row for row in result["thresholds"]["Person"] if "best_f1" in row["of"])
    assert (row["found"], row["missed"], row["false"]) == (3, 0, 1)
    assert result["counting"]["Person"]["bias"] == (row["false"] - row["missed"]) / 3
