"""Label files: COCO, YOLO with its lists and data.yaml, Pascal VOC, tables of conditions, corrected proposals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from tests.fuzz.folder import put
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


PICTURES = {"images/a.png": PNG, "images/b.png": PNG}
NAMES = b"names: [person, car]\n"
BOX = b"0 0.5 0.5 0.2 0.2\n"


def _in(name: str) -> Callable[[Path, bytes], None]:
    """A folder of labelled pictures with the case under this name."""

    def act(folder: Path, data: bytes) -> None:
        from export.data.formats import read_folder

        (folder / name).parent.mkdir(exist_ok=True)
        put(folder / name, data)
        read_folder(folder)

    return act


def _beside(more: Mapping[str, bytes]) -> Callable[[], dict[str, bytes]]:
    return lambda: PICTURES | more


def cocos() -> dict[str, bytes]:
    return {"plain": json.dumps(COCO).encode(), "indented": json.dumps(COCO, indent=1).encode()}


def yolos() -> dict[str, bytes]:
    return {"boxes": b"0 0.5 0.5 0.2 0.2\n1 0.1 0.2 0.05 0.1\n", "more": b"0 0.1 0.1 0.2 0.1 0.2 0.3 0.1 0.3\n"}


def conditions() -> dict[str, bytes]:
    return {"csv": b"file,light,height\na.png,day,60\nb.png,night,80\n"}


def read_conditions(folder: Path, data: bytes) -> None:
    from export.data.formats import read_folder
    from export.evaluate.conditions import read_conditions as read

    put(folder / "c.csv", data)
    read(folder / "c.csv", read_folder(folder))


def read_corrected(folder: Path, data: bytes) -> None:
    from export.data.assist.corrected import corrected
    from export.data.formats import read_folder

    (folder / "p").mkdir()
    put(folder / "p" / "proposals.json", data)
    corrected(read_folder(folder), folder / "p")


COCO_BESIDE = _beside({"annotations/train.json": json.dumps(COCO).encode()})
YAML_SEEDS = {"dict": YAML, "list": NAMES}
ROWS = (
    Target("coco", cocos, _in("annotations/train.json"), "json", beside=_beside({})),
    Target("voc", lambda: {"one": VOC}, _in("Annotations/a.xml"), "text", beside=_beside({})),
    Target("yolo", yolos, _in("labels/a.txt"), "text", beside=_beside({"data.yaml": NAMES})),
    Target("yolo-yaml", lambda: YAML_SEEDS, _in("data.yaml"), "text", beside=_beside({"labels/a.txt": BOX})),
    Target(
        "yolo-names", lambda: {"list": b"person\ncar\n"}, _in("classes.txt"), "text",
        beside=_beside({"labels/a.txt": BOX}),
    ),
    Target("conditions", conditions, read_conditions, "text", beside=COCO_BESIDE),
    Target("corrected", cocos, read_corrected, "json", beside=COCO_BESIDE),
)  # fmt: skip
