"""The checks of a preflight for camera, scene, scale and lens."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

import edge.app.preflight.camera as camera_module
from edge.app.mission.read import read_mission
from edge.app.preflight.camera import camera_lines
from edge.app.preflight.plan import Plan
from edge.data import Frame
from edge.errors import CameraError, InputError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.recall import FILE, ByContrast, ClassRecall, Pictures, RecallJson
from edge.seams import Camera
from tests.support.planned import plan, told


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


@pytest.mark.parametrize(
    ("least", "sharp", "state", "said"),
    [
        (1.0, (0.0, 9.0), "green", "like the labelled frames"),
        (254.9, (0.0, 9.0), "yellow", "flatter than nearly all labelled frames"),
        (1.0, (8.0, 9.0), "yellow", "less sharp than nearly all labelled frames"),
    ],
)
def test_a_picture_beside_those_that_recall_was_measured_on(
    tmp_path: Path, tiny_bundle: Path, least: float, sharp: tuple[float, float], state: str, said: str
) -> None:
    bundle = Bundle.load(tiny_bundle)
    one = ClassRecall((40,), ((30,),), ByContrast(50.0, ((40,),), (((30,),),)))
    table = RecallJson(
        format=3,
        model_onnx=bundle.files[ONNX_CPU],
        labels="val",
        frames=7,
        path="flight, ort",
        min_iou=0.5,
        scores=(0.95,),
        edges_px=(0.0, 99.0),
        classes=dict.fromkeys(bundle.classes, one),
        contrasts=(0.0,),
        pictures=Pictures(least, sharp),
    )
    (tiny_bundle / FILE).write_bytes(msgspec.json.encode(table))
    lines = told(camera_lines(plan(tmp_path, tiny_bundle)))
    assert lines["contrast"][0] == "green"
    assert lines["picture"][0] == state
    assert lines["picture"][1].endswith(f": {said}")
    tiled = told(camera_lines(plan(tmp_path, tiny_bundle, '[model]\ntiles = "2x2"\n')))["picture"][1]
    assert tiled != lines["picture"][1]  # a tile is enlarged, and so less sharp
    assert ("focus" in lines["picture"][2]) is (state == "yellow")


def test_a_source_that_is_not_there(tmp_path: Path, tiny_bundle: Path) -> None:
    made = plan(tmp_path, tiny_bundle, source="none.mp4")
    with pytest.raises(InputError, match="no such file"):
        list(camera_lines(made))
    assert made.measured(0) is None
