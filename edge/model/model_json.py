"""``model.json``, declared: its fields, their types and limits, and the JSON Schema of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from edge.system.declared import MOST
from edge.thermal.spec import StoredSpec

FORMAT = 1
MOST_PIXELS = 8192  # a side of the input: no sensor is larger, and memory would go first
MOST_DETECTIONS = 100_000
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # control characters: a terminal obeys them, a path ends at one

Side = Annotated[int, Meta(ge=1, le=MOST_PIXELS)]
Score = Annotated[float, Meta(ge=0, le=1)]


class Input(Struct):
    """Model input, pixels."""

    height: Side
    width: Side


class Trained(Struct):
    """Of the training frames after normalising: grey levels, 0..1."""

    mean: Score
    std: Annotated[float, Meta(ge=0, le=MOST)]


class Normalise(Struct):
    """How frames of either depth become grey, and what came out of that in training."""

    eight_bit: StoredSpec = msgspec.field(name="8bit")
    sixteen_bit: StoredSpec = msgspec.field(name="16bit")
    trained: Trained


class Thresholds(Struct):
    """``score``: below it a detection is not shown; ``score_by_class``: the same of single classes, in its place;
    ``graph_score``: below it the graph drops it; the rest: of NMS.
    """

    score: Score
    graph_score: Score
    score_by_class: dict[str, Score] = {}
    nms: Score | UnsetType = UNSET
    rpn_nms: Score | UnsetType = UNSET


class ModelJson(Struct):
    """The whole file. What it holds besides is left alone, so that a later version may add to it. ``one_body``: classes
    that are mistaken for each other: of overlapping boxes of theirs one is followed and counted.
    """

    format: Literal[1]
    name: str
    architecture: dict[str, Any]
    classes: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    input: Input
    normalise: Normalise
    thresholds: Thresholds
    max_detections: Annotated[int, Meta(ge=1, le=MOST_DETECTIONS)]
    files: dict[str, str]
    checkpoint_sha256: str = ""
    data: dict[str, Any] = {}
    tools: dict[str, str] = {}
    assumed: dict[str, str] = {}
    int8: dict[str, Any] = {}
    score_chosen: dict[str, Any] = {}
    one_body: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if _UNREADABLE.search(self.name):
            raise ValueError(f"name is {self.name!r}: expected no control characters")
        bits = self.int8.get("weight_bits", 8)
        if type(bits) is not int or not 2 <= bits <= 8:
            raise ValueError(f"int8.weight_bits is {bits!r}: expected a whole number, 2 to 8")
        for i, name in enumerate(self.classes):
            if not name.strip() or _UNREADABLE.search(name):
                raise ValueError(f"classes[{i}] is {name!r}: expected a name that can be read")
            if name in self.classes[:i]:
                raise ValueError(f"classes[{i}] is {name!r} again: expected different names")
        for name in self.thresholds.score_by_class:
            if name not in self.classes:
                known = ", ".join(self.classes)
                raise ValueError(f"thresholds.score_by_class has {name!r}: expected names of its classes, {known}")
        check_bodies(self.one_body, self.classes)
        for name in self.files:
            # a bundle comes from elsewhere: it must not name files outside its folder
            if name in ("", ".", "..") or _UNREADABLE.search(name) or "/" in name or "\\" in name:
                raise ValueError(f"files lists {name!r}: expected plain names inside the folder")


def check_bodies(one_body: Sequence[Sequence[str]], classes: Sequence[str]) -> None:
    """Raises ValueError where these are no groups of two or more of the classes, each in one of them."""
    named = [name for group in one_body for name in group]
    if any(len(group) < 2 for group in one_body) or len(set(named)) < len(named) or not set(named) <= set(classes):
        known = ", ".join(classes)
        told = "; ".join(",".join(group) for group in one_body)
        raise ValueError(f"one_body is {told!r}: expected two or more of the classes, each once: {known}")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``model.json``."""
    return msgspec.json.schema(ModelJson)
