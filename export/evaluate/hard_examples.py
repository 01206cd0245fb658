"""Where a detector errs on labelled frames: `edge-export eval --mistakes` writes the places, `edge-export train
--mistakes` draws crops around them.

Crops around objects seldom show what lies far from any: the places a detector takes for an object are found only by
running it on whole frames (bootstrapping: Sung and Poggio 1998, doi 10.1109/34.655648).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import InputError
from export.data.dataset import LabelledSet
from export.evaluate.average_precision import Judged
from export.evaluate.outcome import outcome

NEARLY = 0.5  # part of the threshold from which a false alarm counts: it will be shown where others are fainter

# index of a frame, and the point (x, y) in its pixels
Place = tuple[int, tuple[float, float]]


def mistakes_of(data: LabelledSet, judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Plain values for JSON: for each frame with a mistake, by absolute path, the middles (x, y) in its pixels of the
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


def read_mistakes(file: Path, data: LabelledSet) -> tuple[list[Place], int]:
    """The places in frames of ``data``, and how many lie in other frames.

    Raises InputError where the file cannot be read, is no such file, or no place is in ``data``.
    """
    expected = "expected what edge-export eval --mistakes writes"
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        points = [
            (str(path), np.asarray(kinds["missed"] + kinds["false"], np.float64).reshape(-1, 2).tolist())
            for path, kinds in raw["frames"].items()
        ]
        if not np.isfinite([xy for _, rows in points for xy in rows]).all():
            raise ValueError("a place is not finite")
    except OSError as error:
        raise InputError(f"--mistakes {file} cannot be read ({error.strerror}): check the path") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"--mistakes {file} cannot be used ({type(error).__name__}: {error}): {expected}") from None
    index = {str(frame.path.resolve()): i for i, frame in enumerate(data.frames)}
    places = [(index[path], (x, y)) for path, rows in points if path in index for x, y in rows]
    others = sum(len(rows) for path, rows in points if path not in index)
    if not places:
        raise InputError(f"--mistakes {file}: none of its {others} places is in a frame that is trained on; {expected}")
    return places, others
