"""Small pictures and label files as teams have them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

TEXTURE = np.random.default_rng(0).integers(60, 120, (48, 64)).astype(np.uint8)


def write_image(path: Path, pixels: np.ndarray = TEXTURE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def write_coco(folder: Path, names: list[str], boxes: list[tuple[int, int, list[float]]]) -> Path:
    """Boxes are (image, category, xywh); HIT-UAV's keys."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    content = {
        "images": [{"id": i, "filename": n, "width": 64, "height": 48} for i, n in enumerate(names)],
        "categories": [{"id": 0, "name": "Person"}, {"id": 1, "name": "Car"}, {"id": 4, "name": "DontCare"}],
        "annotation": [{"image_id": i, "category_id": c, "bbox": b} for i, c, b in boxes],
    }
    file = folder / "annotations" / "train.json"
    file.write_text(json.dumps(content))
    return file
