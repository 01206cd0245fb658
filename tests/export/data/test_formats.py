"""Labels in four formats read the same; YOLO's class names are what YAML says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.data.formats import read_folder
from tests.support.label_files import write_coco, write_image

BOX = (16.0, 8.0, 32.0, 24.0)  # xyxy in a 64x48 frame


def test_four_formats_read_the_same(tmp_path: Path) -> None:
    write_coco(tmp_path / "h", ["a.png"], [(0, 1, [16, 8, 16, 16]), (0, 4, [0, 0, 4, 4]), (0, 0, [1, 1, 2, 2])])
    write_image(tmp_path / "v/JPEGImages/a.png")
    (tmp_path / "v/Annotations").mkdir()
    objects = "".join(
        f"<object><name>{n}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for n, x, y, x2, y2 in (("Car", 16, 8, 32, 24), ("Person", 1, 1, 3, 3), ("DontCare", 0, 0, 4, 4))
    )
    (tmp_path / "v/Annotations/a.xml").write_text(
        f"<annotation><filename>a</filename><size><width>64</width><height>48</height></size>{objects}</annotation>"
    )
    write_image(tmp_path / "y/images/train/a.png")
    (tmp_path / "y/labels/train").mkdir(parents=True)
    (tmp_path / "y/labels/train/a.txt").write_text(
        f"1 {24 / 64} {16 / 48} {16 / 64} {16 / 48}\n0 {2 / 64} {2 / 48} {2 / 64} {2 / 48}\n"
    )
    (tmp_path / "y/data.yaml").write_text("nc: 2\nnames:\n  0: Person\n  1: Car\n")
    for kind in "hvy":
        data = read_folder(tmp_path / kind)
        cars = {name: i for i, name in enumerate(data.classes)}["Car"]
        frame = data.frames[0]
        assert set(data.classes) == {"Person", "Car"}
        np.testing.assert_allclose(frame.boxes[frame.labels == cars], [BOX], atol=1e-4)
        assert len(frame.boxes) == 2
        assert len(frame.ignored) == (0 if kind == "y" else 1)
        assert (frame.width, frame.height) == (64, 48)


def yolo(folder: Path, names: str, label: int = 1, file: str = "data.yaml") -> Path:
    write_image(folder / "images/a.png")
    (folder / "labels").mkdir()
    (folder / "labels/a.txt").write_text(f"{label} 0.5 0.5 0.25 0.25\n")
    (folder / file).write_text(names)
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("names: [person, car]", "car"),
        ("names: ['person, lying', 'car']", "car"),
        ("nc: 2\nnames: {0: person, 1: car}\n", "car"),
        ("names:  # by number\n  1: car\n  0: person  # standing or lying\n", "car"),
        ("names:\n- person\n# vehicles\n- car\n", "car"),
        ("names:\n  0: person\n  1: no\n", "no"),  # a text, not the truth value
        ("\ufeffnames: [person, car]", "car"),
    ],
)
def test_yolos_classes_are_what_its_yaml_says(text: str, expected: str, tmp_path: Path) -> None:
    data = read_folder(yolo(tmp_path, text))
    assert data.classes[data.frames[0].labels[0]] == expected
    assert len(data.classes) == 2


def test_yolos_numbers_need_not_follow_each_other(tmp_path: Path) -> None:
    data = read_folder(yolo(tmp_path, "names: {0: person, 2: car}", label=2))
    assert data.classes == ("person", "car")
    assert data.frames[0].labels.tolist() == [1]
    (tmp_path / "labels/a.txt").write_text("1 0.5 0.5 0.25 0.25\n")
    with pytest.raises(InputError, match=r"a\.txt, line 1: class 1: expected one of 0 person, 2 car"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("names: [person", "cannot be read as YAML"),
        ("names:\n\t- person", "cannot be read as YAML"),
        ("names: person", "names 'person'"),
        ("names: {a: person}", "names .'a': 'person'."),
        ("names: {0: person, 00: car}", "names"),
        ("names: [[person], car]", "names"),
        ("names: [person, '']", "names"),
        ("nc: 2", "names no classes"),
        ("", "names no classes"),
    ],
)
def test_yaml_without_usable_names_is_one_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read_folder(yolo(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_classes_in_a_text_file_of_windows(tmp_path: Path) -> None:
    assert read_folder(yolo(tmp_path, "\ufeffperson\r\ncar\r\n", file="classes.txt")).classes == ("person", "car")
