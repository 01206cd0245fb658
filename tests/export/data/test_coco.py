"""COCO's JSON and HIT-UAV's; what cannot be used is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import TemperatureScale
from edge.errors import InputError
from export.data.coco import read_coco, to_coco
from tests.support.label_files import write_coco


def content(**changes: Any) -> dict[str, Any]:
    """A whole COCO file with keys that nobody here reads; ``changes`` are of its one box."""
    box = {"id": 5, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "segmentation": [], "area": 12}
    return {
        "info": {"year": 2026},
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48, "license": 3}],
        "annotations": [box | changes],
        "categories": [{"id": 2, "name": "deer", "supercategory": "animal"}],
    }


def read(folder: Path, values: Any) -> Any:
    (folder / "a.json").write_text(json.dumps(values))
    return read_coco(folder / "a.json", folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("{}", "'categories'"),
        ('{"images": [], "annotations": [], "categories": []}', "0 images"),
    ],
)
def test_unusable_annotations_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=says):
        read_coco(tmp_path / "a.json", tmp_path)


def test_labels_beyond_the_classes(tmp_path: Path) -> None:
    file = write_coco(tmp_path, ["a.png"], [(0, 7, [1, 1, 5, 5])])
    with pytest.raises(InputError, match="category 7"):
        read_coco(file, tmp_path)


@pytest.mark.parametrize(
    ("changes", "objects"),
    [
        ({}, 1),
        ({"image_id": "1", "category_id": 2.0, "bbox": ["1", 2, 3, 4]}, 1),
        ({"iscrowd": 0}, 1),
        ({"iscrowd": False}, 1),
        ({"iscrowd": None}, 1),
        ({"iscrowd": "0"}, 1),
        ({"iscrowd": 1}, 0),
        ({"iscrowd": True}, 0),
    ],
)
def test_what_others_write_is_read(changes: dict[str, Any], objects: int, tmp_path: Path) -> None:
    (frame,) = read(tmp_path, content(**changes)).frames
    assert (len(frame.boxes), len(frame.ignored)) == (objects, 1 - objects)
    np.testing.assert_array_equal(np.concatenate([frame.boxes, frame.ignored]), [[1, 2, 4, 6]])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bbox": []}, r"annotations\[0\]\.bbox: expected .* length 4, got 0"),
        ({"bbox": [1, 2, 3, None]}, r"annotations\[0\]\.bbox\[3\]: expected 'float', got 'null'"),
        ({"image_id": 9}, "box 0 is of image 9, which is not listed"),
        ({"category_id": "deer"}, r"annotations\[0\]\.category_id: expected 'int'"),
    ],
)
def test_a_box_that_cannot_be_used_is_named(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"a\.json.*{told}.*expected COCO's"):
        read(tmp_path, content(**changes))


def test_an_image_without_a_name_or_a_size(tmp_path: Path) -> None:
    for key, told in (("file_name", "image 1 has no 'file_name'"), ("width", r"images\[0\]: .*'width'")):
        values = content()
        del values["images"][0][key]
        with pytest.raises(InputError, match=told):
            read(tmp_path, values)


def test_there_and_back_with_a_temperature_scale(tmp_path: Path) -> None:
    values = content()
    values["images"][0]["temperature"] = {"gain": 0.01}
    data = read(tmp_path, values)
    assert data.frames[0].temperature == TemperatureScale(0.01)
    again = read(tmp_path, to_coco(data, tmp_path))
    assert again.classes == data.classes
    assert again.frames[0].temperature == data.frames[0].temperature
    np.testing.assert_array_equal(again.frames[0].boxes, data.frames[0].boxes)


def test_a_byte_order_mark_and_numbers_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps(content(bbox=[float("nan"), 2, 3, 4])))
    assert np.isnan(read_coco(tmp_path / "a.json", tmp_path).frames[0].boxes).any()  # `tidy` drops and names it
