"""docs/schemas is what the types say, and what is really written fits, with nothing in it that is not declared."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from msgspec.structs import asdict

import edge
from edge.app.bench.cold_start import ColdStart
from edge.app.review.keep import keep
from edge.app.review.store import Review
from edge.camera.live.reconnect import Reconnecting
from edge.commands.main import main
from edge.commands.schemas import SCHEMAS, text_of
from edge.commands.schemas import main as print_schemas
from edge.data import Frame, Pose, TemperatureScale
from edge.recording.codec import Encoder
from edge.recording.contents import EndMark, Header, Origin, pack_frame
from edge.recording.format import END, pack, read_record
from edge.recording.seek import Frames
from tests.edge.app.bench.test_accuracy import written
from tests.support.fake_sysfs import orin
from tests.support.reviewed import flown as reviewed_flight
from tests.support.scripted_camera import World

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "schemas"
KEPT = ROOT / "tests" / "edge" / "kept" / "v1"
SIM = "sim:live=0,width=80,height=64,frames=6"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_files_are_what_the_types_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (FOLDER / f"{name}.schema.json").read_text() == text_of(name), (
        "run python -m edge.commands.schemas --write docs/schemas"
    )
    assert print_schemas([name]) == 0
    assert capsys.readouterr().out == text_of(name)


def test_the_folder_holds_all_of_them_and_no_other(tmp_path: Path) -> None:
    names = sorted(f"{name}.schema.json" for name in SCHEMAS)
    assert sorted(path.name for path in FOLDER.iterdir()) == names
    assert print_schemas(["--write", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    with pytest.raises(SystemExit, match="2"):
        print_schemas(["--write", str(tmp_path / "nowhere")])
    page = (ROOT / "docs/contracts.md").read_text()
    assert [name for name in names if f"](schemas/{name})" not in page] == []


def closed(schema: Any) -> Any:
    """The schema, in which an object holds no more than what it declares."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if "properties" in inner:
        inner.setdefault("additionalProperties", False)
    return inner


class Checker:
    """Of one schema, twice: as others use it, and with nothing allowed besides."""

    def __init__(self, schema: Any) -> None:
        module = pytest.importorskip("jsonschema", reason="needs the package jsonschema, of the extra test")
        self._schema = schema
        module.Draft202012Validator.check_schema(schema)
        self._usual, self._closed = (module.Draft202012Validator(s) for s in (schema, closed(schema)))

    def part(self, name: str) -> Checker:
        return Checker({"$ref": f"#/$defs/{name}", "$defs": self._schema["$defs"]})

    def __call__(self, value: Any, whole: bool = True) -> None:
        """Raises AssertionError where it does not fit. ``whole``: with nothing in it that is not declared."""
        value = json.loads(json.dumps(value, allow_nan=False))
        for validator in (self._usual, self._closed) if whole else (self._usual,):
            wrong = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(value)]
            if wrong:  # that it does is what half of the calls are for: pytest need not explain each
                raise AssertionError("\n".join(wrong))


@cache
def checker(name: str) -> Checker:
    return Checker(json.loads(text_of(name)))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def check_line() -> Checker:
    return checker("detections")


@pytest.fixture(scope="module")
def check_report() -> Checker:
    return checker("report")


# ---- what is really written ----


def test_a_review(tmp_path: Path) -> None:
    folder = reviewed_flight(tmp_path / "flight")
    review = Review.read(folder)
    review.add("right", [1, 2], label=1, by="Ada")
    keep(folder, Frames(folder / "recording")[5], reserve=0)
    review.add_missed(5, (1, 2, 3, 4))
    review.undo()
    for name, file in (("review", "review.jsonl"), ("faint", "faint.jsonl"), ("tracks", "tracks.jsonl")):
        found = lines(folder / file)
        assert found
        for line in found:
            checker(name)(line)
    checker("missed")(json.loads((folder / "missed/000005.json").read_text()))


def test_a_demo(tiny_bundle: Path, tmp_path: Path, check_line: Checker, check_report: Checker) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--model", str(tiny_bundle), "--out", str(out), "--frames", "4", "--quiet"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["score"]
    assert report["video"]
    check_report(report)
    for line in lines(out / "detections.jsonl"):
        check_line(line)


def test_a_bench_of_a_machine_that_tells_everything(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.system.sensors.SYS", orin(tmp_path / "sys"))
    monkeypatch.setattr("edge.app.bench.bench.IDLE_PERIOD_S", 0.0)
    monkeypatch.setattr("edge.app.bench.bench.cold_start", lambda settings: ColdStart(0.5, 1.0, 2.0))
    check, out = checker("bench"), tmp_path / "bench.json"
    frames, labels = written(tmp_path / "data")
    words = ["bench", "--model", str(tiny_bundle), "--source", SIM, "--seconds", "0.05", "--warm-up", "0", "--peak"]
    more = ["--rate", "100", "--frames", str(frames), "--annotations", str(labels), "--json", str(out)]
    assert main([*words, *more]) == 0
    report = json.loads(out.read_text())
    assert (report["machine"]["power"]["total_of"], report["machine"]["power"]["above_idle_w"]) == (["VDD_IN"], 0.0)
    assert report["machine"]["gpu_mhz"]["hardware"] == 1020
    layer = {"name": "conv", "mean_ms": 0.5, "kind": "Cask", "output": None, "tactic": None}
    check({**report, "layers": {"frames": 3, "layers": [layer]}})
    check(report)
    for key in report.keys() - {"results_file"}:
        with pytest.raises(AssertionError):
            check({name: value for name, value in report.items() if name != key})


def test_a_recorded_flight_with_temperatures_and_its_replay(
    tiny_bundle: Path, tmp_path: Path, check_line: Checker, check_report: Checker
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    words = ["--model", str(tiny_bundle), "--threshold", "0", "--quiet"]
    assert main(["run", "--source", f"{SIM}?crop=8,0,40,32", "--out", str(out), "--record", *words]) == 0
    verify = ["--source", f"rec:{out / 'recording'}", "--verify", str(out / "detections.jsonl")]
    assert main(["run", *verify, "--out", str(again), *words]) == 0
    for folder in (out, again):
        check_report(json.loads((folder / "report.json").read_text()))
        first, *rest = lines(folder / "detections.jsonl")
        check_line(first)
        for line in rest:
            check_line(line)
    assert any("celsius" in item for line in rest for item in line["detections"])


def test_stills_in_trouble(tiny_bundle: Path, tmp_path: Path, check_line: Checker, check_report: Checker) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((64, 80), 255, np.uint8))
    out = tmp_path / "out"
    words = ["--source", str(tmp_path), "--model", str(tiny_bundle), "--out", str(out), "--quiet"]
    assert main(["run", *words, "--pictures"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["health"]["saturated"]["frames"] == 3
    check_report(report)
    found = lines(out / "detections.jsonl")
    assert found[1]["origin"] == "0.png"
    for line in found:
        check_line(line)


class Odd(edge.Camera):
    """The shutter closes, another size comes, and then it breaks."""

    def __init__(self) -> None:
        self._seq = -1

    def read(self) -> Frame | None:
        self._seq += 1
        if self._seq == 4:
            raise edge.CameraError("the cable")
        flags = frozenset({"ffc", "ffc_inferred"}) if self._seq == 2 else frozenset[str]()
        shape = (32, 40) if self._seq == 3 else (64, 80)
        return Frame(np.full(shape, 3000 + self._seq, np.uint16), self._seq, time.monotonic(), flags=flags)


def test_a_failed_flight(tiny_bundle: Path, tmp_path: Path, check_line: Checker, check_report: Checker) -> None:
    settings = edge.RunSettings(out=tmp_path / "out", model=tiny_bundle)
    with pytest.raises(edge.CameraError, match="the cable"), Odd() as camera:
        edge.run(settings, camera=camera)
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert (report["ended"], report["shutter_inferred"]) == ("failed", 1)
    check_report(report)
    found = lines(tmp_path / "out/detections.jsonl")
    assert [line.get("inferred", True) for line in found[1:]] == [True, True, False, True]
    assert found[-1]["frame"] == {"width": 40, "height": 32}
    for line in found:
        check_line(line)


def test_a_camera_that_was_lost(check_report: Checker) -> None:
    picture = np.zeros((4, 6), np.uint16)
    world = World([picture], [picture + 1, None])
    camera = Reconnecting(world.open, "cam", clock=lambda: world.now, pause=world.pause)
    while camera.read() is not None:
        pass
    outages = camera.outages()
    assert outages["outages"] == 1
    check_report.part("Reconnects")(outages)


def test_a_bundle_and_a_passport() -> None:
    for folder in (KEPT / "bundle", ROOT / "edge/models/hituav-r18"):
        checker("model")(json.loads((folder / "model.json").read_text()))
    checker("passport")(json.loads((KEPT / "bundle/model.engine.json").read_text()))


def records(path: Path) -> Iterator[Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        while (left := size - file.tell()) > 0:
            yield read_record(file, left).meta


def test_a_recording(tmp_path: Path) -> None:
    check = checker("recording")
    kept = list(records(KEPT / "flight/recording/segment-000000.rec"))
    assert len(kept) > 2
    mask = np.ones((4, 6), bool)
    pixels = np.zeros((4, 6), np.uint16)
    pose = Pose(47.0, 8.0, 60.0, 0.0, -90.0)
    frame = Frame(pixels, 3, 1.5, temperature=TemperatureScale(0.01), pose=pose, origin="a.tif")
    path = tmp_path / "made.rec"
    path.write_bytes(
        Header.here("name", 0, Origin("cam", True, 9.0, True, (0, 0, 6, 4), mask, whole=(8, 9))).pack()
        + pack_frame(frame, Encoder())
        + pack(END, asdict(EndMark(1, True)))
    )
    made = list(records(path))
    assert len(made) == 3
    for meta in (*kept, *made):
        check(meta)


# ---- what must not pass ----


@pytest.mark.parametrize("name", ["detections", "report"])
def test_what_is_missing_or_of_another_kind_is_found(
    name: str, tiny_bundle: Path, tmp_path: Path, check_line: Checker, check_report: Checker
) -> None:
    words = ["--source", SIM, "--model", str(tiny_bundle), "--out", str(tmp_path), "--threshold", "0.05", "--quiet"]
    assert main(["run", *words]) == 0
    good: list[tuple[Checker, dict[str, Any]]] = {
        "detections": [(check_line, line) for line in lines(tmp_path / "detections.jsonl")[:2]],
        "report": [(check_report, json.loads((tmp_path / "report.json").read_text()))],
    }[name]
    for check, value in good:
        check(value)
        for key in value:
            missing = {name: other for name, other in value.items() if name != key}
            optional = key in ("origin", "pose") or (name, key) == ("detections", "thresholds")  # need not be there
            for wrong in ({**value, key: [{"no": 1}]}, *([] if optional else [missing])):
                with pytest.raises(AssertionError):
                    check(wrong)
        with pytest.raises(AssertionError, match="was unexpected|is not valid under any"):
            check({**value, "one_more": 1})
        check({**value, "one_more": 1}, whole=False)  # a reader passes over what it does not know
