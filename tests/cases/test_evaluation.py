"""Kinds of labels that were judged or learnt wrongly without a word: each is right, or refused in one line."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import edge
from export.commands import train as train_command
from export.commands.main import main
from export.detector.checkpoint import load_detector
from export.training.start import calibrate_norms
from tests.conftest import shared, write_bundle
from tests.support.tiny_training import FROZEN

CAR = [16, 8, 8, 8]  # the tiny detector finds it first, and calls everything its first class


def coco(folder: Path, names: list[str], boxes: list[dict[str, Any]], count: int = 2, **image: int) -> list[str]:
    """Frames with a hot cell; ``boxes`` name their class. Arguments for eval and train."""
    folder.mkdir()
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230
    for i in range(count):
        assert cv2.imwrite(str(folder / f"{i}.png"), pixels)
    size = {"width": 80, "height": 64} | image
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", **size} for i in range(count)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        "annotations": [
            {"id": i, "image_id": 0, **box, "category_id": names.index(box["category_id"])}
            for i, box in enumerate(boxes)
        ],
    }
    (folder / "l.json").write_text(json.dumps(content))
    return ["--annotations", str(folder / "l.json"), "--images", str(folder)]


def figures(tmp_path: Path, *words: str) -> dict[str, Any]:
    assert main(["eval", *words, "--json", str(tmp_path / "f.json"), "--quiet"]) == 0
    return dict(json.loads((tmp_path / "f.json").read_text()))


@pytest.mark.timeout(300)
def test_a_real_checkpoint_is_as_good_whatever_the_order_of_the_categories(tmp_path: Path) -> None:
    file = shared("cases", "models_and_data", "14-eval-class-names", "gt3.json")
    pictures, weights = shared("data", "hituav", "val"), shared("checkpoints", "frc_resnet18_fpn64_hituav.pth")
    known: dict[str, Any] = {"image_mean": (0.4965,) * 3, "image_std": (0.1552,) * 3, "sampling_ratio": 2}
    model = load_detector(weights, rpn_pre_nms_top_n_test=500, rpn_post_nms_top_n_test=300, **known)
    detector = json.loads(json.dumps(model.configuration.to_json()))
    content = {"model": model.state_dict(), "detector": detector}
    torch.save({**content, "classes": ["Person", "Car", "Bicycle", "OtherVehicle"]}, tmp_path / "named.pth")
    labels = json.loads(file.read_text())
    chosen = (2029, 2069, 2229)  # frames with all classes that the eight of the file have
    labels["images"] = [image for image in labels["images"] if image["id"] in chosen]
    labels["annotations"] = [box for box in labels["annotations"] if box["image_id"] in chosen]
    names = {c["id"]: c["name"] for c in labels["categories"]}
    order = sorted(names.values())
    for box in labels["annotations"]:
        box["category_id"] = order.index(names[box["category_id"]])
    labels["categories"] = [{"id": i, "name": name} for i, name in enumerate(order)]
    (tmp_path / "sorted.json").write_text(json.dumps(labels))
    where = ["--annotations", str(tmp_path / "sorted.json"), "--images", str(pictures)]
    found = figures(tmp_path, "--checkpoint", str(tmp_path / "named.pth"), *where)
    # as it was with the categories in the order of the checkpoint
    expected = {"Bicycle": 0.736, "Car": 0.8218, "Person": 0.8728}
    assert {k: v for k, v in found["per_class_ap50"].items() if v} == pytest.approx(expected, abs=5e-4)


def test_categories_of_other_animals_are_no_categories_of_these(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Person", "Car")))
    words = coco(tmp_path / "d", ["deer", "fox"], [{"bbox": CAR, "category_id": "deer"}])
    assert main(["eval", "--model", bundle, *words]) == 2
    assert "are Person, Car, those of" in capsys.readouterr().err


def test_classes_of_a_simulated_set_are_left_out_of_the_teams_evaluation(tmp_path: Path) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Car", "Deer")))  # deer came with the simulated frames
    words = coco(tmp_path / "d", ["Person", "Car"], [{"bbox": CAR, "category_id": "Car"}], 1)
    assert figures(tmp_path, "--model", bundle, *words, "--classes", "Car")["per_class_ap50"] == {"Car": 1.0}
    ignored = figures(tmp_path, "--model", bundle, *words, "--ignore-classes", "Person,Deer")
    assert ignored["per_class_ap50"] == {"Car": 1.0}


@pytest.mark.parametrize(
    ("image", "box", "told"),
    [
        ({"width": 640, "height": 512}, [160, 64, 64, 64], "0.png is 80x64, its boxes are for 640x512"),
        ({}, [160, 64, 64, 64], "none of the 1 boxes lies inside its picture"),
        ({}, [0.2, 0.125, 0.1, 0.125], "parts of the picture"),
    ],
    ids=["sizes of other pictures", "boxes of larger pictures", "boxes in parts of the picture"],
)
def test_labels_of_other_pictures_are_no_ap_of_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], image: dict[str, int], box: list[float], told: str
) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Car",)))
    words = coco(tmp_path / "d", ["Car"], [{"bbox": box, "category_id": "Car"}], 1, **image)
    for command in (["eval", "--model", bundle], ["train", "--out", str(tmp_path / "run")]):
        assert main([*command, *words]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


@pytest.mark.usefixtures("narrow_resnets")
def test_frames_that_are_one_crowd_are_no_divergence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_command, "calibrate_norms", partial(calibrate_norms, crop=64))
    crowds = [{"bbox": [0, 0, 80, 64], "category_id": "Car", "iscrowd": 1, "image_id": i} for i in range(1, 8)]
    words = coco(tmp_path / "d", ["Car"], [{"bbox": CAR, "category_id": "Car"}, *crowds], 8)
    small = "--steps 12 --batch 1 --crop 64 --mosaic 0 --threads 1 --channels 8 --representation-size 16"
    small += " --min-size 64 --max-size 80"
    small += f" --sampling-ratio 2 --rpn-pre-nms 50 --rpn-post-nms 20 --freeze {','.join(FROZEN)}"
    assert main(["train", *words, "--out", str(tmp_path / "run"), *small.split()]) == 0
    assert "12 steps" in " ".join(capsys.readouterr().out.split())
    rows = np.genfromtxt(tmp_path / "run/log.csv", delimiter=",", names=True)
    assert all(np.isfinite(rows[name]) for name in rows.dtype.names)


def test_a_bundle_that_cannot_be_trained_on_from_says_how_to_export_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = coco(tmp_path / "d", ["Car"], [{"bbox": CAR, "category_id": "Car"}], 1)
    bundle = write_bundle(tmp_path / "b", ("Car",))
    shutil.copy(bundle / "model.onnx", bundle / "model.fp16.onnx")
    assert main(["train", *words, "--out", str(tmp_path / "run"), "--from", str(bundle)]) == 2
    error = capsys.readouterr().err
    assert "edge-export onnx --checkpoint CHECKPOINT --out BUNDLE --" in error
    assert error.endswith(" shared\n")
    assert error.count("\n") == 1


def test_a_bundle_of_shared_weights_is_trained_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(Path(edge.__file__).parent / "models/hituav-r18")
    words = coco(tmp_path / "d", ["Car", "deer"], [{"bbox": CAR, "category_id": "Car"}], 1)
    small = ["--steps", "1", "--batch", "1", "--crop", "64", "--threads", "1", "--out", str(tmp_path / "run")]
    small += ["--freeze", "backbone,rpn,roi_heads.box_head"]
    assert main(["train", *words, *small, "--from", bundle]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{bundle} knows Car; new, trained from zero: deer" in said
    assert (
        f"{bundle} also knows Person, Bicycle, OtherVehicle, Animal: the frames have no such class, it is left out"
        in said
    )
    assert load_detector(tmp_path / "run/model.pth").class_names == ("Car", "deer")


def test_crowds_are_counted_as_coco_does_where_that_is_asked_for(tmp_path: Path) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Person", "Car")))  # it calls the car a person
    found_second = {"bbox": [0, 0, 8, 8], "category_id": "Person"}
    boxes = [found_second, {"bbox": CAR, "category_id": "Car", "iscrowd": 1}]
    words = coco(tmp_path / "d", ["Person", "Car"], boxes, 1)
    found = figures(tmp_path, "--model", bundle, *words, "--coco")
    assert found["ap50"] == 1  # what lies in an ignored region is not false
    assert found["coco"]["ap50"] == pytest.approx(0.5)  # a crowd of cars takes up no person
