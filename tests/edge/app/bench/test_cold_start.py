"""The child says when it was how far, and the parent what that is since the start of the process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.bench import cold_start as module
from edge.app.bench.cold_start import ColdStart, cold_start, main
from edge.app.bench.settings import BenchSettings

SIM = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=2"


def settings(bundle: Path, source: str = SIM) -> BenchSettings:
    return BenchSettings(str(bundle), source, backend="null", spin=True)


def words(bundle: Path, source: str = SIM) -> list[str]:
    said = {name: getattr(settings(bundle, source), name) for name in module.NAMES}
    return [json.dumps({**said, "spin": False})]


def test_the_child_prints_three_times_in_their_order(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = time.monotonic()
    assert main(words(tiny_bundle)) == 0
    imported, engine, first = (float(word) for word in capsys.readouterr().out.split())
    assert before <= imported <= engine <= first <= time.monotonic()


def test_a_child_that_fails_says_why(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tiny_bundle, "none.png")) == 1
    assert "none.png" in capsys.readouterr().err


def test_times_count_from_the_start_of_the_process(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def run(command: list[str], **more: Any) -> Any:
        started.append((command, more["timeout"]))
        now = float(module.time.monotonic())
        return SimpleNamespace(stdout=f"a line\n{now + 1} {now + 2} {now + 4}\n", stderr="", returncode=0)

    monkeypatch.setattr(module.time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(module.subprocess, "run", run)
    assert cold_start(settings(tiny_bundle)) == ColdStart(1.0, 2.0, 4.0)
    ((command, longest),) = started
    assert (command[:3], longest) == ([sys.executable, "-m", "edge.app.bench.cold_start"], 300.0)
    told = json.loads(command[3])
    assert (told["model"], told["source"], told["backend"], told["spin"]) == (str(tiny_bundle), SIM, "null", True)


@pytest.mark.parametrize(
    ("done", "why"),
    [
        (SimpleNamespace(stdout="", stderr="one\nno such model\n", returncode=1), "no such model"),
        (SimpleNamespace(stdout="", stderr="", returncode=-9), "the child ended with code -9"),
        (subprocess.TimeoutExpired("x", 300), "TimeoutExpired: the child gave no detections in 300 s"),
        (OSError("x"), "OSError"),
    ],
)
def test_a_child_that_gives_nothing_is_no_error(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, done: Any, why: str
) -> None:
    def run(*_: object, **__: object) -> Any:
        if isinstance(done, Exception):
            raise done
        return done

    monkeypatch.setattr(module.subprocess, "run", run)
    found = cold_start(settings(tiny_bundle))
    assert found.first_detections_s is None
    assert found.error is not None
    assert why in found.error
