"""Small files, and errors in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.system.files import has_room, read_text_or_none, reason_of, sync_folder, write_whole


def test_why() -> None:
    assert reason_of(OSError(28, "No space left on device", "/some/path")) == "No space left on device"
    assert reason_of(OSError("cut off")) == "cut off"
    assert reason_of(TimeoutError()) == "TimeoutError"


def test_a_small_file_or_none(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"Orin Nano\0\n")
    (tmp_path / "bad").write_bytes(b"a\xffb\n")
    (tmp_path / "empty").touch()
    assert read_text_or_none(tmp_path / "model") == "Orin Nano"
    assert read_text_or_none(tmp_path / "bad") == "a\ufffdb"
    assert read_text_or_none(tmp_path / "empty") == ""
    assert read_text_or_none(tmp_path / "missing") is None
    assert read_text_or_none(tmp_path) is None


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ("n" * 250)  # the temporary file's name must not be longer still
    write_whole(path, b"one")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o644)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")
    assert has_room(tmp_path, 1)
    assert not has_room(tmp_path, 1 << 60)
