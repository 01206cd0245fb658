"""From which score detections are shown, class by class: what the bundle says, and what somebody asks for instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.errors import InputError

WAY = (
    "expected a score from 0 to 1, such as 0.64 for 64 per cent, or CLASS=SCORE, each class once, such as "
    "0.5,Animal=0.2"
)


@dataclass(frozen=True)
class Thresholds:
    """The lowest score that is shown of each class. ``classes``: names by label. ``values``: their scores, and one
    more, of labels that have no name.
    """

    classes: tuple[str, ...]
    values: tuple[float, ...]

    @classmethod
    def alike(cls, score: float, classes: Sequence[str] = ()) -> Thresholds:
        """One score for all of ``classes``, and for every other label."""
        return cls(tuple(classes), (score,) * (len(classes) + 1))

    @classmethod
    def of(cls, score: float | Thresholds) -> Thresholds:
        """One score of all labels as what it is; what is one already as it is."""
        return score if isinstance(score, Thresholds) else cls.alike(score)

    @cached_property
    def by_label(self) -> npt.NDArray[np.float64]:
        """(C + 1,) float64, to be taken by label with ``mode="clip"``."""
        return np.array(self.values, np.float64)

    @cached_property
    def _float32(self) -> Float32:
        return self.by_label.astype(np.float32)

    def of_each(self, labels: npt.NDArray[np.integer]) -> Float32:
        """(N,) float32, as scores are: of each of the labels (N,)."""
        return self._float32.take(labels, mode="clip")

    def shown(self, scores: Float32, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """(N,) bool: which of the scores (N,) float32 of detections with the labels (N,) are high enough."""
        return np.asarray(scores >= self.of_each(labels))

    def __getitem__(self, name: str) -> float:
        """Of the class ``name``; of one that the model does not know as of labels without a name."""
        return self.values[self.classes.index(name) if name in self.classes else -1]

    @property
    def least(self) -> float:
        """The lowest score of all classes."""
        return min(self.values[: len(self.classes)] or self.values)

    def times(self, factor: float) -> Thresholds:
        """Each of them so many times as high."""
        return _times(self, factor)

    def of_classes(self, names: Sequence[str]) -> Thresholds:
        """The same for detections whose labels are of ``names``."""
        return Thresholds(tuple(names), (*(self[name] for name in names), self.values[-1]))

    def at_least(self, score: float) -> Thresholds:
        """The same, none below ``score``."""
        return Thresholds(self.classes, tuple(max(score, value) for value in self.values))

    def to_json(self) -> dict[str, float]:
        """``{class: score}``, every class."""
        return dict(zip(self.classes, self.values[: len(self.classes)], strict=True))

    def __str__(self) -> str:
        return in_words(self.to_json()) if self.classes else f"{self.values[0]:g}"


@lru_cache(maxsize=16)  # asked for every frame
def _times(one: Thresholds, factor: float) -> Thresholds:
    return Thresholds(one.classes, tuple(factor * value for value in one.values))


def in_words(scores: Mapping[str, float]) -> str:
    """``0.5``, or ``0.5 (Animal 0.2, Person 0.6)``: what most classes have, and those that have another one."""
    ((usual, _),) = Counter(scores.values()).most_common(1)
    others = ", ".join(f"{name} {score:g}" for name, score in scores.items() if score != usual)
    return f"{usual:g} ({others})" if others else f"{usual:g}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which detections are shown. ``threshold``: lowest score, None = the bundle's. ``min_size_px``: shortest length
    of a box's longer side, sensor pixels. ``by_class``: lowest scores of single classes, in place of ``threshold``.

    Raises InputError where a value cannot be one.
    """

    threshold: float | None = None
    min_size_px: float = 0.0
    by_class: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise InputError(f"threshold {self.threshold}: expected a score from 0 to 1")
        for name, score in self.by_class.items():
            if not 0 <= score <= 1:
                raise InputError(f"threshold {name}={score}: expected a score from 0 to 1")
        if not 0 <= self.min_size_px < float("inf"):
            raise InputError(f"min_size_px {self.min_size_px}: expected sensor pixels, 0 or more")

    @classmethod
    def of(cls, threshold: float | str | None) -> Filter:
        """By the score ``threshold``, or by a text: ``0.4``: all classes; ``Animal=0.2,Person=0.6``: these, the others
        as the bundle has them; ``0.5,Animal=0.2``: this one, and all others from 0.5.

        Raises InputError, also where a class is named twice.
        """
        if not isinstance(threshold, str):
            return cls(threshold)
        rest: float | None = None
        by_class: dict[str, float] = {}
        for part in threshold.split(","):
            name, given, value = (word.strip() for word in part.rpartition("="))
            score = _score(value)
            twice = rest is not None if not given else name.casefold() in map(str.casefold, by_class)
            if score is None or twice or (given and not name):
                what = f"{part.strip()!r}" + (" says it again" if twice and score is not None else "")
                raise InputError(f"threshold {threshold!r}: {what}: {WAY}")
            if given:
                by_class[name] = score
            else:
                rest = score
        return cls(rest, by_class=by_class)

    def lowest(self, usual: Thresholds) -> Thresholds:
        """The lowest scores shown, where ``usual`` are the bundle's.

        Raises InputError for a class that the bundle does not have.
        """
        if self.threshold is None and not self.by_class:
            return usual
        return _lowest(self.threshold, tuple(self.by_class.items()), usual)


@lru_cache(maxsize=16)  # asked for every frame
def _lowest(rest: float | None, by_class: tuple[tuple[str, float], ...], usual: Thresholds) -> Thresholds:
    values = list(usual.values if rest is None else (rest,) * len(usual.values))
    for name, score in by_class:
        values[_label(name, usual.classes)] = score
    return Thresholds(usual.classes, tuple(values))


def _label(name: str, classes: tuple[str, ...]) -> int:
    """Of the class of that name, whatever its case. Raises InputError where there is none."""
    if name in classes:
        return classes.index(name)
    for label, known in enumerate(classes):
        if known.casefold() == name.casefold():
            return label
    raise unknown(name, classes)


def unknown(name: str, classes: Iterable[str]) -> InputError:
    """What is told of a class that a model does not have."""
    return InputError(f"threshold of {name!r}: the model has no such class: expected {', '.join(classes)}")


def _score(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
