"""The picture of the page: the newest frame with its boxes as a JPEG, made once for all who look."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Result, class_name
from edge.sinks.colours import on_picture
from edge.sinks.draw import FONT
from edge.sinks.names import Place, place_names

LARGEST_PX = 960  # the longer side: a field's radio carries little
SMALLEST_PX = 480  # smaller pictures are drawn twice as large or more, so that text can be read
QUALITY = 80
MOST_BOXES = 200
WHITE = (255, 255, 255)
HERD = 12  # boxes; of more all names would hide the animals, or each other
FOOT = 20  # px at the bottom, for how many have no name

Picture = npt.NDArray[np.uint8]


def paint(result: Result, classes: Sequence[str]) -> Picture:
    """``(h, w, 3)`` uint8 BGR: the picture with box, class, number of the track and warmest degrees C of each find."""
    grey, longer = result.picture, max(result.picture.shape)
    scale = LARGEST_PX / longer if longer > LARGEST_PX else float(max(1, math.ceil(SMALLEST_PX / longer)))
    if scale != 1:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = (max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1))
        grey = np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)
    image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    found = result.detections
    boxes: list[Place] = []
    for i in range(min(len(found), MOST_BOXES)):
        x1, y1, x2, y2 = (round(float(v) * scale) for v in found.boxes[i])
        box = x1 - 3, y1 - 3, x2 + 2, y2 + 2
        cv2.rectangle(image, box[:2], box[2:], (0, 0, 0), 4)
        cv2.rectangle(image, box[:2], box[2:], on_picture(int(found.labels[i])), 2)
        boxes.append((box[0] - 1, box[1] - 1, box[2] + 2, box[3] + 2))  # with its edge
    _name(image, result, classes, boxes)
    return image


def _name(image: Picture, result: Result, classes: Sequence[str], boxes: Sequence[Place]) -> None:
    """The names of the boxes, of the oldest tracks first, so that they stay where they are; how many have no room."""
    found = result.detections
    numbers = found.track_ids if found.track_ids is not None else np.zeros(len(found), np.int32)
    order = sorted(range(len(boxes)), key=lambda i: (numbers[i] <= 0, numbers[i]))
    texts = [_texts(label_of(result, i, classes), int(numbers[i]), len(boxes)) for i in order]
    sizes = [[_size(text) for text in of_one] for of_one in texts]
    height, width = image.shape[:2]
    names = place_names([boxes[i] for i in order], sizes, (0, 0, width, height - FOOT))
    for i, name, of_one in zip(order, names, texts, strict=True):
        if name is not None:
            if name.line:
                cv2.line(image, *_leader(name.place, boxes[i]), on_picture(int(found.labels[i])), 1, cv2.LINE_AA)
            _write(image, of_one[name.which], name.place, on_picture(int(found.labels[i])))
    more = names.count(None) + len(found) - len(boxes)
    if more:
        text = f"{more} without room for a name"
        _write(image, text, (2, height - FOOT, 2 + _size(text)[0], height - 2), WHITE)


def _texts(label: str, number: int, boxes: int) -> list[str]:
    """What may stand beside a box, the longest first: in a herd the number of the track alone."""
    if number <= 0:
        return [label]
    return [str(number)] if boxes > HERD else [label, str(number)]


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


def _size(text: str) -> tuple[int, int]:
    (width, height), deep = cv2.getTextSize(text, FONT, 0.5, 1)
    return width + 6, height + deep + 4


def _leader(name: Place, box: Place) -> tuple[tuple[int, int], tuple[int, int]]:
    """From a name to the nearest point of the edge of its box: the animal inside stays free."""
    x, y = (name[0] + name[2]) // 2, (name[1] + name[3]) // 2
    return (x, y), (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))


def _write(image: Picture, text: str, place: Place, colour: tuple[int, int, int]) -> None:
    cv2.rectangle(image, place[:2], (place[2] - 1, place[3] - 1), (0, 0, 0), cv2.FILLED)
    cv2.line(image, (place[0], place[1]), (place[0], place[3] - 1), colour, 2)
    (_, height), _ = cv2.getTextSize(text, FONT, 0.5, 1)
    cv2.putText(image, text, (place[0] + 3, place[1] + height + 2), FONT, 0.5, WHITE, 1, cv2.LINE_AA)
