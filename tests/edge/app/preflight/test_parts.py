"""Each check of a preflight: what is well is green, what costs something yellow, what keeps it on the ground red."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.app.preflight.camera as camera_module
import edge.app.preflight.clocks as clocks
import edge.app.preflight.disk as disk
import edge.app.preflight.engine as engine_module
import edge.app.preflight.pose as pose_module
from edge.app.mission.read import read_mission
from edge.app.preflight.camera import camera_lines
from edge.app.preflight.clocks import clock_lines
from edge.app.preflight.disk import disk_lines
from edge.app.preflight.drawn import picture_bytes, video_bytes
from edge.app.preflight.engine import engine_lines
from edge.app.preflight.links import link_checks
from edge.app.preflight.plan import Measured, Plan
from edge.app.preflight.pose import pose_lines
from edge.app.preflight.side_by_side import Line, side_by_side
from edge.data import Frame, Pose
from edge.errors import CameraError, InputError
from edge.model.bundle import Bundle
from edge.model.golden import FILE, PICTURE
from edge.pose import PoseSource
from edge.seams import Camera
from tests.support.pmtiles_file import write_pmtiles

SIM = "sim:width=80,height=64,live=0,frames=4"


def plan(folder: Path, bundle: Path, text: str = "", height: float | None = None, source: str = SIM) -> Plan:
    path = folder / "m.toml"
    path.write_text(f'[camera]\nsource = "{source}"\n[outputs]\nfolder = "out"\n{text}')
    mission = read_mission(path)
    return Plan(mission, mission.options(), Bundle.load(bundle), height)


def told(lines: Iterator[Line]) -> dict[str, tuple[str, str, str]]:
    return {line.name: (line.state, line.value, line.todo) for line in lines}


# ---- camera and scene ----


class Given(Camera):
    """Gives these pictures, then raises."""

    description, live, fps, frames = "given", True, 10.0, None

    def __init__(self, pictures: list[np.ndarray], error: Exception | None = None) -> None:
        self.pictures, self.error, self.n, self.start = pictures, error, 0, time.monotonic()

    def read(self) -> Frame | None:
        if self.n == len(self.pictures):
            if self.error:
                raise self.error
            return None
        self.n += 1
        return Frame(self.pictures[self.n - 1], self.n - 1, self.start + 0.1 * self.n)


def ground(seed: int, warm: bool = True) -> np.ndarray:
    counts = np.random.default_rng(seed).normal(7000, 40, (64, 80))
    if warm:
        counts[20:28, 30:36] += 900
    return counts.astype(np.uint16)


def test_a_simulated_camera_and_its_scene(tmp_path: Path, tiny_bundle: Path) -> None:
    made = plan(tmp_path, tiny_bundle, "[lens]\nhfov_deg = 45\n", height=20.0)
    said = told(camera_lines(made))
    state, value, _ = said["camera"]
    assert (state, "4 frames read, 80x64, 16 bit" in value) == ("green", True)
    assert said["frame size"] == ("green", "80x64; the model takes 80x64", "")
    state, value, todo = said["scale"]
    assert state == "yellow"
    assert value.startswith("0.8 m at 20 m: 3.9 px in the picture")
    assert "fly at" in todo
    assert said["contrast"][0] == "yellow"
    assert "recall of Person by contrast was not measured" in said["contrast"][1]
    measured = made.measured(0)
    assert measured is not None
    assert measured.fps == 30.0
    assert 100 < measured.frame_bytes < 80 * 64 * 2


def test_scale_is_green_from_below_and_says_what_it_needs(tmp_path: Path, tiny_bundle: Path) -> None:
    assert told(camera_lines(plan(tmp_path, tiny_bundle)))["scale"][:2] == (
        "green",
        "not looked at: --height METRES says from where, [lens] with what",
    )
    low = plan(tmp_path, tiny_bundle, "[lens]\nhfov_deg = 45\n", height=2.0)
    assert told(camera_lines(low))["scale"][0] == "green"


def test_a_lens_of_another_picture(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state(text: str) -> str:
        return told(camera_lines(plan(tmp_path, tiny_bundle, text))).get("lens", ("none",))[0]

    monkeypatch.setattr(camera_module, "open_camera", lambda *_, **__: Given([ground(1), ground(2)]))
    assert state("[lens]\nhfov_deg = 45\n") == "green"
    assert state("[lens]\nhfov_deg = 45\nsize = [640, 480]\n") == "red"
    assert state('[pose]\nsource = "mavlink:udp:0.0.0.0:1"\n') == "yellow"
    assert state("") == "none"


def test_the_lens_is_of_the_whole_picture_where_a_part_is_looked_at(tmp_path: Path, tiny_bundle: Path) -> None:
    text = '[camera]\nsource = "sim:width=160,height=128,live=0,frames=3"\ncrop = [0, 0, 80, 64]\n'
    path = tmp_path / "crop.toml"
    path.write_text(text + '[lens]\nhfov_deg = 45\n[outputs]\nfolder = "out"\n')
    mission = read_mission(path)
    said = told(camera_lines(Plan(mission, mission.options(), Bundle.load(tiny_bundle), 10.0)))
    assert said["lens"][0] == "green"
    assert said["scale"][1].startswith("0.8 m at 10 m: 15.5 px in the picture")  # 160 px see 8.28 m of ground


@pytest.mark.parametrize(
    ("pictures", "error", "state", "value"),
    [
        ([], CameraError("it was unplugged"), "red", "it was unplugged"),
        ([], None, "red", "no frame came: given"),
        ([ground(1), ground(2)], CameraError("it broke"), "red", "it broke"),
        ([ground(n) for n in range(21)], None, "green", "given: 10.0 frames a second, 80x64, 16 bit"),
        ([ground(n // 2) for n in range(21)], None, "yellow", "given: 10.0 frames a second, 80x64, 16 bit"),
    ],
)
def test_what_a_camera_gives(
    tmp_path: Path,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    pictures: list[np.ndarray],
    error: Exception | None,
    state: str,
    value: str,
) -> None:
    monkeypatch.setattr(camera_module, "open_camera", lambda *_, **__: Given(pictures, error))
    made = plan(tmp_path, tiny_bundle)
    said = told(camera_lines(made))
    assert said["camera"][:2] == (state, value)
    assert bool(said["camera"][2]) == (state != "green")
    assert made._known.is_set()


def test_a_scene_of_one_temperature(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = [(7000 + (ground(n, warm=False) > 7000)).astype(np.uint16) for n in range(40)]
    monkeypatch.setattr(camera_module, "open_camera", lambda *_, **__: Given(flat))
    said = told(camera_lines(plan(tmp_path, tiny_bundle)))
    assert said["scene"][:2] == ("yellow", "low contrast")
    assert "nearly of one temperature" in said["scene"][2]


def test_a_source_that_is_not_there(tmp_path: Path, tiny_bundle: Path) -> None:
    made = plan(tmp_path, tiny_bundle, source="none.mp4")
    with pytest.raises(InputError, match="no such file"):
        list(camera_lines(made))
    assert made.measured(0) is None


# ---- engine and stored frame ----


def test_the_engine_finds_the_stored_frame_again(tmp_path: Path, tiny_bundle: Path) -> None:
    said = told(engine_lines(plan(tmp_path, tiny_bundle)))
    assert said["model"][:2] == ("green", "tiny, 1 files as they were exported: Person")
    assert said["engine"][0] == "green"
    assert said["stored frame"][:2] == ("yellow", f"the bundle has no {FILE}: nothing was compared")
    picture = np.zeros((64, 80), np.uint8)
    picture[8:16, 16:24] = 230
    cv2.imwrite(str(tiny_bundle / PICTURE), picture)
    stored = {"format": 1, "model_onnx": Bundle.load(tiny_bundle).files["model.onnx"], "origin": "drawn"}
    for boxes, state, value in (
        ([[16, 8, 24, 16]], "green", "1 of 1 stored detections found again, 0 added"),
        ([[16, 8, 24, 16], [40, 40, 48, 48]], "red", "1 of 2 stored detections found again, 0 added"),
        ([], "red", "0 of 0 stored detections found again, 1 added"),
    ):
        text = {**stored, "boxes": boxes, "scores": [0.9] * len(boxes), "labels": [0] * len(boxes)}
        (tiny_bundle / FILE).write_text(json.dumps(text))
        got = told(engine_lines(plan(tmp_path, tiny_bundle)))["stored frame"]
        assert (got[0], got[1].partition(";")[0]) == (state, value)
        assert bool(got[2]) == (state != "green")
    (tiny_bundle / FILE).write_text("{}")
    assert told(engine_lines(plan(tmp_path, tiny_bundle)))["stored frame"][0] == "yellow"


def test_an_engine_that_cannot_be_opened_and_none(tmp_path: Path, tiny_bundle: Path) -> None:
    said = told(engine_lines(plan(tmp_path, tiny_bundle, '[model]\nbackend = "trt"\n')))
    assert said["engine"][0] == "red"
    assert said["engine"][2] == f"edge info {tiny_bundle} tells what is missing"
    said = told(engine_lines(plan(tmp_path, tiny_bundle, '[model]\nbackend = "null"\n')))
    assert said["engine"] == ("yellow", "null: nothing is detected", "leave model.backend out")


def test_of_two_graphs_for_the_cpu_the_one_in_int8_is_opened_and_none_is_timed(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (tiny_bundle / "model.onnx").read_bytes()
    (tiny_bundle / "model.int8.onnx").write_bytes(data)
    bundle = Bundle.load(tiny_bundle)
    replace(bundle, files={**bundle.files, "model.int8.onnx": bundle.files["model.onnx"]}).write_json()
    for able, graph in ((("avx2",), "ort-int8"), ((), "ort-float")):
        monkeypatch.setattr(engine_module, "byte_products", lambda _bits, able=able: able)
        made = plan(tmp_path, tiny_bundle, '[model]\nbackend = "ort"\n')
        assert engine_module._graph(made, "ort", False)[0] == graph
    assert engine_module._graph(made, "ort-int8", False) == ("ort-int8", "asked for")
    assert engine_module._graph(made, "auto", False)[0] == "ort-float"


# ---- disk ----


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_out_folder_is_probed_and_left_as_it_was(tmp_path: Path, tiny_bundle: Path) -> None:
    made = plan(tmp_path, tiny_bundle)
    before = names(tmp_path)
    said = told(disk_lines(made, 0))
    assert said["out folder"] == ("green", f"{tmp_path}/out can be written", "")
    assert said["disk"][0] == "green"
    assert names(tmp_path) == before
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert told(disk_lines(made, 0))["out folder"][:2] == ("red", f"{tmp_path}/out: another run is writing to it")
    finally:
        os.close(handle)
    assert told(disk_lines(made, 0))["out folder"][0] == "green"
    assert names(tmp_path / "out") == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_folder: Path) -> float:
        raise OSError(30, "Read-only file system")

    made = plan(tmp_path, tiny_bundle)
    (tmp_path / "out").write_text("")
    assert told(disk_lines(made, 0))["out folder"][:2] == ("red", f"{tmp_path}/out is no folder")
    (tmp_path / "out").unlink()
    monkeypatch.setattr(disk, "_probe", refused)
    said = told(disk_lines(made, 0))["out folder"]
    assert said[:2] == ("red", f"{tmp_path}/out: Read-only file system")


@pytest.mark.parametrize(
    ("limits", "measured", "state", "words"),
    [
        (
            "seconds = 60",
            Measured(30.0, 1e5),
            "green",
            "180 MB a minute, so there is room for 56 min; 1 min are planned",
        ),
        ("seconds = 6000", Measured(30.0, 1e5), "red", "room for 56 min; 100 min are planned"),
        ("record_budget = '20GB'", Measured(30.0, 1e5), "red", "20.0 GB are its budget"),
        ("record_budget = '2GB'\nseconds = 6000", Measured(30.0, 1e5), "green", "2.0 GB are its budget"),
        ("", Measured(30.0, 1e5), "yellow", "room for 56 min"),
        ("", Measured(30.0, 1e7), "red", "the recording needs 300.0 MB/s"),
        ("", Measured(None, 1e5), "green", "the camera's rate is not known"),
        ("", None, "green", "the camera's rate is not known"),
    ],
)
def test_room_for_the_recording(
    tmp_path: Path,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    limits: str,
    measured: Measured | None,
    state: str,
    words: str,
) -> None:
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), {"free": 10_080_000_000}))
    made = plan(tmp_path, tiny_bundle, f"record = true\n[limits]\n{limits}\n")
    made.tell(measured)
    got = told(disk_lines(made, 0))["disk"]
    assert got[0] == state
    assert words in got[1]
    assert bool(got[2]) == (state != "green")


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (
            "record = true\nvideo = true\npictures = true",
            "the recording takes 180 MB a minute, the video takes 18 MB a minute, the pictures take 54 MB a minute, so "
            "there is room for 40 min; after 36 min, below 1.0 GB free, they stop and detections go on",
        ),
        ("video = true", "; the video takes 18 MB a minute, so there is room for 560 min; after 504 min"),
        ("map = true", "; no recording is asked for"),
    ],
)
def test_room_for_all_that_is_asked_for(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, outputs: str, words: str
) -> None:
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), {"free": 10_080_000_000}))
    made = plan(tmp_path, tiny_bundle, outputs)
    made.tell(Measured(30.0, 1e5, 1e4, 3e4))
    assert words in told(disk_lines(made, 0))["disk"][1]


def test_room_that_earlier_flights_leave(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"free": 1_000_000_000, "total": 64_000_000_000}
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), usage))
    monkeypatch.setattr(disk, "room_of", lambda runs: 9_080_000_000 * len(runs))
    (tmp_path / "out/earlier-1").mkdir(parents=True)
    made = plan(tmp_path, tiny_bundle, "record = true\n[limits]\nseconds = 3000\nkeep_free = '5GB'\n")
    made.tell(Measured(30.0, 1e5))
    state, value, _ = told(disk_lines(made, 0))["disk"]
    assert (state, "9.1 GB of earlier runs go first" in value) == ("green", True)
    assert "room for 56 min; 50 min are planned" in value
    made = plan(tmp_path, tiny_bundle, "[limits]\nkeep_free = '64GB'\n")
    assert told(disk_lines(made, 0))["disk"][::2] == ("red", "correct limits.keep_free")


def test_what_pictures_take_is_measured_with_those_of_the_camera() -> None:
    noise = [np.random.default_rng(n).integers(0, 255, (64, 80), dtype=np.uint8) for n in range(12)]
    flat = [np.full((64, 80), 90, np.uint8)] * 12
    assert 64 * 80 / 4 < video_bytes(noise) < 3 * 64 * 80
    assert 10 < video_bytes(flat) < video_bytes(noise) / 4
    assert 64 * 80 < picture_bytes(noise) < 3 * 64 * 80 + 1000
    assert picture_bytes(flat) < 300
    assert (video_bytes([]), picture_bytes([])) == (0.0, 0.0)


# ---- clocks ----


@pytest.mark.parametrize(("kept", "state"), [(True, "green"), (False, "yellow"), (None, "yellow")])
def test_a_clock(kept: bool | None, state: str) -> None:
    said = told(clock_lines(lambda _seconds: None, lambda: kept))
    assert said["clock"][0] == state
    assert said["clock jumps"][0] == "green"


def test_a_clock_that_was_never_set_and_one_that_is_set_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "EARLIEST", clocks.datetime(2999, 1, 1, tzinfo=clocks.timezone.utc))
    times = iter((1000.0, 1000.5))
    monkeypatch.setattr(clocks.time, "time", lambda: next(times))
    monkeypatch.setattr(clocks.time, "monotonic", lambda: 5.0)
    said = told(clock_lines(lambda _seconds: None))
    assert said["clock"][0] == "red"
    assert "never set" in said["clock"][1]
    assert said["clock jumps"][:2] == ("yellow", "UTC moved by +0.500 s against the monotonic clock in 1 s")


def test_the_kernel_is_asked() -> None:
    assert clocks._synchronised() in (True, False, None)


# ---- links ----


def links(folder: Path, bundle: Path, text: str) -> dict[str, tuple[str, str, str]]:
    found = side_by_side(link_checks(plan(folder, bundle, text).options), 60)
    return told(iter(found.lines))


def test_links_that_answer_and_links_that_do_not(tmp_path: Path, tiny_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        port, gone = server.getsockname()[1], other.getsockname()[1]
        other.close()
        (tmp_path / "mqtt.login").write_text("me\nsecret\n")
        text = (
            f'[links.cot]\nto = "tcp:127.0.0.1:{gone}"\n[links.mavlink]\nto = "udp:127.0.0.1:14550"\n'
            f'[links.webhook]\nurl = "http://127.0.0.1:{port}/x"\n'
            f'[links.mqtt]\nurl = "mqtt://127.0.0.1:{port}/deer"\nlogin = "mqtt.login"\n'
        )
        said = links(tmp_path, tiny_bundle, text)
    assert {name: state for name, (state, _, _) in said.items()} == {
        "link cot": "yellow",
        "link mavlink": "green",
        "link webhook": "green",
        "link mqtt": "green",
    }
    assert said["link cot"][1] == "not reached: Connection refused"
    assert "by UDP nobody says whether it is heard" in said["link mavlink"][1]
    assert said["link webhook"][1].endswith("answers; nothing was posted")
    assert said["link mqtt"][1].endswith("answers; the login was not tried")


def test_who_looks_on(tmp_path: Path, tiny_bundle: Path) -> None:
    pytest.importorskip("foxglove")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f'[links.foxglove]\nat = "{port}"\n[links.ros2]\ntopic = "/thermal/detections"\n'
        said = links(tmp_path, tiny_bundle, text)
    assert {name: state for name, (state, _, _) in said.items()} == {"link foxglove": "red", "link ros2": "red"}
    assert "Address already in use" in said["link foxglove"][1]
    assert "source /opt/ros/humble/setup.bash" in said["link ros2"][1]
    said = links(tmp_path, tiny_bundle, f'[links.foxglove]\nat = "{port}"\n')
    assert said["link foxglove"][:2] == ("green", f"127.0.0.1:{port} is free")


def test_what_a_run_would_refuse_is_red(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "empty").touch()
    text = (
        '[links.cot]\nto = "tls:127.0.0.1:1"\nca = "empty"\n[links.mavlink]\nto = "/dev/none"\nsigning = "empty"\n'
        '[links.mqtt]\nurl = "mqtt://127.0.0.1:1/deer"\nlogin = "empty"\n'
    )
    said = links(tmp_path, tiny_bundle, text)
    assert {state for state, _, _ in said.values()} == {"red"}
    assert all("/empty: expected " in value for _, value, _ in said.values())
    said = links(tmp_path, tiny_bundle, '[links.mavlink]\nto = "/dev/none"\n')
    assert said["link mavlink"][0] == "yellow"


def test_the_page(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.preflight.links.require_extra", lambda: None)  # whether or not it is installed here
    write_pmtiles(tmp_path / "area.pmtiles", {(0, 0, 0): b"png"})
    (tmp_path / "broken").write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\n')
    assert said["page"][0] == "red"
    assert "in use: give another port" in said["page"][1]
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\nmap = "area.pmtiles"\n')
    assert said["page"][:2] == ("green", f"127.0.0.1:{port} is free, area.pmtiles can be drawn")
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\nmap = "broken"\n')
    assert said["page"][0] == "yellow"
    assert "it is no PMTiles file" in said["page"][1]
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\ntoken = "broken"\n')
    assert said["page"][0] == "red"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "edge.sinks.web.app", None)
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\n')
    assert said["page"][0] == "red"
    assert "pip install 'thermal-edge[web]'" in said["page"][1]


# ---- pose ----


class Heard(PoseSource):
    """Gives what it is told to, after ``n`` questions."""

    description = "autopilot"

    def __init__(self, pose: Pose | None, counts: dict[str, int], n: int = 0) -> None:
        super().__init__()
        self.pose, self.told, self.n = pose, counts, n

    def at(self, _moment: Any) -> tuple[Pose | None, str]:
        self.n -= 1
        return (self.pose, "") if self.pose and self.n < 0 else (None, "waiting for a fix")

    @property
    def counts(self) -> dict[str, int]:
        return self.told

    def close(self) -> None:
        pass


POSE = Pose(47.1, 8.2, 61.04, 90.0, -89.6, 0.0, height_source="rangefinder")


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (
            Heard(POSE, {"ATTITUDE": 9}, 2),
            "green",
            "47.100000, 8.200000, 61.0 m above ground (rangefinder), yaw 90, pitch -90",
        ),
        (Heard(None, {"ATTITUDE": 9, "GPS_RAW_INT": 0}), "yellow", "no pose: waiting for a fix; heard: ATTITUDE 9"),
        (Heard(None, {"ATTITUDE": 0}), "red", "nothing was heard in 0.2 s"),
    ],
)
def test_an_autopilot(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, source: Heard, state: str, words: str
) -> None:
    monkeypatch.setattr(pose_module, "open_pose", lambda *_: source)
    monkeypatch.setattr(pose_module, "WAIT_S", 0.2)
    monkeypatch.setattr(pose_module, "LOOK_S", 0.01)
    made = plan(tmp_path, tiny_bundle, '[pose]\nsource = "mavlink:udp:127.0.0.1:14550"\n')
    said = told(pose_lines(made))["pose"]
    assert said[0] == state
    assert words in said[1]
    assert bool(said[2]) == (state != "green")


def test_no_pose_and_poses_of_a_file(tmp_path: Path, tiny_bundle: Path) -> None:
    assert told(pose_lines(plan(tmp_path, tiny_bundle)))["pose"][:2] == ("green", "none is asked for")
    made = plan(tmp_path, tiny_bundle, "[coverage]\n", source="a.mp4")
    assert told(pose_lines(made))["pose"][:2] == ("yellow", "none, and coverage need one: no positions")
    assert (
        told(pose_lines(plan(tmp_path, tiny_bundle, "[coverage]\n")))["pose"][0] == "green"
    )  # the simulator has its own
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:01,000\n[latitude: 41.4] [longitude: 2.2] [rel_alt: 9.0 abs_alt: 45]\n"
    )
    said = told(pose_lines(plan(tmp_path, tiny_bundle, '[pose]\nsource = "srt:a.srt"\n')))["pose"]
    assert said[0] in ("green", "yellow")
    assert "a.srt" in said[1]
    with pytest.raises(InputError):
        list(pose_lines(plan(tmp_path, tiny_bundle, '[pose]\nsource = "srt:none.srt"\n')))
