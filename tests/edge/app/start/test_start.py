"""run.json: there before the first frame, whole, without a password."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

import edge
from edge.app.settings import MissionStamp
from edge.app.start.start import RunStart, write_start
from edge.data import Result
from edge.system.files import read_text_or_none
from edge.system.wall_clock import Relation

SIM = "sim:width=80,height=64,live=0,pitch=-90,people=0,deer=0,cars=0"


def test_it_is_there_before_the_first_frame_and_counts_the_runs(tiny_bundle: Path, tmp_path: Path) -> None:
    seen: list[RunStart] = []

    def look(_: Result) -> None:
        seen.append(msgspec.json.decode((tmp_path / "run.json").read_bytes(), type=RunStart))

    for _ in range(3):
        settings = edge.RunSettings(
            out=tmp_path, source=SIM, model=tiny_bundle, frames=1, backend="null", threshold=0.25,
            mission=MissionStamp("north", "north.toml", "00"),
        )  # fmt: skip
        report = edge.run(settings, watch=look)
    assert [one.run for one in seen] == [1, 2, 3]
    one = seen[-1]
    assert one.boot_id == read_text_or_none(Path("/proc/sys/kernel/random/boot_id"))
    assert (one.model, one.model_files) == (report["model"], report["model_files"])
    assert (one.backend, one.source, one.thresholds) == ("null", SIM, report["thresholds"])
    assert one.mission is not None
    assert one.mission.name == "north"
    assert one.clock.state in ("synchronised", "unsynchronised")
    assert (tmp_path / "earlier-2" / "run.json").exists()


def test_a_password_is_hidden_and_a_full_disk_costs_no_flight(
    tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Relation(1.0, None, "unset", "system", None)
    with edge.open_engine(tiny_bundle, "null") as engine, edge.open_camera(SIM) as camera:
        write_start(tmp_path, engine, "no text \udcff", camera, {}, None, clock)
        assert "no text" in (tmp_path / "run.json").read_text()
        write_start(tmp_path, engine, "rtsp://me:secret@host/x", camera, {"deer": 0.5}, None, clock)
        text = (tmp_path / "run.json").read_text()
        assert "secret" not in text
        assert msgspec.json.decode(text, type=RunStart).clock.utc is None
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / "run.json").mkdir()
        with caplog.at_level(logging.WARNING):
            write_start(tmp_path / "two", engine, None, camera, {}, None, clock)
    assert "run.json: Is a directory; the flight goes on" in caplog.text
