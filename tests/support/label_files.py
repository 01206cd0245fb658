"""Small pictures and label files as teams have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def coco(images: list[dict[str, Any]], boxes: list[dict[str, Any]], names: dict[int, str]) -> dict[str, Any]:
    """COCO's own keys; each box and each image gets an id where it has none."""
    categories = [{"id": i, "name": name, "supercategory": "none"} for i, name in names.items()]
    return {
        "images": [{"id": i, "width": 64, "height": 48} | image for i, image in enumerate(images)],
        "annotations": [{"id": i, "iscrowd": 0} | box for i, box in enumerate(boxes)],
        "categories": categories,
    }


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def voc_object(name: str, corners: tuple[float, ...], more: str = "") -> str:
    """``corners`` are written as they are."""
    sides = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    return f"<object><name>{name}</name>{more}<bndbox>{sides}</bndbox></object>"


def write_voc(path: Path, objects: str, picture: str = "", source: str = "", size: str = "64 48") -> Path:
    head = f"<filename>{picture}</filename>" if picture else ""
    head += f"<source><database>{source}</database></source>" if source else ""
    if size:
        width, height = size.split()
        head += f"<size><width>{width}</width><height>{height}</height><depth>1</depth></size>"
    return write_text(path, f"<annotation>{head}{objects}</annotation>")


def yolo_line(label: int, corners: tuple[float, ...], width: int = 64, height: int = 48) -> str:
    x1, y1, x2, y2 = corners
    parts = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return " ".join([str(label), *(repr(p) for p in parts)]) + "\n"
