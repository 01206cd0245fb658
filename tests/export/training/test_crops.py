"""Which crops are drawn, and how large what is in them is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.commands.train_start import sizes_seen
from export.data.dataset import LabelledFrame, LabelledSet, merge
from export.training.augment import Augmentation
from export.training.crops import Crops, Sampler
from tests.support.tiny_training import NONE, tiny_model, tiny_set

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(("shorter", "longer", "factor"), [(96, 128, 1.0), (120, 160, 1.25), (192, 200, 1.5625)])
def test_objects_are_as_large_as_the_detector_will_see_them(
    tmp_path: Path, shorter: int, longer: int, factor: float
) -> None:
    data = tiny_set(tmp_path)
    model = tiny_model()
    model.transform.min_size, model.transform.max_size = (shorter,), longer
    how = Augmentation(crop=64, mosaic=0.0, background=0.0, scale=(1.0, 1.0), hflip=0.0)
    crops = Crops(data, model, how, Normalisers())
    for seed in range(5):
        box = crops.draw(np.random.default_rng(seed)).boxes[0]
        np.testing.assert_allclose(box[2:] - box[:2], [10 * factor, 12 * factor], rtol=1e-4)
    # as torchvision resizes a frame of this set
    image, _ = model.transform([torch.zeros(3, 96, 128)])
    assert image.image_sizes[0][1] == pytest.approx(128 * factor, abs=1)
    seen = f"{round(128 * factor)}x{round(96 * factor)}"
    assert sizes_seen(model, data) == f"the detector sees frames of 128x96 at {seen}"


def one_class(name: str, count: int, other: str = "rest") -> LabelledSet:
    box = np.array([[0, 0, 8, 8]], np.float32)
    frames = [LabelledFrame(Path(f"{name}{i}"), 64, 48, box, np.ones(1, np.int64), NONE) for i in range(count)]
    return LabelledSet((other, name), tuple(frames))


@pytest.mark.parametrize(("weights", "expected"), [((), 0.9), ((0.5, 0.5), 0.5), ((3.0, 1.0), 0.75), ((0.0, 1.0), 0.0)])
def test_each_set_gives_crops_by_its_sampling_weight(weights: tuple[float, ...], expected: float) -> None:
    data = merge([one_class("Car", 9), one_class("deer", 1)])
    sampler, rng = Sampler(data, weights), np.random.default_rng(0)
    drawn = [data.frames[sampler.draw(rng, 0.2, 0.4)[0]].source == 0 for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(expected, abs=0.04)  # over 3 sigma


@pytest.mark.parametrize(
    "weights", [(1.0,), (1.0, -1.0), (0.0, 0.0), (1.0, 1.0, 1.0), (1.0, NAN), (INF, 1.0), (1e308, 1e308)]
)
def test_sampling_weights_that_do_not_fit_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="sampling weights"):
        Sampler(merge([one_class("Car", 2), one_class("deer", 1)]), weights)


def test_a_part_of_the_crops_is_drawn_at_hard_examples(tmp_path: Path) -> None:
    data = tiny_set(tmp_path)
    places = [(1, (64.0, 90.0)), (2, (3.0, 4.0))]
    sampler = Sampler(data, hard_examples=places)
    rng = np.random.default_rng(5)
    drawn = Counter(sampler.draw(rng, 0.0, 0.4) for _ in range(2000))
    assert sum(drawn[place] for place in places) == pytest.approx(800, abs=90)  # four sigma
    assert min(drawn[place] for place in places) > 300


def test_without_hard_examples_the_crops_are_what_they_were(tmp_path: Path) -> None:
    sampler = Sampler(tiny_set(tmp_path))
    some, none = ([sampler.draw(np.random.default_rng(seed), 0.5, part) for seed in range(50)] for part in (0.4, 0.0))
    assert some == none
