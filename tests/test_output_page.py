"""docs/output.md names every field of every file that a run writes, and none that it does not."""

from __future__ import annotations

import ast
import inspect
import json
import re
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import structs

from edge import open_engine
from edge.app.clock.clock_json import ClockLine, ClockMoment
from edge.app.degrade.report_json import DegradeStep, SpareReport
from edge.app.output import _written
from edge.app.report_json import Counted
from edge.app.retention.keep_free import KeepFree
from edge.app.retention.keeper import Keeper
from edge.app.retention.report_json import Removed
from edge.app.review.keep import KeptFrame, LinearScale
from edge.app.review.line import ReviewLine
from edge.app.settings import MissionStamp
from edge.app.start.start import write_start
from edge.commands.main import main
from edge.data import FLAGS, Detections, Frame, Pose
from edge.geo.attitude import Mounting
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.search import Search
from edge.health.conditions import CONDITIONS, HealthLog
from edge.measure.counts_json import ClassCount
from edge.measure.detections_json import header, to_json
from edge.measure.faint_lines import FaintLine
from edge.measure.matching import Tally
from edge.model.tiling import Tiling
from edge.pose import open_pose
from edge.pose.attach import Posed
from edge.sinks.coverage.geojson import coverage_geojson
from edge.sinks.open import known_specs
from edge.sinks.trace import TraceSink
from edge.sinks.tracks.counts import SPEEDS
from edge.sinks.tracks.geojson import geojson
from edge.sinks.tracks.track_csv import COLUMNS
from edge.system.wall_clock import Relation
from edge.track.counting import count
from edge.track.one_body import OneBody
from tests.conftest import made
from tests.support.flown import HEIGHT, WIDTH, lines
from tests.support.flown import result as flown
from tests.support.minisign import SIGNATURE
from tests.support.output_page import COUNT, PAGE, ROOT, paths, table
from tests.support.scripted_camera import World, picture
from tests.support.track_lines import line as track_line

SIM = "sim:width=80,height=64,frames=4"


REPORT = {
    "stages_ms": "stage",
    "detections": "class",
    "thresholds": "class",
    "health": "condition",
    "model_files": "file",
    "normalise.8bit.params": "",
    "normalise.16bit.params": "",
    "sinks": "sink",
    "links": "link",
    "waiting_seconds": "state",
    "power.celsius": "zone",
    "versions": "package",
    "score": "class",
    "pose.frames_without": "why",
    "pose.heights": "source",
    "pose.counts": "sample",
    "position.refused": "why",
    "coverage.gap_reasons": "reason",
    "coverage.frames_not_counted": "why",
    "coverage.frames_unlike": "how",
    "counted": "class",
    "degraded.seconds": "step",
}


def result(**more: Any) -> Any:
    boxes, one, zero = np.array([[1, 2, 3, 4]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int32)
    found = Detections(boxes, one, zero, 8, 8, zero + 1, np.zeros((1, 3), np.float32), np.zeros((1, 3)))
    frame = Frame(np.zeros((8, 8), np.uint8), 0, 0.0, origin="a.png", pose=Pose(47.0, 8.0, 60.0, 0.0, -90.0))
    return made(frame, found, 0.1, np.zeros((8, 8), np.uint8), **more)


@pytest.fixture
def report(tiny_bundle: Path, tmp_path: Path) -> dict[str, Any]:
    """A report in which everything happened."""
    words = ["run", "--model", str(tiny_bundle), "--quiet"]
    flight, again = tmp_path / "flight", tmp_path / "again"
    (tiny_bundle / "model.json.minisig").write_text(SIGNATURE)  # of another file: nobody looks at it
    every = ["--record", "--video", "--pictures", "--cot", "udp:127.0.0.1:9"]
    assert main([*words, "--source", f"{SIM},live=0", "--out", str(flight), *every]) == 0
    replay = ["--source", f"rec:{flight}/recording", "--verify", str(flight / "detections.jsonl")]
    assert main([*words, *replay, "--out", str(again)]) == 0
    first, second = (json.loads((folder / "report.json").read_text()) for folder in (flight, again))
    health = HealthLog()
    health.add(result(warnings=frozenset({"drift"}), seen={"drift": "so"}))
    subtitles = tmp_path / "flight.srt"
    subtitles.write_text(
        "1\n00:00:00,000 --> 00:00:01,000\n[latitude: 47.0] [longitude: 8.0] [rel_alt: 60.0 abs_alt: 9.0]\n"
    )
    posed = Posed(World([picture()]).camera(), open_pose(f"srt:{subtitles}?camera=0,-90,0"))
    posed.count(Pose(47.0, 8.0, 60.0, 0.0, -90.0, height_source="rangefinder"), "")
    posed.count(None, "it is away")
    camera = World([picture()], [picture()]).camera()
    assert camera.read()
    assert camera.read()  # after it was lost once
    many = {"p50": 1.0, "p95": 1.0, "p99": 1.0}  # of as many results as p99 needs
    return {
        **first,
        "tiling": {"asked": "2x2", "frames": [Tiling(2, 2).plan(1280, 1024, 640, 512).to_json()]},
        "latency_ms": many,
        "stages_ms": dict.fromkeys(first["stages_ms"], many),
        "verify": second["verify"],
        "pose": posed.report(),
        "health": health.report(),
        "waiting_seconds": {"waiting for a frame": 1.0},
        "clock": {
            **dict.fromkeys(
                ("first", "last"), dict.fromkeys(field.encode_name for field in structs.fields(ClockMoment))
            ),
            "jumps": 0,
            "largest_jump_s": None,
            "error": None,
        },
        "links": {"mavlink": {**first["links"]["cot"], "unread_bytes": 0}},
        "power": {**first["power"], "celsius": {"cpu": 50.0}},
        "reconnects": camera.outages(),
        "position": {
            **first["position"],
            "refused": {"it is away": 1},
            "alignment": {"suggested": str(Mounting()), "said": "why"},
        },
        "coverage": {
            **covered().report(),
            "gap_reasons": {"not seen": 1.0},
            "frames_not_counted": {"it is away": 1},
            "frames_unlike": {"flatter": 1},
        },
        "one_body": OneBody(("a", "b"), [("a", "b")]).report(),
        "spare": msgspec.to_builtins(SpareReport("d", 0, "it is full")),
        "keep_free": {
            **Keeper(KeepFree("5GB", 5, None), 5, tmp_path).report(),
            "removed": [msgspec.to_builtins(Removed("earlier-1", "video", 1, 1, "little was free"))],
        },
        "degraded": {
            **first["degraded"],
            "steps": [msgspec.to_builtins(DegradeStep(0.0, "", "lower rate", True, "heat", 95.0, 94.0))],
            "seconds": {"lower rate": 1.0},
        },
        "mission": asdict(MissionStamp("north", "north.toml", "0")),
        "score": Tally(found={"deer": 1}).to_json(),
        "counted": {"deer": msgspec.to_builtins(Counted(**COUNT, really=1))},
    }


def test_report(report: dict[str, Any]) -> None:
    assert set(paths(report, REPORT)) == table("report.json")
    assert {*report["stages_ms"], "engine.{part}"} == table("Stages")
    assert set(CONDITIONS) == table("Health")


def test_detections() -> None:
    said = result(inferred=False, finite=False)
    first = header(said, ("deer",), "m", (0, 0, 8, 8), {"deer": 0.5}, {"name": "north", "sha256": "0"})
    assert set(paths(first, {"thresholds": "class"}, leaves=True)) == table("The first line")
    line = to_json(said, ("deer",))
    assert {*line, "frame"} == table("A frame")
    assert set(line["detections"][0]) == table("A detection")
    assert FLAGS - {"ffc_inferred"} == table("Flags")


def test_trace(tmp_path: Path) -> None:
    with TraceSink(tmp_path / "trace.jsonl") as sink:
        sink.write(result(stages_ms={"wait": 1.0}))
    line = json.loads((tmp_path / "trace.jsonl").read_text())
    assert set(paths(line, {"stages_ms": "stage"})) == table("trace.jsonl")


def test_clock() -> None:
    assert {field.encode_name for field in structs.fields(ClockLine)} == table("clock.jsonl")


def test_start_of_a_run(tiny_bundle: Path, tmp_path: Path) -> None:
    mission, clock = MissionStamp("north", "north.toml", "0"), Relation(1.0, 2.0, "unset", "system", None)
    with open_engine(tiny_bundle, "null") as engine:
        write_start(tmp_path, engine, None, World([picture()]).camera(), {"deer": 0.5}, mission, clock)
    start = json.loads((tmp_path / "run.json").read_text())
    names = {"model_files": "file", "thresholds": "class", "versions": "package"}
    assert set(paths(start, names)) - {*names} == table("run.json")


def test_tracks() -> None:
    assert set(paths(msgspec.to_builtins(track_line()), {})) == table("tracks.jsonl")


def test_review() -> None:
    assert {field.encode_name for field in structs.fields(ReviewLine)} == table("review.jsonl")
    own = {field.encode_name for field in structs.fields(FaintLine)} - table("tracks.jsonl")
    assert {*own, "track"} == table("faint.jsonl")
    kept = {field.encode_name for field in structs.fields(KeptFrame)}
    scale = {f"temperature.{field.encode_name}" for field in structs.fields(LinearScale)}
    assert kept | scale == table("missed")


def test_counts() -> None:
    one = msgspec.to_builtins(ClassCount(**COUNT))
    assert {"{class}", *(f"{{class}}.{field}" for field in paths(one, {}))} == table("counts.json")
    usual = inspect.signature(count).parameters
    assert (SPEEDS, usual["found"].default, usual["level"].default, usual["draws"].default) == (
        {"person": 1.0, "animal": 0.3, "vehicle": 0.0},
        0.95,
        0.9,
        200,
    ), "the page says so"


def test_files_of_tracks() -> None:
    (feature,) = json.loads(geojson([track_line()]))["features"]
    assert set(feature["properties"]) == table("tracks.geojson")
    assert set(COLUMNS) == table("tracks.csv")


def covered() -> Coverage:
    """The map of a flight of two lines with a gap between them."""
    coverage = Coverage(Search("Person", 5.0, 8.0, 3), None, (WIDTH, HEIGHT))
    for seq, (t, pose) in enumerate(lines([0, 50], length=40)):
        coverage.add(flown(seq, t, pose))
    coverage.look_through()
    return coverage


def test_ground_that_was_searched() -> None:
    whole = json.loads(coverage_geojson(covered().state.findings, "for persons", "much"))
    features = whole.pop("features")
    assert {feature["properties"]["kind"] for feature in features} == {"gap", "searched"}
    assert {name for feature in features for name in feature["properties"]} == table("coverage.geojson")
    assert {name for name in whole if f"`{name}`" not in PAGE} == {"type"}


def test_files() -> None:
    named = " ".join(re.findall(r"^\| (`.*?) \|", PAGE[: PAGE.index("## detections.jsonl")], re.MULTILINE))
    assert {name for name in _written(known_specs()) if f"DIR/{name}" not in named} == set()
    train = ast.get_docstring(ast.parse((ROOT / "export/training/run_folder.py").read_text())) or ""
    for name in re.findall(r"^(\S+\.\w+) ", train, re.MULTILINE):
        assert f"`DIR/{name}`" in named


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "flight").mkdir()
    said = result()
    lines = [header(said, ("deer",), "m", None), to_json(said, ("deer",))]
    (tmp_path / "flight/detections.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    moment = {"t": 2.0, "utc": "2026-11-26T19:30:00.000+00:00", "state": "synchronised", "by": "system", "jump_s": None}
    unset = {**moment, "t": 0.0, "utc": None, "state": "unset"}
    (tmp_path / "flight/clock.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (unset, moment)))
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        names: dict[str, Any] = {}
        exec(compile(code, "output.md", "exec"), names)
        if "utc" in names:
            assert names["utc"](0.5) == datetime(2026, 11, 26, 19, 29, 58, 500000, timezone.utc)
    assert capsys.readouterr().out == "1 frames, 1 boxes\n0 2026-11-26 19:29:58+00:00\n"
    assert (tmp_path / "flight/detections.csv").read_text().splitlines() == [
        "seq,t,origin,class,score,x1,y1,x2,y2",
        "0,0.0,a.png,deer,1.0,1.0,2.0,3.0,4.0",
    ]


def test_a_field_too_many_or_too_few_is_found() -> None:
    assert set(paths({"a": {"b": [{"c": 1}], "d": {"x": 1}}}, {"a.d": "e"})) == {
        "a",
        "a.b",
        "a.b[].c",
        "a.d",
        "a.d.{e}",
    }
    assert set(paths({"a": {"b": 1}, "c": {}}, {}, leaves=True)) == {"a.b", "c"}
