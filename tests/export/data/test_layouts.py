"""The folders that tools write, file by file as they write them, all give the same boxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputError
from export.data.formats import read_folder
from tests.support.label_files import coco, voc_object, write_image, write_json, write_text, write_voc, yolo_line

PERSON, CAR = (16, 8, 32, 24), (2, 30, 12, 40)  # xyxy in 64x48
NAMES = ["f0.png", "f1.png"]
LABELS = yolo_line(0, PERSON) + yolo_line(1, CAR)
LIST_NAMES = "person\ncar\n"
YAML = "nc: 2\nnames: ['person', 'car']\n"


def boxes_of(*names: str) -> dict[str, Any]:
    rows = [
        {"image_id": i, "category_id": c, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i in range(len(names))
        for c, (x1, y1, x2, y2) in ((1, PERSON), (2, CAR))
    ]
    return coco([{"file_name": name} for name in names], rows, {1: "person", 2: "car"})


def pictures(folder: Path, names: list[str] = NAMES) -> None:
    for name in names:
        write_image(folder / name)


def texts(folder: Path, names: list[str] = NAMES) -> None:
    for name in names:
        write_text(folder / Path(name).with_suffix(".txt"), LABELS)


def xml(folder: Path, names: list[str] = NAMES, add: int = 1, source: str = "", below: str = "") -> None:
    objects = "".join(
        voc_object(name, (x1 + add, y1 + add, x2, y2)) for name, (x1, y1, x2, y2) in (("person", PERSON), ("car", CAR))
    )
    for name in names:
        write_voc(folder / Path(name).with_suffix(".xml"), objects, f"{below}{name}", source)


def roboflow_coco(root: Path) -> None:
    for split in ("train", "valid", "test"):
        pictures(root / split)
        content = boxes_of(*NAMES)
        content["categories"].insert(0, {"id": 0, "name": "deer-drone", "supercategory": "none"})
        for category in content["categories"][1:]:
            category["supercategory"] = "deer-drone"
        write_json(root / split / "_annotations.coco.json", content)
    write_text(root / "README.roboflow.txt", "exported")


def roboflow_yolo(root: Path) -> None:
    for split in ("train", "valid"):
        pictures(root / split / "images")
        texts(root / split / "labels")
    write_text(root / "data.yaml", f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\n{YAML}")


def roboflow_darknet(root: Path) -> None:
    for split in ("train", "valid"):
        pictures(root / split)
        texts(root / split)
        write_text(root / split / "_darknet.labels", LIST_NAMES)


def roboflow_voc(root: Path) -> None:
    for split in ("train", "valid"):
        pictures(root / split)
        xml(root / split)


def cvat_coco(root: Path) -> None:
    pictures(root / "images/default")
    write_json(root / "annotations/instances_default.json", boxes_of(*NAMES))


def cvat_coco_subsets(root: Path) -> None:
    for split in ("Train", "Validation"):
        pictures(root / "images" / split)
        write_json(root / f"annotations/instances_{split}.json", boxes_of(*NAMES))


def cvat_yolo(root: Path) -> None:
    pictures(root / "obj_train_data")
    texts(root / "obj_train_data")
    write_text(root / "train.txt", "".join(f"data/obj_train_data/{n}\n" for n in NAMES))
    write_text(root / "obj.names", LIST_NAMES)
    write_text(root / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")


def cvat_ultralytics(root: Path) -> None:
    pictures(root / "images/train")
    texts(root / "labels/train")
    write_text(root / "train.txt", "".join(f"data/images/train/{n}\n" for n in NAMES))
    write_text(root / "data.yaml", "path: .\ntrain: train.txt\nnames:\n  0: person\n  1: car\n")


def cvat_voc(root: Path) -> None:
    pictures(root / "JPEGImages/train")
    xml(root / "Annotations/train", add=0, source="Unknown", below="train/")
    write_text(root / "ImageSets/Main/train.txt", "train/f0\ntrain/f1\n")
    write_text(root / "ImageSets/Main/car_train.txt", "train/f0 1\ntrain/f1 -1\n")
    write_text(root / "labelmap.txt", "# label:color_rgb:parts:actions\nperson:1,2,3::\n")


def label_studio_coco(root: Path) -> None:
    hashed = [f"1a2b3c4d-{name}" for name in NAMES]
    pictures(root / "images", hashed)
    write_json(root / "result.json", boxes_of(*(f"images\\{name}" for name in hashed)))


def label_studio_elsewhere(root: Path) -> None:
    pictures(root / "images")
    write_json(root / "result.json", boxes_of(*(f"/data/upload/3/1a2b3c4d-{name}" for name in NAMES)))


def label_studio_served(root: Path) -> None:
    pictures(root / "flight 1")
    write_json(root / "result.json", boxes_of(*(f"/data/local-files/?d=flight%201/{name}" for name in NAMES)))


def label_studio_yolo(root: Path) -> None:
    pictures(root / "images")
    texts(root / "labels")
    write_text(root / "classes.txt", LIST_NAMES)
    write_json(root / "notes.json", {"categories": [{"id": 0, "name": "person"}, {"id": 1, "name": "car"}], "info": {}})


def label_studio_voc(root: Path) -> None:
    pictures(root / "images")
    xml(root / "Annotations", add=0, source="MyDatabase")


def ultralytics_lists(root: Path) -> None:
    pictures(root / "a/images")
    pictures(root / "b/images", ["g0.png"])
    texts(root / "a/labels")
    texts(root / "b/labels", ["g0.png"])
    write_text(root / "val.txt", "./b/images/g0.png\n")
    write_text(root / "data.yaml", f"path: {root}\ntrain:\n  - a/images\nval: val.txt\n{YAML}")


def ultralytics_elsewhere(root: Path) -> None:
    pictures(root / "images/train")
    texts(root / "labels/train")
    yaml = f"path: ../datasets/deer\ntrain: /home/other/deer/images/train\nval: images/val\n{YAML}"
    write_text(root / "deer.yaml", yaml)


def yolo_flat_labels(root: Path) -> None:
    pictures(root / "images/train")
    pictures(root / "images/val", ["g0.png"])
    texts(root / "labels", [*NAMES, "g0.png"])
    write_text(root / "classes.txt", LIST_NAMES)


def yolo_flat_pictures(root: Path) -> None:
    pictures(root / "images", [*NAMES, "g0.png"])
    texts(root / "labels/train")
    texts(root / "labels/val", ["g0.png"])
    write_text(root / "classes.txt", LIST_NAMES)


def labelimg_yolo(root: Path) -> None:
    pictures(root)
    texts(root)
    write_text(root / "classes.txt", LIST_NAMES)


def labelimg_voc(root: Path) -> None:
    pictures(root)
    xml(root, add=0, source="Unknown")


def voc_by_hand(root: Path) -> None:
    pictures(root / "images")
    xml(root / "annotations")


def voc_in_labels(root: Path) -> None:
    pictures(root / "images")
    xml(root / "labels")


def darknet(root: Path) -> None:
    pictures(root / "obj", [*NAMES, "g0.png"])
    texts(root / "obj", [*NAMES, "g0.png"])
    write_text(root / "train.txt", "".join(f"data/obj/{n}\n" for n in NAMES))
    write_text(root / "valid.txt", "data/obj/g0.png\n")
    write_text(root / "obj.names", LIST_NAMES)
    write_text(
        root / "obj.data", "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    )


def hituav(root: Path) -> None:
    pictures(root / "train")
    content = boxes_of(*NAMES)
    for image in content["images"]:
        image["filename"] = image.pop("file_name")
    content["annotation"] = content.pop("annotations")
    write_json(root / "annotations/train.json", content)
    write_json(root / "annotations/val.json", content)


def coco_of_2017(root: Path) -> None:
    for split in ("train2017", "val2017"):
        pictures(root / split)
        write_json(root / f"annotations/instances_{split}.json", boxes_of(*NAMES))
        write_json(root / f"annotations/captions_{split}.json", {"images": [], "annotations": []})


def coco_below(root: Path) -> None:
    pictures(root / "raw/flight7")
    write_json(root / "annotations/deer.json", boxes_of(*NAMES))


TOOLS: list[Callable[[Path], None]] = [
    roboflow_coco, roboflow_yolo, roboflow_darknet, roboflow_voc, cvat_coco, cvat_coco_subsets, cvat_yolo,
    cvat_ultralytics, cvat_voc, label_studio_coco, label_studio_elsewhere, label_studio_served, label_studio_yolo,
    label_studio_voc, ultralytics_lists, ultralytics_elsewhere, yolo_flat_labels, yolo_flat_pictures, labelimg_yolo,
    labelimg_voc, voc_by_hand, voc_in_labels, darknet, hituav, coco_of_2017, coco_below,
]  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_writes_is_read(tool: Callable[[Path], None], tmp_path: Path) -> None:
    tool(tmp_path)
    data = read_folder(tmp_path)
    assert set(data.classes) == {"person", "car"}
    assert [f.path.name.removeprefix("1a2b3c4d-") for f in data.frames] == NAMES
    for frame in data.frames:
        assert frame.path.is_file()
        for name, box in (("person", PERSON), ("car", CAR)):
            np.testing.assert_allclose(frame.boxes[frame.labels == data.classes.index(name)], [box], atol=1e-4)
    assert not any("not there" in note or ("left out" in note and "category" not in note) for note in data.notes)


@pytest.mark.parametrize(
    "tool",
    [
        roboflow_coco,
        roboflow_yolo,
        roboflow_voc,
        cvat_coco_subsets,
        ultralytics_lists,
        yolo_flat_labels,
        darknet,
        hituav,
    ],
)
@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_val_has_many_names(tool: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    tool(tmp_path)
    data = read_folder(tmp_path, name)
    assert "its part val was read, of " in data.notes[0]
    assert not {f.path for f in data.frames} & {f.path for f in read_folder(tmp_path, "train").frames}
    assert all(len(f.boxes) == 2 for f in data.frames)
    with pytest.raises(InputError, match="has no part 'flight9': expected one of "):
        read_folder(tmp_path, "flight9")


def test_a_folder_without_parts_is_read_whole_and_says_so(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    assert read_folder(tmp_path).notes == ()
    assert "has no parts: all of it was read as val" in read_folder(tmp_path, "val").notes[0]


def test_several_parts_and_no_train_are_asked_for(tmp_path: Path) -> None:
    for split in ("val", "test"):
        pictures(tmp_path / split)
        write_json(tmp_path / split / "_annotations.coco.json", boxes_of(*NAMES))
    with pytest.raises(InputError, match="has the parts test, val: choose one: --split test"):
        read_folder(tmp_path)


def test_several_kinds_of_labels_are_not_chosen_from(tmp_path: Path) -> None:
    cvat_coco(tmp_path)
    label_studio_yolo(tmp_path)
    with pytest.raises(
        InputError, match=r"several kinds of labels, COCO \(annotations/inst.*\), YOLO \(labels\): leave"
    ):
        read_folder(tmp_path)


def test_two_files_for_one_part_are_not_chosen_from(tmp_path: Path) -> None:
    hituav(tmp_path)
    write_json(tmp_path / "annotations/instances_val.json", boxes_of(*NAMES))
    with pytest.raises(
        InputError, match=r"two label files for val: annotations/instances_val.json and annotations/val.js"
    ):
        read_folder(tmp_path, "val")
    assert len(read_folder(tmp_path)) == 2


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({}, "it is empty"),
        ({"inner/classes.txt": LIST_NAMES, "inner/labels/f0.txt": LABELS}, "inner does: give that folder"),
        ({"VOCdevkit/VOC2007/Annotations/a.xml": "<annotation/>"}, "VOC2007 does: give that folder"),
        ({"annotations.xml": "<annotations><version>1.1</version></annotations>"}, "export the task as COCO 1.0"),
        ({"deer.zip": "PK"}, "unpack deer.zip first"),
        ({"labels.csv": "f0.png,1,2,3,4"}, "it holds labels.csv$"),
        (
            {"a.JPG": ""},
            "it holds a.JPG. Boxes to begin with: edge-export data propose .* --out DIR. If they show no object at "
            "all: docs/labels.md, Frames that show nothing$",
        ),
    ],
)
def test_no_labels_are_a_line_that_says_what_is_there(there: dict[str, str], told: str, tmp_path: Path) -> None:
    for name, text in there.items():
        write_text(tmp_path / name, text)
    with pytest.raises(InputError, match=f"holds no labels.*COCO.*VOC.*YOLO.*{told}") as caught:
        read_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_part_that_the_yaml_names_and_that_is_not_there_is_told(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    write_text(tmp_path / "data.yaml", f"train: images/train\n{YAML}")
    told = "the data file says that train is 'images/train', which is not there"
    assert told in read_folder(tmp_path).notes[0]


@pytest.mark.parametrize("entry", ["../../..", "/", "..", "x\\0", "a" * 5000])
def test_a_yaml_does_not_send_the_reader_over_the_whole_disk(entry: str, tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    write_text(tmp_path / "data.yaml", f'train: "{entry}"\n{YAML}')
    data = read_folder(tmp_path)
    assert [f.path.name for f in data.frames] == NAMES
    assert "which is not there" in data.notes[0]


def test_a_part_of_a_yolo_set_finds_its_names_above(tmp_path: Path) -> None:
    roboflow_yolo(tmp_path)
    assert read_folder(tmp_path / "train").classes == ("person", "car")


def test_a_picture_of_another_part_is_never_taken(tmp_path: Path) -> None:
    hituav(tmp_path)
    for name in NAMES:
        write_image(tmp_path / "val" / name)
        (tmp_path / "train" / name).unlink()
    data = read_folder(tmp_path)
    assert {f.path.parent.name for f in data.frames} == {"train"}
    assert data.notes[-1] == "2 pictures are not there (no such file): f0.png, f1.png"


def test_a_name_of_two_pictures_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "flight1", ["f0.png"])
    pictures(tmp_path / "flight2", ["f0.png"])
    write_json(tmp_path / "annotations.json", boxes_of("f0.png"))
    with pytest.raises(InputError, match=r"image 0: f0.png is not there, and 2 pictures have its name"):
        read_folder(tmp_path)


def test_what_the_check_wrote_is_no_label_file_of_the_folder(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    (tmp_path / "cleaned.json").write_text(json.dumps(boxes_of(*NAMES)))
    assert len(read_folder(tmp_path)) == 2
