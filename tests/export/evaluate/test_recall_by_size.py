"""Recall by size, and what is written into a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch, which a board has not")

from edge.errors import InputError
from edge.measure.average_precision import Judged
from edge.model.bundle import Bundle
from edge.model.normalisers import Normalisers
from edge.model.recall import CONTRASTS, EDGES_PX, FILE, read_recall
from edge.thermal.normalise import NormaliseSpec
from edge.thermal.sharpness import grey_range, sharpness
from export.commands.main import main
from export.data.dataset import LabelledFrame, LabelledSet, labelled_frame
from export.evaluate.recall import StandsOut, in_model_pixels, looked_at, recall_by_size, set_recall
from tests.export.commands.test_eval import hot_frames


def judged(sizes: list[float], scores: list[float]) -> Judged:
    """Boxes side by side; those with a score over 0 are found exactly."""
    true = np.array([[200 * i, 0, 200 * i + size, size] for i, size in enumerate(sizes)], np.float32)
    found = np.array(scores) > 0
    labels = np.zeros(len(sizes), np.int64)
    given = np.array(scores, np.float32)[found]
    return Judged(true[found], given, labels[found], true, labels, np.zeros((0, 4), np.float32))


def test_each_size_has_its_recall() -> None:
    """8 px is of the size from 8 to 10, not of that below."""
    frames = [judged([7, 8, 9, 30], [0.9, 0, 0.4, 0.6])]
    one = recall_by_size(frames, [alike(4)], ["Person"], [0.3, 0.5])["Person"]
    boxes = dict(zip(EDGES_PX, one.boxes, strict=False))
    assert {edge: n for edge, n in boxes.items() if n} == {6.0: 1, 8.0: 2, 24.0: 1}
    found = dict(zip(EDGES_PX, one.found, strict=False))
    assert (found[6.0], found[8.0], found[24.0]) == ((1, 1), (1, 0), (1, 1))


def alike(n: int, contrast: float = 5.0) -> StandsOut:
    return StandsOut(np.full(n, 60.0), np.full(n, contrast))


def test_each_size_and_contrast_has_its_recall() -> None:
    """Of two frames and two classes; below the lowest contrast they are in the sizes alone."""
    labels = np.array([0, 0, 0, 1])
    frame = replace(judged([9, 9, 9, 9], [0.9, 0.4, 0, 0.8]), labels=labels[[0, 1, 3]], true_labels=labels)
    first = StandsOut(np.array([10.0, 30, 50, 70]), np.array([2.0, 3.9, 0.9, 4.0]))
    second = StandsOut(np.array([20.0, 40, 60, 80]), np.array([8.0, 1.0, 5.0, 9.0]))
    both = recall_by_size([frame, frame], [first, second], ["Person", "Car"], [0.3, 0.5])
    size = EDGES_PX.index(8.0)
    person, car = both["Person"].by_contrast, both["Car"].by_contrast
    assert person is not None
    assert car is not None
    assert CONTRASTS == (1.0, 2.0, 4.0, 8.0)
    assert (person.boxes[size], sum(map(sum, person.boxes))) == ((1, 2, 1, 1), 5)
    assert person.found[size] == ((1, 0), (2, 1), (0, 0), (1, 1))
    assert (car.boxes[size], car.found[size]) == ((0, 0, 1, 1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    assert (person.grey, car.grey) == (35.0, 75.0)
    assert both["Person"].boxes[size] == 6


def test_without_objects_there_is_nothing_by_contrast() -> None:
    none = recall_by_size([judged([9], [0.9])], [alike(1)], ["Person", "Car"], [0.3])["Car"]
    assert (sum(none.boxes), none.by_contrast) == (0, None)


def test_contrast_is_that_of_the_picture_as_it_is_normalised(tmp_path: Path) -> None:
    """A square 60 grey levels darker on noise of 10; stretched, both are more."""
    picture = np.clip(np.random.default_rng(1).normal(100, 10, (64, 64)), 60, 140).astype(np.uint8)
    picture[20:32, 20:32] = 40
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    frame = labelled_frame(tmp_path / "a.png", 64, 64, [[20, 20, 32, 32]], [0], [])
    data = LabelledSet(("Person",), (frame,))
    (plain,), _ = looked_at(data, Normalisers(), (64, 64))
    assert plain.grey == pytest.approx([60], abs=3)
    assert plain.contrast == pytest.approx([6], rel=0.25)
    (wide,), _ = looked_at(data, Normalisers(NormaliseSpec.parse("minmax")), (64, 64))
    assert wide.grey == pytest.approx(255 / (int(picture.max()) - 40) * plain.grey, rel=0.02)
    assert wide.contrast == pytest.approx(plain.contrast, rel=0.02)


def test_what_the_pictures_were_like_is_kept(tmp_path: Path) -> None:
    """Of 101 frames whose ranges go from 0 to 100 grey levels, the 5th, 2nd and 98th percentile."""
    frames, figures = [], []
    noise = np.random.default_rng(1).random((32, 40))
    for i in range(101):
        picture = np.rint(noise * i + cv2.GaussianBlur(noise, (0, 0), 1 + i / 50) * 50).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture)
        frames.append(labelled_frame(tmp_path / f"{i}.png", 40, 32, [], [], []))
        figures.append((grey_range(picture), sharpness(picture, 0.5)))
    found, pictures = looked_at(LabelledSet(("Person",), tuple(frames)), Normalisers(), (20, 20))
    assert len(found) == 101
    assert pictures is not None
    ranges, sharp = sorted(one for one, _ in figures), sorted(one for _, one in figures)
    assert pictures.least_range == pytest.approx(ranges[5], abs=0.01)
    assert pictures.sharpness == pytest.approx((sharp[2], sharp[98]), abs=1e-4)
    assert looked_at(LabelledSet(("Person",), ()), Normalisers(), (20, 20)) == ([], None)


def test_sizes_are_those_of_the_models_input() -> None:
    frame = LabelledFrame(
        Path("a"), 1280, 512, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
    )
    data = LabelledSet(("Person",), (frame,))
    (scaled,) = in_model_pixels(data, [judged([20], [0.9])], 640, 512)
    assert scaled.true_boxes.tolist() == [[0, 0, 10, 10]]
    assert scaled.boxes.tolist() == [[0, 0, 10, 10]]


def test_it_is_written_into_the_bundle_and_says_what_of(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", str(tiny_bundle), *hot_frames(tiny_bundle.parent / "data", [40.0, 40, 30, 20])]
    assert main(["eval", *words, "--set-recall"]) == 0
    assert f"{FILE}: recall by size and contrast of " in capsys.readouterr().out.replace("\n", "")
    bundle = Bundle.load(tiny_bundle)
    curve = read_recall(bundle, bundle.classes[0], bundle.score_threshold)
    assert curve is not None
    assert "flight, ort" in curve.source
    assert curve.grey is not None
    assert tuple(curve.contrasts) == CONTRASTS
    assert curve.pictures is not None
    assert str(tiny_bundle.parent.parent) not in (tiny_bundle / FILE).read_text()


def test_a_checkpoint_has_no_place_for_it(tmp_path: Path) -> None:
    assert main(["eval", "--checkpoint", str(tmp_path / "a.pth"), "--data", str(tmp_path), "--set-recall"]) == 2


def test_what_cannot_be_written_is_said(tiny_bundle: Path) -> None:
    (tiny_bundle / FILE).mkdir()
    data = LabelledSet(("Person",), ())
    with pytest.raises(InputError, match=f"{FILE} cannot be written"):
        set_recall(str(tiny_bundle), data, [], "flight")
