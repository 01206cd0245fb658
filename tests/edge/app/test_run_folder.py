"""The folder of a run is one run's: another is refused. Nothing is sent, and nothing written below HOME."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import edge
import edge.commands.run
from edge.app.output import FolderTakenError, claimed_folder
from edge.commands.main import main
from tests.conftest import ROOT
from tests.support.children import run_child
from tests.support.loaded import popen_loaded


def test_a_second_run_into_the_folder_is_refused_and_touches_nothing(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "run",
        "--source",
        "sim:width=80,height=64,fps=50,pitch=-90,people=0,deer=0,cars=0",
        "--model",
        str(tiny_bundle),
        "--out",
        str(out),
    ]
    first = popen_loaded(
        [sys.executable, "-m", "edge.commands.main", *words, "--record", "--quiet", "--backend", "null"], cwd=ROOT
    )
    try:
        give_up = time.monotonic() + 60
        while not (out / "detections.jsonl").exists() or not (out / "detections.jsonl").stat().st_size:
            assert first.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert main([*words, "--record"]) == 2
        said = capsys.readouterr().err
        assert f"another run is writing to the output folder {out}: give another --out" in said
        assert said.count("\n") == 1
        assert sorted(path.name for path in out.iterdir()) == [
            *("clock.jsonl", "detections.jsonl", "recording", "run.json", "tracks.jsonl")
        ]
    finally:
        first.terminate()
        assert first.wait(30) == 0
    assert json.loads((out / "report.json").read_text())["recording"]["error"] is None
    assert main([*words, "--frames", "2", "--quiet"]) == 0  # it is free again
    assert (out / "earlier-1" / "recording").is_dir()


def test_names_of_new_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut takes the folder of a run with all its files, though each of them was synced."""
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    new = tmp_path / "flights" / "today" / "0001"
    with claimed_folder(new):
        assert sorted(synced) == sorted(path.stat().st_ino for path in (tmp_path, *new.parents[:2]))
    synced.clear()
    with claimed_folder(new):
        assert synced == []  # none is new


def test_a_folder_that_is_taken_has_an_error_of_its_own(tmp_path: Path) -> None:
    with claimed_folder(tmp_path), pytest.raises(FolderTakenError), claimed_folder(tmp_path):
        pytest.fail("two have it")
    with claimed_folder(tmp_path):  # free again
        pass


@pytest.mark.parametrize("given", [False, True])
def test_a_mission_that_is_started_twice_takes_the_next_folder(
    given: bool,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The other run takes the folder after this one has looked for it. A folder of --out is not replaced."""
    mission, first = tmp_path / "m.toml", tmp_path / "0001"
    source = "sim:live=0,width=80,height=64,frames=2,pitch=-90,people=0,deer=0,cars=0"
    words = ["--source", source, "--model", str(tiny_bundle), "--out", str(tmp_path / "{n}"), "--backend", "null"]
    assert main(["run", *words, "--write-mission", str(mission)]) == 0
    with ExitStack() as other:
        plain = edge.commands.run.settings_of

        def late(*words: Any) -> Any:
            settings = plain(*words)
            if not first.exists():
                other.enter_context(claimed_folder(first))
            return settings

        monkeypatch.setattr("edge.commands.run.settings_of", late)
        code = main(["run", "--mission", str(mission), *(["--out", str(first)] if given else [])])
    said = capsys.readouterr().err
    assert list(first.iterdir()) == []
    if given:
        assert code == 2
        assert f"another run is writing to the output folder {first}" in said
        assert not (tmp_path / "0002").exists()
    else:
        assert code == 0
        assert f"another run has just taken {first}: this one writes to {tmp_path / '0002'}" in said
        assert json.loads((tmp_path / "0002" / "report.json").read_text())["frames"] == 2


def test_onnxruntime_neither_writes_below_home_nor_looks_up_its_maker(tiny_bundle: Path, tmp_path: Path) -> None:
    """Without ORT_DISABLE_TELEMETRY it leaves a device id below HOME at once (onnxruntime 1.32)."""
    home = tmp_path / "home"
    home.mkdir()
    clean = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    source = "sim:width=80,height=64,live=0,frames=20,pitch=-90,people=0,deer=0,cars=0"
    words = ["--source", source, "--model", tiny_bundle, "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "edge.commands.main", "run", "--quiet", "--backend", "ort", *words]
    assert run_child(command, cwd=ROOT, env={**clean, "HOME": str(home)}).returncode == 0
    assert list(home.rglob("*")) == []


def test_telemetry_is_off_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = list(logging.getLogger("edge").handlers)
    monkeypatch.setattr(logging.getLogger("edge"), "handlers", handlers)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    importlib.reload(edge)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    importlib.reload(edge)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
