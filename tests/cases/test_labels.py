"""Label files and data sets, kind by kind, as a user types it: read rightly, or one line and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.commands.main import main
from export.data.coco import read_coco
from export.data.formats import read_folder
from tests.conftest import shared
from tests.support.label_files import (
    coco,
    voc_object,
    write_image,
    write_json,
    write_text,
    write_voc,
    yolo_line,
)

BOX = (16, 8, 32, 24)
Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def both() -> str:
        out, err = capsys.readouterr()
        return out + err

    return both


def check(folder: Path, *words: str) -> int:
    return main(["data", "check", str(folder), "--out", str(folder / "out"), *words])


def flight(folder: Path, names: list[str], **image: Any) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    for name in names:
        write_image(folder / name, rng.integers(60, 200, (48, 64)).astype(np.uint8))
    boxes = [{"image_id": i, "category_id": 1, "bbox": [16, 8, 16, 16]} for i in range(len(names))]
    return coco([{"file_name": name} | image for name in names], boxes, {1: "deer"})


# ---- of the case book ----

CASES = [
    ("07-coco-duplicate-image-id/data", 2, "image id 0 is both a0.jpg and b0.jpg"),
    ("08-coco-categories/one-id-twice", 2, "category id 1 is both 'person' and 'car'"),
    ("08-coco-categories/two-ids-of-one-name", 2, "categories 1 ('person') and 2 ('person') have one name"),
    ("08-coco-categories/iscrowd-string", 0, "1 boxes marked iscrowd or ignore"),
    ("08-coco-categories/roboflow-category-0", 0, "category 0 ('deer-drone') is the name of all others"),
    ("10-yolo-names/n1", 0, "1 of 1 frames are usable"),
    ("10-yolo-names/n12", 0, "1 of 1 frames are usable"),
    ("10-yolo-names/b1", 0, "1 of 1 frames are usable"),
    ("12-yolo-lost-frames/s1", 2, "none of the 2 pictures"),
    ("12-yolo-lost-frames/s3", 0, "3 of 3 frames are usable"),
    ("12-yolo-lost-frames/s4", 0, "2 label files have no picture: f1.txt, f2.txt"),
    ("12-yolo-lost-frames/p3", 2, "not pixels"),
    ("18-layouts/cvat-coco", 0, "3 of 3 frames are usable"),
    ("18-layouts/roboflow-voc", 0, "3 of 3 frames are usable"),
    ("18-layouts/voc-list-with-subset", 0, "names 2 of the 3 annotation files"),
    ("18-layouts/yolo-cv11", 0, "1 label files have no picture: f2.txt"),
    ("18-layouts/yolo-n7", 0, "1 label files have no picture: f2.txt"),
    ("19-coco-messages/backslash", 0, "3 of 3 frames are usable"),
    ("19-coco-messages/bom", 0, "3 of 3 frames are usable"),
    ("19-coco-messages/e1", 2, "annotations[0].bbox"),
    ("19-coco-messages/e7", 0, "3 of 3 frames are usable"),
    ("19-coco-messages/e8", 2, "box 0 is of image 99, which is not listed (id 1, image 99"),
    ("19-coco-messages/voc-no-size", 0, "3 of 3 frames are usable"),
]


@pytest.mark.parametrize(("case", "code", "told"), CASES, ids=[case[0] for case in CASES])
def test_the_case_book(case: str, code: int, told: str, tmp_path: Path, said: Said) -> None:
    folder = shared("cases", "models_and_data", case)
    assert main(["data", "check", str(folder), "--out", str(tmp_path)]) == code
    assert told in said()
    if not code:
        frame = read_coco(tmp_path / "cleaned.json", tmp_path).frames[0]
        boxes = sorted(np.concatenate([frame.boxes, frame.ignored]).tolist())
        np.testing.assert_allclose(boxes, [[15, 33, 26, 41], [81, 100, 96, 112], [104, 86, 112, 98]], atol=1e-3)


def test_yolo_names_by_number_of_the_case_book() -> None:
    for name, classes in (("n1", ("person", "car")), ("n5", ("person, lying", "car")), ("n3", ("person", "car"))):
        data = read_folder(shared("cases", "models_and_data", "10-yolo-names", name))
        assert (data.classes, data.frames[0].labels.tolist()) == (classes, [0, 1, 0])


def test_hituavs_own_json_is_its_xml(tmp_path: Path) -> None:
    """Its XML names its source, and begins at pixel 0: no box is shifted."""
    own = read_coco(shared("data", "hituav", "annotations", "val.json"), shared("data", "hituav", "val"))
    for frame in own.frames[:20]:
        objects = "".join(
            voc_object(own.classes[i], tuple(box)) for i, box in zip(frame.labels, frame.boxes.astype(int), strict=True)
        )
        file = tmp_path / f"Annotations/{frame.path.stem}.xml"
        write_voc(file, objects, frame.path.name, "The pegasus Database", "640 512")
    xml = {f.path.stem: f for f in read_folder(tmp_path).frames}
    for frame in own.frames[:20]:
        np.testing.assert_array_equal(xml[frame.path.stem].boxes, frame.boxes)


# ---- the check ----


def test_a_picture_that_is_not_there_is_called_so(tmp_path: Path, said: Said) -> None:
    content = flight(tmp_path / "train", ["a.png", "b.png"])
    (tmp_path / "train/b.png").unlink()
    write_json(tmp_path / "annotations/train.json", content)
    assert check(tmp_path) == 0
    text = said()
    assert "1 pictures are not there (no such file): b.png" in text
    assert "1 unreadable: frame left out; the first: image" in text
    assert "grey" not in text


def test_no_usable_frame_is_a_failure(tmp_path: Path, said: Said) -> None:
    content = flight(tmp_path / "train", ["a.png", "b.png"], width=128, height=96)
    write_json(tmp_path / "annotations/train.json", content)
    assert check(tmp_path) == 1
    text = said()
    assert "2 size: frame left out: its boxes belong to another size; the first: a.png: the image is 64x48, its" in text
    assert "none of the frames is usable" in text


def test_no_usable_box_is_a_failure(tmp_path: Path, said: Said) -> None:
    content = flight(tmp_path / "train", ["a.png"])
    content["annotations"][0]["bbox"] = [16, 8, -3, float("nan")]
    write_json(tmp_path / "annotations/train.json", content)
    assert check(tmp_path) == 1
    assert "none of the boxes is usable" in said()


def test_names_of_one_flight_are_never_all_on_one_side(tmp_path: Path, said: Said) -> None:
    names = [f"DJI_{i:04d}.jpg" for i in range(1, 21)]
    write_json(tmp_path / "train/_annotations.coco.json", flight(tmp_path / "train", names))
    assert check(tmp_path, "--hold-back", "0.2") == 2
    assert "all 20 frames are one flight by their name (DJI:1-20)" in said()
    assert not (tmp_path / "out").exists()
    assert check(tmp_path, "--hold-back", "0.2", "--flights", "end") == 0
    assert "20 DJI:1-20: 4 held back" in said()
    parts = [json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in ("cleaned", "held_back")]
    assert [len(part["images"]) for part in parts] == [16, 4]


def test_frames_of_no_flight_are_not_left_out_in_silence(tmp_path: Path, said: Said) -> None:
    write_json(tmp_path / "train/_annotations.coco.json", flight(tmp_path / "train", ["DJI_1.png", "DJI_2.png"]))
    assert check(tmp_path, "--without", "DJI_:1-2") == 2
    assert "no frame is of it: expected some of the flights, such as DJI:1-2" in said()


def test_what_was_assumed_stands_in_the_report_too(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    write_voc(tmp_path / "a.xml", voc_object("deer", BOX), "a.png", "Unknown")
    assert check(tmp_path, "--quiet") == 0
    assert "VOC boxes were read with pixels from 0" in (tmp_path / "out/report.html").read_text()
    assert check(tmp_path, "--quiet", "--voc-origin", "1") == 0
    assert json.loads((tmp_path / "out/cleaned.json").read_text())["annotations"][0]["bbox"] == [15, 7, 17, 17]


def test_a_checked_set_is_checked_again_without_a_difference(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write_text(tmp_path / "labels/a.txt", yolo_line(1, BOX) + yolo_line(2, (1, 2, 4, 8)))
    write_text(tmp_path / "data.yaml", "names: [person, deer, DontCare]\n")
    assert check(tmp_path, "--quiet") == 0
    first = (tmp_path / "out/cleaned.json").read_text()
    again = ["data", "check", str(tmp_path), "--annotations", str(tmp_path / "out/cleaned.json")]
    assert main([*again, "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert (tmp_path / "again/cleaned.json").read_text() == first
