"""``recall.json`` of a bundle: how many of the objects of a size and contrast were found, measured on labelled frames.

``edge-export eval --model BUNDLE --annotations ... --set-recall`` writes it. Without it nobody says a probability.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from edge.errors import BundleError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.signed.signature import NotSigned
from edge.system.declared import declared, read_json
from edge.system.files import reason_of

FILE = "recall.json"
LEAST_BOXES = 20  # of a size, or of a size and contrast; of fewer the recall is not said
EDGES_PX = (0.0, 6.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 24.0, 32.0, 48.0, 64.0, 128.0)
CONTRASTS = (1.0, 2.0, 4.0, 8.0)  # lower edges; the last has no upper one
SCORES = tuple(round(0.05 * i, 2) for i in range(1, 20))

Whole = Annotated[int, Meta(ge=0, le=10**12)]  # numpy counts in 64 bits
Float64 = npt.NDArray[np.float64]


class ByContrast(Struct, frozen=True):
    """Of one class. ``grey``: levels by which its objects stand out, the median. ``boxes``: (sizes, contrasts) true
    objects, without those below the lowest contrast; ``found``: (sizes, contrasts, scores).
    """

    grey: Annotated[float, Meta(ge=0)]
    boxes: tuple[tuple[Whole, ...], ...]
    found: tuple[tuple[tuple[Whole, ...], ...], ...]


class ClassRecall(Struct, frozen=True):
    """Of one class. ``boxes``: (bins) true objects; ``found``: (bins, scores) those that a detection of at least this
    score fits. ``by_contrast``: the same by size and contrast; null: there are none, or format 1.
    """

    boxes: tuple[Whole, ...]
    found: tuple[tuple[Whole, ...], ...]
    by_contrast: ByContrast | None = None


class Pictures(Struct, frozen=True):
    """Of the labelled frames: ``least_range``: grey levels that 95 of 100 of them have at least; ``sharpness``: 2 of
    100 are below the first, 2 above the second. See `edge.thermal.sharpness`.
    """

    least_range: Annotated[float, Meta(ge=0, le=255)]
    sharpness: tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]]

    def __post_init__(self) -> None:
        if self.sharpness[1] < self.sharpness[0]:
            raise ValueError("sharpness does not rise")

    def unlike(self, grey_range: float, sharpness: float) -> str:
        """How a picture is unlike those that recall was measured on, in words; "" = it is not."""
        if not grey_range >= self.least_range:
            return "flatter than nearly all labelled frames"
        if not sharpness >= self.sharpness[0]:
            return "less sharp than nearly all labelled frames"
        return "noisier than nearly all labelled frames" if sharpness > self.sharpness[1] else ""


class RecallJson(Struct, frozen=True, kw_only=True):
    """The whole file. ``model_onnx``: sha256 of the graph it was measured with. ``edges_px``: of the bins, the square
    root of a box's area in pixels of the model's input. ``scores``: rising. ``min_iou``: from which a detection fits.
    ``contrasts``: lower edges, see docs/coverage.md; the last has no upper one; in format 1 there are none.
    ``pictures``: what they were like; null in formats 1 and 2.
    """

    format: Literal[1, 2, 3]
    model_onnx: str
    labels: str
    frames: Whole
    path: str
    min_iou: Annotated[float, Meta(gt=0, le=1)]
    scores: Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(min_length=1)]
    edges_px: Annotated[tuple[Annotated[float, Meta(ge=0)], ...], Meta(min_length=2)]
    classes: dict[str, ClassRecall]
    contrasts: tuple[Annotated[float, Meta(ge=0)], ...] = ()
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        for name in ("scores", "edges_px", "contrasts"):
            if any(b <= a for a, b in pairwise(getattr(self, name))):
                raise ValueError(f"{name} do not rise")
        bins = len(self.edges_px) - 1
        for name, one in self.classes.items():
            _check(f"classes.{name}", one.boxes, one.found, (bins,), len(self.scores))
            if more := one.by_contrast:
                shape = bins, len(self.contrasts)
                _check(f"classes.{name}.by_contrast", more.boxes, more.found, shape, len(self.scores))


def _check(name: str, boxes: Any, found: Any, shape: tuple[int, ...], scores: int) -> None:
    """Raises ValueError where numbers of objects, tuples in tuples, are not of ``shape``, or more were found."""
    try:
        n, hits = np.array(boxes), np.array(found)
    except ValueError:  # rows of different lengths
        n = hits = np.zeros(0)
    if n.shape != shape or hits.shape != (*shape, scores):
        raise ValueError(f"{name} has other sizes than the edges and scores say")
    if (hits > n[..., None]).any():
        raise ValueError(f"{name} says that more were found than there were")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``recall.json``."""
    return msgspec.json.schema(RecallJson)


def _none() -> Float64:
    return np.zeros(0)


@dataclass(frozen=True)
class RecallCurve:
    """Recall of one class at one score, by size. ``edges_px``: (B + 1,) as in `RecallJson`; ``recall``: (B,) 0..1, NaN
    where too few objects were of this size. ``source``: what it was measured on, in words.

    ``contrasts``: (C,) lower edges, none where contrast was not measured; ``by_contrast``: (C, B) recall, NaN where
    nothing is said; ``grey``: levels by which its objects stand out (median). ``pictures``: what the labelled frames
    were like, None: nobody measured it.
    """

    edges_px: Float64
    recall: Float64
    source: str
    contrasts: Float64 = field(default_factory=_none)
    by_contrast: Float64 = field(default_factory=_none)
    grey: float | None = None
    pictures: Pictures | None = None

    def row(self, contrasts: Float64) -> Float64:
        """(B,) recall by size of objects that may be at any of several places, where they have the ``contrasts`` (P,):
        the mean, where nothing is said of a contrast none is found; but not more than of all contrasts. NaN where
        nothing is said of any, or there is no place. Where contrast was not measured, the recall of all.
        """
        if not len(self.contrasts):
            return self.recall
        rows = np.append(self.by_contrast, np.full((1, len(self.recall)), np.nan), axis=0)
        here = rows[np.searchsorted(self.contrasts, contrasts, side="right") - 1]  # -1, below all edges: the last row
        said = ~np.isnan(here).all(axis=0)
        mean = np.nan_to_num(here).sum(axis=0) / max(len(contrasts), 1)
        return np.where(said, np.minimum(mean, self.recall), np.nan)

    def at(self, px: npt.NDArray[np.floating]) -> Float64:
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
        table = declared(read_json(bundle.read(FILE)), RecallJson)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({reason_of(error)}): remove it, or measure again") from None
    except NotSigned as error:
        raise BundleError(
            f"{path} {error}: have it signed as the bundle, or remove it: no recall is said then"
        ) from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise BundleError(f"{path}: {error}: measure again with edge-export eval --set-recall") from None
    if table.model_onnx != bundle.files.get(ONNX_CPU):
        raise BundleError(f"{path} was measured with another {ONNX_CPU}: measure again, edge-export eval --set-recall")
    higher = [i for i, s in enumerate(table.scores) if s >= score - 1e-9]
    one = table.classes.get(name)
    if one is None or not higher:
        return None
    at = higher[0]
    edges, recall = np.array(table.edges_px), _part(np.array(one.boxes), np.array(one.found)[:, at])
    source = f"{table.frames} frames of {table.labels}, at a score of {table.scores[at]:g}, {table.path}"
    if (more := one.by_contrast) is None or not table.contrasts:
        return RecallCurve(edges, recall, source)
    by_contrast = _pooled(np.array(more.boxes).T, np.array(more.found)[..., at].T)
    return RecallCurve(edges, recall, source, np.array(table.contrasts), by_contrast, more.grey, table.pictures)


def _part(boxes: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> Float64:
    """Of so many objects (any shape) the part that was found; NaN where they are too few."""
    return np.where(boxes >= LEAST_BOXES, found / np.maximum(boxes, 1), np.nan)


def _pooled(boxes: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> Float64:
    """(C, B) parts: where too few objects of a size are of a contrast, those of the next lower ones count with them, as
    many contrasts as it takes; NaN where even so they are too few.
    """
    parts = []
    for i in range(len(boxes)):
        n, hits = boxes[i].copy(), found[i].copy()
        for j in range(i - 1, -1, -1):
            few = n < LEAST_BOXES
            n[few] += boxes[j][few]
            hits[few] += found[j][few]
        parts.append(_part(n, hits))
    return np.array(parts)
