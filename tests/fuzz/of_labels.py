"""Label files: COCO, YOLO with its lists and data.yaml, Pascal VOC, tables of conditions, corrected proposals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tests.fuzz.target import Target

PNG = cv2.imencode(".png", np.zeros((48, 64), np.uint8))[1].tobytes()
COCO = {
    "info": {"description": "x"},
    "images": [{"id": i, "file_name": name, "width": 64, "height": 48} for i, name in ((1, "a.png"), (2, "b.png"))],
    "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "DontCare", "supercategory": "none"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 12], "area": 108, "segmentation": []},
        {"id": 2, "image_id": 2, "category_id": 2, "bbox": [10.5, 20, 5, 6], "iscrowd": 1},
    ],
}  # fmt: skip
VOC = b"""<?xml version="1.0"?>
<annotation><folder>x</folder><filename>a.png</filename><source><database>me</database></source>
<size><width>64</width><height>48</height><depth>1</depth></size>
<object><name>person</name><difficult>0</difficult>
<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>10</xmax><ymax>15</ymax></bndbox></object></annotation>
"""
YAML = b"path: .\ntrain: images\nval: images\nnc: 2\nnames:\n  0: person\n  1: car\nkpt_shape: [17, 3]\n"


def _set(name: str, **more: bytes) -> Callable[[Path, bytes], None]:
    """A folder of labelled pictures with the case under this name."""

    def act(folder: Path, data: bytes) -> None:
        from export.data.formats import read_folder

        files = {"images/a.png": PNG, "images/b.png": PNG} | {key.replace("__", "/"): of for key, of in more.items()}
        for where, content in (files | {name: data}).items():
            (folder / where).parent.mkdir(parents=True, exist_ok=True)
            (folder / where).write_bytes(content)
        read_folder(folder)

    return act


YOLO = {"labels__a.txt": b"0 0.5 0.5 0.2 0.2\n"}


def cocos() -> dict[str, bytes]:
    return {"plain": json.dumps(COCO).encode(), "indented": json.dumps(COCO, indent=1).encode()}


def yolos() -> dict[str, bytes]:
    return {"boxes": b"0 0.5 0.5 0.2 0.2\n1 0.1 0.2 0.05 0.1\n", "more": b"0 0.1 0.1 0.2 0.1 0.2 0.3 0.1 0.3\n"}


def conditions() -> dict[str, bytes]:
    return {"csv": b"file,light,height\na.png,day,60\nb.png,night,80\n"}


def read_conditions(folder: Path, data: bytes) -> None:
    from export.data.formats import read_folder
    from export.evaluate.conditions import read_conditions as read

    _set("annotations/train.json")(folder, json.dumps(COCO).encode())
    (folder / "c.csv").write_bytes(data)
    read(folder / "c.csv", read_folder(folder))


def read_corrected(folder: Path, data: bytes) -> None:
    from export.data.assist.corrected import corrected
    from export.data.formats import read_folder

    _set("annotations/train.json")(folder, json.dumps(COCO).encode())
    (folder / "p").mkdir()
    (folder / "p" / "proposals.json").write_bytes(data)
    corrected(read_folder(folder), folder / "p")


ROWS = (
    Target("coco", cocos, _set("annotations/train.json"), "json"),
    Target("voc", lambda: {"one": VOC}, _set("Annotations/a.xml"), "text"),
    Target("yolo", yolos, _set("labels/a.txt", **{"data.yaml": YAML}), "text"),
    Target("yolo-yaml", lambda: {"dict": YAML, "list": b"names: [person, car]\n"}, _set("data.yaml", **YOLO), "text"),
    Target("yolo-names", lambda: {"list": b"person\ncar\n"}, _set("classes.txt", **YOLO), "text"),
    Target("conditions", conditions, read_conditions, "text"),
    Target("corrected", cocos, read_corrected, "json"),
)
