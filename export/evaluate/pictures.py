"""A page of frames to look at: the best, the worst, the most missed, the most false."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.measure.average_precision import Judged
from export.data.dataset import LabelledFrame, LabelledSet, read_grey
from export.evaluate.outcome import Outcome, outcome

FOUND, MISSED, FALSE = (80, 220, 80), (60, 60, 255), (0, 200, 255)  # BGR
COLUMNS, TILE = 3, (480, 384)


def draw_page(data: LabelledSet, judged: Sequence[Judged], threshold: float) -> bytes:
    """JPEG bytes: a row each of the frames with most found, lowest F1, most missed, most false."""
    results = [outcome(j, threshold) for j in judged]
    found = np.array([r.found.sum() for r in results])
    missed = np.array([(~r.found).sum() for r in results])
    false = np.array([(~r.right).sum() for r in results])
    f1 = 2 * found / np.maximum(2 * found + missed + false, 1)
    rows: list[npt.NDArray[np.uint8]] = []
    taken: set[int] = set()
    for title, rank in (
        ("best", -found * f1),
        ("worst", np.where(found + missed > 0, f1, 2)),
        ("most missed", -missed),
        ("most false", -false),
    ):
        chosen = [i for i in np.argsort(rank, kind="stable").tolist() if i not in taken][:COLUMNS]
        taken.update(chosen)
        tiles = [_tile(title, data.classes, data.frames[i], judged[i], results[i]) for i in chosen]
        tiles += [np.zeros((TILE[1], TILE[0], 3), np.uint8)] * (COLUMNS - len(tiles))
        rows.append(np.hstack(tiles))
    done, data_bytes = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return bytes(data_bytes)


def _tile(
    title: str, classes: Sequence[str], frame: LabelledFrame, judged: Judged, result: Outcome
) -> npt.NDArray[np.uint8]:
    grey = read_grey(frame)
    picture = cv2.cvtColor(cv2.resize(grey, TILE), cv2.COLOR_GRAY2BGR)
    scale = np.array([TILE[0] / grey.shape[1], TILE[1] / grey.shape[0]] * 2)
    found, right = result.found, result.right
    groups = (
        (result.boxes[right], result.labels[right], FOUND),
        (judged.true_boxes[~found], judged.true_labels[~found], MISSED),
        (result.boxes[~right], result.labels[~right], FALSE),
    )
    for boxes, labels, colour in groups:
        for (x1, y1, x2, y2), label in zip((boxes * scale).round().astype(int).tolist(), labels, strict=True):
            cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 1)
            if colour != FOUND:  # what it is, above; what it was taken for, below
                at = (x1, y1 - 3) if colour == MISSED else (x1, y2 + 10)
                cv2.putText(picture, classes[label], at, cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour, 1, cv2.LINE_AA)
    text = f"{title}: {found.sum()} found (green), {(~found).sum()} missed (red), {(~right).sum()} false (yellow)"
    cv2.putText(picture, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)
