"""A model that comes with the package is called by its name, from everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.model.bundled import MODELS, bundled_models, called

NAME = "hituav-r18"


def test_each_is_called_as_its_folder_and_its_model_json_say() -> None:
    names = [folder.name for folder in bundled_models()]
    assert NAME in names == sorted(names)
    for name in names:
        assert Bundle.load(name).name == name
        assert Bundle.load(name).path == MODELS / name


def test_a_checkpoint_may_be_one() -> None:
    checkpoint = pytest.importorskip("export.detector.checkpoint", reason="needs torch, which a board has not")
    assert checkpoint.read_checkpoint(Path(NAME)).bundle.path == MODELS / NAME


def test_what_is_here_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(NAME) == MODELS / NAME
    assert called(NAME, tmp_path / "elsewhere") == MODELS / NAME
    (tmp_path / NAME).mkdir()
    assert called(NAME) == Path(NAME)
    assert called(NAME, tmp_path / "elsewhere") == MODELS / NAME
    assert called(NAME, tmp_path) == tmp_path / NAME


def test_a_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert called(f"models/{NAME}") == Path(f"models/{NAME}")
    assert called(f"./{NAME}") == Path(NAME)
    assert called("deer", tmp_path) == tmp_path / "deer"
    assert called("~/deer", tmp_path / "missions") == tmp_path / "deer"
    assert called(tmp_path / "deer", Path("missions")) == tmp_path / "deer"


def test_one_that_is_neither_is_told_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=f"model bundle hituav-r9 does not exist: .*, or the name of .*: .*{NAME}"):
        Bundle.load("hituav-r9")
