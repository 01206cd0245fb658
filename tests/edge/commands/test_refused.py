"""A command that is refused, or fails before it has anything, leaves no folder behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.commands.main import main
from edge.system.files import folders_made


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--source", "sim:live=0", "--backend", "null", "--verify", "none.jsonl", "--out", "a/b"),
        ("bench", "--source", "none.mp4", "--backend", "null", "--no-cold-start", "--json", "a/b/x.json"),
    ],
)
def test_it_leaves_nothing(
    words: tuple[str, ...], tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main([*words, "--model", str(tiny_bundle)]) == 2
    assert list(Path.cwd().iterdir()) == []


def test_folders_that_were_there_or_hold_something_stay(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()

    def refused() -> None:
        with folders_made(tmp_path / "old", tmp_path / "a/b", tmp_path / "a/c", tmp_path / "d/e"):
            (tmp_path / "a/c/file").write_text("kept")
            raise KeyError

    with pytest.raises(KeyError):
        refused()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["a", "a/c", "a/c/file", "old"]
    with folders_made(tmp_path / "x/y"):
        pass
    assert (tmp_path / "x/y").is_dir()


def test_a_folder_that_cannot_be_made_leaves_none_of_those_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError), folders_made(tmp_path / "a/b", tmp_path / "file/c"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("words", [("info",), ("report",), ("review",), ("archive", "run")])
def test_a_name_that_no_file_can_have(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("a" * 300, "loop/x"):
        assert main([*words, name]) == 2
        told = capsys.readouterr().err
        assert name in told
        assert told.count("\n") == 1
    if words[0] != "archive":
        assert main([*words, "a" * 300]) == 2
        assert "File name too long: expected a path whose names have at most 255 bytes" in capsys.readouterr().err
