"""What is said of files that are not read: what they are, whatever their encoding, and a way out."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from edge.camera.decode.strangers import SENSORS, headerless, named, sizes_of, text_of

TABLE = "".join(f"{20 + i / 10:.1f}\t{21 + i / 7:.1f}\t18.2 \u00b0C\r\n" for i in range(900))


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("latin-1", "8-bit"),
        ("cp1252", "8-bit"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-32-be", "UTF-16"),
    ],
)
@pytest.mark.parametrize("size", [60, 4001, None])
def test_texts(encoding: str, name: str, size: int | None) -> None:
    said = named(TABLE.encode(encoding)[:size])
    assert said is not None
    assert f"a text file ({'' if name != '8-bit' else 'Latin-1 or another 8-bit'}" in said
    assert name in said
    assert "16-bit TIFF" in said
    assert "NPY" in said


def test_more_texts() -> None:
    assert text_of(b"nothing else") == "ASCII"
    assert text_of("\u6e29\u5ea6 20,5\r\n".encode("gbk") * 200) == "Latin-1 or another 8-bit encoding"
    assert named(b"#EXTM3U\n#EXT-X-VERSION:3\n") == "a playlist: give the address of the stream"


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
@pytest.mark.parametrize(
    ("low", "high"), [(0, 256), (33, 100), (100, 200), (7000, 9000), (0x2020, 0x2060), (29000, 30000)]
)
def test_counts_are_no_text(dtype: str, low: int, high: int) -> None:
    noise = np.random.default_rng(low).integers(low, high, 20000)
    assert text_of((noise % 256 if dtype == "u1" else noise).astype(dtype).tobytes()) is None


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"FFF\0CPD", "a FLIR SEQ or CSQ recording"),
        (b"AFF\0CPD", "a FLIR SEQ or CSQ recording"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\3\4\x14\0", "a ZIP archive"),
        (gzip.compress(b"other", mtime=0), "a file packed by gzip"),
        (b"\x1f\x8bxx", "a file packed by gzip"),
        (b"RIFF\4\0\0\0WAVEfmt ", "an audio file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (b"\x80\4\x95\0", "a Python pickle"),
        (b"\x06\x0e\x2b\x34\0", "an MXF video; convert it"),
    ],
)
def test_others(head: bytes, said: str) -> None:
    assert (named(head) or "").startswith(said)


def test_a_tar_and_what_nobody_knows() -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert (named(data.getvalue()) or "").startswith("a TAR archive")
    assert named(bytes(512)) is None
    assert named(b"") is None


def test_headerless_files_are_asked_for_their_size() -> None:
    assert list(sizes_of(2 * 160 * 120 * 2, 2)) == [(160, 120), (80, 60)]
    assert next(sizes_of(640 * 512, 1)) == (640, 512)
    assert list(sizes_of(0, 2)) == []
    assert all(w > h for w, h in SENSORS)
    said = headerless(Path("x.bin"), 384 * 288 * 2 * 3)
    assert "'x.bin?width=384&height=288&format=Y16'" in said
    assert "no video" in said
