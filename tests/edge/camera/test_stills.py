"""Stills: pixel-exact, in the order of their numbers, and no file that is read half."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app.output import _written
from edge.camera.decode.radiometric import DJI_HEIGHT, DJI_WIDTH, dji_raw_counts, jpeg_is_whole
from edge.camera.images.files import OWN_FOLDERS, OWN_PICTURES, Choice, find_stills
from edge.camera.stills import Stills, natural, read_still
from edge.errors import CameraError, SourceError
from edge.sinks.open import known_specs
from edge.sinks.tracks.crops import CROPS

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
GREY = np.random.default_rng(1).integers(0, 256, (24, 32), dtype=np.uint8)
DEEP = np.random.default_rng(2).integers(0, 65536, (24, 32), dtype=np.uint16)
SMOOTH = cv2.resize(GREY, (96, 64), interpolation=cv2.INTER_CUBIC)


def save(path: Path, picture: npt.NDArray[Any]) -> Path:
    if path.suffix == ".npy":
        np.save(path, picture)
    else:
        assert cv2.imwrite(str(path), picture)
    return path


def r_jpeg(counts: bytes, step: int = 65533, maker: bytes = b"DJI\0") -> bytes:
    """A JPEG with raw data in APP3 segments, laid out as DJI does."""
    picture = cv2.imencode(".jpg", SMOOTH)[1].tobytes()

    def segment(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body

    app3 = b"".join(segment(0xE3, counts[i : i + step]) for i in range(0, len(counts), step))
    return picture[:2] + segment(0xE1, b"Exif\0\0II*\0" + maker) + app3 + picture[2:]


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".tif", ".bmp", ".npy"])
def test_8_bit_is_exact(tmp_path: Path, suffix: str) -> None:
    pixels, note = read_still(save(tmp_path / f"a{suffix}", GREY))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, GREY)
    assert note == ""


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".npy"])
def test_16_bit_is_exact(tmp_path: Path, suffix: str) -> None:
    pixels, _ = read_still(save(tmp_path / f"a{suffix}", DEEP))
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, DEEP)


@pytest.mark.parametrize("picture", [GREY, DEEP], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("channels", [3, 4])
def test_grey_in_three_channels_is_exact(tmp_path: Path, picture: npt.NDArray[Any], channels: int) -> None:
    opaque = np.full_like(picture, np.iinfo(picture.dtype).max)
    pixels, note = read_still(save(tmp_path / "a.png", cv2.merge([picture] * 3 + [opaque] * (channels - 3))))
    assert np.array_equal(pixels, picture)
    assert note == ""


def test_big_endian_and_fortran_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(DEEP.astype(">u2")))
    pixels, _ = read_still(tmp_path / "a.npy")
    assert pixels.dtype == np.dtype("=u2")
    assert pixels.flags.c_contiguous
    assert np.array_equal(pixels, DEEP)


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_is_its_luma_plane(tmp_path: Path, colour: bool) -> None:
    pil = pytest.importorskip("PIL.Image", reason="needs pillow as the second decoder")
    path = save(tmp_path / "a.jpg", cv2.merge([SMOOTH] * 3) if colour else SMOOTH)
    with pil.open(path) as image:
        image.draft("L", image.size)
        luma = np.asarray(image.convert("L"))
    assert np.array_equal(read_still(path)[0], luma)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_colour_palette_is_noted(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a1{suffix}", cv2.merge([SMOOTH] * 3))
    coloured = cv2.applyColorMap(SMOOTH, cv2.COLORMAP_JET)
    save(tmp_path / f"a2{suffix}", coloured)
    with Stills(tmp_path) as stills:
        assert "in colour" not in stills.description
        stills.read()
        frame = stills.read()
        assert f"from a2{suffix} on in colour" in stills.description
    assert frame is not None
    assert np.abs(frame.pixels.astype(int) - cv2.cvtColor(coloured, cv2.COLOR_BGR2GRAY)).mean() < 3


def test_rotation_tag_is_not_followed(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", SMOOTH)[1].tobytes()
    turned = b"Exif\0\0" + struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    data = jpeg[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(turned) + 2) + turned + jpeg[2:]
    (tmp_path / "a.jpg").write_bytes(data)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE).shape == (
        96,
        64,
    )  # the tag is real
    assert read_still(tmp_path / "a.jpg")[0].shape == (64, 96)


def test_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for i in (10, 2, 1, 33):
        save(tmp_path / f"frame{i}.png", np.full((8, 8), i, np.uint8))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._frame5.png").write_bytes(b"what macOS leaves on a card")
    with Stills(tmp_path, fps=5) as stills:
        left_out = "1 file that is no image left out (notes.txt)"
        assert stills.description == f"{tmp_path}: 4 stills, 8x8 8-bit grey; {left_out}"
        assert (stills.live, stills.fps, stills.frames) == (False, 5, 4)
        frames = [stills.read() for _ in range(4)]
        assert stills.read() is None
        assert stills.read() is None
    assert [(f.seq, int(f.pixels[0, 0]), f.utc, f.origin) for f in frames if f] == [
        (0, 1, None, "frame1.png"),
        (1, 2, None, "frame2.png"),
        (2, 10, None, "frame10.png"),
        (3, 33, None, "frame33.png"),
    ]


def test_each_still_says_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsdecode(b"wald\xe4.png")  # as an old camera wrote it
    save(tmp_path / "a.png", GREY)
    (tmp_path / odd).write_bytes((tmp_path / "a.png").read_bytes())
    with Stills(tmp_path) as stills:
        assert [frame.origin for frame in iter(stills.read, None)] == ["a.png", "wald\N{REPLACEMENT CHARACTER}.png"]
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a.png", Path("a.png")):
        with Stills(path) as stills:
            frame = stills.read()
            assert frame is not None
            assert frame.origin == "a.png"


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 999)), max_size=20, unique=True))
def test_natural_order_counts(numbers: list[tuple[int, int]]) -> None:
    names = [Path(f"run{a}_{b}.png") for a, b in numbers]
    assert sorted(names, key=natural) == [Path(f"run{a}_{b}.png") for a, b in sorted(numbers)]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.text("a1_B.0", max_size=6)), st.randoms(use_true_random=False))
def test_natural_order_of_any_names(names: list[str], shuffler: random.Random) -> None:
    paths = [Path("x" + name) for name in names]
    expected = sorted(paths, key=natural)
    shuffler.shuffle(paths)
    assert sorted(paths, key=natural) == expected


@pytest.mark.parametrize("part", [0.05, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".bmp", ".npy"])
def test_file_that_is_cut_off(tmp_path: Path, suffix: str, part: float) -> None:
    save(tmp_path / f"a1{suffix}", SMOOTH)
    whole = (tmp_path / f"a1{suffix}").read_bytes()
    bad = tmp_path / f"a2{suffix}"
    bad.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(SourceError, match=f"{bad}: "):
        Stills(bad)
    with Stills(tmp_path) as stills:
        assert stills.read() is not None
        with pytest.raises(CameraError, match=f"{bad}: ") as caught:
            stills.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".bmp", ".npy"])
@pytest.mark.parametrize("content", [b"", b"no image at all", bytes(3000)], ids=["empty", "text", "zeros"])
def test_file_that_is_no_image(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(SourceError, match="expected an 8 or 16 bit grey image") as caught:
        Stills(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 5), np.float32), "float32"),
        (np.full((4, 5), -1, np.int16), "int16 values -1 .. -1"),
        (np.full((4, 5), 65536, np.uint32), "uint32 values 65536 .. 65536"),
        (np.zeros((4, 5), np.complex64), "complex64"),
        (np.zeros((4, 5), bool), "bool"),
        (np.zeros((4, 5, 3), np.uint8), r"\(4, 5, 3\)"),
        (np.zeros((0, 5), np.uint8), r"\(0, 5\)"),
        (np.array([[{}]]), "NPY"),
    ],
)
def test_npy_of_another_kind(tmp_path: Path, array: npt.NDArray[Any], said: str) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(SourceError, match=said):
        Stills(tmp_path)


def test_tiff_of_another_kind(tmp_path: Path) -> None:
    save(tmp_path / "a.tiff", np.zeros((4, 5), np.float32))
    with pytest.raises(SourceError, match="float32"):
        Stills(tmp_path)
    assert cv2.imwritemulti(str(tmp_path / "a.tiff"), [GREY, GREY, GREY])
    with pytest.raises(ValueError, match="3 images in one file"):  # what wants one picture for one set of boxes
        read_still(tmp_path / "a.tiff")


@pytest.mark.parametrize(("other", "said"), [(GREY[:20], "32x20 8-bit"), (DEEP, "32x24 16-bit")], ids=["size", "depth"])
def test_other_size_or_depth_on_the_way(tmp_path: Path, other: npt.NDArray[Any], said: str) -> None:
    save(tmp_path / "a1.png", GREY)
    save(tmp_path / "a2.png", other)
    with Stills(tmp_path) as stills:
        assert stills.read() is not None
        with pytest.raises(CameraError, match=f"a2.png: {said}, but a1.png is 32x24 8-bit"):
            stills.read()


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(SourceError, match="no image in this folder"):
        Stills(tmp_path)


@settings(deadline=None)  # a busy machine is no failure
@given(step=st.integers(20_000, 65533), seed=st.integers(0, 99))
def test_r_jpeg_however_its_counts_are_cut_into_segments(step: int, seed: int) -> None:
    raw = np.random.default_rng(seed).integers(0, 65536, (DJI_HEIGHT, DJI_WIDTH), dtype=np.uint16)
    counts = dji_raw_counts(r_jpeg(raw.astype("<u2").tobytes(), step))
    assert counts is not None
    assert np.array_equal(counts, raw)


def test_r_jpeg_raw_or_picture(tmp_path: Path) -> None:
    path = tmp_path / "a_R.JPG"
    raw = np.arange(DJI_HEIGHT * DJI_WIDTH, dtype=np.uint32).astype(np.uint16).reshape(DJI_HEIGHT, DJI_WIDTH)
    path.write_bytes(r_jpeg(raw.astype("<u2").tobytes()))
    pixels, note = read_still(path)
    assert np.array_equal(pixels, raw)
    assert note == "raw counts of DJI R-JPEG (its picture is 96x64: boxes are in pixels of the counts)"
    pixels, note = read_still(path, raw=False)
    assert (pixels.shape, pixels.dtype, note) == ((64, 96), np.uint8, "")


def test_r_jpeg_of_another_sensor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(r_jpeg(bytes(256 * 192 * 2)))
    with pytest.raises(SourceError, match="98304 bytes of raw data in a DJI R-JPEG, expected 655360"):
        Stills(tmp_path)
    with Stills(tmp_path, raw=False) as stills:
        assert "96x64 8-bit" in stills.description


def test_app3_of_someone_else_is_no_raw_data(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(r_jpeg(bytes(500), maker=b"ACME\0"))
    assert read_still(tmp_path / "a.jpg")[0].shape == (64, 96)


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=300))
def test_any_bytes_are_no_r_jpeg(data: bytes) -> None:
    assert dji_raw_counts(data) is None
    assert dji_raw_counts(b"\xff\xd8" + data) is None
    jpeg_is_whole(b"\xff\xd8" + data)


@pytest.mark.parametrize("name", ["M2EA_DJI_0001", "M3T_DJI_0001", "H20N_DJI_0001"])
def test_real_r_jpeg(name: str) -> None:
    path = SHARED / "raw16" / f"{name}_R.JPG"
    if not path.exists():
        pytest.skip("needs ../shared/data/raw16, which is not here")
    expected = np.load(SHARED / "raw16" / f"{name}_R_raw16.npy")
    pixels, _ = read_still(path)
    assert pixels.dtype == expected.dtype
    assert np.array_equal(pixels, expected)


def test_real_radiometric_tiff() -> None:
    path = SHARED / "raw16" / "flir_example_radiometric.tiff"
    if not path.exists():
        pytest.skip("needs ../shared/data/raw16, which is not here")
    pixels, note = read_still(path)
    assert (pixels.shape, pixels.dtype, note) == ((512, 640), np.uint16, "")


def test_real_folder() -> None:
    folder = SHARED / "hituav" / "val"
    if not folder.exists():
        pytest.skip("needs ../shared/data/hituav/val, which is not here")
    with Stills(folder) as stills:
        assert stills.description == f"{folder}: 290 stills, 640x512 8-bit grey"
        for _ in range(5):
            frame = stills.read()
    assert frame is not None
    expected = cv2.imread(str(sorted(folder.iterdir(), key=natural)[4]), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(frame.pixels, expected)


def test_what_a_run_drew_into_the_folder_is_no_still(tmp_path: Path) -> None:
    """--out was the folder of the stills: its pictures are left out, and that is said."""
    for name in ("a.png", "b.png", "map.png", "coverage.png", "crops/000001-1.png", "pictures/a.png", "more/map.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / name, GREY)
    choice = Choice(recursive=True)
    assert len(find_stills([tmp_path], choice).files) == 7  # no run wrote here
    (tmp_path / "detections.jsonl").write_text("")
    found = find_stills([tmp_path], choice)
    assert found.origins == ("a.png", "b.png", "more/map.png")
    assert "4 pictures that an earlier run wrote left out (coverage.png, ...)" in found.note
    (tmp_path / "coverage.png").unlink()
    found = find_stills([tmp_path], Choice())
    assert found.origins == ("a.png", "b.png")
    assert "1 picture that an earlier run wrote left out (map.png)" in found.note
    assert find_stills([tmp_path / "crops"], Choice()).origins == ("000001-1.png",)  # it was asked for
    drawn = {name for name in _written(known_specs()) if name.endswith(".png")}
    assert drawn == OWN_PICTURES
    folders = {CROPS, next(spec.file for spec in known_specs() if spec.name == "pictures")}
    assert folders == OWN_FOLDERS
