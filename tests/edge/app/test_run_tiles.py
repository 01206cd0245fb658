"""edge run and edge bench in tiles: what the files say, and that a replay needs the same tiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.app.bench.bench_json import read_report
from edge.commands.main import main

# twice the size of the tiny bundle's 80x64 less the overlap: each tile at its own size
SIM = "sim:width=150,height=120,pixel=72,frames=3,live=0,ffc_interval=0"


def run(*words: object) -> int:
    return main(["run", *map(str, words)])


def report(out: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((out / "report.json").read_text())
    return said


def test_the_tiles_of_a_flight_and_of_its_replay(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    usual = ["--model", tiny_bundle, "--threshold", "0.3"]
    assert run("--source", SIM, "--out", out, "--record", "--tiles", "2x2", *usual) == 0
    said, log = capsys.readouterr()
    before, line = log.index("2x2 tiles and the whole frame: 5 calls"), log.index("is cut into 2x2 tiles of 80x64")
    assert before < line < log.index("source: ")
    replay = f"--source rec:{out / 'recording'} --tiles 2x2 --verify {out / 'detections.jsonl'}"
    assert f"next: edge run {replay}" in said
    assert "tiles 2x2: 150x120 in 2x2 tiles of 80x64, 5 calls of the engine a frame" in said
    tiling = report(out)["tiling"]
    assert (tiling["asked"], [row["engine_calls"] for row in tiling["frames"]]) == ("2x2", [5])
    assert {"engine.cut", "engine.merge"} <= set(report(out)["stages_ms"])
    assert report(out)["health"].get("scale") is None
    lines = [json.loads(one) for one in (out / "detections.jsonl").read_text().splitlines()]
    assert lines[0]["frame"] == {"width": 150, "height": 120}
    assert max(item["box"][2] for one in lines[1:] for item in one["detections"]) > 80  # in pixels of the frame

    assert run(*replay.split(), "--out", again, "--quiet", *usual) == 0
    assert (report(again)["verify"]["compared"], report(again)["verify"]["different"]) == (3, 0)
    other = [word for word in replay.split() if word not in ("--tiles", "2x2")]
    assert run(*other, "--out", tmp_path / "other", "--quiet", *usual) == 1
    assert "the flight had another tiling: run with the same" in capsys.readouterr().err
    assert report(tmp_path / "other")["tiling"] is None


def test_a_flight_without_tiles_is_not_replayed_in_some(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    usual = ["--model", tiny_bundle, "--threshold", "0.3", "--quiet"]
    assert run("--source", SIM, "--out", out, "--record", *usual) == 0
    words = ["--source", f"rec:{out / 'recording'}", "--verify", out / "detections.jsonl", "--tiles", "auto"]
    assert run(*words, "--out", tmp_path / "again", *usual) == 1
    assert "the flight had another tiling" in capsys.readouterr().err


@pytest.mark.parametrize("tiles", ["1x1", "5x5", "2", "many"])
def test_what_are_no_tiles_is_refused(tiles: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--source", SIM, "--out", tmp_path / "out", "--tiles", tiles)
    assert ended.value.code == 2
    assert "expected auto, or columns and rows such as 2x2, 2 to 16 tiles" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tiles_that_frames_do_not_allow_end_the_run_with_a_line(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--source", SIM.replace("150", "32").replace("120", "32"), "--model", tiny_bundle, "--quiet"]
    assert run(*words, "--out", tmp_path / "out", "--tiles", "4x4") == 2
    assert "those of 32x32 would be enlarged" in capsys.readouterr().err
    assert report(tmp_path / "out")["ended"] == "failed"


def test_a_bench_in_tiles(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    words = ["bench", "--model", str(tiny_bundle), "--source", SIM, "--seconds", "0.05", "--warm-up", "0"]
    assert main([*words, "--no-cold-start", "--tiles", "2x2", "--json", str(out)]) == 0
    tiling = read_report(out).tiling
    assert tiling
    assert (tiling.asked, tiling.frames[0].engine_calls) == ("2x2", 5)
    value = json.loads(out.read_text())
    del value["tiling"]
    out.write_text(json.dumps(value))
    assert read_report(out).tiling is None  # of a version that had no tiles
    assert main([*words, "--tiles", "2x2", "--layers"]) == 2
