"""Hard examples: where a detector errs on labelled frames. `edge-export eval --hard-examples` writes the places,
`edge-export train --hard-examples` draws crops around them.

Crops around objects seldom show what lies far from any: the places a detector takes for an object are found only by
running it on whole frames (bootstrapping: Sung and Poggio 1998, doi 10.1109/34.655648).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from edge.errors import InputError
from edge.measure.average_precision import Judged
from export.data.dataset import LabelledSet
from export.data.json_file import read_json
from export.evaluate.outcome import outcome

NEARLY = 0.5  # part of the threshold from which a false alarm counts: it will be shown where others are fainter
EXPECTED = "expected what edge-export eval --hard-examples writes"

# index of a frame, and the point (x, y) in its pixels
Place = tuple[int, tuple[float, float]]


class _Points(Struct):
    missed: list[tuple[float, float]]
    false: list[tuple[float, float]]


class _File(Struct):
    frames: dict[str, _Points]


def hard_examples_of(data: LabelledSet, judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Plain values for JSON: for each frame with an error, by absolute path, the middles (x, y) in its pixels of the
    objects that are missed at the score ``threshold``, and of the false alarms of half that score and more.
    """
    frames = {}
    for frame, one in zip(data.frames, judged, strict=True):
        sure, near = outcome(one, threshold), outcome(one, threshold * NEARLY)
        missed, false = one.true_boxes[~sure.found], near.boxes[~near.right]
        if len(missed) or len(false):
            frames[str(frame.path.resolve())] = {
                name: [[round((x1 + x2) / 2, 1), round((y1 + y2) / 2, 1)] for x1, y1, x2, y2 in boxes.tolist()]
                for name, boxes in (("missed", missed), ("false", false))
            }
    return {"threshold": threshold, "frames": frames}


def read_hard_examples(file: Path, data: LabelledSet) -> tuple[list[Place], int]:
    """The places in frames of ``data``, and how many lie in other frames.

    Raises InputError where the file cannot be read, is no such file, or no place is in ``data``.
    """
    frames = read_json(file, _File, "--hard-examples", EXPECTED).frames
    points = [(path, kinds.missed + kinds.false) for path, kinds in frames.items()]
    if not np.isfinite([xy for _, rows in points for xy in rows]).all():
        raise InputError(f"--hard-examples {file} cannot be used: a place is not finite: {EXPECTED}")
    index = {str(frame.path.resolve()): i for i, frame in enumerate(data.frames)}
    places = [(index[path], xy) for path, rows in points if path in index for xy in rows]
    others = sum(len(rows) for path, rows in points if path not in index)
    if not places:
        raise InputError(
            f"--hard-examples {file}: none of its {others} places is in a frame that is trained on: {EXPECTED} for "
            "the frames of --data or --annotations"
        )
    return places, others
