"""YOLO's lines are what they look like, and a picture without a file is not always background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.data.formats import read_folder
from tests.support.label_files import write_image, write_text

LINE = "0 0.5 0.5 0.25 0.25\n"


def yolo(
    folder: Path, pictures: list[str], labels: dict[str, str], names: str = "names: [deer, person, DontCare]"
) -> Path:
    for name in pictures:
        write_image(folder / f"images/{name}")
    for name, text in labels.items():
        write_text(folder / f"labels/{name}", text)
    (folder / "labels").mkdir(exist_ok=True)
    write_text(folder / "data.yaml", names)
    return folder


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0 104.0 86.0 8.0 12.0", "holds 104: expected parts of the picture from 0 to 1, not pixels"),
        ("0 0.5 0.5 0.25 0.25 0.93", "a detection with its score"),
        ("0 0.5 0.5 0.25", "is 4 numbers"),
        ("0 0.5 0.5 0.1 0.1 0.2 0.2 0.3", "is 8 numbers"),
        ("0,0.5,0.5,0.25,0.25", "expected class x y width height"),
        ("deer 0.5 0.5 0.25 0.25", "expected class x y width height"),
        ("3 0.5 0.5 0.25 0.25", "class 3: expected one of 0 deer, 1 person, 2 DontCare"),
        ("0.5 0.5 0.5 0.25 0.25", "class 0.5"),
        ("nan 0.5 0.5 0.25 0.25", "class nan"),
        ("-1 0.5 0.5 0.25 0.25", "class -1"),
    ],
)
def test_a_line_that_is_no_box_is_named(line: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"labels/a\.txt, line 2: .*{told}"):
        read_folder(yolo(tmp_path, ["a.png"], {"a.txt": f"\n{line}\n"}))


def test_polygons_become_the_boxes_around_them(tmp_path: Path) -> None:
    lines = "0 0.25 0.5 0.5 0.25 0.375 0.75\n1 0.5 0.5 0.75 0.5 0.75 1 0.5 1\n" + LINE
    data = read_folder(yolo(tmp_path, ["a.png"], {"a.txt": lines}))
    np.testing.assert_allclose(data.frames[0].boxes, [[16, 12, 32, 36], [32, 24, 48, 48], [24, 18, 40, 30]])
    assert data.notes == (f"2 boxes are drawn around polygons; the first: {tmp_path / 'labels/a.txt'}",)


def test_keypoints_behind_a_box_are_not_its_polygon(tmp_path: Path) -> None:
    names = "names: [deer]\nkpt_shape: [2, 2]"
    data = read_folder(yolo(tmp_path, ["a.png"], {"a.txt": "0 0.5 0.5 0.25 0.25 0.1 0.1 0.9 0.9\n"}, names))
    np.testing.assert_allclose(data.frames[0].boxes, [[24, 18, 40, 30]])


def test_dont_care_is_no_class(tmp_path: Path) -> None:
    data = read_folder(yolo(tmp_path, ["a.png"], {"a.txt": LINE + "2 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.1 0.1\n"}))
    assert data.classes == ("deer", "person")
    assert data.frames[0].labels.tolist() == [0, 1]
    np.testing.assert_allclose(data.frames[0].ignored, [[16, 12, 48, 36]])
    assert "1 boxes of DontCare are ignored regions; the first: a.png" in data.notes


def test_corners_are_not_taken_for_centre_and_size(tmp_path: Path) -> None:
    lines = "".join(f"0 {x} {x} {x + 0.1} {x + 0.1}\n" for x in (0.1, 0.3, 0.5, 0.7, 0.85))
    with pytest.raises(InputError, match="2 of 5 boxes lie outside .* all fit as two corners"):
        read_folder(yolo(tmp_path, ["a.png"], {"a.txt": lines}))


@pytest.mark.parametrize(
    ("pictures", "labels", "frames", "told"),
    [
        ("abc", "abc", "abc", ""),
        ("abc", "ab", "abc", "1 of 3 pictures have no label file and are read as background: c.png"),
        (
            "abcd",
            "a",
            "a",
            "3 of 4 pictures have no label file and are left out, as most have none: b.png, c.png, d.png",
        ),
        (
            "abc",
            "abx",
            "ab",
            "1 of 3 pictures have no label file and are left out, as label files are left over: c.png",
        ),
        ("a", "abc", "a", "2 label files have no picture: b.txt, c.txt"),
    ],
)
def test_pictures_and_label_files_are_counted(
    pictures: str, labels: str, frames: str, told: str, tmp_path: Path
) -> None:
    data = read_folder(yolo(tmp_path, [f"{n}.png" for n in pictures], {f"{n}.txt": LINE for n in labels}))
    assert [f.path.stem for f in data.frames] == list(frames)
    assert told in " ".join(data.notes)
    assert bool(data.notes) == bool(told)


def test_no_label_file_fits_is_refused(tmp_path: Path) -> None:
    told = r"none of the 2 pictures .* \(a\.png, b\.png\) and the names of its 2 label files .* \(a_T\.txt, b_T\.txt\)"
    with pytest.raises(InputError, match=told + ".*expected a.txt for a.png"):
        read_folder(yolo(tmp_path, ["a.png", "b.png"], {"a_T.txt": LINE, "b_T.txt": LINE}))


def test_an_empty_file_says_that_nothing_is_there(tmp_path: Path) -> None:
    data = read_folder(yolo(tmp_path, ["a.png", "b.png"], {"a.txt": LINE, "b.txt": ""}))
    assert [len(f.boxes) for f in data.frames] == [1, 0]
    assert data.notes == ()


def test_subfolders_are_read_each_with_its_own(tmp_path: Path) -> None:
    labels = {"1/a.txt": LINE, "2/a.txt": LINE.replace("0 ", "1 ", 1)}
    data = read_folder(yolo(tmp_path, ["1/a.png", "2/a.png"], labels))
    assert [(f.path.parent.name, f.labels.tolist()) for f in data.frames] == [("1", [0]), ("2", [1])]


def test_two_pictures_do_not_share_a_label_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.bmp and .*a\.png have one label file"):
        read_folder(yolo(tmp_path, ["a.bmp", "a.png"], {"a.txt": LINE}))


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    folder = yolo(tmp_path, ["a.png", "b.png"], {"a.txt": LINE, "b.txt": LINE})
    (folder / "images/a.png").write_bytes(b"\x89PNG")
    data = read_folder(folder)
    assert [f.path.name for f in data.frames] == ["b.png"]
    assert "1 pictures cannot be read and are left out" in data.notes[0]
    assert "a.png" in data.notes[0]
    (folder / "images/b.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"a\.png cannot be read"):
        read_folder(folder)


def test_an_escape_sequence_in_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds a label file called 'a.x1b"):
        read_folder(yolo(tmp_path / "b", ["a.png"], {"a\x1b[2J.txt": LINE}))
    with pytest.raises(InputError, match="holds a picture called 'a.x1b"):
        read_folder(yolo(tmp_path / "c", ["a\x1b[2J.png"], {"a.txt": LINE}))
