"""Recall by size, and what is written into a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch, which a board has not")

from edge.errors import InputError
from edge.measure.average_precision import Judged
from edge.model.bundle import Bundle
from edge.model.recall import EDGES_PX, FILE, read_recall
from export.commands.main import main
from export.data.dataset import LabelledFrame, LabelledSet
from export.evaluate.recall import in_model_pixels, recall_by_size, set_recall
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
    one = recall_by_size([judged([7, 8, 9, 30], [0.9, 0, 0.4, 0.6])], ["Person"], [0.3, 0.5])["Person"]
    boxes = dict(zip(EDGES_PX, one.boxes, strict=False))
    assert {edge: n for edge, n in boxes.items() if n} == {6.0: 1, 8.0: 2, 24.0: 1}
    found = dict(zip(EDGES_PX, one.found, strict=False))
    assert (found[6.0], found[8.0], found[24.0]) == ((1, 1), (1, 0), (1, 1))


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
    assert f"{FILE}: recall by size of " in capsys.readouterr().out.replace("\n", "")
    bundle = Bundle.load(tiny_bundle)
    curve = read_recall(bundle, bundle.classes[0], bundle.score_threshold)
    assert curve is not None
    assert "flight, ort" in curve.source
    assert str(tiny_bundle.parent.parent) not in (tiny_bundle / FILE).read_text()


def test_a_checkpoint_has_no_place_for_it(tmp_path: Path) -> None:
    assert main(["eval", "--checkpoint", str(tmp_path / "a.pth"), "--data", str(tmp_path), "--set-recall"]) == 2


def test_what_cannot_be_written_is_said(tiny_bundle: Path) -> None:
    (tiny_bundle / FILE).mkdir()
    data = LabelledSet(("Person",), ())
    with pytest.raises(InputError, match=f"{FILE} cannot be written"):
        set_recall(str(tiny_bundle), data, [], "flight")
