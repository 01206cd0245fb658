"""``golden.json`` and ``golden.png`` of a bundle: a picture as the model gets it, and what the trained detector finds.

An engine that finds something else in it computes something else than what was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from edge.data import RawDetections
from edge.errors import BundleError
from edge.measure.matching import iou, match
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.signed.signature import NotSigned
from edge.model.thresholds import Thresholds
from edge.system.declared import MOST, declared, read_json
from edge.system.files import reason_of

FILE, PICTURE = "golden.json", "golden.png"
MARGIN = 0.1  # of a score: INT8 moves those of the bundled frame by 0.013
LEAST_IOU = 0.5

Score = Annotated[float, Meta(ge=0, le=1)]
Side = Annotated[float, Meta(ge=-MOST, le=MOST)]


class GoldenJson(Struct, frozen=True, kw_only=True):
    """The whole file. ``model_onnx``: sha256 of the graph that it is of. ``origin``: what the picture is, and what
    found the detections. ``boxes``: xyxy, pixels of the model's input; ``scores``, ``labels``: of each.
    """

    format: Annotated[int, Meta(ge=1, le=1)]
    model_onnx: str
    origin: str
    boxes: list[tuple[Side, Side, Side, Side]]
    scores: list[Score]
    labels: list[Annotated[int, Meta(ge=0)]]

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.scores) == len(self.labels):
            raise ValueError("boxes, scores and labels are not as many")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``golden.json``."""
    return msgspec.json.schema(GoldenJson)


@dataclass(frozen=True)
class Golden:
    """``picture``: (H, W) uint8, as the model gets it. ``boxes``: (N, 4) xyxy; ``scores``, ``labels``: (N,)."""

    picture: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    origin: str


@dataclass(frozen=True)
class Difference:
    """Of detections that are clearly shown (score over the threshold by more than `MARGIN`): ``both``: found again, in
    one class with an IoU of 0.5 or more; ``lost``, ``added``: found by one only. ``score``, ``box_px``: the largest
    difference of those found again.
    """

    both: int
    lost: int
    added: int
    score: float
    box_px: float

    def __str__(self) -> str:
        said = f"{self.both} of {self.both + self.lost} stored detections found again, {self.added} added"
        more = f"; largest difference of a score {self.score:.2g}, of a box {self.box_px:.2g} px"
        return said + (more if self.both else "")


def read_golden(bundle: Bundle) -> Golden | None:
    """The stored frame of a bundle; None where it has none. Raises BundleError where it cannot be one."""
    path, picture = bundle.path / FILE, bundle.path / PICTURE
    try:
        found = declared(read_json(bundle.read(FILE)), GoldenJson)
        data = np.frombuffer(bundle.read(PICTURE), np.uint8)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({reason_of(error)}): remove it") from None
    except NotSigned as error:
        raise BundleError(f"{path} or {PICTURE} {error}: edge-export sign {bundle.path} --key FILE") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise BundleError(f"{path}: {error}: expected a stored frame of this bundle, or none") from None
    if found.model_onnx != bundle.files.get(ONNX_CPU):
        raise BundleError(f"{path} is of another {ONNX_CPU}: remove it")
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    if image is None or image.dtype != np.uint8 or image.shape != (bundle.height, bundle.width):
        raise BundleError(f"{picture}: expected an 8-bit grey PNG of {bundle.width}x{bundle.height}")
    boxes = np.array(found.boxes, np.float64).reshape(-1, 4)
    return Golden(image.astype(np.uint8), boxes, np.array(found.scores), np.array(found.labels, np.int64), found.origin)


def difference(golden: Golden, found: RawDetections, lowest: Thresholds) -> Difference:
    """What an engine ``found`` in the picture against what is stored."""
    there = found.scores > 0
    scores, boxes = found.scores[there].astype(np.float64), found.boxes[there]
    stored, now = lowest.of_each(golden.labels), lowest.of_each(found.labels[there])
    shown = (golden.scores >= stored)[:, None] & (scores >= now - MARGIN)[None]
    same = golden.labels[:, None] == found.labels[there][None]
    overlaps = iou(golden.boxes.astype(np.float32), boxes)
    partner = match(overlaps, LEAST_IOU, np.argsort(-golden.scores).tolist(), shown & same)
    pairs, free = partner >= 0, np.ones(len(scores), bool)
    free[partner[pairs]] = False
    lost = int((~pairs & (golden.scores >= stored + MARGIN)).sum())
    added = int((free & (scores >= now + MARGIN)).sum())
    off = np.abs(golden.scores[pairs] - scores[partner[pairs]])
    edges = np.abs(golden.boxes[pairs] - boxes[partner[pairs]])
    return Difference(int(pairs.sum()), lost, added, float(off.max(initial=0.0)), float(edges.max(initial=0.0)))
