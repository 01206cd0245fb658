"""The folder of a run is one run's: another is refused. Nothing is sent, and nothing written below HOME."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from pathlib import Path

import pytest

import edge
from edge.commands.main import main
from tests.conftest import ROOT
from tests.support.children import popen, run_child


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
    first = popen(
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
