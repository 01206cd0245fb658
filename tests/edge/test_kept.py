"""What was written before the house was built is read as it was then; see tests/edge/kept: files of commit a057993."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.commands.main import main
from edge.data import Frame, Pose, TemperatureScale
from edge.engine.passport_check import check_passport
from edge.model.bundle import Bundle
from edge.model.passport import Passport, Target
from edge.recording import Origin, Recording, RecordingWriter
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT

KEPT = Path(__file__).resolve().parent / "kept" / "v1"
FLIGHT = KEPT / "flight"
PIXELS = "7eb23baf02267ee49e44913d7444406a8f1b01b27956849b6a6bad8b2716c8f2"  # sha256 of all frames


def replay(out: Path, *more: str, bundle: Path = KEPT / "bundle") -> int:
    words = ["--source", f"rec:{FLIGHT / 'recording'}", "--model", str(bundle), "--backend", "ort", "--quiet"]
    return main(["run", *words, "--out", str(out), "--verify", str(FLIGHT / "detections.jsonl"), *more])


def found(path: Path) -> list[str]:
    """Each frame's ``seq``, and what was found in it, as it is written."""
    texts = []
    for line in path.read_text().splitlines():
        if '"seq"' in line:
            begin = line.index("[", line.index('"detections":'))
            end = json.JSONDecoder().raw_decode(line, begin)[1]
            texts.append(f"{json.loads(line)['seq']} {line[begin:end]}")
    return texts


def digest(frames: Iterable[Frame]) -> str:
    hashed = hashlib.sha256()
    for frame in frames:
        assert frame.pixels.dtype == np.uint16
        hashed.update(frame.pixels.astype("<u2").tobytes())
    return hashed.hexdigest()


def test_the_bundle() -> None:
    bundle = Bundle.load(KEPT / "bundle")
    assert dataclasses.asdict(bundle) == dataclasses.asdict(
        Bundle(
            path=KEPT / "bundle",
            name="tiny",
            architecture={"name": "hottest_cells"},
            classes=("Person",),
            height=64,
            width=80,
            normalise_8bit=DEFAULT_8BIT,
            normalise_16bit=DEFAULT_16BIT,
            trained_mean=0.4,
            trained_std=0.1,
            score_threshold=0.5,
            graph_score_threshold=0.0,
            max_detections=4,
            files={"model.onnx": "ce2dc22c680bf7b05cb281a61817ad694e69e8a998fa0d1d6bc11bf29bd78fb2"},
        )
    )


def test_the_bundle_is_written_as_it_was(tmp_path: Path) -> None:
    before = (KEPT / "bundle" / "model.json").read_bytes()
    dataclasses.replace(Bundle.load(KEPT / "bundle"), path=tmp_path).write_json()
    assert (tmp_path / "model.json").read_bytes() == before


def test_the_passport(tmp_path: Path) -> None:
    passport = Passport.read(KEPT / "bundle")
    assert passport == Passport(
        engine_sha256="9bed121f526cab9b4e86e5e2bf8dfb9031ba0fc939411811121c0d8074bf19e5",
        onnx_sha256="",
        model_json_sha256="70e8b2613a38b3a22d7b77915a52e2aade91a6aba93a10d105eda1dc7ed158a0",
        target=Target(
            tensorrt="10.3.0",
            device="Orin",
            compute_capability="8.7",
            sm_count=8,
            memory_mib=7620,
            cuda="12.6",
            board="NVIDIA Jetson Orin Nano Developer Kit",
            driver="540.4.0",
            l4t="36.4.3",
            power_mode="MAXN_SUPER",
        ),
        options={"strongly_typed": True, "tf32": False, "workspace_mib": 1900, "optimization_level": 3},
        build_seconds=412.3,
    )
    told = check_passport(Bundle.load(KEPT / "bundle"), passport.target)  # it fits, and was made before comparisons
    assert [(m.severity, m.what) for m in told] == [("warn", "model.engine was never compared with ONNX Runtime")]
    passport.write(tmp_path)
    assert (tmp_path / "model.engine.json").read_bytes() == (KEPT / "bundle" / "model.engine.json").read_bytes()


def test_the_recording() -> None:
    recording = Recording(FLIGHT / "recording")
    assert recording.header.origin == Origin(
        "simulated flight at 20 m, 80x64, 16 bit of 0.01 K, 30 frames/s, seed 3", live=False, fps=30.0
    )
    assert (recording.header.host, recording.header.started) == ("vm", "2026-11-25T19:43:48+00:00")
    frames = list(recording)
    assert recording.losses == []
    assert [frame.seq for frame in frames] == list(range(24))
    assert digest(frames) == PIXELS
    first = frames[0]
    assert first.t_capture == 349.419815783
    assert first.utc is not None
    assert first.utc.isoformat() == "2026-10-01T20:00:00+00:00"
    assert first.temperature == TemperatureScale(0.01, 0.0)
    assert first.pose == Pose(
        latitude=47.39772527307894,
        longitude=8.545561153584403,
        height=19.966056197240164,
        yaw=89.99218209614978,
        pitch=-59.94969047699611,
        roll=-0.003050312191902954,
    )
    assert sum("ffc" in frame.flags for frame in frames) == 3


def test_recorded_again_every_frame_is_the_same(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", Origin("again", live=False, fps=30.0), reserve=0)
    before = list(Recording(FLIGHT / "recording"))
    for frame in before:
        writer.write(frame)
    writer.close()
    after = list(Recording(tmp_path / "r"))
    assert digest(after) == PIXELS

    def rest(frame: Frame) -> dict[str, Any]:
        return {
            f.name: getattr(frame, f.name) for f in dataclasses.fields(frame) if f.name not in ("pixels", "t_arrival")
        }

    assert [rest(frame) for frame in after] == [rest(frame) for frame in before]


def test_a_replay_finds_what_the_flight_found_byte_for_byte(tmp_path: Path) -> None:
    assert replay(tmp_path / "out") == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())["verify"]
    assert (report["compared"], report["different"], report["unsettled"], report["missing"]) == (24, 0, 0, 0)
    then = found(FLIGHT / "detections.jsonl")
    assert len(then) == 24
    now = found(tmp_path / "out" / "detections.jsonl")
    assert [re.sub(r',"track":\d+', "", text) for text in now] == then  # the flight's version followed nothing
    assert any('"track":' in text for text in now)


def test_the_flights_report_says_what_was_set_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path / "a", "--threshold", "0.99") == 1
    said = capsys.readouterr().err
    assert "; the flight had " in said
    assert "threshold 0.5 (here 0.99): run with the same" in said
    other = Path(shutil.copytree(KEPT / "bundle", tmp_path / "other"))
    dataclasses.replace(Bundle.load(other), name="another", score_threshold=0.99).write_json()
    assert replay(tmp_path / "b", bundle=other) == 1
    said = capsys.readouterr().err
    assert "thresholds" not in said  # the flight's report is older
    assert "model tiny (here another), threshold 0.5 (here 0.99): run with the same" in said
