"""JPEGs with damaged pictures, and DJI's raw counts wherever they lie."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.decode.radiometric import SENSORS, dji_raw_counts
from edge.camera.images.jpeg import decode_jpeg, jpeg_size
from edge.camera.quiet import overheard
from edge.camera.stills import Stills
from edge.errors import SourceError

PICTURE = cv2.resize(np.random.default_rng(8).integers(0, 255, (20, 25), dtype=np.uint8), (640, 512))
JPEG = cv2.imencode(".jpg", PICTURE)[1].tobytes()
COUNTS = (PICTURE.astype(np.uint16) * 11 + 17000).astype("<u2")


def damaged() -> bytes:
    data = bytearray(JPEG)
    middle = len(data) // 2
    data[middle : middle + 60] = np.random.default_rng(1).integers(0, 255, 60, dtype=np.uint8).tobytes()
    return bytes(data)


def test_damage_is_refused_and_the_line_of_libjpeg_does_not_reach_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(damaged())
    with pytest.raises(SourceError, match=r"a.jpg: the picture's data are damaged \(") as caught:
        Stills(tmp_path / "a.jpg")
    assert "\n" not in str(caught.value)
    decode_jpeg(JPEG)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("at", "value", "said"), [(0, 12, "1 colour components of 12 bits"), (5, 4, "4 colour comp")])
def test_other_kinds_of_jpeg(at: int, value: int, said: str) -> None:
    data = bytearray(JPEG)
    data[data.index(b"\xff\xc0") + 4 + at] = value
    with pytest.raises(ValueError, match=said):
        decode_jpeg(bytes(data))


def test_lines_of_others_are_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with overheard() as said:
        os.write(2, b"Corrupt JPEG data: 3 extraneous bytes\nsomeone else's line\nhalf a li")
    os.write(2, b"ne\n")
    assert said == ["Corrupt JPEG data: 3 extraneous bytes"]
    assert capfd.readouterr().err == "someone else's line\nhalf a line\n"


def r_jpeg(counts: bytes, app: int, before: bytes = b"", jpeg: bytes = JPEG) -> bytes:
    def segment(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body

    pieces = b"".join(segment(0xE0 + app, counts[i : i + 65000]) for i in range(0, len(counts), 65000))
    return jpeg[:2] + segment(0xE1, b"Exif\0\0II*\0DJI\0") + before + pieces + jpeg[2:]


@pytest.mark.parametrize("app", [3, 4, 7])
@pytest.mark.parametrize("height", [512, 1024])
def test_counts_are_found_by_their_size_and_picture(app: int, height: int) -> None:
    counts = cv2.resize(COUNTS, (height * 5 // 4, height)).astype("<u2")
    assert (height, height * 5 // 4) in SENSORS
    parameters = struct.pack(">BBH", 0xFF, 0xE0 + app, 34) + bytes(32) if app != 3 else b""
    found = dji_raw_counts(r_jpeg(counts.tobytes(), app, parameters))
    assert found is not None
    assert np.array_equal(found, counts)


def test_counts_that_are_not_its_picture_are_refused_outside_app3(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 65536, COUNTS.shape).astype("<u2").tobytes()
    (tmp_path / "a.jpg").write_bytes(r_jpeg(noise, 4))
    with pytest.raises(SourceError, match=r"655360 bytes of raw data.*in APP4 and do not look like.*\?raw=0"):
        Stills(tmp_path / "a.jpg")
    assert dji_raw_counts(r_jpeg(noise, 3)) is not None  # the known place


def test_a_visual_picture_of_dji_is_no_r_jpeg() -> None:
    large = cv2.imencode(".jpg", np.zeros((3000, 4000), np.uint8))[1].tobytes()
    assert jpeg_size(large) == (4000, 3000)
    assert dji_raw_counts(r_jpeg(bytes(60000), 7, jpeg=large)) is None
    assert dji_raw_counts(r_jpeg(bytes(24000), 5)) is None  # parameters only


def test_another_sensor_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(r_jpeg(bytes(256 * 192 * 2), 3))
    with pytest.raises(SourceError, match=r"98304 bytes .*640x512 .*or .*1280x1024.*; \?raw=0 takes the picture"):
        Stills(tmp_path / "a.jpg")
