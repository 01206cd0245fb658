"""``--faint`` through a whole run: what stays below the threshold is kept, and what is found is the same."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import edge
from edge.data import Frame
from edge.measure.faint_lines import FAINT_FROM, read_faint


class Still(edge.Camera):
    """Ten pictures a second of one warm body."""

    fps = 10.0

    def __init__(self) -> None:
        self._seq, self._began = -1, time.monotonic() - 3
        self.pixels = np.full((64, 80), 20, np.uint8)
        self.pixels[8:16, 16:24] = 230

    def read(self) -> Frame | None:
        self._seq += 1
        t = self._began + self._seq / 10
        return Frame(self.pixels, self._seq, t) if self._seq < 20 else None


def flown(bundle: Path, out: Path, **settings: Any) -> list[dict[str, Any]]:
    """The lines of its frames."""
    with Still() as camera:
        edge.run(edge.RunSettings(out=out, model=bundle, backend="ort", **settings), camera=camera)
    return [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()][1:]


def test_a_body_below_the_threshold_is_kept_and_nothing_else_changes(tiny_bundle: Path, tmp_path: Path) -> None:
    score = flown(tiny_bundle, tmp_path / "all", threshold=0.0)[0]["detections"][0]["score"]
    above = min(score + 0.01, 1.0)
    plain = flown(tiny_bundle, tmp_path / "plain", threshold=above)
    both = flown(tiny_bundle, tmp_path / "both", threshold=above, outputs=("faint",))
    assert [line["detections"] for line in both] == [line["detections"] for line in plain] == [[]] * 20
    assert not (tmp_path / "plain/faint.jsonl").exists()
    lines, left_out = read_faint(tmp_path / "both/faint.jsonl")
    assert left_out == 0
    best = max(lines, key=lambda line: line.score)
    assert best.track > FAINT_FROM
    assert abs(best.score - score) < 1e-3
    assert best.frames >= 15
    assert (tmp_path / "both" / best.crops[0]).is_file()
    report = json.loads((tmp_path / "both/report.json").read_text())
    assert (report["sinks"]["faint"]["file"], report["sinks"]["faint"]["skipped"]) == ("faint.jsonl", 0)
