"""``edge-export train`` from the outside."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from export.commands import train as train_command
from export.commands.main import main
from export.evaluate.trained_on import TrainedOn
from export.training import loop
from export.training.batches import batches
from export.training.start import calibrate_norms
from tests.support.tiny_training import FROZEN


@pytest.fixture(autouse=True)
def _small_crops(narrow_resnets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Norms are measured on crops of 64 px, in a twentieth of the time."""
    monkeypatch.setattr(train_command, "calibrate_norms", partial(calibrate_norms, crop=64))


def test_from_eval_to_train(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    (folder / "annotations").mkdir(parents=True)
    (folder / "train").mkdir()
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230  # the tiny detector finds this; nobody labelled it
    assert cv2.imwrite(str(folder / "train/0.png"), pixels)
    labels = {
        "images": [{"id": 0, "file_name": "0.png", "width": 80, "height": 64}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [48, 40, 8, 8]}],
        "categories": [{"id": 0, "name": "Person"}],
    }
    annotations = folder / "annotations/train.json"
    annotations.write_text(json.dumps(labels))
    file = tmp_path / "out/hard.json"
    words = ["--annotations", str(annotations), "--images", str(folder / "train"), "--hard-examples", str(file)]
    assert main(["eval", "--model", str(tiny_bundle), *words, "--quiet"]) == 0
    (kinds,) = json.loads(file.read_text())["frames"].values()
    assert [20.0, 12.0] in kinds["false"]
    train = ["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "1"]
    detector = ["--channels", "8", "--representation-size", "16", "--crop", "64"]
    assert main([*train, *detector, "--hard-examples", str(file)]) == 0
    assert "2 hard examples" in " ".join(capsys.readouterr().out.split())
    assert main([*train, *detector]) == 2
    assert "another hard_examples" in capsys.readouterr().err


TINY = ["--freeze", ",".join(FROZEN), "--steps", "1", "--batch", "1", "--crop", "64", "--threads", "1"]
TINY += ["--channels", "8", "--representation-size", "16"]
TINY += ["--min-size", "64", "--max-size", "80", "--sampling-ratio", "2", "--rpn-pre-nms", "50", "--rpn-post-nms", "20"]


def coco(folder: Path, parts: dict[str, list[str]], names: list[str], size: tuple[int, int] = (80, 64)) -> Path:
    """A frame for each name of a class in ``parts``, with one box of it."""
    (folder / "annotations").mkdir(parents=True)
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230
    for part, of in parts.items():
        (folder / part).mkdir()
        for i in range(len(of)):
            assert cv2.imwrite(str(folder / part / f"{i}.png"), pixels)
        content = {
            "images": [{"id": i, "file_name": f"{i}.png", "width": size[0], "height": size[1]} for i in range(len(of))],
            "annotations": [
                {"id": i + 1, "image_id": i, "category_id": names.index(name), "bbox": [16, 8, 8, 8]}
                for i, name in enumerate(of)
            ],
            "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        }
        (folder / f"annotations/{part}.json").write_text(json.dumps(content))
    return folder


def train(tmp_path: Path, *words: object) -> int:
    return main(["train", "--out", str(tmp_path / "run"), *TINY, *map(str, words)])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join("".join(capsys.readouterr()).split())


def classes_of(tmp_path: Path) -> list[str]:
    return list(torch.load(tmp_path / "run/model.pth", weights_only=True)["classes"])


@pytest.mark.parametrize(
    ("part", "option", "told"),
    [
        ("val", [], "its part val was read"),
        ("valid", [], "its part val was read"),
        ("test", ["--watch-split", "test"], "its part test was read"),
    ],
)
def test_a_run_is_watched_by_a_part_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, option: list[str], told: str, as_before: list[int]
) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"], part: ["Person"] * 2}, ["Person"])
    assert train(tmp_path, "--data", data, "--watch", data, *option) == 0
    assert as_before == [5]  # hours of work must not make the desk unusable
    text = said(capsys)
    assert told in text
    assert f"--watch {data}: 2 of its 2 frames are looked at" in text
    assert (tmp_path / "run/ap.csv").read_text().startswith("step,seconds,AP,AP50,AP50 Person")


def test_boxes_that_are_not_watched_by_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"], "val": ["Person"]}, ["Person"])
    path = data / "annotations/val.json"
    content = json.loads(path.read_text())
    content["annotations"].append({"id": 2, "image_id": 0, "category_id": 0, "bbox": [100, 8, 8, 8]})
    path.write_text(json.dumps(content))
    assert train(tmp_path, "--data", data, "--watch", data) == 0
    assert f"--watch {data}: box outside: 1; the first: " in said(capsys)


def test_what_cannot_be_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"], "val": ["Person"]}, ["Person"])
    assert train(tmp_path, "--data", data, "--watch", data, "--watch-split", "night") == 2
    assert "'night'" in said(capsys)
    assert train(tmp_path, "--data", data, "--watch", data, "--watch-split", "train") == 2
    assert "1 frames of --watch are trained on" in said(capsys)
    assert train(tmp_path, "--data", data, "--watch-split", "val") == 2
    assert "give --watch DIR" in said(capsys)
    assert train(tmp_path, "--data", data, "--watch", data, "--watch-minutes", "0") == 2
    assert not (tmp_path / "run").exists()


def test_classes_of_what_is_watched_are_those_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person", "Deer"]}, ["Person", "Deer"])
    held = coco(tmp_path / "h", {"val": ["Boat", "Person"]}, ["Boat", "Person"])
    assert train(tmp_path, "--data", data, "--watch", held) == 2
    text = said(capsys)
    assert "has the classes Boat, Person, trained on are Person, Deer: expected no others" in text
    assert "--ignore-classes Boat" in text
    assert train(tmp_path, "--data", data, "--watch", held, "--ignore-classes", "Boat") == 0
    text = said(capsys)
    assert f"--watch {held}: ignored regions: 1 boxes of Boat" in text
    assert "has no class Deer: the AP is that of the others" in text
    head, row = (line.split(",") for line in (tmp_path / "run/ap.csv").read_text().splitlines())
    assert head[4:] == ["AP50 Person", "AP50 Deer"]
    assert row[5] == "nan"


def test_classes_are_chosen_merged_and_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["man", "Car", "woman", "Deer"]}, ["Car", "Deer", "man", "woman"])
    assert train(tmp_path, "--data", data, "--classes", "Person=man,Person=woman,Car", "--ignore-classes", "Deer") == 0
    text = said(capsys)
    assert "ignored regions: 1 boxes of Deer" in text
    assert "4 frames: 2 Person, 1 Car" in text
    assert classes_of(tmp_path) == ["Person", "Car"]
    assert train(tmp_path, "--data", data, "--classes", "Peron") == 2
    assert "--classes Peron: the training set has no such class" in said(capsys)


def test_a_start_says_which_of_its_classes_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person", "Car"]}, ["Person", "Car"])
    assert train(tmp_path, "--data", data) == 0
    content = torch.load(tmp_path / "run/model.pth", weights_only=True)
    for names, told in (
        (
            ["car", "Persons"],
            ["knows Car; new, trained from zero: Person", "also knows Persons", "--classes Persons=Person,Car"],
        ),
        ([], ["has no class names: its classes are taken to be, in this order, Person, Car"]),
    ):
        torch.save({**content, "classes": names}, tmp_path / "start.pth")
        out, start = str(tmp_path / f"run{len(names)}"), str(tmp_path / "start.pth")
        assert main(["train", "--out", out, *TINY[:10], "--data", str(data), "--from", start]) == 0
        text = said(capsys)
        assert [line for line in told if line not in text] == []


def test_frames_that_cannot_be_used_are_told_before_the_first_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"] * 3}, ["Person"], (160, 128))
    assert train(tmp_path, "--data", data) == 2
    assert "3 of 3 frames cannot be used (3 of them of another size than their labels say)" in said(capsys)
    assert not (tmp_path / "run").exists()


def test_a_teacher_is_what_the_detector_begins_with_and_learns_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = coco(tmp_path / "data", {"train": ["person"]}, ["person"])
    train = ["train", "--data", str(data), "--steps", "1", "--batch", "1", "--crop", "64", "--threads", "1"]
    assert main([*train, *TINY, "--out", str(tmp_path / "teacher")]) == 0
    teacher = tmp_path / "teacher/model.pth"
    capsys.readouterr()
    cut = ["--pyramid", "classic", "--roi-size", "4x5"]
    frozen = ["--freeze", "backbone,rpn,roi_heads.box_predictor"]
    assert main([*train, "--teacher", str(teacher), *cut, *frozen, "--out", str(tmp_path / "run")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        f"the detector begins with the weights of its teacher, {teacher}, but for backbone.fpn, roi_heads.box_head"
        in said
    )
    made, of = (torch.load(p, weights_only=True) for p in (tmp_path / "run/model.pth", teacher))
    assert made["training"]["teacher"]["name"] == "model.pth"
    assert (made["detector"]["min_size"], made["detector"]["pyramid"]) == (64, "classic")  # the teacher's; its own
    frozen_ones = [name for name in made["model"] if name.startswith(("backbone.body.layer1", "rpn"))]
    assert len(frozen_ones) > 10
    assert all(torch.equal(made["model"][name], of["model"][name]) for name in frozen_ones)
    small = ["--pyramid", "fpn", "--returned-layers", "1,2,3", "--representation-size", "8"]
    assert main([*train, "--teacher", str(teacher), *small, "--out", str(tmp_path / "small")]) == 0
    made = torch.load(tmp_path / "small/model.pth", weights_only=True)
    assert made["detector"]["returned_layers"] == [1, 2, 3]
    assert made["model"]["roi_heads.box_head.fc7.weight"].shape == (8, 8)
    body = {name.split(".")[2] for name in made["model"] if name.startswith("backbone.body.layer")}
    assert body == {"layer1", "layer2", "layer3"}
    capsys.readouterr()
    assert main([*train, "--teacher", str(teacher), *small[:2], "--out", str(tmp_path / "none")]) == 2
    assert "--returned-layers: expected some of 1, 2, 3, 4 in this order" in capsys.readouterr().err
    for words, told in (
        (["--normalise-16bit", "minmax"], "was trained on frames that became grey otherwise"),
        (
            ["--classes", "deer=person"],
            "the teacher knows person, the training set has deer: expected a class that both",
        ),
    ):
        assert main([*train, "--teacher", str(teacher), *words, "--out", str(tmp_path / "other")]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
    torch.save(of["model"], tmp_path / "plain.pth")
    assert main([*train, "--teacher", str(tmp_path / "plain.pth"), "--out", str(tmp_path / "other")]) == 2
    assert "does not say which detector it is: make a bundle of it first" in capsys.readouterr().err


def test_a_teacher_teaches_what_both_know_and_its_classes_begin_with_its_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = coco(tmp_path / "a", {"train": ["deer", "person"]}, ["deer", "person"])
    assert main(["train", "--data", str(known), *TINY, "--out", str(tmp_path / "teacher")]) == 0
    more = coco(tmp_path / "b", {"train": ["person", "fox"]}, ["person", "fox"])
    capsys.readouterr()
    teacher = tmp_path / "teacher/model.pth"
    frozen = "backbone,rpn,roi_heads.box_head,roi_heads.box_predictor.bbox_pred"
    words = ["--data", more, "--teacher", teacher, "--freeze", frozen, "--learning-rate", "1e-9", *TINY[2:10]]
    assert main(["train", "--out", str(tmp_path / "run"), *map(str, words)]) == 0
    text = said(capsys)
    assert f"{teacher} teaches person; by labels alone: fox" in text
    assert f"{teacher} also knows deer: not learnt, no frame has it" in text
    made, of = (
        torch.load(p / "model.pth", weights_only=True)["model"] for p in (tmp_path / "run", tmp_path / "teacher")
    )
    head = "roi_heads.box_predictor.cls_score.weight"
    torch.testing.assert_close(made[head][:2], of[head][[0, 2]], rtol=0, atol=1e-6)  # the background, and person


def test_sets_of_different_classes_are_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = coco(tmp_path / "people", {"train": ["Person"]}, ["Person"])
    wild = coco(tmp_path / "wild", {"train": ["Animal"]}, ["Animal"])
    sets = ["--data", people, "--data", wild]
    assert train(tmp_path, *sets) == 2
    assert f"{people} has no class Animal, which {wild} has" in said(capsys)
    assert not (tmp_path / "run").exists()
    assert train(tmp_path, *sets, "--shows-no", "people:Animal", "--shows-no", "wild:Person") == 0
    text = said(capsys)
    assert f"{wild} has no box of Person: its frames teach that they show none" in text
    assert classes_of(tmp_path) == ["Person", "Animal"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--without", "traim:0-7"], "--without traim:0-7: no frame is of it: expected some of the flights"),
        (["--from", "a.pth", "--backbone", "b.pth"], "--backbone b.pth is not read beside --from a.pth"),
        (["--weights-of", "ema"], "--weights-of is about the model of --from"),
        (["--assume-rest"], "--assume-rest is about the model of --from"),
        (["--freeze", "backbone.bodi"], "--freeze backbone.bodi: no parameter's name begins so"),
        (["--sampling-weights", "nan"], "sampling weights nan for 1 data sets: expected one for each"),
        (["--sampling-weights", "inf"], "sampling weights inf for 1 data sets: expected one for each"),
        (["--minutes", "nan"], "'nan': expected a finite number"),
        (["--seed", "9000000000001"], "--seed 9000000000001: expected 9000000000000 or less"),
        (["--threads", "100000"], "--threads 100000: expected 1024 or less"),
        (["--workers", "100000"], "--workers 100000: expected 1024 or less"),
    ],
)
def test_what_would_do_nothing_or_cannot_be_is_refused(
    tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"]}, ["Person"])
    try:
        code = train(tmp_path, "--data", data, *words)
    except SystemExit as error:  # argparse's own
        code = error.code
    assert code == 2
    assert told in said(capsys)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_stopped_says_so_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train && onnx` is not to export half a training."""
    data = coco(tmp_path / "d", {"train": ["Person"]}, ["Person"])
    drawn = batches

    def stopped(*given: Any, **named: Any) -> Any:
        for i, one in enumerate(drawn(*given, **named)):
            if i == 1:
                signal.raise_signal(number)
            yield one

    words = ["--data", data, "--steps", "5", "--minutes", "60", "--quiet"]
    monkeypatch.setattr(loop, "batches", stopped)
    for number, steps in ((signal.SIGTERM, 2), (signal.SIGINT, 4)):  # noqa: B007  # stopped() reads it
        assert train(tmp_path, *words) == 1
        told = f"edge-export: stopped after {steps} of 5 steps, 0.0 of 60 min: the same command goes on; "
        assert said(capsys).startswith(told)
    monkeypatch.setattr(loop, "batches", drawn)
    assert train(tmp_path, *words) == 0
    assert said(capsys) == ""


def test_the_end_of_its_time_is_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"]}, ["Person"])
    assert train(tmp_path, "--data", data, "--steps", "500", "--minutes", "1e-6") == 0
    assert "1 steps in 0.0 min: " in said(capsys)


def test_frames_that_are_left_out_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"] * 5}, ["Person"])
    assert train(tmp_path, "--data", data, "--without", "train:0-2") == 0
    text = said(capsys)
    assert "--without train:0-2: 3 frames are left out" in text
    assert "2 frames: 2 Person" in text


def test_a_run_remembers_what_it_and_its_start_have_seen(tmp_path: Path) -> None:
    data = coco(tmp_path / "d", {"train": ["Person"]}, ["Person"])
    assert train(tmp_path, "--data", data) == 0
    first = torch.load(tmp_path / "run/model.pth", weights_only=True)
    seen = TrainedOn.said_by(first["training"])
    assert seen is not None
    assert (seen.frames, seen.flights, len(seen.pictures), seen.unknown) == (1, {"train:0-0"}, 1, ())
    del first["training"]["seen"]
    torch.save(first, tmp_path / "old.pth")
    for start, unknown in (("run/model.pth", ()), ("old.pth", ("old.pth",))):
        out = tmp_path / f"from{len(unknown)}"
        words = ["--data", str(data), "--from", str(tmp_path / start)]
        assert main(["train", "--out", str(out), *TINY[:10], *words]) == 0
        later = TrainedOn.said_by(torch.load(out / "model.pth", weights_only=True)["training"])
        assert later is not None
        assert (later.frames, len(later.pictures), later.unknown) == (1, 1, unknown)  # the same frame


def test_crops_are_drawn_by_as_many_processes_as_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None on a CPU, which has no core to spare for them."""
    asked: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        asked.append(given[-1])
        return batches(*given, **named)

    monkeypatch.setattr(loop, "batches", counted)
    data = coco(tmp_path / "data", {"train": ["Person"]}, ["Person"])
    words = ["train", "--data", str(data), *TINY, "--device", "cpu", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "plain")]) == 0
    assert main([*words, "--out", str(tmp_path / "ahead"), "--workers", "2"]) == 0
    assert asked == [0, 2]
    assert main([*words, "--out", str(tmp_path / "none"), "--workers", "-1"]) == 2
    assert "--workers -1: expected 0 or more" in capsys.readouterr().err
    assert main([*words[:-3], "--device", "gpu0", "--out", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert "--device gpu0 cannot be used (" in error
    assert error.endswith("): expected cpu, or cuda\n")
