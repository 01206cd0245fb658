"""Where an ONNX file takes its weights from, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.model.onnx_weights import weight_files

KEY = b"\x0a\x08location\x12"


def field(number: int, data: bytes, length: bytes | None = None) -> bytes:
    """A field of protobuf's wire format: its number, its length as a number of 7 bits a byte, its bytes."""
    size, digits = len(data), []
    while not digits or size:
        digits.append(size & 127 | (128 if size > 127 else 0))
        size >>= 7
    return bytes([number << 3 | 2]) + (length or bytes(digits)) + data


def entry(location: bytes, length: bytes | None = None) -> bytes:
    return b"\x0a\x08location" + field(2, location, length)


def found(path: Path, data: bytes) -> set[str]:
    (path / "model.onnx").write_bytes(data)
    return weight_files(path / "model.onnx")


@pytest.mark.parametrize("size", [1, 2, 115, 116, 117, 127, 128, 129, 255, 256, 300, 16370, 16384, 20000])
@pytest.mark.parametrize("before", [b"", b"x", b"other bytes"])
def test_a_location_of_any_length_anywhere(size: int, before: bytes, tmp_path: Path) -> None:
    name = "w" * size
    data = before + field(13, entry(name.encode())) + b"after"
    assert found(tmp_path, data) == {name}
    assert found(tmp_path, before + field(14, entry(name.encode()))) == set()  # a field of another number
    assert found(tmp_path, data + field(13, entry(b"second"))) == {name, "second"}


def test_one_that_says_another_length_than_it_has_is_none(tmp_path: Path) -> None:
    whole = field(13, entry(b"weights"))
    for wrong in (whole[1], whole[1] + 2):
        shifted = whole[:1] + bytes([wrong - 1 if wrong == whole[1] else wrong]) + whole[2:]
        assert found(tmp_path, shifted) == set()
    assert found(tmp_path, entry(b"weights")) == set()
    assert found(tmp_path, entry(b"weights") + field(13, entry(b"others"))) == {"others"}


@pytest.mark.parametrize(
    ("length", "read"),
    [
        (b"\x83\x00", True),  # 3, written longer than needed
        (b"\x83\x80\x80\x80\x00", True),  # in five bytes, the most that a length may have
        (b"\x83\x80\x80\x80\x80\x00", False),
    ],
)
def test_a_length_has_five_bytes_at_most(length: bytes, read: bool, tmp_path: Path) -> None:
    assert found(tmp_path, field(13, entry(b"abc", length))) == ({"abc"} if read else set())


@pytest.mark.parametrize("data", [b"", b"x", KEY, KEY + b"\xff", KEY[:-1], b"\x6a\x7f" + KEY + b"\x7fcut off"])
def test_nothing_of_what_is_no_such_file(data: bytes, tmp_path: Path) -> None:
    assert found(tmp_path, data) == set()


def test_a_location_whose_fields_stand_in_another_order(tmp_path: Path) -> None:
    """As no writer writes it, and every reader of protobuf reads it."""
    hidden = field(2, b"w.bin") + field(1, b"location")
    tensor = field(5, field(13, hidden))
    for graph in (tensor, field(1, field(5, field(6, tensor)))):  # of the graph; of one inside a node
        assert found(tmp_path, field(7, graph)) == {"w.bin"}
    assert found(tmp_path, field(7, field(5, field(13, field(2, b"w.bin") + field(1, b"offset"))))) == set()
    assert found(tmp_path, b"\x08\x08" + b"\x3b" + field(7, tensor) + b"\x3c") == {"w.bin"}  # in a group


def test_a_file_of_fields_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.model.onnx_weights.MOST_FIELDS", 100)
    assert found(tmp_path, b"\x08\x08" * 100) == set()
    with pytest.raises(ValueError, match="more than 100 fields"):
        found(tmp_path, b"\x08\x08" * 101)


def test_a_name_that_is_no_text_is_still_named(tmp_path: Path) -> None:
    assert found(tmp_path, field(13, entry(b"w\xff"))) == {"w�"}
