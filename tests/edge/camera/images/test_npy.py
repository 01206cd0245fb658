"""NPY: what its header says is read with limits, whatever it says; pages one by one, whatever their order."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.stills import Stills, read_picture
from edge.errors import SourceError

DEEP = np.random.default_rng(2).integers(0, 65536, (24, 32), dtype=np.uint16)
GOOD = "{'descr': '<u2', 'fortran_order': False, 'shape': (24, 32), }"


def npy(header: str | bytes, data: bytes = DEEP.tobytes(), version: int = 1) -> bytes:
    text = header.encode("latin-1") if isinstance(header, str) else header
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("header", [GOOD, GOOD.replace("24", "24L"), GOOD.ljust(200) + "\n"])
def test_every_version(tmp_path: Path, version: int, header: str) -> None:
    (tmp_path / "a.npy").write_bytes(npy(header, version=version))
    assert np.array_equal(read_picture(tmp_path / "a.npy").pixels, DEEP)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">u8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("pages", [0, 1, 3])
def test_every_order_of_bytes_and_axes(tmp_path: Path, dtype: str, order: str, pages: int) -> None:
    stack = np.stack([DEEP // 2 + i for i in range(pages)]) if pages else DEEP // 2
    np.save(tmp_path / "a.npy", np.asarray(stack.astype(dtype), order=order))  # type: ignore[call-overload]
    with Stills(tmp_path / "a.npy") as stills:
        frames = list(iter(stills.read, None))
    assert len(frames) == max(pages, 1)
    for i, frame in enumerate(frames):
        assert frame.pixels.dtype == np.dtype("=u2")
        assert frame.origin == ("a.npy" if pages < 2 else f"a.npy#{i + 1}")
        assert np.array_equal(frame.pixels, DEEP // 2 + i)


def test_a_single_channel_at_the_end(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DEEP[:, :, None])
    assert np.array_equal(read_picture(tmp_path / "a.npy").pixels, DEEP)


@pytest.mark.parametrize(
    ("shape", "refused"),
    [
        ((512, 640, 10), True),
        ((512, 640, 300), True),  # no tall picture, but 640x512 is a sensor's
        ((120, 160, 1000), True),
        ((640, 512, 10), True),
        ((50, 60, 15), True),  # no sensor's, but of 15x60 pixels
        ((50, 60, 16), False),
        ((30, 60, 15), True),
        ((29, 60, 15), False),  # nor is 60x29
        ((120, 60, 15), True),
        ((121, 60, 15), False),
        ((120, 120, 160), False),
        ((240, 320, 240), False),  # both are sensors'
        ((120, 160, 120), False),
        ((9, 512, 640), False),
        ((1, 64, 8), False),
    ],
)
def test_the_axis_that_counts_the_frames(tmp_path: Path, shape: tuple[int, int, int], refused: bool) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    if refused:
        rows, columns, frames = shape
        said = f"{rows} pictures of {frames}x{columns}, or {frames} of {columns}x{rows}\\? expected .*moveaxis"
        with pytest.raises(SourceError, match=said):
            Stills(tmp_path / "a.npy")
    else:
        with Stills(tmp_path / "a.npy") as stills:
            assert stills.frames == shape[0]
            assert ("(frames, height, width)" in stills.description) is (shape[0] > 1)


@pytest.mark.parametrize(
    "data",
    [
        npy("{'descr': '<u2', 'fortran_order': False, 'sha(pe': (24, 32, }"),
        npy("(" * 4000),
        npy("-" * 4000),
        npy("[" * 60000),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (1000000, 1000000)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (10000000000000000000000, 5)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (-1, 5)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (24.0, 32)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': [24, 32]}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (True, 32)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': ()}"),
        npy("{'descr': '<u2', 'fortran_order': 2, 'shape': (24, 32)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (24, 32), 'more': 1}"),
        npy("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (24, 32)}"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (24, 32)}"),
        npy("{'descr': '|V1000000000', 'fortran_order': False, 'shape': (24, 32)}"),
        npy("{'descr': '<x9', 'fortran_order': False, 'shape': (24, 32)}"),
        npy("{'descr': '<u2', 'fortran_order': False, 'shape': (2000, 24, 32)}"),
        npy("{1: 2, 'a': 3, (4,): 5}"),
        npy("{[]: 2}"),
        npy("__import__('os').abort()"),
        npy("9" * 4000),
        npy(b"\x00"),
        npy(""),
        npy(GOOD, DEEP.tobytes()[:-1]),
        npy(GOOD, DEEP.tobytes() + b"\0"),
        npy(GOOD)[:9],
        npy(GOOD)[:6],
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        b"\x93NUMPY\x09\x00\x00\x00",
        b"PK\x03\x04" + bytes(30),
    ],
)
def test_no_header_does_more_than_be_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        Stills(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, 130), put=st.binary(max_size=4), cut=st.integers(0, 3))
def test_any_mutation_of_a_header(tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.npy"
    good = npy(GOOD.ljust(117) + "\n")
    path.write_bytes(good[:at] + put + good[at + cut :])
    try:
        pixels: npt.NDArray[Any] | None = read_picture(path).pixels
    except ValueError:
        pixels = None
    assert pixels is None or pixels.dtype in (np.uint8, np.uint16)
