"""Pascal VOC as tools write it: where pixels begin is told from the files, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.data.dataset import LabelledSet
from export.data.formats import read_folder
from tests.support.label_files import voc_object, write_image, write_text, write_voc

BOX = (16, 8, 32, 24)


def read(root: Path, objects: str, source: str = "", origin: int | None = None, size: str = "64 48") -> LabelledSet:
    write_image(root / "JPEGImages/a.png")
    write_voc(root / "Annotations/a.xml", objects, "a.png", source, size)
    return read_folder(root, voc_origin=origin)


@pytest.mark.parametrize(
    ("source", "others", "box", "said"),
    [
        ("", "", (15, 7, 32, 24), "from 1, as VOC has them (no source is named)"),
        ("The VOC2007 Database", "", (15, 7, 32, 24), "from 1, as VOC has them (source: 'the voc2007 database')"),
        ("PASCAL", voc_object("car", (20.5, 9, 30, 12)), (15, 7, 32, 24), "from 1"),
        ("The pegasus Database", "", BOX, "from 0, as tools other than VOC's"),  # HIT-UAV's XML, whose JSON is the same
        ("Unknown", "", BOX, "from 0, as tools other than VOC's"),  # LabelImg, CVAT
        ("MyDatabase", "", BOX, "from 0, as tools other than VOC's"),  # Label Studio
        ("", voc_object("car", (0, 9, 30, 12)), BOX, "from 0, as a.xml has a box that begins at 0"),
        ("VOC2012", voc_object("car", (9, 0, 30, 12)), BOX, "from 0, as a.xml has a box that begins at 0"),
        ("", voc_object("car", (20.37, 9, 30, 12)), BOX, "from 0, as a.xml has parts of a pixel"),
        ("roboflow.ai", "", (15, 7, 32, 24), "from 1"),
        ("roboflow.ai", voc_object("car", (50, 9, 65, 12)), (15, 7, 31, 23), "from 1, both ends, as a.xml"),
        ("roboflow.ai", voc_object("car", (0, 9, 64, 12)), BOX, "from 0"),
    ],
)
def test_where_pixels_begin(source: str, others: str, box: tuple[int, ...], said: str, tmp_path: Path) -> None:
    data = read(tmp_path, voc_object("deer", BOX) + others, source)
    frame = data.frames[0]
    np.testing.assert_array_equal(frame.boxes[frame.labels == data.classes.index("deer")], [box])
    assert f"VOC boxes were read with pixels {said}" in data.notes[0]


@pytest.mark.parametrize(("origin", "box"), [(0, BOX), (1, (15, 7, 32, 24))])
def test_the_user_may_say_where(origin: int, box: tuple[int, ...], tmp_path: Path) -> None:
    data = read(tmp_path, voc_object("deer", BOX), "Unknown" if origin else "VOC2007", origin)
    np.testing.assert_array_equal(data.frames[0].boxes, [box])
    assert "as asked for" in data.notes[0]


def test_one_file_tells_for_the_whole_set(tmp_path: Path) -> None:
    write_image(tmp_path / "JPEGImages/b.png")
    write_voc(tmp_path / "Annotations/b.xml", voc_object("deer", (0, 3, 9, 9)), "b.png")
    np.testing.assert_array_equal(read(tmp_path, voc_object("deer", BOX)).frames[0].boxes, [BOX])


def test_turned_boxes_are_read_as_the_upright_ones_around_them(tmp_path: Path) -> None:
    cvat = "<attributes><attribute><name>rotation</name><value>90.0</value></attribute></attributes>"
    none = cvat.replace("90.0", "0.0")
    rolabelimg = (
        "<object><type>robndbox</type><name>deer</name><robndbox><cx>30</cx><cy>20</cy><w>20</w><h>10</h>"
        f"<angle>{np.pi / 4}</angle></robndbox></object>"
    )
    objects = voc_object("deer", (20, 10, 40, 20), cvat) + voc_object("deer", BOX, none) + rolabelimg
    data = read(tmp_path, objects, "Unknown")
    half = 30 / np.sqrt(2) / 2
    around = [30 - half, 20 - half, 30 + half, 20 + half]
    np.testing.assert_allclose(data.frames[0].boxes, [[25, 5, 35, 25], BOX, around], atol=1e-4)
    assert any(n.startswith("2 boxes are turned") and "object 1 of a.xml" in n for n in data.notes)


def test_hituavs_turned_boxes_are_its_upright_ones(tmp_path: Path) -> None:
    """Numbers of 0_100_30_0_03280.xml in its rotate_xml and normal_xml (Suo et al. 2023, CC BY 4.0)."""
    turned = ("215.984", "120.9863", "32.276", "15.9103", "2.589049")
    sides = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("cx", "cy", "w", "h", "angle"), turned, strict=True))
    data = read(tmp_path, f"<object><name>Car</name><robndbox>{sides}</robndbox></object>", "Unknown", size="640 512")
    np.testing.assert_allclose(data.frames[0].boxes, [[198, 105, 233, 136]], atol=1)


@pytest.mark.parametrize(
    ("more", "ignored"),
    [
        ("<difficult>1</difficult>", 1),
        ("<difficult>0</difficult>", 0),
        ("<difficult>true</difficult>", 1),
        ("<difficult>Unspecified</difficult>", 0),
        ("<truncated>1</truncated><occluded>1</occluded>", 0),
        ("<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>", 0),
    ],
)
def test_marks_of_an_object(more: str, ignored: int, tmp_path: Path) -> None:
    data = read(tmp_path, voc_object("deer", BOX, more))
    assert (len(data.frames[0].boxes), len(data.frames[0].ignored)) == (1 - ignored, ignored)
    assert any("1 boxes marked difficult are ignored" in note for note in data.notes) == bool(ignored)


@pytest.mark.parametrize("size", ["", "None None", "0 0", "64 None"])
def test_a_size_that_is_not_given_is_that_of_the_picture(size: str, tmp_path: Path) -> None:
    frame = read(tmp_path, voc_object("deer", BOX), size=size).frames[0]
    assert (frame.width, frame.height) == (64, 48)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<annotation>", "no Pascal VOC annotation"),
        ("<annotations/>", "first element is <annotations>"),
        ("", "no Pascal VOC annotation"),
        ("<annotation><object><bndbox/></object></annotation>", "object 1 is called ''"),
        (
            "<annotation><object><name>deer</name><polygon/></object></annotation>",
            "has no <bndbox>, only <name>, <poly",
        ),
        (f"<annotation>{voc_object('deer', (1, 2, 3, 4)).replace('>3<', '>drei<')}</annotation>", "'drei' as <xmax>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "document type"),
        ('<?xml version="1.0" encoding="no-such"?><annotation/>', "no-such"),
        ("<annotation>" + "<a>" * 100_000, "no Pascal VOC annotation"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text: str, told: str, tmp_path: Path) -> None:
    write_image(tmp_path / "JPEGImages/a.png")
    write_text(tmp_path / "Annotations/a.xml", text)
    with pytest.raises(InputError, match=told) as caught:
        read_folder(tmp_path)
    assert "a.xml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "gbk", "shift_jis"])
def test_xml_is_in_the_encoding_that_it_declares(encoding: str, tmp_path: Path) -> None:
    name = "\u9e7f" if encoding in ("gbk", "shift_jis") else "Wildschwein, j\xfcnger"
    write_image(tmp_path / "JPEGImages/a.png")
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    text = f"{head}\n<annotation>{voc_object(name, BOX)}</annotation>"
    write_text(tmp_path / "Annotations/a.xml", "").write_bytes(text.encode(encoding))
    assert read_folder(tmp_path).classes == (name,)


def test_latin_1_without_a_declaration_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "Annotations/a.xml", "").write_bytes(
        f"<annotation>{voc_object('jünger', BOX)}</annotation>".encode("latin-1")
    )
    with pytest.raises(InputError, match=r"a\.xml.*utf-8.*convert it to UTF-8"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("a\nb c\n", ["a", "b c"]),
        ("a  1\nb c -1\n", ["a", "b c"]),
        ('"b c"\n', ["b c"]),
        ("a.jpg\n", ["a"]),
        ("somewhere/else/a\r\n\r\n", ["a"]),
    ],
)
def test_a_list_names_its_pictures(lines: str, names: list[str], tmp_path: Path) -> None:
    for name in ("a", "b c"):
        write_image(tmp_path / f"JPEGImages/{name}.png")
        write_voc(tmp_path / f"Annotations/{name}.xml", voc_object("deer", BOX), f"{name}.png")
    write_text(tmp_path / "ImageSets/Main/train.txt", lines)
    data = read_folder(tmp_path)
    assert [f.path.stem for f in data.frames] == names
    assert ("names 1 of the 2 annotation files" in data.notes[0]) == (len(names) == 1)


def test_a_list_of_other_pictures_is_refused_and_missing_ones_are_counted(tmp_path: Path) -> None:
    table = write_text(tmp_path / "ImageSets/Main/train.txt", "x\n")
    with pytest.raises(InputError, match="names none of the 1 files"):
        read(tmp_path, voc_object("deer", BOX))
    table.write_text("a\nx\n")
    notes = read(tmp_path, voc_object("deer", BOX)).notes
    assert any("1 names in train.txt have no annotation file; the first: line 2, 'x'" in note for note in notes)


def test_one_class_written_in_two_ways_is_one(tmp_path: Path) -> None:
    data = read(tmp_path, "".join(voc_object(name, BOX) for name in ("Person", "person", "Person", "dontcare")))
    assert data.classes == ("Person",)
    assert (len(data.frames[0].boxes), len(data.frames[0].ignored)) == (3, 1)
    assert "Person and person are one class, written in 2 ways" in data.notes


@pytest.mark.parametrize("name", ["a.jpg", "a", "x\\JPEGImages\\a.png", "/home/other/a.png", ""])
def test_the_picture_is_found_by_its_name(name: str, tmp_path: Path) -> None:
    write_image(tmp_path / "JPEGImages/a.png")
    write_voc(tmp_path / "Annotations/a.xml", voc_object("deer", BOX), name)
    assert read_folder(tmp_path).frames[0].path == tmp_path / "JPEGImages/a.png"


def test_two_files_of_one_picture_and_one_of_two_are_refused(tmp_path: Path) -> None:
    read(tmp_path, voc_object("deer", BOX))
    write_voc(tmp_path / "Annotations/copy.xml", voc_object("deer", BOX), "a.png")
    with pytest.raises(InputError, match=r"a\.xml and .*copy\.xml are of one picture"):
        read_folder(tmp_path)
    write_image(tmp_path / "JPEGImages/copy.png")
    with pytest.raises(InputError, match=r"copy\.xml, <filename> is a\.png, but .*copy\.png has the name of the file"):
        read_folder(tmp_path)


def test_pictures_without_a_file_are_left_out_and_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "JPEGImages/b.png")
    data = read(tmp_path, voc_object("deer", BOX))
    assert len(data) == 1
    assert data.notes[-1] == "1 pictures have no annotation file and are left out: b.png"
