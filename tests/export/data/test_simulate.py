"""Simulated flights become a data set that training reads."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import TemperatureScale
from edge.errors import InputError
from edge.sim.camera import Simulator
from edge.thermal.normalise import DEFAULT_16BIT, normalise
from export.commands.main import main
from export.data.coco import read_coco
from export.data.dataset import read_grey
from export.data.formats import read_folder
from export.data.simulate import LEAST_VISIBLE, _flights, simulate


def test_flights_of_eight_frames() -> None:
    assert [flight.frames for flight in _flights(18, 4)] == [8, 8, 2]


def test_what_is_read_back_is_what_the_camera_saw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.data.simulate.FRAMES_A_FLIGHT", 2)
    count = 3  # two flights
    simulate(tmp_path, count, seed=4, classes=("Car", "Person"))
    data = read_folder(tmp_path)
    assert data.classes == ("Car", "Person")
    flown = [(frame, settings) for settings in _flights(count, 4) for frame in iter(Simulator(settings).read, None)]
    assert len(flown) == len(data) == count
    for (frame, _), stored in zip(flown, data.frames, strict=True):
        truth = frame.truth
        assert truth is not None
        assert stored.temperature == frame.temperature == TemperatureScale(0.01)
        np.testing.assert_array_equal(cv2.imread(str(stored.path), cv2.IMREAD_UNCHANGED), frame.pixels)
        # the very picture that a flight would show the detector
        np.testing.assert_array_equal(read_grey(stored), normalise(frame.pixels, DEFAULT_16BIT, frame.temperature))
        people = np.array([n == "person" for n in truth.names], bool) & (truth.visible >= LEAST_VISIBLE)
        np.testing.assert_allclose(stored.boxes[stored.labels == 1], truth.boxes[people], atol=1e-3)
        assert len(stored.boxes) + len(stored.ignored) == len(truth.boxes)


def test_the_same_seed_is_the_same_flight_and_nothing_is_replaced(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        made = ["data", "simulate", "--out", str(tmp_path / name), "--frames", "2", "--seed", seed, "--quiet"]
        assert main(made) == 0
    files = [sorted((tmp_path / name).rglob("*.png")) for name in "abc"]
    pixels = [[f.read_bytes() for f in each] for each in files]
    assert pixels[0] == pixels[1]
    assert not set(pixels[0]) & set(pixels[2])
    assert main(["data", "simulate", "--out", str(tmp_path / "a"), "--frames", "2"]) == 2
    assert main(["data", "simulate", "--out", str(tmp_path / "d"), "--frames", "0"]) == 2
    labels = [(tmp_path / n / "annotations/train.json").read_text() for n in "ab"]
    assert labels[0] == labels[1]


def test_a_temperature_scale_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    simulate(tmp_path, 1, seed=1)
    labels = tmp_path / "annotations/train.json"
    labels.write_text(labels.read_text().replace('"gain": 0.01', '"gain": 0'))
    with pytest.raises(InputError, match=r"train\.json: images\[0\]: image 0, sim1-0000_000\.png: temperature scale"):
        read_coco(labels, tmp_path / "train")


@pytest.mark.parametrize("split", ["../x", "/x", "a/b", "", ".", "..", "annotations"])
def test_a_part_is_the_name_of_a_folder_in_the_set(split: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"--split .*: expected the name of a folder in .*, such as train or val"):
        simulate(out, 1, 1, split)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ("Person,person", "--classes: person comes twice, whatever the case: expected each class once"),
        ("DONTCARE,Car", "--classes: DONTCARE is what ignored regions are called"),
        ("Per\x1bson", "--classes: a class is called 'Per\\x1bson': expected a name of characters"),
    ],
)
@pytest.mark.parametrize("scene", ["survey", "wild"])
def test_classes_that_nobody_could_read_back_are_refused_before_a_frame_is_made(
    scene: str, classes: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["data", "simulate", "--out", str(tmp_path / "out"), "--frames", "1", "--scene", scene]
    assert main([*made, "--classes", classes]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
