"""Text of others: its encoding is known or the line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import InputError
from export.data import text_file
from export.data.text_file import clean_name, read_lines, some


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffa\r\n\r\n b \r\nc\u2028d\n".encode())
    assert read_lines(tmp_path / "a.txt", "list") == [(1, "a"), (3, "b"), (4, "c\u2028d")]


def test_a_file_that_is_no_label_file_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_bytes(b"a" * 65)
    with pytest.raises(InputError, match=r"labels .* cannot be read \(Is a directory\)"):
        read_lines(tmp_path, "labels")
    monkeypatch.setattr(text_file, "MOST_BYTES", 64)
    with pytest.raises(InputError, match=r"a\.txt is larger than"):
        read_lines(tmp_path / "a.txt", "list")


def test_names_that_cannot_be_shown() -> None:
    assert clean_name(" a b ", "x") == "a b"
    for name in ("", " ", "a\nb", "\x07", "\x9b2J", "\udce9"):
        with pytest.raises(InputError, match="^x "):
            clean_name(name, "x")


def test_a_few_of_many() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
