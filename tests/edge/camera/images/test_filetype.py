"""Files told by their first bytes, and pictures refused by their headers."""

from __future__ import annotations

import gzip
import re
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from edge.camera import open_camera
from edge.camera.images.filetype import HEAD, IMAGES, OTHER_IMAGES, RAW_SUFFIXES, kind_of
from edge.camera.stills import Stills
from edge.camera.video import VideoFile
from edge.errors import SourceError

GREY = np.random.default_rng(1).integers(0, 256, (24, 32), dtype=np.uint8)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\xff\xd8", ""),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"II*\0\x08\0\0\0\x01\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file (DNG, CR2, NEF, ...)"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "BMP"),
        (b"BM, a letter to the team", "text"),
        (b"\x93NUMPY\1\0", "NPY"),
        (b"PK\3\4" + bytes(26) + b"arr_0.npy", "NPZ"),
        (b"PK\3\4" + bytes(26) + b"notes.txt", ""),
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\x1a\x45\xdf\xa3", "video"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (gzip.compress(b"CPTV\x02H", mtime=0), "CPTV"),
        (gzip.compress(b"something else", mtime=0), ""),
        (b"FFF\0", "FLIR"),
        (b"P5 640 512 255 ", "PNM"),
        (b"frame;celsius\r\n1;20,5\n", "text"),
        ("höhe 20 °C\n".encode("latin-1"), "text"),
        (b"\x1b[31mred", "text"),
        (bytes(64), ""),
        (b"", ""),
    ],
)
def test_kinds(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
    assert kind in {*IMAGES, *OTHER_IMAGES, "video", "CPTV", "FLIR", "text", ""}


@given(st.binary(max_size=HEAD))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    assert isinstance(kind_of(head), str)


@pytest.mark.parametrize("name", ["a.dat", "a.JPG_", "a.raw", "a.mp4", "a.cptv", "a.jpg", "a", "a.txt"])
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg", ".bmp"])
def test_an_image_under_any_name(tmp_path: Path, name: str, suffix: str) -> None:
    (tmp_path / name).write_bytes(cv2.imencode(suffix, GREY)[1].tobytes())
    with open_camera(tmp_path / name) as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.origin == name
    assert np.abs(frame.pixels.astype(int) - GREY).max() <= (90 if suffix == ".jpg" else 0)


def test_a_video_that_is_named_as_an_image(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for i in range(3):
        writer.write(np.full((48, 64, 3), 40 * i, np.uint8))
    writer.release()
    (tmp_path / "a.avi").rename(tmp_path / "a.png")
    with open_camera(tmp_path / "a.png") as camera:
        assert isinstance(camera, VideoFile)


def test_jpegs_one_behind_the_other_are_a_video(tmp_path: Path) -> None:
    one = cv2.imencode(".jpg", GREY)[1].tobytes()
    (tmp_path / "a.mjpeg").write_bytes(one * 3)
    with open_camera(tmp_path / "a.mjpeg") as camera:
        assert isinstance(camera, VideoFile)
    preview = one[:2] + struct.pack(">BBH4s4x", 0xFF, 0xE2, 10, b"MPF\0") + one[2:] + one  # as DJI's cameras do
    for name, data in (("a.dat", one), ("b.dat", preview), ("a.jpg", one * 3)):
        (tmp_path / name).write_bytes(data)
        with open_camera(tmp_path / name) as camera:
            assert isinstance(camera, Stills)


@pytest.mark.parametrize("kind", OTHER_IMAGES)
def test_other_images_name_the_command(tmp_path: Path, kind: str) -> None:
    heads = {
        "GIF": b"GIF89a", "WebP": b"RIFF\0\0\0\0WEBP", "HEIC": b"\0\0\0\x18ftypheic", "AVIF": b"\0\0\0\x18ftypavif",
        "JPEG 2000": b"\xff\x4f\xff\x51", "JPEG XL": b"\xff\x0a", "PNM": b"P5 2 2 255\n", "OpenEXR": b"v/1\x01",
        "Photoshop": b"8BPS", "FITS": b"SIMPLE  =", "NPZ": b"PK\3\4" + bytes(26) + b"arr_0.npy",
    }  # fmt: skip
    (tmp_path / "a.img").write_bytes(heads.get(kind, b"II*\0\x10\0\0\0CR\2\0").ljust(80, b"\1"))
    with pytest.raises(SourceError) as caught:
        open_camera(tmp_path / "a.img")
    command = OTHER_IMAGES[kind].format("a.img")
    assert f"a.img: {kind}, which is not read; convert it first: {command}" in str(caught.value)
    assert {".dng", ".cr2", ".nef"} <= RAW_SUFFIXES


# ---- how large ----


def png(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, *[0] * 6)


def jpeg(width: int, height: int) -> bytes:
    good = cv2.imencode(".jpg", GREY)[1].tobytes()
    at = good.index(b"\xff\xc0") + 5
    return good[:at] + struct.pack(">HH", height, width) + good[at + 4 :]


def tiff(width: int, height: int, **tags: Any) -> bytes:
    entries = {256: width, 257: height, 258: 16, 259: 8, 262: 1, 273: 8, 277: 1, 278: height, 279: 40, **tags}
    body = b"".join(struct.pack("<HHII", int(tag), 4, 1, value) for tag, value in sorted(entries.items()))
    return b"II*\0" + struct.pack("<I", 48) + bytes(40) + struct.pack("<H", len(entries)) + body + bytes(4)


BOMBS = {
    "1 bit": png(20000, 20000, 1),
    "RGBA of 16 bit": png(8000, 8000, 16, 6),
    "no width": png(0, 10),
    "animated": png(10, 10)[:33] + b"\0\0\0\x08acTL" + bytes(12) + png(10, 10)[33:],
    "chunk too long": png(32, 24)[:33] + struct.pack(">I", 0x7FFFFFF0) + b"IDATIEND",
    "BMP": bmp(32000, 32000),
    "BMP upside down": bmp(32000, -32000),
    "JPEG": jpeg(65000, 65000),
    "TIFF": tiff(30000, 30000),
    "TIFF, wide": tiff(1 << 20, 1000),
    "TIFF, huge": tiff((1 << 31) - 1, (1 << 31) - 1),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, bomb: bytes) -> None:
    (tmp_path / "a.img").write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"pixels|animated|cut off") as caught:
            open_camera(tmp_path / "a.img")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def test_a_tile_is_no_larger_than_a_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, tile=(16, 16), compression="deflate")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = re.search(rb"\x42\x01[\x03\x04]\0\x01\0\0\0", bytes(data)).start()
    data[at : at + 12] = struct.pack("<HHII", 322, 4, 1, 1 << 30)
    (tmp_path / "a.tif").write_bytes(bytes(data))
    with pytest.raises(SourceError, match="1073741824x16 pixels"):
        Stills(tmp_path / "a.tif")


def test_a_large_picture_of_a_real_camera_is_read(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((6000, 8000), np.uint8))  # 48 million pixels
    with Stills(tmp_path / "a.png") as stills:
        assert "8000x6000 8-bit" in stills.description
