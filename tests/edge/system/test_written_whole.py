"""A file that is written bit by bit is there whole, or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.system.files import written_whole
from edge.system.text import in_xml


def test_it_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with written_whole(path) as out:
        out.write(b"n")
        assert path.read_bytes() == b"old"
        out.write(b"ew")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_and_not_where_it_raised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def broken() -> None:
        with written_whole(path) as out:
            out.write(b"new")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        broken()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_for_xml() -> None:
    assert in_xml("a\x00\x0b\ud800\ufffe\tü\U0001f98c<") == "a\ufffd\ufffd\ufffd\ufffd\tü\U0001f98c<"
