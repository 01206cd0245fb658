"""The picture of the page: the newest frame with its boxes as a JPEG, made once for all who look."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Result, class_name
from edge.sinks.draw import COLOURS, FONT

LARGEST_PX = 960  # the longer side: a field's radio carries little
SMALLEST_PX = 480  # smaller pictures are drawn twice as large or more, so that text can be read
QUALITY = 80
MOST_BOXES = 200
WHITE = (255, 255, 255)

Place = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""


def paint(result: Result, classes: Sequence[str]) -> npt.NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 BGR: the picture with box, class, number of the track and warmest degrees C of each find."""
    grey, longer = result.picture, max(result.picture.shape)
    scale = LARGEST_PX / longer if longer > LARGEST_PX else float(max(1, math.ceil(SMALLEST_PX / longer)))
    if scale != 1:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = (max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1))
        grey = np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)
    image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    found = result.detections
    taken: list[Place] = []
    for i in range(min(len(found), MOST_BOXES)):
        colour = COLOURS[int(found.labels[i]) % len(COLOURS)]
        x1, y1, x2, y2 = (round(float(v) * scale) for v in found.boxes[i])
        box = x1 - 3, y1 - 3, x2 + 2, y2 + 2
        cv2.rectangle(image, box[:2], box[2:], (0, 0, 0), 4)
        cv2.rectangle(image, box[:2], box[2:], colour, 2)
        taken.append(box)
    for i in range(len(taken)):
        _label(image, label_of(result, i, classes), taken, i, COLOURS[int(found.labels[i]) % len(COLOURS)])
    return image


def label_of(result: Result, i: int, classes: Sequence[str]) -> str:
    """What stands beside a box; the font has ASCII only."""
    found = result.detections
    track = "" if found.track_ids is None or found.track_ids[i] <= 0 else f" {found.track_ids[i]}"
    warmest = math.nan if found.celsius is None else float(found.celsius[i, 2])
    warm = "" if math.isnan(warmest) else f" {warmest:.1f} C"
    return f"{class_name(classes, int(found.labels[i]))}{track}{warm}"


def jpeg(result: Result, classes: Sequence[str]) -> bytes:
    """The same as a file."""
    done, data = cv2.imencode(".jpg", paint(result, classes), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise RuntimeError("OpenCV cannot encode a JPEG")
    return data.tobytes()


def _label(image: npt.NDArray[np.uint8], text: str, taken: list[Place], i: int, colour: tuple[int, int, int]) -> None:
    """Beside box ``i`` where nothing is ``taken``: above, below, right or left; else above."""
    (width, height), deep = cv2.getTextSize(text, FONT, 0.5, 1)
    x1, y1, x2, y2 = taken[i]
    wide, high = width + 6, height + deep + 4
    corners = [(x1, y1 - high - 2), (x1, y2 + 3), (x2 + 3, y1), (x1 - wide - 3, y1)]
    end_x, end_y = max(image.shape[1] - wide, 0), max(image.shape[0] - high, 0)
    places = [
        (x, y, x + wide, y + high) for x, y in ((min(max(x, 0), end_x), min(max(y, 0), end_y)) for x, y in corners)
    ]
    place = next((one for one in places if not any(_meet(one, other) for other in taken)), places[0])
    taken.append(place)
    cv2.rectangle(image, place[:2], place[2:], (0, 0, 0), cv2.FILLED)
    cv2.line(image, (place[0], place[1]), (place[0], place[3]), colour, 2)
    cv2.putText(image, text, (place[0] + 3, place[3] - deep - 2), FONT, 0.5, WHITE, 1, cv2.LINE_AA)


def _meet(one: Place, other: Place) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
