"""``recall.json`` of a bundle: how many of the objects of a size were found, measured on labelled frames.

``edge-export eval --model BUNDLE --annotations ... --set-recall`` writes it. Without it nobody says a probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from edge.errors import BundleError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.system.declared import declared, read_json
from edge.system.files import reason_of

FILE = "recall.json"
LEAST_BOXES = 20  # of a size; of fewer the recall is not said
EDGES_PX = (0.0, 6.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 24.0, 32.0, 48.0, 64.0, 128.0)
SCORES = tuple(round(0.05 * i, 2) for i in range(1, 20))

Whole = Annotated[int, Meta(ge=0)]


class ClassRecall(Struct, frozen=True):
    """Of one class. ``boxes``: (bins) true objects; ``found``: (bins, scores) those that a detection of at least this
    score fits.
    """

    boxes: tuple[Whole, ...]
    found: tuple[tuple[Whole, ...], ...]


class RecallJson(Struct, frozen=True, kw_only=True):
    """The whole file. ``model_onnx``: sha256 of the graph it was measured with. ``edges_px``: of the bins, the square
    root of a box's area in pixels of the model's input. ``scores``: rising. ``min_iou``: from which a detection fits.
    """

    format: Literal[1]
    model_onnx: str
    labels: str
    frames: Whole
    path: str
    min_iou: Annotated[float, Meta(gt=0, le=1)]
    scores: Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(min_length=1)]
    edges_px: Annotated[tuple[Annotated[float, Meta(ge=0)], ...], Meta(min_length=2)]
    classes: dict[str, ClassRecall]

    def __post_init__(self) -> None:
        for name, rising in (("scores", self.scores), ("edges_px", self.edges_px)):
            if any(b <= a for a, b in pairwise(rising)):
                raise ValueError(f"{name} do not rise")
        bins = len(self.edges_px) - 1
        for name, one in self.classes.items():
            rows = [len(row) for row in one.found]
            if len(one.boxes) != bins or rows != [len(self.scores)] * bins:
                raise ValueError(f"classes.{name} has other sizes than edges_px and scores say")
            if any(max(row) > n for row, n in zip(one.found, one.boxes, strict=True)):
                raise ValueError(f"classes.{name} says that more were found than there were")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``recall.json``."""
    return msgspec.json.schema(RecallJson)


@dataclass(frozen=True)
class RecallCurve:
    """Recall of one class at one score, by size. ``edges_px``: (B + 1,) as in `RecallJson`; ``recall``: (B,) 0..1, NaN
    where too few objects were of this size. ``source``: what it was measured on, in words.
    """

    edges_px: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    source: str

    def at(self, px: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Recall of objects of so many pixels (square root of the area, model pixels; any shape); NaN: not measured."""
        bins = np.searchsorted(self.edges_px, px, side="right") - 1
        inside = (bins >= 0) & (bins < len(self.recall))
        return np.asarray(np.where(inside, self.recall[np.clip(bins, 0, len(self.recall) - 1)], np.nan))


def read_recall(bundle: Bundle, name: str, score: float) -> RecallCurve | None:
    """The recall of the class ``name`` where detections from ``score`` on are shown: that of the next higher score that
    was measured. None where the bundle has no table, or none of this class or so high a score.

    Raises BundleError where the file cannot be read, or was measured with another model.
    """
    path = bundle.path / FILE
    try:
        table = declared(read_json(path.read_bytes()), RecallJson)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({reason_of(error)}): remove it, or measure again") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise BundleError(f"{path}: {error}: measure again with edge-export eval --set-recall") from None
    if table.model_onnx != bundle.files.get(ONNX_CPU):
        raise BundleError(f"{path} was measured with another {ONNX_CPU}: measure again, edge-export eval --set-recall")
    higher = [i for i, s in enumerate(table.scores) if s >= score - 1e-9]
    one = table.classes.get(name)
    if one is None or not higher:
        return None
    boxes = np.array(one.boxes, np.float64)
    found = np.array(one.found, np.float64)[:, higher[0]]
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(boxes >= LEAST_BOXES, found / boxes, np.nan)
    source = f"{table.frames} frames of {table.labels}, at a score of {table.scores[higher[0]]:g}, {table.path}"
    return RecallCurve(np.array(table.edges_px), recall, source)
