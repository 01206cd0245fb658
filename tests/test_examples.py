"""The programs that the pages show run as they stand."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

import edge

ROOT = Path(__file__).resolve().parents[1]


def test_embedding(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "docs/examples/embedding.py"
    assert len(path.read_text().splitlines()) < 30
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path), str(tiny_bundle), "8"])
    names = runpy.run_path(str(path))
    report = names["report"]
    assert (report["ended"], report["frames"], report["camera"]) == ("frame limit", 8, "my driver")
    assert report["sinks"]["mine"] == {"file": None, "written": 8, "skipped": 0, "error": None}
    assert report == json.loads((tmp_path / "report.json").read_text())
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 8
    assert re.fullmatch(r"\d+ \[.*\] \d+ ms", said[0])


def snippets() -> dict[str, str]:
    """Every Python program of README, and the one that the package opens with."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    docstring = (edge.__doc__ or "").partition("\n\n")[2]
    return {**{f"README {i}": text for i, text in enumerate(found)}, "edge/__init__.py": docstring}


@pytest.mark.parametrize("where", snippets())
def test_snippets(
    where: str, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    camera, engine = edge.open_camera, edge.open_engine
    monkeypatch.setattr(edge, "open_camera", lambda _: camera("sim:live=0,width=80,height=64,frames=3"))
    monkeypatch.setattr(edge, "open_engine", lambda _: engine(tiny_bundle))
    exec(snippets()[where], {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "2"]
