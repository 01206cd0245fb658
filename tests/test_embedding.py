"""What docs/embedding.md promises of a loop in one's own hands: docs/examples/own_loop.py does it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

import edge
from tests.conftest import write_bundle

ROOT = Path(__file__).resolve().parents[1]


def test_own_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    models = [write_bundle(tmp_path / name, score_threshold=0.0) for name in ("first", "second")]
    asked, infer = [], edge.Engine.infer

    def noted(self: edge.Engine, image: Any) -> edge.RawDetections:
        asked.append(self.bundle.path.name)
        return infer(self, image)

    monkeypatch.setattr(edge.Engine, "infer", noted)
    monkeypatch.setattr(sys, "argv", ["own_loop.py", *map(str, models), "12"])
    names = runpy.run_path(str(ROOT / "docs/examples/own_loop.py"))
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "12 written, 0 left out, error: None"
    # nothing has a score of 0.9; then the score does not matter, and the boxes are long enough
    assert [int(line.split()[1]) for line in lines] == [4] * 4 + [0] * 2 + [4] * 6
    assert asked == ["first"] * 6 + ["second"] * 6
    with pytest.raises(edge.CameraError, match="closed"):
        names["camera"].read()
