"""--coverage: what a run says and leaves, while it goes and when it is over."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from edge.app.observer import Progress
from edge.app.report import Totals
from edge.app.settings import RunSettings
from edge.commands.console import Screen
from edge.commands.live_table import LiveTable
from edge.commands.main import main
from edge.commands.run_summary import summary
from edge.errors import InputError
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.search import Search
from tests.support.flown import HEIGHT, WIDTH, lines, result

SIM = "sim:width=80,height=64,frames=12,live=0,fps=10"


def test_a_run_leaves_the_map(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["run", "--model", str(tiny_bundle), "--source", SIM, "--out", str(out)]
    assert main([*words, "--coverage", "class=person,px=1"]) == 0
    report = json.loads((out / "report.json").read_text())
    covered, sink = report["coverage"], report["sinks"]["coverage"]
    assert (covered["frames"], covered["frames_not_counted"], sink["written"]) == (12, {}, 12)
    assert covered["search"] == "for Person of 0.8 m: at least 1 px a side in at least 3 frames"
    assert 0 < covered["searched_m2"] < covered["seen_m2"]
    assert covered["contrast"] is None  # nobody measured what this model finds
    told = capsys.readouterr()
    said = told.out.replace("\n", " ")
    assert "coverage: the model's recall of Person was not measured: the map says what was searched" in told.err
    assert "coverage.geojson, coverage.png" in said
    assert f"searched {covered['searched_m2']:.0f} m2 of {covered['seen_m2']:.0f} m2 seen, for Person" in said
    assert "probability of detection: not known" in said
    assert json.loads((out / "coverage.geojson").read_text())["searched_m2"] == covered["searched_m2"]
    assert main([*words, "--quiet"]) == 0  # without: the old map is put aside, and none is made
    assert json.loads((out / "report.json").read_text())["coverage"] is None
    assert {path.name for path in out.glob("coverage.*")} == set()
    assert {path.name for path in (out / "earlier-1").glob("coverage.*")} == {"coverage.geojson", "coverage.png"}


def test_what_it_cannot_search_for_is_said_before_anything_starts(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--model", str(tiny_bundle), "--source", SIM, "--out", str(tmp_path / "out"), "--coverage"]
    assert main([*words, "class=Yeti"]) == 2
    assert "the model has no such class: expected Person" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="coverage 'px=0'"):
        RunSettings(out="x", coverage="px=0")


def said_of(covered: dict[str, Any]) -> list[str]:
    """The last lines on the ground that was searched."""
    usual: dict[str, Any] = {
        "frames": 9,
        "searched_m2": 32_000.0,
        "seen_m2": 34_000.0,
        "search": "for deer",
        "gaps": 1,
        "gap_m2": 420.0,
        "frames_not_counted": {"the shutter was closed": 12},
        "probability": None,
        "recall": "7 frames",
        "contrast": None,
        "frames_unlike": {},
    }
    report = {
        **dict.fromkeys(("fps", "pose", "position", "reconnects", "recording", "verify"), None),
        "frames": 9,
        "ended": "",
        "dropped": 0,
        "duplicates": 0,
        "lost": 0,
        "overflowed": 0,
        "threshold": 0.5,
        "thresholds": {"Person": 0.5},
        "latency_ms": {},
        "detections": {},
        "engine": "",
        "camera": "",
        "sinks": {},
        "coverage": {**usual, **covered},
    }
    report["sinks"] = {"detections": {"file": "d", "skipped": 0}}
    return [line for line in summary(report, Path("x")) if line.startswith(("searched", "probability"))]


def test_the_last_lines() -> None:
    first, second = said_of({})
    assert first == (
        "searched 3.2 ha of 3.4 ha seen, for deer; 1 gap, 420 m2, see x/coverage.geojson; 12 frames do not count: the "
        "shutter was closed"
    )
    assert second == "probability of detection: not known, the model's recall.json says nothing of such a size"
    unlike = {"flatter than nearly all": 7, "noisier than nearly all": 2}
    assert said_of({"frames_unlike": unlike})[1] == (
        "probability of detection: not known, the model's recall.json says nothing of such pictures: 7 flatter than "
        "nearly all, 2 noisier than nearly all"
    )
    assert said_of({"recall": None})[1] == (
        "probability of detection: not known, the model's recall of that class was not measured: edge-export eval "
        "--set-recall does it"
    )
    assert len(said_of({"searched_m2": 0.0})) == 1  # where nothing was searched there is nothing to be probable
    known = {"probability": [0.5, 0.75, 0.9], "recall": "7 frames", "assumed": "A", "gaps": 2}
    first, second = said_of(known)
    assert "; 2 gaps, 420 m2, see" in first
    assert second == (
        "probability of detection on 90 % of that: 0.75 (median), 0.50 (least); by the recall on 7 frames; A"
    )
    at_contrast = said_of({**known, "contrast": 7.04})[1]
    assert at_contrast.endswith("(least); by the recall on 7 frames at a contrast of 7.0; A")
    assert said_of({"contrast": 1.0, "assumed": "B"})[1] == (
        "probability of detection: not known, the model's recall.json says nothing of such a size at a contrast of "
        "1.0; B"
    )
    assert said_of({"frames": 0}) == ["searched: nothing that is known; 12 frames do not count: the shutter was closed"]


def test_the_live_table_has_it_as_soon_as_it_is_known() -> None:
    coverage = Coverage(Search("Person", 5.0, 8.0, 3), None, (WIDTH, HEIGHT))
    totals, table = Totals(("Person",)), LiveTable(Screen(file=io.StringIO()))
    table.begin(Progress(totals, None, None, coverage))
    for seq, (t, pose) in enumerate(lines([0, 50], length=60)):
        last = result(seq, t, pose)
        coverage.add(last)
        totals.add(last)
    assert "searched" not in dict(table.figures(last))
    found = coverage.look_through().findings
    assert dict(table.figures(last))["searched"] == f"{found.searched_m2 / 1e4:.1f} ha, 1 gap of 0.1 ha"
