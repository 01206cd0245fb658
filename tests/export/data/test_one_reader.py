"""Training and flight see the same pixels of every kind of file, and make the same grey of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import open_camera
from edge.data import Frame
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor
from export.data.dataset import ImageError, LabelledFrame, read_frame, read_grey, read_pixels
from export.data.formats import read_folder
from tests.conftest import shared

NONE = np.zeros((0, 4), np.float32)
HEIGHT, WIDTH = 48, 64
SMOOTH = cv2.resize(np.random.default_rng(0).integers(40, 200, (6, 8)).astype(np.uint8), (WIDTH, HEIGHT))
COUNTS = SMOOTH.astype(np.uint16) * 37 + 20000


def image(suffix: str, pixels: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        assert cv2.imwrite(str(folder / f"a{suffix}"), pixels)
        return folder / f"a{suffix}"

    return make


def array(pixels: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.save(folder / "a.npy", pixels)
        return folder / "a.npy"

    return make


def marked() -> np.ndarray:
    """White-hot grey with a red mark: 2 % of the picture, also of an eighth of its size."""
    picture = cv2.cvtColor(SMOOTH, cv2.COLOR_GRAY2BGR)
    picture[8:16, 16:24] = (0, 0, 255)
    return picture


def dji(folder: Path) -> Path:
    """A JPEG with 512 x 640 counts beside its picture, laid out as DJI does."""
    counts = np.random.default_rng(1).integers(20000, 21000, (512, 640)).astype("<u2").tobytes()
    picture = cv2.imencode(".jpg", cv2.resize(SMOOTH, (640, 512)))[1].tobytes()
    parts = [(0xE1, b"Exif\0\0II*\0DJI\0")] + [(0xE3, counts[i : i + 65533]) for i in range(0, len(counts), 65533)]
    segments = b"".join(struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in parts)
    (folder / "a_R.jpg").write_bytes(picture[:2] + segments + picture[2:])
    return folder / "a_R.jpg"


KINDS: dict[str, tuple[Callable[[Path], Path], type]] = {
    "PNG, 8 bit": (image(".png", SMOOTH), np.uint8),
    "PNG, 16 bit": (image(".png", COUNTS), np.uint16),
    "PNG, grey in three channels": (image(".png", cv2.merge([SMOOTH] * 3)), np.uint8),
    "PNG with a coloured mark": (image(".png", marked()), np.uint8),
    "JPEG": (image(".jpg", SMOOTH), np.uint8),
    "JPEG with a coloured mark": (image(".jpg", marked()), np.uint8),
    "TIFF, 8 bit": (image(".tif", SMOOTH), np.uint8),
    "TIFF, 16 bit": (image(".tiff", COUNTS), np.uint16),
    "BMP": (image(".bmp", SMOOTH), np.uint8),
    "NPY, 8 bit": (array(SMOOTH), np.uint8),
    "NPY, 16 bit": (array(COUNTS), np.uint16),
    "NPY, big-endian": (array(COUNTS.astype(">u2")), np.uint16),
    "R-JPEG of DJI": (dji, np.uint16),
}
REAL = ("M2EA_DJI_0001_R.JPG", "M3T_DJI_0001_R.JPG", "H20N_DJI_0001_R.JPG", "flir_example_radiometric.tiff")


def assert_one_reader(path: Path, bundle: Path) -> Frame:
    with open_camera(str(path)) as camera:
        flown = camera.read()
    assert flown is not None
    trained = read_pixels(path)
    assert trained.dtype == flown.pixels.dtype
    np.testing.assert_array_equal(trained, flown.pixels)
    labelled = LabelledFrame(path, flown.width, flown.height, NONE, np.zeros(0, np.int64), NONE)
    np.testing.assert_array_equal(read_grey(labelled), Preprocessor(Bundle.load(bundle)).forward(flown)[0])
    return flown


@pytest.mark.parametrize("kind", KINDS)
def test_training_reads_what_flight_reads(kind: str, tmp_path: Path, tiny_bundle: Path) -> None:
    make, depth = KINDS[kind]
    frame = assert_one_reader(make(tmp_path), tiny_bundle)
    assert frame.pixels.dtype == depth


@pytest.mark.parametrize("name", REAL)
def test_of_real_files_too(name: str, tiny_bundle: Path) -> None:
    assert assert_one_reader(shared("data", "raw16", name), tiny_bundle).pixels.dtype == np.uint16


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_colour_palette_is_refused_in_training_alone(suffix: str, tmp_path: Path) -> None:
    path = image(suffix, cv2.applyColorMap(SMOOTH, cv2.COLORMAP_INFERNO))(tmp_path)
    with open_camera(str(path)) as camera:
        assert camera.read() is not None
    with pytest.raises(ImageError, match=r"in colour.*palette off") as caught:
        read_pixels(path)
    assert caught.value.kind == "colour"


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-60])
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_cannot_be_read_is_named(suffix: str, tmp_path: Path) -> None:
    kinds = {"truncated": cut(image(suffix, SMOOTH)(tmp_path)), "unreadable": tmp_path / f"absent{suffix}"}
    for kind, path in kinds.items():
        with pytest.raises(ImageError, match=path.name) as caught:
            read_pixels(path)
        assert caught.value.kind == kind


def test_boxes_for_another_size_are_never_put_on_a_frame(tmp_path: Path) -> None:
    path = image(".png", SMOOTH)(tmp_path)
    frame = LabelledFrame(path, 2 * WIDTH, 2 * HEIGHT, NONE, np.zeros(0, np.int64), NONE)
    for read in (read_frame, read_grey):
        with pytest.raises(InputError, match=r"64x48.*128x96.*data check"):
            read(frame)


def test_a_yolo_folder_takes_every_kind_of_still(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "classes.txt").write_text("deer\n")
    array(COUNTS)(tmp_path / "images")
    (tmp_path / "images/._b.jpg").write_bytes(b"what macOS leaves on a card")
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (frame,) = read_folder(tmp_path).frames
    assert (frame.path.name, frame.width, frame.height, len(frame.boxes)) == ("a.npy", WIDTH, HEIGHT, 1)
