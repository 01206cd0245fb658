"""A page of frames to look at: the best, the worst, the most missed, the most false."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.records import Float32
from edge.score import iou
from export.training.average_precision import Judged
from export.training.dataset import LabelledFrame, LabelledSet, read_grey

FOUND, MISSED, FALSE = (80, 220, 80), (60, 60, 255), (0, 200, 255)  # BGR
COLUMNS, TILE = 3, (480, 384)


def outcomes(judged: Judged, threshold: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Float32]:
    """Which true boxes are found (M,), which shown detections are true (N,), and the shown boxes (N, 4)."""
    shown = judged.scores >= threshold
    boxes, labels = judged.boxes[shown], judged.labels[shown]
    found, right = np.zeros(len(judged.true_boxes), bool), np.zeros(len(boxes), bool)
    if len(boxes) and len(found):
        same = labels[:, None] == judged.true_labels[None]
        overlaps = np.where(same, iou(boxes, judged.true_boxes), 0.0)
        for i in range(len(boxes)):
            j = int(np.argmax(np.where(found, 0.0, overlaps[i])))
            if not found[j] and overlaps[i, j] >= 0.5:
                found[j] = right[i] = True
    return found, right, boxes


def draw_page(data: LabelledSet, judged: Sequence[Judged], threshold: float) -> bytes:
    """JPEG bytes: a row each of the frames with most found, lowest F1, most missed, most false."""
    results = [outcomes(j, threshold) for j in judged]
    found = np.array([r[0].sum() for r in results])
    missed = np.array([(~r[0]).sum() for r in results])
    false = np.array([(~r[1]).sum() for r in results])
    f1 = 2 * found / np.maximum(2 * found + missed + false, 1)
    rows = []
    for title, rank in (
        ("best", -found * f1),
        ("worst", np.where(found + missed > 0, f1, 2)),
        ("most missed", -missed),
        ("most false", -false),
    ):
        chosen = np.argsort(rank, kind="stable")[:COLUMNS]
        tiles = [_tile(title, data.frames[i], judged[i], results[i]) for i in chosen]
        tiles += [np.zeros((TILE[1], TILE[0], 3), np.uint8)] * (COLUMNS - len(tiles))
        rows.append(np.hstack(tiles))
    done, data_bytes = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return bytes(data_bytes)


def _tile(
    title: str,
    frame: LabelledFrame,
    judged: Judged,
    result: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Float32],
) -> npt.NDArray[np.uint8]:
    found, right, boxes = result
    grey = read_grey(frame)
    picture = cv2.cvtColor(cv2.resize(grey, TILE), cv2.COLOR_GRAY2BGR)
    scale = np.array([TILE[0] / grey.shape[1], TILE[1] / grey.shape[0]] * 2)
    for group, colour in ((boxes[right], FOUND), (judged.true_boxes[~found], MISSED), (boxes[~right], FALSE)):
        for x1, y1, x2, y2 in (group * scale).round().astype(int).tolist():
            cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 1)
    text = f"{title}: {found.sum()} found, {(~found).sum()} missed, {(~right).sum()} false"
    cv2.putText(picture, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)
