"""/healthz and /metrics: what they say of a run in each of its states, and that Prometheus can read it."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
from edge.app.observer import Progress
from edge.app.report import Totals
from edge.app.status.board import LATE_S, Board
from edge.app.status.pages import Family, health, pages_of, written
from edge.data import Detections, Frame, Result
from edge.sinks.live import cot
from edge.system.activity import HANDING_ON, INFERRING, WAITING_FOR_A_FRAME, Activity, State
from edge.system.budget import HUNG_S

LOADING = State("loading", "not loaded", limit_s=300.0, start=True)
SAMPLE = re.compile(r'(thermal_edge_[a-z0-9_]+)(?:\{((?:[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\S+)')
LABEL = re.compile(r'([a-z0-9_]+)="((?:[^"\\\n]|\\["\\n])*)"')


def read(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The exposition format, strictly: one HELP and one TYPE before the samples of each metric, each sample once."""
    assert text.endswith("\n")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    name, lines = "", iter(text.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in found
            found[name] = {}
            kind = next(lines)
            assert re.fullmatch(rf"# TYPE {name} (gauge|counter)", kind)
            assert kind.endswith("counter") == name.endswith("_total")
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1] == name
        labels = tuple(LABEL.findall(sample[2] or ""))
        assert labels not in found[name]
        found[name][labels] = float(sample[3])
        assert math.isfinite(found[name][labels])
    assert all(found.values())
    return found


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def result(seq: int, ids: tuple[int, ...] = (), **more: Any) -> Result:
    n = len(ids)
    boxes = np.tile(np.float32([1, 1, 5, 5]), (n, 1))
    found = Detections(
        boxes, np.full(n, 0.5, np.float32), np.zeros(n, np.int32), 8, 6, track_ids=np.array(ids, np.int32)
    )
    grey = np.zeros((6, 8), np.uint8)
    return Result(frame=Frame(grey, seq, 0.0), detections=found, t_result=0.1 * seq, picture=grey, **more)


def a_board() -> tuple[Board, Activity, Clock, Totals]:
    clock = Clock()
    activity, totals = Activity("loop", clock), Totals(["Animal"])
    board = Board(activity, clock)
    board.begin(Progress(totals, None, None))
    return board, activity, clock, totals


def told(board: Board) -> tuple[int, dict[str, Any]]:
    page = health(board)
    return page.status.value, json.loads(page.text)


def test_each_state_has_its_words() -> None:
    board, activity, clock, totals = a_board()
    assert told(board)[1]["state"] == "starting"
    activity.works(LOADING)
    clock.now += 40
    assert told(board) == (
        503,
        {
            "state": "starting",
            "since_seconds": 40.0,
            "doing": "loading",
            "last_result_age_seconds": None,
            "frames": 0,
            "conditions": [],
            "failed": [],
        },
    )
    clock.now += 261
    assert told(board)[1]["state"] == "hung"
    activity.waits(WAITING_FOR_A_FRAME)
    clock.now += 7
    code, said = told(board)
    assert (code, said["state"], said["since_seconds"], said["doing"]) == (503, "waiting", 7.0, "waiting for a frame")

    one = result(0, warnings=frozenset({"shutter"}))
    totals.add(one)
    board(one)
    clock.now += LATE_S
    code, said = told(board)
    assert (code, said["state"], said["since_seconds"]) == (200, "detecting", LATE_S)
    assert (said["last_result_age_seconds"], said["frames"], said["conditions"]) == (LATE_S, 1, ["shutter"])
    clock.now += 0.5
    assert told(board)[0] == 503
    assert told(board)[1]["state"] == "waiting"
    activity.works(INFERRING)
    clock.now += HUNG_S - 0.5
    assert told(board)[1]["state"] == "late"
    clock.now += 0.5
    assert told(board)[1]["state"] == "hung"
    two = result(1)
    totals.add(two)
    board(two)  # a gap lies before it: detecting since now
    activity.works(HANDING_ON)
    clock.now += 2
    assert told(board)[0] == 200
    assert told(board)[1]["since_seconds"] == 2.0
    board.close()
    clock.now += 1
    board.close()
    code, said = told(board)
    assert (code, said["state"], said["since_seconds"]) == (503, "ending", 1.0)


def test_the_text_is_made_twice_a_second_at_most() -> None:
    board, _, clock, totals = a_board()
    text = pages_of(board, clock)["/metrics"]
    before = text().text
    assert "thermal_edge_frames_total" not in read(before)
    one = result(0, dropped=3, duplicates=2, lost=1)
    totals.add(one)
    board(one)
    clock.now += 0.4
    assert text().text == before
    clock.now += 0.2
    found = read(text().text)
    assert found["thermal_edge_frames_total"] == {(): 1.0}
    assert found["thermal_edge_frames_dropped_total"] == {(): 3.0}
    assert found["thermal_edge_frames_duplicate_total"] == {(): 2.0}
    assert found["thermal_edge_frames_lost_total"] == {(): 1.0}
    assert found["thermal_edge_last_result_age_seconds"] == {(): pytest.approx(0.6)}
    assert found["thermal_edge_condition"][(("condition", "shutter"),)] == 0.0


def test_what_is_given_up_stands_on_both_pages() -> None:
    board, _, clock, totals = a_board()
    assert "degraded" not in told(board)[1]  # nobody knows
    given_up: dict[str, str] = {}
    board.begin(Progress(totals, None, None, given_up=lambda: given_up))
    text = pages_of(board, clock)["/metrics"]
    assert told(board)[1]["degraded"] == {}
    steps = ("lower rate", "detect less", "no pictures", "no recording")
    assert read(text().text)["thermal_edge_degraded"] == {(("step", name),): 0.0 for name in steps}
    given_up.update({"lower rate": "heat", "no pictures": "disk"})
    clock.now += 1
    assert told(board)[1]["degraded"] == given_up
    found = read(text().text)["thermal_edge_degraded"]
    assert [found[("step", name),] for name in steps] == [1.0, 0.0, 1.0, 0.0]


def test_texts_that_would_break_a_line() -> None:
    text = written(Family("x", "gauge", "X.", [({"class": 'a"b\\c\nd'}, 1)]))
    assert read(text) == {"thermal_edge_x": {(("class", r"a\"b\\c\nd"),): 1.0}}
    assert written(Family("x", "gauge", "X.", [])) == ""


def test_a_run_answers_while_it_goes(
    tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def look(one: Result) -> None:
        if one.frame.seq == 4:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as got:
                said = json.loads(got.read())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as got:
                assert got.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
                seen.append((said, read(got.read().decode())))

    settings = edge.RunSettings(
        out=tmp_path / "out",
        source="sim:width=80,height=64,live=0,people=0,deer=3,cars=0",
        model=tiny_bundle,
        frames=6,
        backend="null",
        status=str(port),
    )
    with caplog.at_level(logging.WARNING):
        edge.run(settings, watch=look, sinks=[cot.spec_of(cot.parse("udp:127.0.0.1:9"))])
    assert not [record for record in caplog.records if "status" in record.getMessage()]
    ((said, found),) = seen
    assert (said["state"], said["frames"], said["failed"]) == ("detecting", 4, [])  # its own result is noted next
    assert said["degraded"] == {}
    assert set(found["thermal_edge_degraded"].values()) == {0.0}
    assert found["thermal_edge_state"][(("state", "detecting"),)] == 1.0
    assert sum(found["thermal_edge_state"].values()) == 1.0
    assert found["thermal_edge_sink_failed"] == {
        (("sink", name),): 0.0 for name in ("detections", "tracks", "counts", "cot")
    }
    assert found["thermal_edge_link_dropped_total"] == {(("link", "cot"),): 0.0}
    assert (("link", "cot"),) in found["thermal_edge_link_up"]
    assert found["thermal_edge_disk_free_bytes"][()] > 0
    ((labels, value),) = found["thermal_edge_build_info"].items()
    assert value == 1.0
    assert dict(labels)["backend"] == "null"
    assert re.fullmatch("[0-9a-f]{64}", dict(labels)["onnx_sha256"])
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10)


def test_an_open_door_is_told(caplog: pytest.LogCaptureFixture) -> None:
    from edge.app.status.status import served

    with socket.create_server(("0.0.0.0", 0)) as free:
        port = free.getsockname()[1]
    with caplog.at_level(logging.WARNING), served(f"0.0.0.0:{port}", Board(Activity("loop"))):
        pass
    assert f"http://0.0.0.0:{port}/healthz and /metrics can be read by everybody in this network" in caplog.text


def test_tracks_are_counted_once(tiny_bundle: Path, tmp_path: Path) -> None:
    from edge.app.status.board import Parts

    board, _, _, totals = a_board()
    with edge.open_engine(tiny_bundle, "null") as engine:
        board.parts = Parts(engine, None, None, tmp_path)  # type: ignore[arg-type]
        name = engine.bundle.classes[0]
        for one in (result(0, (1, 2, -1)), result(1, (2, 3), ended_tracks=(1,)), result(2, (), ended_tracks=(2, 3))):
            totals.add(one)
            board(one)
            assert board.last is not None
            seen = (board.last.tracks, board.last.following)
            assert seen == {0: ({name: 2}, 2), 1: ({name: 3}, 2), 2: ({name: 3}, 0)}[one.frame.seq]
