"""The stored frame that `edge-export onnx` writes is what its detector finds, and what the bundle finds again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.golden import FILE, PICTURE, difference, read_golden
from export.parity.golden import LEAST_SCORE, MOST, store_golden
from tests.conftest import write_bundle


class Bright(nn.Module):
    """Stands in for a detector: one box of label 1 for each picture, with the mean of the picture as its score, and a
    faint one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.transform = nn.Module()
        self.transform.image_mean = [0.0]
        self.seen: list[float] = []

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        mean = float(images[0].mean())
        self.seen.append(mean)
        boxes = torch.tensor([[1.0, 2.0, 11.0, 12.0], [3.0, 3.0, 9.0, 9.0]])
        scores = torch.tensor([mean, LEAST_SCORE / 2])
        return [{"boxes": boxes, "scores": scores, "labels": torch.tensor([1, 1])}]


def frames(folder: Path, *greys: int) -> str:
    folder.mkdir()
    for i, grey in enumerate(greys):
        cv2.imwrite(str(folder / f"{i:02}.png"), np.full((64, 80), grey, np.uint8))
    return str(folder)


def test_the_frame_with_the_most_in_it_is_kept(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "b"))
    detector = Bright()
    said = store_golden(bundle, detector, frames(tmp_path / "f", 20, 200, 230, 140, *[0] * 9))  # type: ignore[arg-type]
    assert len(detector.seen) == MOST - 1  # every third of 13
    assert said == f"{bundle.path / FILE}  1 detections in {PICTURE}, for edge doctor --mission to find again"
    golden = read_golden(bundle)
    assert golden is not None
    assert golden.picture.mean() == 140
    assert (golden.boxes.tolist(), golden.labels.tolist()) == ([[1, 2, 11, 12]], [0])
    assert golden.scores.tolist() == pytest.approx([140 / 255], abs=1e-5)


def test_a_detector_that_finds_nothing_leaves_none(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "b"))
    said = store_golden(bundle, Bright(), frames(tmp_path / "f", 120))  # type: ignore[arg-type]
    assert said.startswith(f"no stored frame: nothing is found in {tmp_path / 'f'}")
    assert read_golden(bundle) is None
    with pytest.raises(InputError, match="no "):
        store_golden(bundle, Bright(), frames(tmp_path / "e"))  # type: ignore[arg-type]


def test_without_frames_a_flight_is_simulated_and_the_bundle_finds_the_same(tmp_path: Path) -> None:
    """The tiny bundle finds the hottest cells; what it found itself is found again."""
    bundle = Bundle.load(write_bundle(tmp_path / "b"))
    engine = OrtEngine(bundle)

    class Same(Bright):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            found = engine.infer((images[0][0] * 255).round().to(torch.uint8).numpy())
            there = found.scores > 0
            boxes, scores, labels = (
                torch.from_numpy(x[there].copy()) for x in (found.boxes, found.scores, found.labels)
            )
            return [{"boxes": boxes, "scores": scores, "labels": labels.long() + 1}]

    store_golden(bundle, Same())  # type: ignore[arg-type]
    golden = read_golden(bundle)
    assert golden is not None
    again = difference(golden, engine.infer(golden.picture), bundle.thresholds)
    assert again.both > 0
    assert (again.lost, again.added) == (0, 0)
    assert again.box_px < 0.01
