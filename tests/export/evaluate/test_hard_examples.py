"""From a detector's mistakes to the crops of the next run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from export.commands.main import main
from export.data.dataset import LabelledFrame, LabelledSet
from export.evaluate.average_precision import Judged
from export.evaluate.hard_examples import mistakes_of, read_mistakes
from export.training.crops import Sampler

NONE = np.zeros((0, 4), np.float32)
FOUND, MISSED, FALSE, FAINT, FAINTER, HIDDEN = (
    np.array([x, 10, x + 8, 20], np.float32) for x in (0, 20, 40, 60, 80, 100)
)


def frames(folder: Path, count: int = 3) -> LabelledSet:
    truth = np.stack([FOUND, MISSED])
    labels, hidden = np.zeros(2, np.int64), HIDDEN[None] + np.float32([-2, -2, 2, 2])
    return LabelledSet(
        ("Person",), tuple(LabelledFrame(folder / f"{i}.png", 128, 96, truth, labels, hidden) for i in range(count))
    )


def judged(data: LabelledSet) -> list[Judged]:
    """All right in the first frame; in the others one missed, one false, fainter ones, one in an ignored region."""
    first = data.frames[0]
    boxes = np.stack([FOUND, FALSE, FAINT, FAINTER, HIDDEN])
    scores = np.array([0.9, 0.85, 0.45, 0.35, 0.95], np.float32)
    good = Judged(first.boxes, np.ones(2, np.float32), first.labels, first.boxes, first.labels, first.ignored)
    bad = Judged(boxes, scores, np.zeros(5, np.int64), first.boxes, first.labels, first.ignored)
    return [good] + [bad] * (len(data) - 1)


def test_what_is_missed_and_what_is_false(tmp_path: Path) -> None:
    data = frames(tmp_path)
    found = mistakes_of(data, judged(data), 0.8)
    assert set(found["frames"]) == {str(f.path.resolve()) for f in data.frames[1:]}
    for kinds in found["frames"].values():
        assert kinds == {"missed": [[24.0, 15.0]], "false": [[44.0, 15.0], [64.0, 15.0]]}


def test_places_are_those_of_the_frames_trained_on(tmp_path: Path) -> None:
    data = frames(tmp_path, 4)
    file = tmp_path / "mistakes.json"
    file.write_text(json.dumps(mistakes_of(data, judged(data), 0.8)))
    fewer = LabelledSet(data.classes, data.frames[:0:-1][1:])  # the third and the second
    places, others = read_mistakes(file, fewer)
    assert others == 3
    assert places == [(i, point) for i in (1, 0) for point in ((24.0, 15.0), (44.0, 15.0), (64.0, 15.0))]
    with pytest.raises(InputError, match="none of its 9 places"):
        read_mistakes(file, LabelledSet(data.classes, data.frames[:1]))


@pytest.mark.parametrize(
    "text",
    [
        '{"frames": {"a": {"missed": [[NaN, 1]], "false": []}}}',
        "{",
        "[]",
        "{}",
        '{"frames": []}',
        '{"frames": {"a": {"missed": [[1]], "false": []}}}',
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match="edge-export eval --mistakes"):
        read_mistakes(tmp_path / "x.json", frames(tmp_path))
    with pytest.raises(InputError, match="check the path"):
        read_mistakes(tmp_path / "absent.json", frames(tmp_path))


def test_a_part_of_the_crops_is_drawn_there(tmp_path: Path) -> None:
    data = frames(tmp_path)
    places = [(1, (64.0, 90.0)), (2, (3.0, 4.0))]
    sampler = Sampler(data, mistakes=places)
    rng = np.random.default_rng(5)
    drawn = Counter(sampler.draw(rng, 0.0, 0.4) for _ in range(2000))
    assert sum(drawn[place] for place in places) == pytest.approx(800, abs=90)  # four sigma
    assert min(drawn[place] for place in places) > 300


def test_without_mistakes_the_crops_are_what_they_were(tmp_path: Path) -> None:
    sampler = Sampler(frames(tmp_path))
    some, none = ([sampler.draw(np.random.default_rng(seed), 0.5, part) for seed in range(50)] for part in (0.4, 0.0))
    assert some == none


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
    file = tmp_path / "out/mistakes.json"
    words = ["--annotations", str(annotations), "--images", str(folder / "train"), "--mistakes", str(file)]
    assert main(["eval", "--model", str(tiny_bundle), *words, "--quiet"]) == 0
    (kinds,) = json.loads(file.read_text())["frames"].values()
    assert [20.0, 12.0] in kinds["false"]
    train = ["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "1"]
    detector = ["--channels", "8", "--crop", "64"]
    assert main([*train, *detector, "--mistakes", str(file)]) == 0
    assert "places where a detector errs" in " ".join(capsys.readouterr().out.split())
    assert main([*train, *detector]) == 2
    assert "another mistakes" in capsys.readouterr().err
