"""Which container a file is, by its bytes: known ones under any name, and nothing that only looks like one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.decode.kinds import HEAD, container_of
from tests.support.videos import pictures, raw_avi, write

UNITS = b"\0\0\0\1\x67\x42\0\x0a\0\0\0\1\x68\xce\x38\0\0\1\x65\x88\x84\0\0\1\x41\x9a"
HEVC = b"\0\0\0\1\x40\1\x0c\0\0\0\1\x42\1\1\0\0\0\1\x44\1\xc1\0\0\1\x26\1\xaf\0\0\1\x02\1\xd0"


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.avi", "MJPG", "AVI"),
        ("a.mp4", "mp4v", "MP4"),
        ("a.mov", "mp4v", "MP4"),
        ("a.mkv", "FFV1", "Matroska"),
        ("a.webm", "VP80", "Matroska"),
        ("a.ts", "MPEG", "MPEG-TS"),
        ("a.flv", "FLV1", "FLV"),
        ("a.nut", "FFV1", "NUT"),
        ("a.wmv", "WMV2", "ASF"),
        ("a.mpg", "MPEG", "MPEG-PS"),
    ],
)
def test_what_opencv_writes(tmp_path: Path, name: str, codec: str, container: str) -> None:
    assert container_of(write(tmp_path / name, codec)[:HEAD]) == container


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x14ftypqt  ", "MP4"),
        (b"\0\0\0\x1cftyp3gp5", "MP4"),
        (b"\0\0\0\x08wide\0\1\2\3mdat", "MP4"),
        (b"\0\0\0\x1cftypheic", None),  # a still
        (b"12345ftyp", None),
        (b"1234free time", None),  # a text
        (b"RIFF\4\0\0\0WAVE", None),
        (b"YUV4MPEG2 W64 H48", "Y4M"),
        (b"DKIF\0\0\x20\0VP80", "IVF"),
        (b"OggS\0", "Ogg"),
        (b"GIF89a", None),  # a still, of which there may be several
        (b"IMKH\1\1\0\0", "MPEG-PS"),
        (b"DHAV\xfd\0", "DHAV"),
        (UNITS, "H.264"),
        (b"\x99" * 50 + UNITS, "H.264"),  # recorded from the middle on
        (UNITS.replace(b"\x68", b"\x61"), None),  # no picture parameters
        (UNITS + b"\0\0\1\0\0", None),  # a unit of a kind that there is not: counts
        (HEVC, "H.265"),
        (HEVC.replace(b"\x42\1\1", b"\x42\0\1"), None),
        (b"", None),
        (b"\x47", None),
        (b"\x47" * 5000, None),  # grey of one level
        (b"FFF\0" + bytes(508), None),
        (bytes(range(256)) * 100, None),
    ],
)
def test_heads(head: bytes, container: str | None) -> None:
    assert container_of(head) == container


def test_transport_streams_from_anywhere(tmp_path: Path) -> None:
    ts = write(tmp_path / "a.ts", "MPEG", 60)
    packets = [ts[i : i + 188] for i in range(0, len(ts), 188)]
    assert container_of(ts[1000:]) == "MPEG-TS"
    assert container_of(b"".join(bytes(4) + packet for packet in packets)) == "MPEG-TS (M2TS)"
    assert container_of(b"".join(packet + bytes(16) for packet in packets)) == "MPEG-TS (with parity)"
    assert container_of(b"".join(packet + bytes(7) for packet in packets)) is None


def jpeg(picture: np.ndarray, thumbnail: bytes = b"") -> bytes:
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    app = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail if thumbnail else b""
    return data[:2] + app + data[2:]


def test_one_jpeg_is_a_still_and_several_are_a_video() -> None:
    one, two = (jpeg(picture) for picture in pictures(2))
    assert container_of(one) is None
    assert container_of(jpeg(pictures(1)[0], thumbnail=one)) is None  # two pictures, one inside the other
    assert container_of(one + b"\0" * 20 + two) is None
    assert container_of(one + two) == "MJPEG"
    assert container_of(jpeg(pictures(1)[0], thumbnail=b"MPF\0") + two) is None  # a still with another view of it
    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\n"
    assert container_of(head + one) == "MJPEG"
    assert container_of(head.replace(b"jpeg", b"png") + one) is None


def test_an_avi_by_hand_is_one() -> None:
    assert container_of(raw_avi(pictures(2), 8, b"Y800")) == "AVI"


@settings(deadline=None)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\0\0\1", b"\x47", b"--a\r\n", b"\0\0\0\x14ftyp", b"RIFF"]),
    st.binary(max_size=600),
)
def test_any_bytes_are_something_or_nothing(head: bytes, rest: bytes) -> None:
    assert container_of(head + rest) is None or isinstance(container_of(head + rest), str)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "u1"])
@pytest.mark.parametrize("level", [0, 1, 71, 100, 7000, 18176, 29315, 60000])
def test_counts_are_no_container(dtype: str, level: int) -> None:
    noise = np.random.default_rng(level).integers(0, 300, 20000)
    assert container_of(np.clip(level + noise, 0, 255 if dtype == "u1" else 65535).astype(dtype).tobytes()) is None
