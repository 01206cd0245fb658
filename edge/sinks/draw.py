"""What a person looks at: boxes drawn on the normalised picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32, Result, class_name
from edge.sim.truth import SimulatedFrame
from edge.sinks.colours import on_picture

FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(result: Result, classes: Sequence[str], truth: bool = False, scale: int = 1) -> npt.NDArray[np.uint8]:
    """``(H * scale, W * scale, 3)`` uint8 BGR: the picture; a box, name, number of its track and score for each
    detection.

    ``truth``: also mark, with corners, what a simulated frame really holds.
    """
    size = (result.frame.width * scale, result.frame.height * scale)
    grey = result.picture if scale == 1 else cv2.resize(result.picture, size, interpolation=cv2.INTER_LINEAR)
    image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if truth and isinstance(result.frame, SimulatedFrame):
        for box in result.frame.truth.boxes * scale:
            _corners(image, box)
    found = result.detections
    tracks = found.track_ids if found.track_ids is not None else [-1] * len(found)
    for box, score, label, track in zip(found.boxes * scale, found.scores, found.labels, tracks, strict=True):
        name = class_name(classes, label) + (f" #{track}" if track >= 0 else "")
        colour = on_picture(label)
        # a line outside the box, so that a body of 15 px is not painted over
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        cv2.rectangle(image, (x1 - 2, y1 - 2), (x2 + 1, y2 + 1), colour, 1, cv2.LINE_8)
        _text(image, f"{name} {score:.2f}", (x1 - 2, y1 - 6 if y1 > 16 else y2 + 12), colour)
    flags = " ".join(sorted(result.frame.flags)).upper()
    _text(
        image,
        f"{result.frame.seq:06d}  {len(found)} found  {flags}".rstrip(),
        (6, image.shape[0] - 8),
        (255, 255, 255),
    )
    return image


def _text(image: npt.NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    (width, height), below = cv2.getTextSize(text, FONT, 0.36, 1)
    x, y = at
    cv2.rectangle(image, (x, y - height), (x + width, y + below - 1), (0, 0, 0), cv2.FILLED)
    cv2.putText(image, text, at, FONT, 0.36, colour, 1, cv2.LINE_AA)


def _corners(image: npt.NDArray[np.uint8], box: Float32) -> None:
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    for x, dx in ((x1 - 4, 4), (x2 + 3, -4)):
        for y, dy in ((y1 - 4, 4), (y2 + 3, -4)):
            cv2.line(image, (x, y), (x + dx, y), (255, 255, 255), 1)
            cv2.line(image, (x, y), (x, y + dy), (255, 255, 255), 1)
