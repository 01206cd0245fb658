"""FLIR's radiometric JPEGs: real ones (CC0), and ones built from the documented layout."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.images.flir import NO_SCALE, SAID, flir_raw_counts
from edge.camera.stills import Stills, read_still
from edge.errors import InputError, SourceError
from edge.thermal.temperature import PlanckScale

REAL = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "flir_rjpeg"
PICTURE = cv2.resize(np.random.default_rng(5).integers(0, 255, (6, 8), dtype=np.uint8), (64, 48))
COUNTS = (cv2.resize(PICTURE, (32, 24)).astype(np.uint16) * 9 + 13000).astype(np.uint16)
PLANCK = (14985.93, 1398.1, 1.0, -6233, 0.01128)  # R1, B, F, O, R2


def planck_celsius(raw: float, r1: float, b: float, f: float, o: float, r2: float) -> float:
    """FLIR's formula as ExifTool's users and IRimage write it, with the C library's logarithm."""
    return b / math.log(r1 / (r2 * (raw + o)) + f) - 273.15


def r_jpeg(
    counts: npt.NDArray[np.uint16] = COUNTS,
    order: str = "<",
    png: bool = False,
    planck: tuple[float, ...] = PLANCK,
    step: int = 1000,
    size: tuple[int, int] | None = None,
    swapped: bool = True,
) -> bytes:
    """A JPEG with an FFF in its APP1 segments: header, index, raw data, camera information."""
    height, width = size or counts.shape
    head = struct.pack(order + "HHH", 2, width, height).ljust(32, b"\0")
    if png:  # FLIR writes the low byte first, which PNG defines as high
        raw = cv2.imencode(".png", counts.byteswap() if swapped else counts)[1].tobytes()
    else:
        raw = counts.astype(order + "u2").tobytes()
    info = bytearray(0x310)
    struct.pack_into(order + "H", info, 0, 2)
    struct.pack_into(order + "fff", info, 0x58, *planck[:3])
    struct.pack_into(order + "if", info, 0x308, int(planck[3]), planck[4])
    bodies = [(1, head + raw), (0x20, bytes(info))]
    at = 64 + 32 * len(bodies)
    index = b""
    for kind, body in bodies:
        index += struct.pack(order + "HHIIII", kind, 0, 100, 0, at, len(body)).ljust(32, b"\0")
        at += len(body)
    start = b"FFF\0" + bytes(16) + struct.pack(order + "III", 100, 64, len(bodies))
    fff = start.ljust(64, b"\0") + index + b"".join(body for _, body in bodies)
    parts = [fff[i : i + step] for i in range(0, len(fff), step)]
    segments = b""
    for i, part in enumerate(parts):
        body = b"FLIR\0\1" + bytes([i, len(parts) - 1]) + part
        segments += struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body
    picture = cv2.imencode(".jpg", PICTURE)[1].tobytes()
    return picture[:2] + segments + picture[2:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("png", [False, True])
@pytest.mark.parametrize("step", [700, 60000])
def test_counts_and_scale(order: str, png: bool, step: int) -> None:
    found = flir_raw_counts(r_jpeg(order=order, png=png, step=step))
    assert found is not None
    counts, scale = found
    assert counts.dtype == np.uint16
    assert np.array_equal(counts, COUNTS)
    assert scale is not None
    assert float(scale.celsius(15000)) == pytest.approx(planck_celsius(15000, *PLANCK), abs=1e-3)


def test_a_png_whose_bytes_are_in_order_is_a_picture_too() -> None:
    found = flir_raw_counts(r_jpeg(png=True, swapped=False))
    assert found is not None
    assert np.array_equal(found[0], COUNTS)


def test_camera_gives_counts_and_temperatures_or_the_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(r_jpeg())
    with Stills(tmp_path / "a.jpg") as stills:
        frame = stills.read()
        assert f"32x24 16-bit grey, {SAID} (its picture is 64x48: boxes are in pixels" in stills.description
    assert frame is not None
    assert isinstance(frame.temperature, PlanckScale)
    pixels, note = read_still(tmp_path / "a.jpg", raw=False)
    assert (pixels.shape, pixels.dtype, note) == ((48, 64), np.uint8, "")
    (tmp_path / "a.jpg").write_bytes(r_jpeg(planck=(0.0,) * 5))
    with Stills(tmp_path / "a.jpg") as stills:
        assert NO_SCALE in stills.description


@pytest.mark.parametrize(
    ("jpeg", "said"),
    [
        (r_jpeg().replace(b"FLIR\0\1\1", b"FLIX\0\1\1", 1), "part 2 of the 3 parts"),
        (r_jpeg().replace(b"FFF\0", b"FFX\0", 1), "not FFF"),
        (r_jpeg(size=(1000, 1000)), "1000x1000 counts, expected 2000000 bytes"),
        (r_jpeg(size=(60000, 60000)), "60000x60000 pixels"),
        (r_jpeg(png=True, size=(25, 32)), "32x25 counts"),
    ],
    ids=["part missing", "other file", "too few", "too large", "other size"],
)
def test_what_cannot_be_read_names_the_way_out(tmp_path: Path, jpeg: bytes, said: str) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    with pytest.raises(SourceError, match=said) as caught:
        Stills(tmp_path / "a.jpg")
    assert "?raw=0" in str(caught.value)
    with Stills(tmp_path / "a.jpg", raw=False) as stills:
        assert "64x48 8-bit" in stills.description


@settings(deadline=None)
@given(at=st.integers(0, 2500), put=st.binary(min_size=1, max_size=4))
def test_any_damage_is_a_value_error_or_a_picture(at: int, put: bytes) -> None:
    jpeg = r_jpeg(png=True)
    with suppress(ValueError):
        flir_raw_counts(jpeg[:at] + put + jpeg[at + len(put) :])


# What another reader (flyr 5.1.0, by emissivity 1 and distance 0) gives for each file: its raw count at the top left
# corner, and degrees C there, at row and column 60, of the coldest and the hottest pixel.
FILES = {
    "four_ducks_png16.jpg": ((120, 120), 11867, (14.1459657, 14.8099121, 8.0073185, 23.0503369)),
    "moving_car_raw16.jpg": ((240, 320), 13103, (-7.8330177, 6.9754567, -8.2496989, 15.2508486)),
}


@pytest.mark.parametrize("name", FILES)
def test_real_files(name: str) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip("needs ../shared/data/flir_rjpeg, which is not here")
    shape, first, celsius = FILES[name]
    jpeg = path.read_bytes()
    found = flir_raw_counts(jpeg)
    assert found is not None
    counts, scale = found
    assert counts.shape == shape
    assert counts[0, 0] == first
    assert scale is not None
    ours = scale.celsius([counts[0, 0], counts[60, 60], counts.min(), counts.max()])
    np.testing.assert_allclose(ours, celsius, atol=1e-6)
    # the counts against the file's own picture: a wrong byte order or width has next to no correlation
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    small = [cv2.resize(a, (30, 30), interpolation=cv2.INTER_AREA).astype(float).ravel() for a in (counts, picture)]
    assert np.corrcoef(*small)[0, 1] > 0.6


# ---- the scale ----


@given(st.integers(7000, 65535))
def test_scale_and_its_inverse(raw: int) -> None:
    scale = PlanckScale(*PLANCK)
    assert float(scale.counts(scale.celsius(raw))) == pytest.approx(raw, rel=1e-9)
    slope = float(scale.celsius(raw + 1) - scale.celsius(raw))
    assert scale.kelvin_per_count(raw) == pytest.approx(slope)


@given(st.floats(1e3, 1e6), st.floats(500, 3000), st.floats(0.1, 5), st.integers(-20000, 20000), st.floats(1e-3, 1.0))
def test_a_scale_never_falls_and_is_always_a_number(r1: float, b: float, f: float, o: int, r2: float) -> None:
    celsius = PlanckScale(r1, b, f, o, r2).celsius(np.arange(0, 65536, 97))
    assert np.isfinite(celsius).all()
    assert (np.diff(celsius) >= 0).all()


@pytest.mark.parametrize("wrong", [0, 1, 2, 4])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_constants_that_are_none(wrong: int, value: float) -> None:
    constants = list(PLANCK)
    constants[wrong] = value
    with pytest.raises(InputError, match="Planck constants"):
        PlanckScale(*constants)
