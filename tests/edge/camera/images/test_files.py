"""Which files of a folder are stills, in what order, and what is said of the others."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.camera import open_camera
from edge.camera.images.files import Choice, find_stills
from edge.errors import CameraError, SourceError

SMALL = np.full((8, 8), 7, np.uint8)
LARGE = np.full((16, 16), 7, np.uint8)


def put(path: Path, picture: npt.NDArray[np.uint8] = SMALL, exif: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = cv2.imencode(".jpg" if path.suffix.lower() == ".jpg" else ".tiff", picture)[1].tobytes()
    if exif:
        when, fraction = exif.encode() + b"\0", b"25\0\0"
        sub = struct.pack("<HHHIIHHI4sI", 2, 0x9003, 2, 20, 56, 0x9291, 2, 3, fraction, 0)
        tiff = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x8769, 4, 1, 26, 0) + sub + when
        body = b"Exif\0\0" + tiff
        data = data[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body + data[2:]
    path.write_bytes(data)
    return path


def origins(source: str | list[str]) -> list[str | None]:
    with open_camera(source) as camera:
        return [frame.origin for frame in iter(camera.read, None)]


def test_content_counts_where_the_name_says_nothing(tmp_path: Path) -> None:
    for name in ("scan_2", "scan_1", "shot.dat", "shot.raw", "b.JPG"):
        put(tmp_path / name)
    for name, data in (
        ("readme.md", b"# text"),
        ("a.xml", b"<x/>"),
        ("s.mp4", b"\0\0\0\x18ftypisom"),
        ("r.dng", b"II*\0"),
    ):
        (tmp_path / name).write_bytes(data)
    with open_camera(tmp_path) as camera:
        assert camera.frames == 5
        assert "4 files that are no image left out (a.xml, ...)" in camera.description
    assert origins(str(tmp_path)) == ["b.JPG", "scan_1", "scan_2", "shot.dat", "shot.raw"]


def test_subfolders(tmp_path: Path) -> None:
    for name in ("run10/f1.tif", "run2/f10.tif", "run2/f9.tif", "run2/.hidden/f1.tif"):
        put(tmp_path / name)
    with pytest.raises(SourceError, match=r"2 subfolders \(run10, ...\): give one of them, or .*\?recursive=1"):
        open_camera(tmp_path)
    os.symlink(tmp_path, tmp_path / "run2" / "loop")
    assert origins(f"{tmp_path}?recursive=1") == ["run2/f9.tif", "run2/f10.tif", "run10/f1.tif"]


def test_what_lies_below_an_image_is_counted(tmp_path: Path) -> None:
    """An overview beside a folder full of a flight was one still, and nothing was said of the flight."""
    top = tmp_path / "flight"
    for name in ("overview.jpg", "100MEDIA/a_T.JPG", "101MEDIA/deep/b_T.JPG", ".thumbs/a.jpg", "out/crops/c.jpg"):
        put(top / name)
    put(tmp_path / "elsewhere" / "a.jpg")
    for name in ("out/detections.jsonl", "notes/read.txt"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("{}")
    with open_camera(top) as camera:
        assert camera.frames == 1
        said = "2 subfolders with images left out (100MEDIA, ...): ?recursive=1 takes them, too"
        assert camera.description.endswith(f"8-bit grey; {said}")
    with open_camera(f"{top}?match=o*") as camera:
        assert "left out" not in camera.description
    with pytest.raises(SourceError, match=r"files is named like match=\*_t.jpg; 2 subfolders with images left out"):
        open_camera(f"{top}?match=*_t.jpg")
    os.symlink(tmp_path / "elsewhere", top / "link")
    with open_camera(f"{top}?recursive=1") as camera:
        assert camera.frames == 3
        assert "1 link with images left out (link): links to folders are not followed" in camera.description
        assert "subfolder" not in camera.description
    (top / "detections.jsonl").write_text("")  # a run's own folder
    put(top / "crops" / "a.jpg")
    (top / "100MEDIA" / "a_T.JPG").unlink()
    with open_camera(top) as camera:
        assert "1 subfolder with images left out (101MEDIA): ?recursive=1" in camera.description


def test_a_link_to_nothing_is_a_missing_picture(tmp_path: Path) -> None:
    put(tmp_path / "a.tif")
    os.symlink("gone.tif", tmp_path / "b.tif")
    os.mkfifo(tmp_path / "c.tif")  # reading it would wait for ever
    with open_camera(tmp_path) as camera:
        assert camera.frames == 2
        camera.read()
        with pytest.raises(CameraError, match=r"b.tif: No such file"):
            camera.read()


def test_what_is_there_instead(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image in this folder; expected .bmp, .jpeg"):
        open_camera(tmp_path)
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(SourceError, match=r"a.gif: GIF, which is not read; convert it first: ffmpeg -i a.gif"):
        open_camera(tmp_path)
    (tmp_path / "v.bin").write_bytes(b"\x1a\x45\xdf\xa3")
    with pytest.raises(SourceError, match=r"no image in this folder, but 1 video: give one, such as .*v.bin"):
        open_camera(tmp_path)
    put(tmp_path / "a_T.JPG")
    with pytest.raises(SourceError, match=r"none of its 3 files is named like match=\*_R.JPG"):
        open_camera(f"{tmp_path}?match=*_R.JPG")


def test_pairs_of_thermal_and_visual(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path / f"DJI_{i}_T.JPG")
        put(tmp_path / f"DJI_{i}_W.JPG", LARGE)
    with pytest.raises(SourceError) as caught:
        open_camera(tmp_path)
    said = "16x16 8-bit, but DJI_0_T.JPG is 8x8 8-bit: expected one size and depth in a folder; "
    assert said + "3 names end in _T.JPG, 3 in _W.JPG: ?match=*_T.JPG takes one kind" in str(caught.value)
    assert origins(f"{tmp_path}?match=*_t.jpg") == ["DJI_0_T.JPG", "DJI_1_T.JPG", "DJI_2_T.JPG"]
    assert origins(f"{tmp_path}?match=*[!T].JPG") == ["DJI_0_W.JPG", "DJI_1_W.JPG", "DJI_2_W.JPG"]


def test_skip_bad(tmp_path: Path) -> None:
    for i in (0, 2, 4):
        put(tmp_path / f"{i}.tif")
    (tmp_path / "1.tif").write_bytes(b"")
    (tmp_path / "3.tif").write_bytes(b"II*\0nothing")
    with open_camera(tmp_path) as camera:
        camera.read()
        with pytest.raises(CameraError, match=r"1.tif: the file is empty.*\?skip_bad=1 leaves out what cannot be read"):
            camera.read()
    with open_camera(f"{tmp_path}?skip_bad=1") as camera:
        assert [(f.seq, f.origin) for f in iter(camera.read, None)] == [(0, "0.tif"), (2, "2.tif"), (4, "4.tif")]
        assert "2 left out that cannot be read, the first is 1.tif: the file is empty" in camera.description
    for i in (0, 2, 4):
        (tmp_path / f"{i}.tif").write_bytes(b"")
    with pytest.raises(SourceError, match="none of 5 images can be read: 0.tif: the file is empty"):
        open_camera(f"{tmp_path}?skip_bad=1")


def test_order_of_time(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", exif="2024:05:12 10:30:16")
    put(tmp_path / "b.jpg", exif="2024:05:12 10:30:15")
    assert origins(f"{tmp_path}?order=time") == ["b.jpg", "a.jpg"]
    put(tmp_path / "c.jpg")
    with pytest.raises(
        SourceError, match=r"1 of 3 images do not say when they were taken \(EXIF\), the first is c.jpg"
    ):
        open_camera(f"{tmp_path}?order=time")
    with pytest.raises(SourceError, match="order='size'; expected natural, decimal, name, time"):
        open_camera(f"{tmp_path}?order=size")


def test_decimal_seconds_are_told(tmp_path: Path) -> None:
    for name in ("1.5", "1.25", "2.0"):
        put(tmp_path / f"{name}.tif")
    with open_camera(tmp_path) as camera:
        assert "names read as decimal numbers (1.25.tif before 1.5.tif); ?order=natural" in camera.description
    assert origins(str(tmp_path)) == ["1.25.tif", "1.5.tif", "2.0.tif"]
    assert origins(f"{tmp_path}?order=natural") == ["1.5.tif", "1.25.tif", "2.0.tif"]


def test_several_paths_in_the_order_given(tmp_path: Path) -> None:
    b, a = put(tmp_path / "b.tif"), put(tmp_path / "a.tif")
    put(tmp_path / "more" / "f10.tif")
    put(tmp_path / "more" / "f9.tif")
    expected = ["b.tif", "more/f9.tif", "more/f10.tif", "a.tif"]
    paths = [str(b), str(tmp_path / "more"), str(a)]
    assert origins(paths) == expected
    with open_camera([b, *paths[1:], "?fps=4&skip_bad=1"]) as camera:
        assert (camera.fps, camera.frames, camera.independent) == (4, 4, False)
        assert camera.description.startswith(f"{b} and 2 more: 4 stills, 8x8 8-bit")
    (tmp_path / "v.avi").write_bytes(b"RIFF\0\0\0\0AVI ")
    for sources in ([b, tmp_path / "v.avi"], [tmp_path / "v.avi", b], [b, "sim:"], [b, "rtsp://host/x"]):
        with pytest.raises(SourceError, match="2 sources were given, and '.*' is no image") as caught:
            open_camera(sources)
        assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="no such file"):
        open_camera([b, tmp_path / "nothing.tif"])
    with pytest.raises(SourceError, match="the source is empty"):
        open_camera([])
    twin = put(tmp_path / "twin" / "b.tif")
    assert find_stills([b, twin], Choice()).origins == (b.as_posix(), twin.as_posix())
