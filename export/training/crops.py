"""Which training crops are drawn: around a random object (classes take turns, so that rare ones are seen), from each
data set by its sampling weight; or around a hard example. A mosaic puts four such crops side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.data.dataset import LabelledFrame, LabelledSet, read_grey
from export.evaluate.hard_examples import Place
from export.training.augment import Augmentation, Crop, cut, jittered, join, vary_grey, warp_of


class Sampler:
    """Draws which frame, and around which object.

    ``sampling_weights``: part of the crops that each source of a merged set gives, in its order; by default as its
    number of frames. ``hard_examples``: places (`export.evaluate.hard_examples`), of any source.
    """

    def __init__(
        self, data: LabelledSet, sampling_weights: Sequence[float] = (), hard_examples: Sequence[Place] = ()
    ) -> None:
        self._data, self._hard_examples = data, hard_examples
        self._frames: list[list[int]] = [[] for _ in range(max((f.source for f in data.frames), default=0) + 1)]
        for i, frame in enumerate(data.frames):
            self._frames[frame.source].append(i)
        weights = np.array(sampling_weights or [len(frames) for frames in self._frames], np.float64)
        given = f"sampling weights {', '.join(f'{weight:g}' for weight in weights)}"
        with np.errstate(over="ignore"):
            whole = weights.sum()
        if len(weights) != len(self._frames) or not (weights >= 0).all() or not 0 < whole < np.inf:
            raise InputError(
                f"{given} for {len(self._frames)} data sets: expected one for each, 0 or more and finite, and not all "
                "of them 0"
            )
        if any(weight and not frames for weight, frames in zip(weights, self._frames, strict=True)):
            raise InputError(f"{given}: a data set without frames cannot give crops")
        self._weights = weights / whole
        self._places = [_places(data, frames) for frames in self._frames]

    def draw(self, rng: np.random.Generator, background: float, hard_examples: float) -> Place:
        """Index of a frame and the point (x, y) in its pixels to centre a crop near.

        ``hard_examples``: part of the draws that are such places, where there are some; ``background``: part of the
        others that are anywhere.
        """
        if self._hard_examples and rng.random() < hard_examples:
            return self._hard_examples[int(rng.integers(len(self._hard_examples)))]
        source = int(rng.choice(len(self._weights), p=self._weights))
        classes = self._places[source]
        if not classes or rng.random() < background:
            i = self._frames[source][int(rng.integers(len(self._frames[source])))]
            frame = self._data.frames[i]
            return i, (rng.uniform(0, frame.width), rng.uniform(0, frame.height))
        # square root: rare classes are seen more often than they are, yet not as often as common ones
        weights = np.sqrt([len(places) for places in classes])
        places = classes[int(rng.choice(len(classes), p=weights / weights.sum()))]
        i, j = places[int(rng.integers(len(places)))]
        x1, y1, x2, y2 = self._data.frames[i].boxes[j]
        return i, (float(x1 + x2) / 2, float(y1 + y2) / 2)


def _places(data: LabelledSet, frames: Sequence[int]) -> list[list[tuple[int, int]]]:
    """For each class that occurs in these frames, the index of the frame and of the box in it."""
    places: list[list[tuple[int, int]]] = [[] for _ in data.classes]
    for i in frames:
        for j, label in enumerate(data.frames[i].labels):
            places[label].append((i, j))
    return [p for p in places if p]


class Crops:
    """Training pictures of ``data`` for ``model``, in the pixels that its network sees.

    A detector that resizes frames (torchvision's ``min_size``, ``max_size``) is trained at the size that it will see in
    flight: ``settings.scale`` varies that size. ``sampling_weights``, ``hard_examples``: see `Sampler`, whose
    InputError it raises.
    """

    def __init__(
        self,
        data: LabelledSet,
        model: FasterRCNN,
        settings: Augmentation,
        normalisers: Normalisers,
        sampling_weights: Sequence[float] = (),
        hard_examples: Sequence[Place] = (),
    ) -> None:
        self._data, self._settings, self._normalisers = data, settings, normalisers
        self._sampler = Sampler(data, sampling_weights, hard_examples)
        self._resize = model.transform.min_size[-1], model.transform.max_size  # no weights: workers get a copy
        self._fill = float(model.transform.image_mean[0]) * 255  # the grey outside a frame

    def draw(self, rng: np.random.Generator) -> Crop:
        """The next picture; a mosaic is four of half the side."""
        side = self._settings.crop
        if rng.random() < self._settings.mosaic:
            return join([self._one(side // 2, rng) for _ in range(4)])
        return self._one(side, rng)

    def _one(self, side: int, rng: np.random.Generator) -> Crop:
        settings = self._settings
        i, point = self._sampler.draw(rng, settings.background, settings.hard_examples)
        frame = self._data.frames[i]
        varied = replace(self._normalisers, spec_16bit=jittered(self._normalisers.spec_16bit, settings.window, rng))
        grey = read_grey(frame, varied)
        affine = warp_of(frame, point, side, _factor(*self._resize, frame), settings, rng)
        crop = cut(grey, frame, affine, side, self._fill, settings.min_visible)
        return Crop(vary_grey(crop.pixels, settings, rng), crop.boxes, crop.labels, crop.ignored)


def resize_factor(model: FasterRCNN, frame: LabelledFrame) -> float:
    """Network input pixels a frame pixel, as torchvision resizes."""
    return _factor(model.transform.min_size[-1], model.transform.max_size, frame)


def _factor(shorter: float, longer: float, frame: LabelledFrame) -> float:
    return float(min(shorter / min(frame.width, frame.height), longer / max(frame.width, frame.height)))
