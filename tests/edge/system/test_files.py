"""Small files, and errors in words."""

from __future__ import annotations

import fcntl
import os
import resource
from pathlib import Path

import pytest

from edge.system.files import (
    Room,
    has_room,
    read_text_or_none,
    readable,
    reason_of,
    sync_folder,
    takes_more,
    write_whole,
)


def test_why() -> None:
    assert reason_of(OSError(28, "No space left on device", "/some/path")) == "No space left on device"
    assert reason_of(OSError("cut off")) == "cut off"
    assert reason_of(TimeoutError()) == "TimeoutError"


def test_what_can_be_read_also_beyond_descriptor_1023() -> None:
    reading, writing = os.pipe()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, hard) if hard > 0 else 2048, hard))
    high = fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, 1500)
    try:
        assert not readable(high, 0.0)
        os.write(writing, b"x")
        assert readable(high, 10.0)
        assert readable(reading, 10.0)
        assert os.read(high, 2) == b"x"
        os.close(writing)
        assert readable(high, 10.0)  # its end
    finally:
        os.close(high)
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with pytest.raises(ValueError):  # noqa: PT011 - Python's words
        readable(-1, 0.0)


def test_room_is_kept_for_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("of before")
    with Room(path, 8192) as room:
        assert [one.name for one in tmp_path.iterdir()] == ["report.json"]  # it has no name yet
        assert not room.write(b"x" * 8193)
        assert path.read_text() == "of before"
        assert room.write(b"{}")
        assert path.read_text() == "{}"
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]
    assert not room.write(b"{}")
    with Room(tmp_path / "nowhere" / "report.json", 8192) as none:
        assert not none.write(b"{}")


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


def test_a_file_is_as_it_was_after_it_was_tried_whether_it_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(b"abc")
    takes_more(path)
    assert path.read_bytes() == b"abc"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            takes_more(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"abc"
