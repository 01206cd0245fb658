"""Evaluation from the command line: on a bundle as it flies, and what it writes."""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from edge.errors import InputError
from edge.measure.average_precision import Judged
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from export.commands.main import main
from export.evaluate import score_choice
from export.evaluate.outcome import outcome
from export.evaluate.score_choice import Rule
from export.evaluate.trained_on import SEEN, TrainedOn
from tests.conftest import write_bundle
from tests.support.tiny_training import tiny_model

NONE = np.zeros((0, 4), np.float32)
HOT = [16.0, 8.0, 8.0, 8.0]  # xywh of one of the tiny detector's cells


def hot_frames(folder: Path, box: list[float] | None = None) -> list[str]:
    """Three frames with one hot cell; arguments of ``eval`` for them."""
    folder.mkdir(exist_ok=True)
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230
    for i in range(3):
        assert cv2.imwrite(str(folder / f"{i}.png"), pixels)
    labels = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 64} for i in range(3)],
        "annotations": [{"image_id": i, "category_id": 0, "bbox": box or HOT} for i in range(3)],
        "categories": [{"id": 0, "name": "Person"}],
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    return ["--annotations", str(folder / "labels.json"), "--images", str(folder)]


def test_the_int8_graph_is_measured_where_it_is_asked_for(tmp_path: Path, tiny_bundle: Path) -> None:
    data = (tiny_bundle / ONNX_CPU).read_bytes()
    (tiny_bundle / ONNX_INT8).write_bytes(data)
    plain = Bundle.load(tiny_bundle)
    replace(plain, files={**plain.files, ONNX_INT8: hashlib.sha256(data).hexdigest()}).write_json()
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data"), "--json", str(tmp_path / "x.json")]
    for backend, path in (("ort-int8", "flight, ort-int8"), ("ort-float", "flight, ort-float")):
        assert main([*words, "--backend", backend, "--quiet"]) == 0
        found = json.loads((tmp_path / "x.json").read_text())
        assert (found["path"], found["ap50"]) == (path, 1.0)


def test_frames_are_looked_at_in_tiles_where_that_is_asked_for(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames of 150x120: shrunk for the model of 80x64 the hot cell is half as large, in tiles it is as it is."""
    data = hot_frames(tmp_path / "data", [94.0, 80, 8, 8])
    pixels = np.full((120, 150), 20, np.uint8)
    pixels[80:88, 94:102] = 230
    for i in range(3):
        assert cv2.imwrite(str(tmp_path / "data" / f"{i}.png"), pixels)
    labels = json.loads((tmp_path / "data" / "labels.json").read_text())
    labels["images"] = [{**image, "width": 150, "height": 120} for image in labels["images"]]
    (tmp_path / "data" / "labels.json").write_text(json.dumps(labels))
    words = ["--model", str(tiny_bundle), *data]
    assert figures_of(tmp_path / "x.json", *words)["tiles"] is None
    assert figures_of(tmp_path / "x.json", *words)["ap50"] == 0.0
    found = figures_of(tmp_path / "x.json", *words, "--tiles", "2x2")
    assert (found["tiles"], found["ap50"]) == ("2x2", 1.0)
    assert any("5 calls of the engine a frame" in note for note in found["notes"])
    capsys.readouterr()
    assert main(["eval", "--checkpoint", "x.pth", *data, "--tiles", "auto"]) == 2
    assert "--tiles auto are looked at as in flight, by a bundle: give --model BUNDLE" in capsys.readouterr().err
    assert main(["eval", "--model", "x", *data, "--device", "cpu"]) == 2
    assert "--device cpu is where torch computes: give --checkpoint FILE, or --backend" in capsys.readouterr().err


def test_the_best_threshold_goes_into_the_bundle(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data")]
    out = tmp_path / "figures.json"
    assert main([*words, "--json", str(out), "--set-threshold"]) == 0
    figures = json.loads(out.read_text())
    assert {"ap", "ap50", "per_class_ap50", "ap50_by_size", "images"} <= set(figures)
    assert figures["ap50"] == 1.0
    assert figures["recall_at_1_false_in_10_frames"]["Person"] == 1.0
    # the hot cell scores 230 / 255, all others 20 / 255
    assert figures["best_f1"]["threshold"] == pytest.approx(230 / 255, abs=1e-6)
    shown = {why: row for row in figures["thresholds"]["Person"] for why in row["of"]}
    assert (shown["bundle"]["score"], shown["bundle"]["found"], shown["bundle"]["false"]) == (0.5, 3, 0)
    assert (shown["best_f1"]["score"], shown["best_f1"]["recall"]) == (0.9, 1.0)
    assert Bundle.load(tiny_bundle).score_threshold == 0.901
    said = capsys.readouterr().out
    assert "shows detections from 0.901, before from 0.5" in said
    rows = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in said.splitlines()]
    assert ["Person", "3", "100.0", "100.0", "100.0", "-", "-", "100.0"] in rows
    assert ["", "0.5", "100.0", "100.0", "0.000", "the bundle's"] in rows
    (tiny_bundle / "model.engine").write_bytes(b"x")
    assert main([*words, "--set-threshold"]) == 0
    assert "edge-export engine" in capsys.readouterr().out


def test_no_threshold_where_nothing_is_right(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tiny_bundle / "model.json").read_bytes()
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data", [40.0, 40, 30, 20]), "--set-threshold"]
    assert main([*words, "--quiet"]) == 2
    assert "no detection was right" in capsys.readouterr().err
    assert (tiny_bundle / "model.json").read_bytes() == before


def test_a_threshold_needs_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", "--checkpoint", "x.pth", *hot_frames(tmp_path / "data"), "--set-threshold"]
    assert main(words) == 2
    assert "--model BUNDLE" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--pictures", "--hard-examples", "--mistakes"])
def test_where_nothing_can_be_written_is_told_before_the_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").write_text("")
    words = ["eval", "--model", "absent", *hot_frames(tmp_path / "data"), option, str(tmp_path / "file/x")]
    assert main(words) == 2
    assert "give another file" in capsys.readouterr().err


def test_a_disk_that_fills_up_loses_no_figure(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edge.system.files.os.fsync", full)
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data"), "--json", str(tmp_path / "x.json")]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert "3 frames: AP 100.0" in out
    assert "x.json cannot be written (No space left on device)" in err


def test_what_lies_in_an_ignored_region_is_not_shown_as_false() -> None:
    boxes = np.array([[0, 0, 8, 8], [20, 20, 28, 28], [40, 40, 48, 48]], np.float32)
    judged = Judged(
        boxes,
        np.array([0.9, 0.8, 0.7], np.float32),
        np.zeros(3, np.int64),
        boxes[:1],
        np.zeros(1, np.int64),
        np.array([[18, 18, 30, 30]], np.float32),
    )
    shown = outcome(judged, 0.5)
    assert shown.found.tolist() == [True]
    assert shown.right.tolist() == [True, False]
    np.testing.assert_array_equal(shown.boxes, boxes[[0, 2]])
    assert outcome(judged, 0.75).right.tolist() == [True]


def relabelled(folder: Path, names: list[str], label: int = 0) -> list[str]:
    """`hot_frames` with categories of these names, the hot cells of number ``label``."""
    words = hot_frames(folder)
    content = json.loads((folder / "labels.json").read_text())
    content["categories"] = [{"id": i, "name": name} for i, name in enumerate(names)]
    content["annotations"] = [{**box, "category_id": label} for box in content["annotations"]]
    (folder / "labels.json").write_text(json.dumps(content))
    return words


def figures_of(out: Path, *words: str) -> dict[str, Any]:
    assert main(["eval", *words, "--json", str(out)]) == 0
    return dict(json.loads(out.read_text()))


def test_categories_in_another_order_are_the_same_classes(tmp_path: Path) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Person", "Car")))  # it calls everything it finds a person
    words = relabelled(tmp_path / "data", ["Car", "Person"], 1)
    found = figures_of(tmp_path / "x.json", "--model", bundle, *words)
    assert found["boxes"] == {"Person": 3, "Car": 0}
    assert found["per_class_ap50"] == {"Person": 1.0, "Car": None}


def test_a_class_too_many_is_refused_chosen_or_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Person", "Deer")))
    words = ["--model", bundle, *relabelled(tmp_path / "data", ["Boat", "Person"], 1)]
    assert main(["eval", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "are Person, Deer, those of" in error
    assert "--classes Person takes these alone" in error
    alone = figures_of(tmp_path / "x.json", *words, "--classes", "Person")
    assert alone["boxes"] == {"Person": 3}
    assert f"not evaluated: what bundle {bundle} finds of Deer" in alone["notes"]
    ignored = figures_of(tmp_path / "x.json", *words, "--ignore-classes", "Boat,Deer")
    assert (ignored["boxes"], ignored["ap50"]) == ({"Person": 3}, 1.0)
    assert f"not evaluated: what bundle {bundle} finds of Deer" in " ".join(capsys.readouterr().out.split())


def test_false_alarms_of_a_class_that_the_frames_do_not_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Animal", "Person")))  # it calls everything it finds an animal
    words = relabelled(tmp_path / "data", ["Person"])
    found = figures_of(tmp_path / "x.json", "--model", bundle, *words, "--classes", "Person,Animal")
    (row,) = [row for row in found["thresholds"]["Animal"] if "bundle" in row["of"]]
    assert (row["false"], row["recall"], row["precision"]) == (3, None, 0.0)
    shown = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "│ Animal" in line]
    table = [[cell.strip() for cell in line] for line in shown if len(line) == 6]
    assert [line[2:5] for line in table] == [["-", "0.0", f"{3 / found['images']:.3f}"]]


def test_a_folder_of_any_layout_and_a_part_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(write_bundle(tmp_path / "b"))
    for part, count in (("train", 1), ("valid", 2), ("test", 3)):
        hot_frames(tmp_path / "pictures")
        (tmp_path / "yolo/images" / part).mkdir(parents=True)
        (tmp_path / "yolo/labels" / part).mkdir(parents=True)
        for i in range(count):
            (tmp_path / "pictures" / f"{i}.png").rename(tmp_path / "yolo/images" / part / f"{part}{i}.png")
            (tmp_path / "yolo/labels" / part / f"{part}{i}.txt").write_text("0 0.25 0.1875 0.1 0.125\n")
    (tmp_path / "yolo/classes.txt").write_text("Person\n")
    words = ["--model", bundle, "--data", str(tmp_path / "yolo")]
    found = figures_of(tmp_path / "x.json", *words)
    assert (found["images"], found["ap50"]) == (2, 1.0)
    assert figures_of(tmp_path / "x.json", *words, "--split", "test")["images"] == 3
    assert main(["eval", *words, "--split", "night"]) == 2
    assert "'night'" in capsys.readouterr().err
    for wrong in ([], ["--annotations", "x"], [*words[2:], "--images", "x"], ["--images", "x"]):
        assert main(["eval", "--model", bundle, *wrong]) == 2
        assert "expected --data DIR [--split NAME], or --annotations JSON" in capsys.readouterr().err


def test_labels_for_another_size_are_refused_before_any_frame(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = hot_frames(tmp_path / "data")
    content = json.loads((tmp_path / "data/labels.json").read_text())
    content["images"][2] |= {"width": 800, "height": 640}
    (tmp_path / "data/labels.json").write_text(json.dumps(content))
    assert main(["eval", "--model", str(tiny_bundle), *words]) == 2
    error = capsys.readouterr().err
    assert "1 of 3 frames cannot be used" in error
    assert "2.png is 80x64, its boxes are for 800x640" in error


def test_boxes_that_are_left_out_are_counted(tmp_path: Path, tiny_bundle: Path) -> None:
    words = hot_frames(tmp_path / "data")
    content = json.loads((tmp_path / "data/labels.json").read_text())
    content["annotations"] += [{"image_id": 0, "category_id": 0, "bbox": [70, 50, 30, 30]}, content["annotations"][0]]
    (tmp_path / "data/labels.json").write_text(json.dumps(content))
    found = figures_of(tmp_path / "x.json", "--model", str(tiny_bundle), *words)
    assert {"box outside: 1", "box twice: 1"} <= {note.partition(";")[0] for note in found["notes"]}


def test_cocos_own_figures(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", str(tiny_bundle), *hot_frames(tmp_path / "data")]
    found = figures_of(tmp_path / "x.json", *words, "--coco")
    assert found["coco"]["ap"] == pytest.approx(found["ap"], abs=1e-4)
    assert (found["coco"]["ap_small"], found["coco"]["ap_large"]) == (pytest.approx(1), None)
    assert "COCO's own figures (at most 100 detections of a class and frame): AP 100.0" in capsys.readouterr().out
    assert "coco" not in figures_of(tmp_path / "x.json", *words)


def test_coco_without_its_library_or_its_file(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["eval", "--model", str(tiny_bundle), "--coco"]
    assert main([*words, "--data", str(tmp_path)]) == 2
    assert "--annotations" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    assert main([*words, *hot_frames(tmp_path / "data")]) == 2
    assert "pip install 'thermal-edge[coco]'" in capsys.readouterr().err


def named(folder: Path, **more: object) -> Path:
    """A checkpoint of the small untrained detector of two classes."""
    model = tiny_model(2)
    detector = json.loads(json.dumps(model.configuration.to_json()))
    torch.save({"model": model.state_dict(), "detector": detector, **more}, folder / "c.pth")
    return folder / "c.pth"


@pytest.mark.usefixtures("narrow_resnets")
def test_a_checkpoint_is_compared_by_its_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = relabelled(tmp_path / "data", ["Car", "Person"], 1)
    file = named(tmp_path, classes=["Person", "Car"])
    found = figures_of(tmp_path / "x.json", "--checkpoint", str(file), *words)
    assert found["boxes"] == {"Person": 3, "Car": 0}
    file = named(tmp_path, classes=["deer", "fox"])
    assert main(["eval", "--checkpoint", str(file), *words]) == 2
    assert "are deer, fox, those of" in capsys.readouterr().err


@pytest.mark.usefixtures("narrow_resnets")
def test_a_checkpoint_without_names_says_what_it_is_taken_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--checkpoint", str(named(tmp_path)), *relabelled(tmp_path / "data", ["Car", "Person"], 1)]
    said = "has no class names: its classes are taken to be, in this order, "
    found = figures_of(tmp_path / "x.json", *words)
    assert list(found["boxes"].items()) == [("Car", 0), ("Person", 3)]
    assert any(note.endswith(f"{said}Car, Person") for note in found["notes"])
    found = figures_of(tmp_path / "x.json", *words, "--classes", "Person,Car")
    assert list(found["boxes"].items()) == [("Person", 3), ("Car", 0)]
    assert said in " ".join(capsys.readouterr().out.split())
    assert main(["eval", *words, "--classes", "Person"]) == 2
    assert "has 2 classes without names" in capsys.readouterr().err


def two_classes(folder: Path) -> list[str]:
    """Five frames with a hot cell each, which the tiny detector finds; three are people and two are cars. Their names
    tell 30 degrees for two of them, and 90 for three.
    """
    folder.mkdir()
    images, boxes = [], []
    for i in range(5):
        pixels = np.full((64, 80), 21 + i, np.uint8)
        pixels[8:16, 16:24] = 230
        assert cv2.imwrite(str(folder / f"1_60_{30 if i < 2 else 90}_0_{i:05d}.png"), pixels)
        images.append({"id": i, "file_name": f"1_60_{30 if i < 2 else 90}_0_{i:05d}.png", "width": 80, "height": 64})
        boxes.append({"id": i, "image_id": i, "category_id": int(i > 2), "bbox": HOT})
    names = [{"id": 0, "name": "Person"}, {"id": 1, "name": "Car"}]
    (folder / "labels.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": names}))
    return ["--annotations", str(folder / "labels.json"), "--images", str(folder)]


def test_what_is_taken_for_what_and_by_what_the_names_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(write_bundle(tmp_path / "b", ("Person", "Car")))  # it calls everything it finds a person
    words = ["--model", bundle, *two_classes(tmp_path / "data")]
    found = figures_of(tmp_path / "x.json", *words)
    assert found["confusion"]["found_as"] == {"Person": {"Person": 3, "Car": 0}, "Car": {"Person": 2, "Car": 0}}
    assert (found["confusion"]["score"], found["confusion"]["missed"]) == (0.5, {"Person": 0, "Car": 0})
    rows = {(r["by"], r["value"]): r for r in found["groups"] if r["class"] == "all"}
    assert [(rows["angle", a]["frames"], rows["angle", a]["recall"]["value"]) for a in ("30", "90")] == [
        (2, 1),
        (3, 1 / 3),
    ]
    assert found["groups_how"]["score_of"] == "bundle"
    said = capsys.readouterr().out
    lines = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in said.splitlines()]
    assert ["Car", "2", "0", "0"] in lines
    assert ["angle 90", "3", "1", "3", "50.0", "33.3", "33.3"] in lines
    assert "no interval where fewer than 5 flights hold such boxes" in said


def test_columns_and_folders_of_the_users_own(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", str(tiny_bundle), *hot_frames(tmp_path / "data")]
    (tmp_path / "c.csv").write_text("file,weather\n0.png,fog\n1.png,fog\n2.png,clear\n9.png,rain\n")
    found = figures_of(tmp_path / "x.json", *words, "--conditions", str(tmp_path / "c.csv"), "--flights", "folder")
    assert [(r["value"], r["frames"]) for r in found["groups"] if r["by"] == "weather" and r["class"] == "all"] == [
        ("clear", 1),
        ("fog", 2),
    ]
    assert found["groups_how"]["flights"] == "folder"
    line = f"--conditions {tmp_path / 'c.csv'}: 1 of its 4 pictures are not evaluated; the first: '9.png'"
    assert line in found["notes"]
    assert line in capsys.readouterr().out
    assert main(["eval", *words, "--flight-gap", "0"]) == 2
    assert "--flight-gap 0: expected 1 or more" in capsys.readouterr().err


def test_a_rare_class_counts_in_the_score_that_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_bundle(tmp_path / "b", ("Person", "Car"))
    words = ["eval", "--model", str(bundle), *two_classes(tmp_path / "data")]
    assert main([*words, "--set-threshold"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "on which frames the score of" in said
    assert (
        "the best mean of F1 over classes, 37.5 (Person 75.0, Car 0.0). It was chosen on 5 frames of labels.json"
        in said
    )
    chosen = Bundle.load(bundle).score_chosen
    assert (chosen["by"], chosen["f1"], chosen["labels"], chosen["frames"]) == ("best_mean_f1", 0.375, "labels.json", 5)
    assert main([*words, "--set-threshold", "all"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "and 5 of these 5 are among them: recall and precision at it are flattered" in said
    assert "the best F1 of all classes together, 60.0." in said
    assert Bundle.load(bundle).score_chosen["by"] == "best_f1"
    assert main([*words[:3], *hot_frames(tmp_path / "other"), "--classes", "Person", "--ignore-classes", "Car"]) == 0
    assert "5 frames of labels.json; none of these is among them" in " ".join(capsys.readouterr().out.split())


def test_a_refused_evaluation_leaves_no_folder(tmp_path: Path, tiny_bundle: Path) -> None:
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data"), "--json"]
    words.append(str(tmp_path / "a/b/x.json"))
    (tmp_path / "data/labels.json").write_text("{")
    assert main(words) == 2
    assert not (tmp_path / "a").exists()


def test_a_score_for_each_class_goes_into_the_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_bundle(tmp_path / "b", ("Person", "Car", "Deer"))  # it calls everything it finds a person
    words = ["eval", "--model", str(folder), *two_classes(tmp_path / "data"), "--classes", "Person,Car"]
    assert main([*words, "--set-threshold", "class"]) == 2
    assert "Person keeps 0.5, of 3 boxes none can be chosen, expected 10 or more" in capsys.readouterr().err
    monkeypatch.setattr(score_choice, "LEAST", 3)
    assert main([*words, "--set-threshold", "class"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "now shows Person from 0.9 (before 0.5): the best F1 of each. It was chosen on 5 frames of labels.json" in said
    )
    assert "Car keeps 0.5: of 2 boxes none can be chosen, expected 3 or more" in said
    assert "chosen on fewer than 30 boxes, so chance had a part in it: Person (3)" in said
    bundle = Bundle.load(folder)
    assert (bundle.score_threshold, bundle.score_thresholds) == (0.5, {"Person": 0.9})
    assert bundle.thresholds.to_json() == {"Person": 0.9, "Car": 0.5, "Deer": 0.5}
    (row,) = bundle.score_chosen["by_class"]
    person = {"boxes": 3, "recall": 1.0, "precision": 0.6, "false_per_frame": 0.4}
    assert (row["by"], row["classes"], row["labels"], row["frames"]) == (
        "best_f1",
        {"Person": person},
        "labels.json",
        5,
    )
    found = figures_of(tmp_path / "x.json", *words[1:])
    assert found["score_thresholds"] == found["groups_how"]["scores"] == {"Person": 0.9, "Car": 0.5}
    assert (found["score_threshold"], found["confusion"]["score"], found["score_chosen_on_these"]) == (0.5, 0.5, 5)
    assert not [row for row in found["thresholds"]["all"] if "bundle" in row["of"]]
    assert [row["score"] for row in found["thresholds"]["Person"] if "bundle" in row["of"]] == [0.9]
    said = " ".join(capsys.readouterr().out.split())
    assert "was chosen on 5 frames of labels.json (Person), and 5 of these 5 are among them" in said


def test_a_score_by_the_false_alarms_that_are_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_choice, "LEAST", 2)
    folder = write_bundle(tmp_path / "b", ("Person", "Car"))
    words = ["eval", "--model", str(folder), *two_classes(tmp_path / "data"), "--set-threshold"]
    before = (folder / "model.json").read_bytes()
    assert main([*words, "false=0.39"]) == 2  # 1.95 in 5 frames, and at the highest score there are 2
    said = capsys.readouterr().err
    assert "Person keeps 0.5, its surest detections are too often false; Car keeps 0.5, no detection was right" in said
    assert (folder / "model.json").read_bytes() == before
    assert main([*words, "false=0.4", "--quiet"]) == 0
    assert Bundle.load(folder).score_thresholds == {"Person": 0.9}
    assert main([*words, "false=3", "--quiet"]) == 0  # below the last that is right there are only false ones
    assert Bundle.load(folder).score_thresholds == {"Person": 0.9}
    assert [one["by"] for one in Bundle.load(folder).score_chosen["by_class"]] == ["false_per_frame 3"]
    assert main([*words, "mean"]) == 0
    assert "now shows detections from 0.901, before from 0.9 (Car 0.5)" in " ".join(capsys.readouterr().out.split())
    one = Bundle.load(folder)
    assert (one.score_threshold, one.score_thresholds, "by_class" in one.score_chosen) == (0.901, {}, False)


@pytest.mark.parametrize(
    "rule", ["most", "false", "false=", "false=-1", "false=nan", "class=1", "mean=0.1", "false=inf"]
)
def test_a_rule_that_is_none(rule: str) -> None:
    with pytest.raises(InputError, match="expected"):
        Rule.parse(rule)


def test_frames_that_a_bundle_was_trained_on_are_counted(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data")]
    out = tmp_path / "x.json"
    assert main([*words, "--json", str(out)]) == 0
    assert json.loads(out.read_text())["trained_on"] is None
    assert "does not say which frames it was trained on" in capsys.readouterr().out
    seen = TrainedOn(7, frozenset({"data:0-1"}), frozenset())
    replace(Bundle.load(tiny_bundle), data={"training": {SEEN: seen.to_json()}}).write_json()
    assert main([*words, "--json", str(out), "--flight-gap", "1"]) == 0
    assert (
        "3 of 3 frames are, by their names, of flights that the model was trained on (data:0-1)"
        in capsys.readouterr().out
    )
    (tmp_path / "data/2.png").rename(tmp_path / "data/9.png")
    text = (tmp_path / "data/labels.json").read_text().replace("2.png", "9.png")
    (tmp_path / "data/labels.json").write_text(text)
    assert main([*words, "--json", str(out), "--flight-gap", "1"]) == 0
    found = json.loads(out.read_text())
    assert found["trained_on"] == {"frames_of_its_flights": 2, "its_pictures": 0, "flights": ["data:0-1"]}
    assert [(r["value"], r["frames"]) for r in found["groups"] if r["by"] == "trained on" and r["class"] == "all"] == [
        ("no", 1),
        ("yes", 2),
    ]


def test_a_bundle_is_compared_with_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new, old = (
        str(write_bundle(tmp_path / name, names)) for name, names in (("n", ("Person", "Car")), ("o", ("Car",)))
    )
    words = ["eval", "--model", new, *two_classes(tmp_path / "data"), "--json", str(tmp_path / "x.json")]
    assert main([*words, "--against", old]) == 0
    found = json.loads((tmp_path / "x.json").read_text())["against"]
    recall = {r["class"]: r["recall"] for r in found["groups"] if r["by"] == "all"}
    assert [(recall[name]["before"], recall[name]["difference"]) for name in ("Person", "Car")] == [(0, 1), (1, -1)]
    assert (found["score_threshold"], found["without_class"]) == (0.5, ["Person"])
    said = capsys.readouterr().out
    lines = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in said.splitlines()]
    assert ["Car", "40.0 > 0.0", "100.0 > 0.0", "40.0 > -"] in lines  # all five are of one score, the cars last
    assert "does not know Person" in said
    assert main(["eval", "--checkpoint", "c.pth", *words[3:], "--against", old]) == 2
    assert "--against is a bundle beside another: give --model BUNDLE" in capsys.readouterr().err
    other = str(write_bundle(tmp_path / "deer", ("Deer",)))
    assert main([*words, "--against", other]) == 2
    assert "expected a bundle that finds one of them" in capsys.readouterr().err
