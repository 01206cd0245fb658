"""Frames with animals as labelled sets: classes, attributes, ignored regions, real frames with their own labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.sim.wild.frame import make_frame
from export.commands.main import main
from export.data.dataset import read_frame
from export.data.formats import read_folder
from export.data.simulate import simulate
from export.data.wild import simulate_wild, taken_at

CLASSES = ("Person", "Animal")


def labels_of(out: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((out / "annotations" / "train.json").read_text())
    return stored


def test_what_is_read_back_is_what_was_simulated(tmp_path: Path) -> None:
    count, seed = 2, 2  # a frame of each kind, with bodies in both
    simulate_wild(tmp_path, count, seed, "train", CLASSES, 0.5)
    data = read_folder(tmp_path)
    assert data.classes == CLASSES
    frames = [make_frame(seed, i, 0.5) for i in range(count)]
    assert {frame.scene.agc is None for frame in frames} == {True, False}
    stored = labels_of(tmp_path)
    for i, (frame, found) in enumerate(zip(frames, data.frames, strict=True)):
        assert (found.path.suffix == ".png") == (frame.scene.agc is None)
        assert found.temperature == frame.temperature
        pixels = read_frame(found)
        assert pixels.shape == frame.pixels.shape
        assert pixels.dtype == frame.pixels.dtype
        off = np.abs(pixels.astype(int) - frame.pixels)
        assert off.max() == 0 if frame.scene.agc is None else off.mean() < 6  # JPEG
        kept = [b for b in frame.bodies if b.found_by_eye and b.name != "car"]
        assert found.boxes == pytest.approx(np.array([b.box for b in kept]).reshape(-1, 4), abs=1e-3)
        assert found.labels.tolist() == [CLASSES.index(b.name.capitalize()) for b in kept]
        assert len(found.ignored) == len(frame.bodies) - len(kept)
        rows = [a for a in stored["annotations"] if a["image_id"] == i and not a["iscrowd"]]
        assert [(a["attributes"]["species"], a["attributes"]["pose"]) for a in rows] == [
            (b.species, b.pose) for b in kept
        ]
        assert [a["attributes"]["visible"] for a in rows] == pytest.approx([b.visible for b in kept], abs=1e-3)


@pytest.mark.parametrize("scene", ["search", "landscape"])
def test_frames_of_a_scene_are_named_so_and_are_those_of_make_frame(scene: str, tmp_path: Path) -> None:
    made = ["data", "simulate", "--scene", scene, "--frames", "2", "--seed", "6", "--eight-bit", "0"]
    assert main([*made, "--out", str(tmp_path), "--quiet"]) == 0
    found = read_folder(tmp_path).frames
    assert [f.path.name for f in found] == [f"{scene}6-00000_000.png", f"{scene}6-00001_000.png"]
    for i, frame in enumerate(found):
        drawn = make_frame(6, i, 0.0, kind=scene)
        np.testing.assert_array_equal(read_frame(frame), drawn.pixels)
        assert not np.array_equal(drawn.pixels, make_frame(6, i, 0.0).pixels)


def test_the_same_seed_is_the_same_files_and_every_frame_its_own_flight(tmp_path: Path) -> None:
    for name in "ab":
        made = ["data", "simulate", "--scene", "wild", "--frames", "2", "--out", str(tmp_path / name), "--quiet"]
        assert main(made) == 0
    a, b = (sorted((tmp_path / n).rglob("*.*")) for n in "ab")
    assert [f.read_bytes() for f in a] == [f.read_bytes() for f in b]
    assert [f.stem for f in a if f.suffix != ".json"] == ["wild1-00000_000", "wild1-00001_000"]
    assert [c["name"] for c in labels_of(tmp_path / "a")["categories"]][:5] == [
        *("Person", "Car", "Bicycle", "OtherVehicle", "Animal")
    ]


def test_a_deer_of_the_survey_is_an_animal_where_no_class_is_called_deer(tmp_path: Path) -> None:
    found = {}
    for classes in (("Animal",), ("Deer", "Animal"), ("Person",)):
        data = simulate(tmp_path / classes[0], 2, 4, classes=classes)
        found[classes[0]] = [frame.labels.tolist() for frame in data.frames]
    assert found["Animal"] == found["Deer"] != [[]] * 2
    assert "attributes" not in str(labels_of(tmp_path / "Animal"))


def real_folder(root: Path, names: tuple[str, ...], shape: tuple[int, int] = (512, 640)) -> Path:
    (root / "train").mkdir(parents=True)
    (root / "annotations").mkdir()
    images, boxes = [], []
    for i, name in enumerate(names):
        grey = np.clip(100 + 4 * np.random.default_rng(i).standard_normal(shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / "train" / name), grey)
        images.append({"id": i, "file_name": name, "width": shape[1], "height": shape[0]})
        boxes.append(
            {"id": i + 1, "image_id": i, "category_id": 0, "bbox": [20, 30, 12, 25], "area": 300, "iscrowd": 0}
        )
    coco = {"images": images, "annotations": boxes, "categories": [{"id": 0, "name": "Person"}]}
    (root / "annotations" / "train.json").write_text(json.dumps(coco))
    return root


def test_real_frames_keep_their_labels_and_get_animals(tmp_path: Path) -> None:
    names = ("1_60_90_0_00001.jpg", "1_60_90_0_00002.jpg", "0_80_50_0_00007.jpg")
    real = real_folder(tmp_path / "real", names)
    made = ["data", "simulate", "--onto", str(real), "--out", str(tmp_path / "out"), "--frames", "4", "--quiet"]
    assert main(made) == 0
    data = read_folder(tmp_path / "out")
    assert data.classes == ("Person", "Animal")
    assert sorted(f.path.stem.partition("_")[2] for f in data.frames[:3]) == sorted(n[:-4] for n in names)
    for frame in data.frames:
        assert frame.boxes[0].tolist() == [20, 30, 32, 55]
        assert frame.labels[0] == 0
        assert set(frame.labels[1:].tolist()) <= {1}
    assert sum(len(f.boxes) for f in data.frames) > 6
    rows = labels_of(tmp_path / "out")["annotations"]
    assert all(("attributes" in row) == (row["category_id"] == 1) for row in rows if not row["iscrowd"])
    listed = [*made, "--annotations", str(real / "annotations/train.json"), "--split", "val"]
    listed[3] = str(real / "train")
    assert main(listed) == 0


def test_what_was_assumed_of_the_real_labels_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = real_folder(tmp_path / "real", ("1_60_90_0_00001.jpg",))
    (real / "annotations/val.json").write_text((real / "annotations/train.json").read_text())
    assert main(["data", "simulate", "--onto", str(real), "--out", str(tmp_path / "out"), "--frames", "1"]) == 0
    line = f"{real}: its part train was read, of train, val\n"
    assert line in capsys.readouterr().out
    assert main(["data", "check", str(real), "--out", str(tmp_path / "check")]) == 0
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1_60_90_0_00001.jpg", (60, 90)),
        ("0_120_30_1_1.png", (120, 30)),
        ("DJI_0001.jpg", None),
        ("1_60_95_0_1.jpg", None),
    ],
)
def test_altitude_and_angle_stand_in_the_name_or_it_is_refused(name: str, expected: tuple[float, float] | None) -> None:
    if expected:
        assert taken_at(Path(name)) == expected
    else:
        with pytest.raises(InputError, match=f"{name} does not tell at which altitude and angle"):
            taken_at(Path(name))


def test_a_frame_of_another_size_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = real_folder(tmp_path / "real", ("1_60_90_0_00001.jpg",), (240, 320))
    out = str(tmp_path / "out")
    assert main(["data", "simulate", "--onto", str(real), "--out", out, "--frames", "1"]) == 2
    assert "is 320x240 of 8 bit: expected frames of 640x512" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--onto X --scene wild", "leave --scene and --classes out"),
        ("--onto X --classes Person", "leave --scene and --classes out"),
        ("--annotations X", "give --onto DIR too"),
        ("--eight-bit 0.5", "--eight-bit is for --scene wild"),
        ("--scene wild --eight-bit 1.5", "expected a part of the frames, 0 to 1"),
    ],
)
def test_options_that_do_not_go_together(
    options: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["data", "simulate", "--out", str(tmp_path / "o"), "--frames", "1", *options.split()]
    assert main(asked) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "o").exists()
