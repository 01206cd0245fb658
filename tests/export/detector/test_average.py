"""Between a model and one trained from it: weight by weight, class by class."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.commands.main import main
from export.detector.average import average
from export.detector.checkpoint import detector_of, load_detector, read_checkpoint
from export.detector.replace_head import replace_head
from export.evaluate.trained_on import TrainedOn

SCORES, BOXES = "roi_heads.box_predictor.cls_score.weight", "roi_heads.box_predictor.bbox_pred.bias"


@pytest.fixture
def before(small_detector: FasterRCNN) -> FasterRCNN:
    model = copy.deepcopy(small_detector)
    model.class_names = ("deer", "person")
    return model


def trained_from(model: FasterRCNN, *classes: str) -> FasterRCNN:
    """Each parameter larger by 2."""
    after = copy.deepcopy(model)
    replace_head(after, classes)
    with torch.no_grad():
        for parameter in after.parameters():
            parameter += 2
    return after


def test_each_weight_lies_between(before: FasterRCNN) -> None:
    mixed, new = average(before, trained_from(before, "deer", "person"), 0.25)
    trained = {name for name, _ in before.named_parameters()}
    for name, value in before.state_dict().items():
        torch.testing.assert_close(mixed[name], value + 0.5 if name in trained else value)
    assert new == ()


def test_a_new_class_is_that_of_the_second(before: FasterRCNN) -> None:
    was = {name: value.clone() for name, value in before.state_dict().items()}
    after = trained_from(before, "person", "fox")
    goal = after.state_dict()
    mixed, new = average(before, after, 0.5)
    assert new == ("fox",)
    torch.testing.assert_close(mixed[SCORES], torch.stack((was[SCORES][0] + 1, was[SCORES][2] + 1, goal[SCORES][2])))
    boxes = torch.cat((was[BOXES][:4] + 1, was[BOXES][8:12] + 1, goal[BOXES][8:12]))
    torch.testing.assert_close(mixed[BOXES], boxes)


def test_other_detectors_are_refused(before: FasterRCNN) -> None:
    after = trained_from(before, "deer", "person")
    after.configuration = after.configuration.changed(box_nms_thresh=0.3)  # how it is run says nothing
    average(before, after, 0.5)
    after.configuration = after.configuration.changed(sampling_ratio=1)
    with pytest.raises(InputError, match="by their sampling_ratio"):
        average(before, after, 0.5)


def test_beyond_the_second_takes_off_what_lies_before_it(before: FasterRCNN) -> None:
    after = trained_from(before, "deer", "person")
    first = {name: value.clone() for name, value in before.state_dict().items()}
    state, _ = average(before, after, 1.5)
    for name, value in after.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(state[name], 1.5 * value - 0.5 * first[name])


def test_other_norms_are_refused(before: FasterRCNN) -> None:
    after = trained_from(before, "deer", "person")
    norm = next(name for name in after.state_dict() if name.endswith("running_var"))
    after.state_dict()[norm][0] += 1e-3
    with pytest.raises(InputError, match=f"other frozen norms \\({norm}\\)"):
        average(before, after, 0.5)


def test_names_are_needed(before: FasterRCNN) -> None:
    after = trained_from(before, "deer", "person")
    before.class_names = ()
    with pytest.raises(InputError, match="does not name its classes"):
        average(before, after, 0.5)


def checkpoint(path: Path, model: FasterRCNN, **record: object) -> Path:
    known = {"model": model.state_dict(), "classes": list(model.class_names)}
    rest = {"detector": model.configuration.to_json(), "training": {"normalise": NORMALISE, **record}}
    torch.save(known | rest, path)
    return path


NORMALISE = {"8bit": {"method": "identity", "version": 1, "params": {}}, "16bit": {"method": "identity", "version": 1, "params": {}}}  # fmt: skip  # noqa: E501
SEEN = [TrainedOn(frames, frozenset({f"{frames}:0-1"}), frozenset()).to_json() for frames in (3, 5)]


def test_the_command(before: FasterRCNN, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = checkpoint(tmp_path / "before.pth", before, seen=SEEN[0])
    after = trained_from(before, "person", "fox")
    start = {"start": {"name": "x", "checkpoint_sha256": "0", "start": read_checkpoint(first).origin()}}
    second = checkpoint(tmp_path / "after.pth", after, seen=SEEN[1], seed=7, **start)
    expected, _ = average(before, after, 0.3)

    out = tmp_path / "out.pth"
    assert main(["average", str(first), str(second), "--part", "0.3", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"as in {second}, since {first} does not know them: fox" in said
    assert f"left out, as {second} does not know them: deer" in said
    assert "does not say" not in said
    made = load_detector(out)
    assert made.class_names == ("person", "fox")
    assert made.configuration == after.configuration
    for name, value in made.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    record = read_checkpoint(out).training
    assert record["average"] == {"with": read_checkpoint(first).origin(), "part": 0.3}
    assert record["seed"] == 7
    assert record["seen"] == SEEN[1]

    assert main(["average", str(first), str(second), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_one_that_began_with_another(before: FasterRCNN, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = checkpoint(tmp_path / "before.pth", before, seen=SEEN[0])
    second = checkpoint(tmp_path / "after.pth", trained_from(before, "deer", "person"), seen=SEEN[1])
    out = tmp_path / "out.pth"
    assert main(["average", str(first), str(second), "--out", str(out)]) == 0
    assert f"{second} does not say that it was trained from {first}" in " ".join(capsys.readouterr().out.split())
    seen = TrainedOn.said_by(read_checkpoint(out).training)
    assert seen is not None
    assert seen.flights == {"3:0-1", "5:0-1"}
    assert detector_of(read_checkpoint(out)).class_names == ("deer", "person")


@pytest.mark.parametrize("part", ["-0.1", "2.1"])
def test_a_part_beyond_the_two(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["average", "a", "b", f"--part={part}", "--out", str(tmp_path / "c.pth")]) == 2
    assert "expected 0, which is BEFORE, to 1" in capsys.readouterr().err
