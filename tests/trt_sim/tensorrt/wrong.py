"""Engines that compute something else and say nothing: what ``TRT_SIM_WRONG`` can ask for, done to the outputs."""

from __future__ import annotations

import os

import numpy as np


def spoil(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name, as the graph gives them, and as a wrong engine would."""
    how = os.environ.get("TRT_SIM_WRONG")
    if not how:
        return outputs
    boxes, scores, labels = (outputs[name].copy() for name in ("boxes", "scores", "labels"))
    if how == "boxes":
        boxes += 600  # NVIDIA/TensorRT issue 4813: 605 px
    elif how == "class":
        labels[:, 0] += 1
    elif how == "nan":
        scores[scores > 0.6] = np.nan  # a plain grey picture has no such score: one that overflows there is not opened
    elif how == "lost":
        scores[:, 0], boxes[:, 0] = 0, 0
    elif how == "score":
        scores -= 0.01
    elif how == "added":
        boxes[:, -1], scores[:, -1] = (0, 0, 9, 9), 0.9
    elif how == "nothing":
        scores[:] = 0
    else:
        raise ValueError(how)
    return {**outputs, "boxes": boxes, "scores": scores, "labels": labels}
