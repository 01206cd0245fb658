"""In a COCO file each id and each name is one thing's, and boxes are what COCO says they are, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputError
from export.data.coco import read_coco
from export.data.dataset import LabelledSet
from tests.support.label_files import coco, write_image, write_json

Content = dict[str, Any]


def content() -> Content:
    images = [{"file_name": "a.png"}, {"file_name": "b.png"}]
    boxes = [{"image_id": i, "category_id": 1 + i, "bbox": [4, 6, 10, 12]} for i in range(2)]
    return coco(images, boxes, {1: "deer", 2: "person"})


def read(folder: Path, values: Any) -> LabelledSet:
    for name in ("a.png", "b.png"):
        write_image(folder / name)
    return read_coco(write_json(folder / "x.json", values), folder)


def changed(kind: str, index: int, **values: Any) -> Callable[[Content], None]:
    return lambda c: c[kind][index].update(values)


def added(kind: str, **values: Any) -> Callable[[Content], None]:
    return lambda c: c[kind].append(values)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed("images", 1, id=0), "image id 0 is both a.png and b.png"),
        (changed("images", 1, id="0"), "image id 0 is both a.png and b.png"),
        (changed("images", 1, file_name="a.png"), r"images 0 and 1 are one picture, .*a\.png"),
        (changed("images", 1, file_name=".\\a.png"), r"images 0 and 1 are one picture, .*a\.png"),
        (changed("categories", 1, id=1), "category id 1 is both 'deer' and 'person'"),
        (changed("categories", 1, name="deer"), r"categories 1 \('deer'\) and 2 \('deer'\) have one name"),
        (changed("categories", 1, name=" Deer "), r"categories 1 \('deer'\) and 2 \('Deer'\) have one name"),
        (changed("categories", 1, name="\x1b[2Jdeer"), "category 2 is called '.x1b"),
        (changed("categories", 1, name="\ud800"), "category 2 is called"),
        (changed("categories", 1, name=""), "category 2 is called ''"),
        (changed("images", 1, file_name="b\0.png"), "image 1 'b.x00"),
        (changed("images", 1, file_name="b" * 5000), "image 1: no file can be called"),
        (changed("annotations", 1, image_id=7), r"box 1 is of image 7, which is not listed \(id 1, image 7, unknown\)"),
        (changed("annotations", 1, category_id=7), r"box 1 is of category 7, .*\(id 1, image 1, b\.png\)"),
        (changed("annotations", 1, bbox=[]), r"annotations\[1\].*\(id 1, image 1, b\.png\)"),
        (
            changed("annotations", 1, bbox=[1, 2, 3, 4, 0.5]),
            r"annotations\[1\]\.bbox: expected .* got 5 \(id 1, image 1",
        ),
        (changed("annotations", 1, bbox=None), r"annotations\[1\] \(id 1, image 1, b\.png\) has no 'bbox'"),
        (
            changed("annotations", 1, bbox=None, segmentation={"counts": "a", "size": [48, 64]}),
            "no 'bbox', and no poly",
        ),
        (changed("annotations", 1, bbox=[1, 2, "x", 4]), r"annotations\[1\]\.bbox\[2\].*\(id 1, image 1, b\.png\)"),
        (changed("annotations", 1, iscrowd="perhaps"), r"annotations\[1\]\.iscrowd.*\(id 1, image 1, b\.png\)"),
        (changed("annotations", 1, bbox=[1, 2, 10**400, 4]), "not JSON.*whole number of 401 digits"),
        (added("annotation", id=1), "x"),
    ],
)
def test_what_is_not_unique_or_not_known_is_named(change: Callable[[Content], None], told: str, tmp_path: Path) -> None:
    values = content() | {"annotation": []}
    change(values)
    if values["annotation"]:
        values["annotation"] = [{"image_id": 0, "category_id": 1, "bbox": [1, 1, 2, 2]}]
        told = "both 'annotations' and 'annotation'"
    with pytest.raises(InputError, match=told) as caught:
        read(tmp_path, values)
    assert str(caught.value).startswith(f"annotations {tmp_path / 'x.json'}")
    assert not any(mark in str(caught.value) for mark in "\n\x1b\0")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"images": [], "images": []}', "key 'images' comes twice"),
        ('{"images": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ("[]", "expected 'object', got 'array'"),
        ('{"images": [], "categories": []}', "no 'annotations'"),
    ],
)
def test_what_is_no_coco_is_one_line(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=told) as caught:
        read_coco(tmp_path / "x.json", tmp_path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_unicode_is_read(encoding: str, tmp_path: Path) -> None:
    values = content()
    values["categories"][0]["name"] = "jünger"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / "x.json").write_bytes((mark + json.dumps(values, ensure_ascii=False)).encode(encoding))
    assert read_coco(tmp_path / "x.json", tmp_path).classes == ("jünger", "person")


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "jünger"), ("gbk", "行人")])
def test_other_encodings_are_refused_with_the_line(encoding: str, name: str, tmp_path: Path) -> None:
    values = content()
    values["categories"][0]["name"] = name
    (tmp_path / "x.json").write_bytes(json.dumps(values, ensure_ascii=False, indent=1).encode(encoding))
    with pytest.raises(
        InputError, match=r"x\.json, line \d\d: byte 0x.. is no UTF-8: expected UTF-8, convert it: iconv"
    ):
        read_coco(tmp_path / "x.json", tmp_path)


def test_the_name_of_the_project_is_no_class(tmp_path: Path) -> None:
    values = content()
    for category in values["categories"]:
        category["supercategory"] = "deer"
    values["categories"].insert(0, {"id": 0, "name": "deer", "supercategory": "none"})
    data = read(tmp_path, values)
    assert data.classes == ("deer", "person")
    assert data.notes == ("category 0 ('deer') is the name of all others together and has no boxes: left out",)
    values["annotations"][0]["category_id"] = 0
    values["categories"][0]["name"] = values["categories"][1]["supercategory"] = "herd"
    values["categories"][2]["supercategory"] = "herd"
    assert read(tmp_path, values).classes == ("herd", "deer", "person")  # it has a box


@pytest.mark.parametrize("size", [{"width": None, "height": None}, {"width": 0, "height": 0}, {"width": -1}])
def test_a_size_that_is_not_given_is_read(size: Content, tmp_path: Path) -> None:
    values = content()
    values["images"][0] |= size
    assert [(f.width, f.height) for f in read(tmp_path, values).frames] == [(64, 48)] * 2
    (tmp_path / "a.png").unlink()
    data = read_coco(tmp_path / "x.json", tmp_path)
    assert [f.path.name for f in data.frames] == ["b.png"]
    assert any("1 images have no size" in n and "image 0 has no 'width'" in n and "a.png" in n for n in data.notes)


def test_polygons_and_turned_boxes_are_told(tmp_path: Path) -> None:
    values = content()
    values["annotations"][0] |= {"bbox": [], "segmentation": [[10, 4, 20.5, 9, 12, 14], [11, 3, 12, 3, 12, 4]]}
    values["annotations"][1] |= {"bbox": [20, 10, 20, 10], "attributes": {"rotation": 90.0, "occluded": False}}
    data = read(tmp_path, values)
    np.testing.assert_array_equal(data.frames[0].boxes, [[10, 3, 20.5, 14]])
    np.testing.assert_allclose(data.frames[1].boxes, [[25, 5, 35, 25]], atol=1e-4)
    assert data.notes == (
        "1 boxes are drawn around polygons; the first: annotations[0] (id 0, image 0, a.png)",
        "1 boxes are turned and were read as the upright boxes around them; the first: "
        "annotations[1] (id 1, image 1, b.png)",
    )


def corners(boxes: list[list[float]]) -> Content:
    values = content()
    values["annotations"] = [{"id": i, "image_id": 0, "category_id": 1, "bbox": box} for i, box in enumerate(boxes)]
    return values


def test_corners_and_parts_are_not_taken_for_places_and_sizes(tmp_path: Path) -> None:
    five = [[40, 20, 50, 30], [5, 5, 9, 12], [30, 30, 44, 40], [50, 2, 60, 9], [1, 1, 63, 47]]
    with pytest.raises(InputError, match=r"3 of 5 boxes lie outside .* all fit as x1, y1, x2, y2, such as \[40"):
        read(tmp_path, corners(five))
    assert len(read(tmp_path, corners([*five, [40, 20, 8, 8]])).frames[0].boxes) == 6  # one of them fits only as COCO's
    with pytest.raises(InputError, match="parts of the picture from 0 to 1"):
        read(tmp_path, corners([[0.5, 0.5, 0.1, 0.1]]))
    assert "3 of 6 boxes reach outside" in " ".join(read(tmp_path, corners([*five, [40, 20, 8, 8]])).notes)


def test_what_is_doubtful_is_counted(tmp_path: Path) -> None:
    values = content()
    values["annotations"][0] |= {"score": 0.9, "id": 5, "ignore": 1}
    values["annotations"][1] |= {"id": 5}
    values["images"].append({"id": 9, "file_name": "c.png", "width": 64, "height": 48})
    notes = read(tmp_path, values).notes
    for told in (
        "1 boxes marked iscrowd or ignore are ignored regions",
        "1 boxes carry a score",
        "1 ids of boxes come twice",
        "1 pictures are not there (no such file): c.png",
        "1 of 3 pictures have no boxes and are background: c.png",
    ):
        assert any(told in note for note in notes), told
