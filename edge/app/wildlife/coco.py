"""COCO: ``images``, ``annotations`` with a score, ``categories``; a frame at a time, so that memory stays flat."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.data import class_name
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import DetectionsFile, picture_name, searched, why_not_searched
from edge.system.files import written_private

NAME = "detections.coco.json"


def write_coco(detections: DetectionsFile, path: Path) -> str:
    """Write the file; returns what a person should know of it.

    An image for each frame that was searched: another one, as with a closed shutter, is left out, since an image
    without annotations means that nothing is there.

    Raises InputError as `DetectionsFile` does; OSError where it cannot be written.
    """
    images = boxes = 0
    left_out = Counter[str]()
    seen = set(range(len(detections.first.classes)))
    with written_private(path) as out:
        out.write(b'{"images":[')
        for frame in detections:
            if not searched(frame):
                left_out[why_not_searched(frame)] += 1
                continue
            images += 1
            out.write(_item(_image(detections, frame, images), first=images == 1))
        out.write(b'],\n"annotations":[')
        for number, frame in enumerate((f for f in detections if searched(f)), 1):
            for annotation in _annotations(frame, number):
                boxes += 1
                seen.add(annotation["category_id"] - 1)
                out.write(_item({"id": boxes, **annotation}, first=boxes == 1))
        categories = [{"id": n + 1, "name": class_name(detections.first.classes, n)} for n in sorted(seen)]
        info = {"description": "found by thermal-edge; no person has checked it", "model": detections.first.model}
        out.write(b'],\n"categories":' + json.dumps(categories).encode() + b',\n"info":' + json.dumps(info).encode())
        out.write(b"}\n")
    others = "".join(f"; {n} frames are left out: {why}" for why, n in left_out.items())
    return f"{path}: {boxes} boxes in {images} images{others}"


def _item(value: dict[str, Any], first: bool) -> bytes:
    return (b"\n" if first else b",\n") + json.dumps(value, separators=(",", ":")).encode()


def _image(detections: DetectionsFile, frame: FrameLine, number: int) -> dict[str, Any]:
    size = detections.size(frame)
    item = {"id": number, "file_name": picture_name(frame), "width": size.width, "height": size.height}
    if frame.utc is not None:
        item["date_captured"] = frame.utc
    return {**item, "seq": frame.seq}


def _annotations(frame: FrameLine, image: int) -> Iterator[dict[str, Any]]:
    for found in frame.detections:
        x1, y1, x2, y2 = found.box
        width, height = round(x2 - x1, 2), round(y2 - y1, 2)
        item = {
            "image_id": image,
            "category_id": found.label + 1,  # COCO counts from 1
            "bbox": [x1, y1, width, height],
            "area": round(width * height, 2),
            "iscrowd": 0,
            "score": found.score,
        }
        if isinstance(found.track, int) and found.track > 0:
            item["track_id"] = found.track
        yield item
