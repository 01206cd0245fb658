"""TIFF as its own header says, form by form, written by tifffile: the stored first band, or a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from tifffile import TiffPage

from edge.camera.images.tiff import _parts
from edge.camera.images.values import COLOUR
from edge.camera.stills import Stills, read_picture
from edge.errors import SourceError

RNG = np.random.default_rng(3)
DEEP = RNG.integers(6800, 7500, (48, 64), dtype=np.uint16)
GREY = RNG.integers(0, 256, (48, 64), dtype=np.uint8)
FLAT = np.full((48, 64), 100, np.uint8)
PLANES = {"photometric": "rgb", "planarconfig": "separate"}  # as tifffile writes (3 or 4, H, W) if it is not told
WHITE = np.full_like(DEEP, 65535)
RAMP = np.stack([np.arange(256) * 257] * 3).astype(np.uint16)


def saved(folder: Path, array: npt.NDArray[Any], **how: Any) -> Path:
    tifffile.imwrite(folder / "a.tif", array, **how)
    return folder / "a.tif"


@pytest.mark.parametrize("array", [DEEP, GREY], ids=["16 bit", "8 bit"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "lzw", "predictor": 2},
        {"compression": "deflate", "tile": (16, 16)},
        {"compression": "packbits"},
        {"compression": "zstd", "predictor": 2},
        {"compression": "lerc"},
        {"compression": "lzma"},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"byteorder": ">", "bigtiff": True, "compression": "lzw"},
        {"extratags": [(274, "H", 1, 6, True)]},
        {"extratags": [(274, "H", 1, 3, True)], "compression": "lzw"},
        {"rowsperstrip": 5},
    ],
    ids=str,
)
def test_one_band_is_exact_in_its_stored_orientation(
    tmp_path: Path, array: npt.NDArray[Any], how: dict[str, Any]
) -> None:
    if how.get("compression") in ("zstd", "lerc", "lzma"):
        pytest.importorskip("imagecodecs", reason="needs imagecodecs: pip install 'thermal-edge[tiff]'")
    picture = read_picture(saved(tmp_path, array, **how))
    assert picture.pixels.dtype == array.dtype
    assert np.array_equal(picture.pixels, array)
    assert (picture.note, picture.temperature) == ("", None)


@pytest.mark.parametrize(
    ("array", "how", "expected"),
    [
        (np.dstack([DEEP, WHITE]), {"extrasamples": ["unassalpha"], "planarconfig": "contig"}, DEEP),
        (np.stack([DEEP, WHITE]), {"extrasamples": ["assocalpha"], "planarconfig": "separate"}, DEEP),
        (np.dstack([DEEP, WHITE * (DEEP > 7000)]), {"extrasamples": ["unspecified"], "planarconfig": "contig"}, DEEP),
        (np.dstack([DEEP, DEEP, DEEP]), {"planarconfig": "contig"}, DEEP),
        (np.dstack([DEEP] * 3), {"photometric": "rgb"}, DEEP),
        (np.stack([GREY] * 3), {"photometric": "rgb", "planarconfig": "separate"}, GREY),
        (np.dstack([FLAT, FLAT + 15, FLAT]), {"photometric": "rgb"}, FLAT + 15),
        (np.stack([DEEP] * 3 + [WHITE]), {"photometric": "rgb"}, DEEP),
        (np.dstack([GREY] * 3 + [GREY * 0 + 255]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, GREY),
        (GREY, {"photometric": "palette", "colormap": RAMP}, GREY),
        (GREY, {"photometric": "miniswhite"}, 255 - GREY),
        (GREY, {"photometric": "miniswhite", "compression": "lzw"}, 255 - GREY),
        (DEEP, {"photometric": "miniswhite"}, 65535 - DEEP),
        (DEEP, {"photometric": "miniswhite", "compression": "lzw"}, 65535 - DEEP),
        (DEEP.astype(np.int16), {}, DEEP),
        (DEEP.astype(np.uint32), {}, DEEP),
        (DEEP.astype(np.int64), {}, DEEP),
    ],
    ids=[
        "16 bit + alpha", "16 bit + alpha in planes", "16 bit + mask", "three equal bands", "equal RGB of 16 bit",
        "equal RGB in planes", "chroma noise", "equal RGBA of 16 bit in planes", "equal RGBA", "grey palette",
        "0 is white", "0 is white, LZW", "0 is white, 16 bit", "0 is white, 16 bit, LZW", "int16", "uint32", "int64",
    ],
)  # fmt: skip
def test_other_forms_give_the_first_band(
    tmp_path: Path, array: npt.NDArray[Any], how: dict[str, Any], expected: npt.NDArray[Any]
) -> None:
    picture = read_picture(saved(tmp_path, array, **{"photometric": "minisblack", **how}))
    assert picture.pixels.dtype == expected.dtype
    assert np.array_equal(picture.pixels, expected)
    assert not picture.coloured


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_counts(tmp_path: Path, bits: int) -> None:
    pytest.importorskip("imagecodecs", reason="needs imagecodecs: pip install 'thermal-edge[tiff]'")
    counts = DEEP & ((1 << bits) - 1)
    try:
        path = saved(tmp_path, counts, bitspersample=bits)
    except NotImplementedError:
        pytest.skip("this imagecodecs reads packed counts and cannot write them")
    assert np.array_equal(read_picture(path).pixels, counts)


def test_colours_are_told(tmp_path: Path) -> None:
    colours = np.dstack([GREY, GREY // 2, 255 - GREY])
    picture = read_picture(saved(tmp_path, colours, photometric="rgb"))
    assert (picture.coloured, picture.note) == (True, COLOUR)
    blue_to_red = np.stack([np.arange(256), np.zeros(256), 255 - np.arange(256)]).astype(np.uint16) * 257
    picture = read_picture(saved(tmp_path, GREY, photometric="palette", colormap=blue_to_red))
    assert picture.note == COLOUR


@pytest.mark.parametrize(
    ("array", "how", "said"),
    [
        (
            np.stack([DEEP] * 4 + [WHITE]),
            {"photometric": "minisblack", "planarconfig": "separate"},
            "5 samples a pixel",
        ),
        (np.dstack([DEEP, DEEP + 1]), {"photometric": "minisblack", "planarconfig": "contig"}, "2 samples a pixel"),
        (
            np.dstack([GREY] * 3 + [GREY[::-1]]),
            {"photometric": "rgb", "extrasamples": ["unspecified"]},
            "RGB and something else",
        ),
        (
            np.stack([DEEP, DEEP + 300, DEEP]),
            PLANES,
            "bands of 16 bits that differ by up to 300 counts: .*'minisblack'",
        ),
        (np.stack([DEEP, DEEP, DEEP + 1, DEEP]), PLANES, "bands of 16 bits that differ by up to 1 counts"),
        (np.dstack([DEEP, DEEP + 300, DEEP]), {"photometric": "rgb"}, "bands of 16 bits that differ by up to 300"),
        (
            np.stack([FLAT, FLAT + 15, FLAT]),
            PLANES,
            "3 planes that differ by up to 15 and show no colour: .*'minisblack'",
        ),
        (np.stack([DEEP.astype(np.float32)] * 3), PLANES, "3 samples a pixel of float32; .*'minisblack'"),
        (np.broadcast_to(DEEP[:, :, None], (48, 64, 10)), {}, "48 pictures of 10x64, or 10 of 64x48"),
        (GREY > 128, {}, "1 bit a sample"),
        (DEEP.astype(np.int16) - 7000, {}, "int16 values -200 .. 499"),
        (DEEP.astype(np.uint32) * 100, {}, "uint32 values 680000 .. 749900"),
        (DEEP, {"photometric": "cfa"}, "a colour filter array"),
        (np.dstack([GREY] * 4), {"photometric": "separated"}, "CMYK"),
        (DEEP.astype(np.complex64), {}, "complex64"),
        (DEEP, {"extratags": [(50706, "B", 4, b"\1\4\0\0", True)]}, "DNG"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_right_is_refused_by_its_property(
    tmp_path: Path, array: npt.NDArray[Any], how: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        Stills(saved(tmp_path, array, **how))
    assert "\n" not in str(caught.value)
    assert "a.tif" in str(caught.value)


def test_nodata_is_no_count(tmp_path: Path) -> None:
    counts = DEEP.copy()
    counts[0] = 60000
    picture = read_picture(saved(tmp_path, counts, extratags=[(42113, "s", 6, "60000", True)]))
    assert picture.empty == 64
    assert not picture.pixels[0].any()
    assert np.array_equal(picture.pixels[1:], DEEP[1:])


def test_pages_are_frames_and_thumbnails_are_none(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(DEEP, subifds=1, photometric="minisblack")
        file.write(DEEP[::2, ::2], subfiletype=1)  # a preview below the first page
        file.write(DEEP + 1, photometric="minisblack", compression="lzw")
        file.write(DEEP[::2, ::2], subfiletype=1)
    with Stills(tmp_path / "a.tif") as stills:
        assert (stills.frames, stills.independent) == (2, True)
        assert "2 stills in 1 file, 64x48 16-bit" in stills.description
        frames = list(iter(stills.read, None))
    assert [(f.seq, f.origin) for f in frames] == [(0, "a.tif#1"), (1, "a.tif#2")]
    assert [int(f.pixels[0, 0]) - int(DEEP[0, 0]) for f in frames] == [0, 1]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(DEEP, photometric="minisblack")
        file.write(GREY)
    with pytest.raises(SourceError, match="2 pictures in one file, and number 2 is another kind"):
        Stills(tmp_path / "a.tif")


def test_without_imagecodecs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(self: TiffPage, *_: Any, **__: Any) -> None:
        raise ValueError(f"{self.compression!r} requires the 'imagecodecs' package")

    monkeypatch.setattr(TiffPage, "asarray", without)
    assert np.array_equal(read_picture(saved(tmp_path, DEEP, compression="lzw")).pixels, DEEP)
    for how in ({"compression": "lzw", "photometric": "miniswhite"}, {"extratags": [(274, "H", 1, 6, True)]}):
        path = saved(tmp_path, DEEP, **{"compression": "lzw", **how})
        with pytest.raises(ValueError, match=r"pip install 'thermal-edge\[tiff\]'"):
            read_picture(path)


@pytest.mark.parametrize("how", [{}, {"compression": "lzw"}, {"tile": (16, 16), "compression": "deflate"}], ids=str)
def test_cut_off_or_sparse(tmp_path: Path, how: dict[str, Any]) -> None:
    path = saved(tmp_path, DEEP, **how)
    data = path.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 300, 9):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"cut off|damaged"):
            read_picture(path)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("how", [{"rowsperstrip": 1}, {"tile": (16, 16)}], ids=str)
def test_parts_that_are_not_listed_are_not_looked_for(tmp_path: Path, how: dict[str, Any], planes: int) -> None:
    """A height of two millions with twelve strips took seven seconds and 440 MB to be refused."""
    array = np.broadcast_to(DEEP, (planes, *DEEP.shape)) if planes > 1 else DEEP
    if planes > 1:
        how = {**how, "planarconfig": "separate", "photometric": "minisblack"}
    path = saved(tmp_path, np.ascontiguousarray(array), **how)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        listed = len(page.dataoffsets)  # type: ignore[union-attr]
        assert _parts(page) == listed > planes  # type: ignore[arg-type]
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["ImageLength"].overwrite(300_000)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"a damaged TIFF \(\d+ of its \d+ strips or tiles are listed\)"):
        read_picture(path)
