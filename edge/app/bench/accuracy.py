"""How much the engine that was timed finds in labelled frames: a speed without it can be had by finding nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.bench.held import hash_of
from edge.camera.stills import read_picture
from edge.data import Frame
from edge.engine.tiled import tiling_of
from edge.errors import InputError
from edge.measure.average_precision import Judged, rank
from edge.measure.labelled_frames import Labelled, read_labelled
from edge.model.bundle import sha256
from edge.model.transform import Preprocessor, to_detections
from edge.seams import Engine
from edge.system.files import reason_of

MIN_IOU = 0.5


def labelled_frames(
    folder: Path, annotations: Path, classes: tuple[str, ...]
) -> tuple[list[Frame], list[Labelled], list[str]]:
    """The frames, their boxes, and the classes that both know. Raises InputError for what cannot be read."""
    labelled, names = read_labelled(annotations, folder, classes)
    if not labelled:
        raise InputError(f"annotations {annotations} list no image: give a file with some")
    frames = [_read(i, one) for i, one in enumerate(labelled)]
    clipped = [one.clipped(frame.width, frame.height) for frame, one in zip(frames, labelled, strict=True)]
    return frames, clipped, names


def accuracy(
    engine: Engine, frames: Sequence[Frame], labelled: Sequence[Labelled], names: Sequence[str], annotations: Path
) -> dict[str, Any]:
    """As it stands in the report; by the definitions of ``edge-export eval``: each frame as the first of a flight,
    COCO's matching and 101-point average at IoU 0.5, recall and precision at the bundle's threshold of each class.
    """
    bundle = engine.bundle
    judged = [_judge(engine, frame, one) for frame, one in zip(frames, labelled, strict=True)]
    rows = {}
    for name in names:
        label = bundle.classes.index(name)
        ranking = rank(judged, label, MIN_IOU)
        hits = ranking.hits[ranking.scores >= np.float32(bundle.thresholds[name])]
        rows[name] = {
            "boxes": ranking.total,
            "ap50": _rounded(ranking.average_precision()),
            "recall": _rounded(float(hits.sum()) / ranking.total if ranking.total else None),
            "precision": _rounded(float(hits.mean()) if len(hits) else None),
            "threshold": bundle.thresholds[name],
        }
    return {
        "frames": len(frames),
        "frames_sha256": hash_of(frames),
        "annotations_sha256": sha256(annotations),
        "threshold": min(bundle.thresholds[name] for name in names),
        "classes": rows,
    }


def _judge(engine: Engine, frame: Frame, truth: Labelled) -> Judged:
    _, image, letterbox = Preprocessor(engine.bundle, tiling=tiling_of(engine)).forward(frame)
    found = to_detections(engine.infer(image), letterbox, 0.0, frame)
    return Judged(found.boxes, found.scores, found.labels, truth.boxes, truth.labels, truth.ignored)


def _read(number: int, one: Labelled) -> Frame:
    try:
        picture = read_picture(one.path)
    except OSError as error:
        raise InputError(f"image {one.path} cannot be read ({reason_of(error)}): check --frames") from None
    except ValueError as error:
        raise InputError(f"image {one.path} cannot be read ({error}): expected a grey image file") from None
    return Frame(picture.pixels, number, 0.0, temperature=one.temperature or picture.temperature)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
