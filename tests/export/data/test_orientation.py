"""A picture that says it is to be turned: flight does not turn it, most labelling tools do."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from edge.errors import InputError
from export.commands.main import main
from export.data.dataset import ImageError, read_frame
from export.data.formats import read_folder
from export.data.pictures import orientation_of
from export.evaluate.readable import check_readable
from tests.support.label_files import TEXTURE, write_image, write_text


def exif(value: int, order: str = "<") -> bytes:
    """A TIFF's head and one directory: ImageWidth and Orientation (0x112, SHORT)."""
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHII", 0x100, 4, 1, 64) + struct.pack(order + "HHIHH", 0x112, 3, 1, value, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + entries + bytes(4)


def jpeg(value: int, order: str = "<") -> bytes:
    plain = cv2.imencode(".jpg", TEXTURE)[1].tobytes()
    body = b"Exif\0\0" + exif(value, order)
    return plain[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body + plain[2:]


def png(value: int, first: bool = True) -> bytes:
    """``first``: before the picture's data, else behind them."""
    plain = cv2.imencode(".png", TEXTURE)[1].tobytes()
    body = b"eXIf" + exif(value)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    at = plain.index(b"IDAT" if first else b"IEND") - 4
    return plain[:at] + chunk + plain[at:]


def tiff(folder: Path, value: int) -> bytes:
    tifffile.imwrite(folder / "made.tif", TEXTURE, extratags=[(274, 3, 1, value, False)])
    return (folder / "made.tif").read_bytes()


KINDS: dict[str, Callable[[Path, int], bytes]] = {
    "a.jpg": lambda _, value: jpeg(value),
    "motorola.jpg": lambda _, value: jpeg(value, ">"),
    "a.png": lambda _, value: png(value),
    "late.png": lambda _, value: png(value, first=False),
    "a.tif": tiff,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("value", [1, 3, 6, 8])
def test_each_kind_of_file_says_it(name: str, value: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name](tmp_path, value))
    assert orientation_of(path) == value


def test_what_says_nothing_or_nonsense_is_as_stored(tmp_path: Path) -> None:
    files = {
        "plain.jpg": cv2.imencode(".jpg", TEXTURE)[1].tobytes(),
        "plain.png": cv2.imencode(".png", TEXTURE)[1].tobytes(),
        "zero.jpg": jpeg(0),
        "nine.jpg": jpeg(9),
        "cut.jpg": jpeg(6)[:30],
        "big.tif": b"II" + struct.pack("<HHHQ", 43, 8, 0, 16),
        "empty.tif": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        assert orientation_of(tmp_path / name) == 1, name
    np.save(tmp_path / "a.npy", TEXTURE)
    assert orientation_of(tmp_path / "a.npy") == 1
    assert orientation_of(tmp_path / "nowhere.jpg") == 1


def a_set(folder: Path) -> Path:
    """Of four pictures one is as stored, one empty and to be turned, two with a box and to be turned."""
    for name, value, box in (("a", 1, True), ("b", 6, True), ("c", 3, True), ("d", 6, False)):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        picture = np.roll(TEXTURE, 7 * ord(name), axis=1)  # not the same frame twice
        write_image(folder / "images" / f"{name}.jpg", picture)
        plain = (folder / "images" / f"{name}.jpg").read_bytes()
        head = jpeg(value)
        (folder / "images" / f"{name}.jpg").write_bytes(head[: head.index(b"Exif") + 6 + len(exif(value))] + plain[2:])
        write_text(folder / "labels" / f"{name}.txt", "0 0.5 0.5 0.25 0.25\n" if box else "")
    write_text(folder / "classes.txt", "Person\n")
    return folder


def test_such_frames_with_boxes_are_counted_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_set(tmp_path / "set")
    assert main(["data", "check", str(folder), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "     2 orientation: frame left out: EXIF says to turn it" in said
    assert "b.jpg has EXIF orientation 6, which is not followed" in said
    assert "2 of 4 frames are usable" in said
    images = json.loads((tmp_path / "out/cleaned.json").read_text())["images"]
    assert [Path(image["file_name"]).name for image in images] == ["a.jpg", "d.jpg"]


def test_they_are_refused_where_nobody_has_checked(tmp_path: Path) -> None:
    data = read_folder(a_set(tmp_path / "set"))
    with pytest.raises(InputError, match=r"^2 of 4 frames cannot be used \(2 of them to be turned by EXIF\).*b\.jpg"):
        check_readable(data)
    with pytest.raises(ImageError, match="magick mogrify -auto-orient.*exiftool -Orientation=") as caught:
        read_frame(data.frames[2])
    assert caught.value.kind == "orientation"
    assert read_frame(data.frames[3]).shape == TEXTURE.shape
