"""The graph's inputs and outputs, said once: names, shapes and types; and what its four outputs mean.

Every file and engine of a bundle has them: when it is exported, when it is built and when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.model.bundle import Bundle

INPUT = "image"
OUTPUTS = ("boxes", "scores", "labels", "converged")

# types as ONNX names them, and TensorRT likewise; ONNX Runtime writes "tensor(float)"
DTYPES: Mapping[str, type[np.generic]] = {
    "UINT8": np.uint8,
    "FLOAT": np.float32,
    "INT32": np.int32,
    "BOOL": np.bool_,
}


class Tensor(NamedTuple):
    """One input or output. ``mode``: INPUT or OUTPUT. ``dtypes``: those that will do, first the one exported."""

    mode: str
    shape: tuple[int, ...]
    dtypes: tuple[str, ...]


Signature = dict[str, Tensor]
Found = dict[str, tuple[str, tuple[int, ...], str]]  # by name: mode, shape, type


def outputs(max_detections: int) -> Signature:
    """The four outputs of a graph of K = ``max_detections`` rows, in the order of `OUTPUTS`."""
    k = max_detections
    return {
        "boxes": Tensor("OUTPUT", (1, k, 4), ("FLOAT",)),
        "scores": Tensor("OUTPUT", (1, k), ("FLOAT",)),
        "labels": Tensor("OUTPUT", (1, k), ("INT32",)),
        "converged": Tensor("OUTPUT", (1,), ("INT32", "BOOL")),
    }


def signature(bundle: Bundle) -> Signature:
    """What ``bundle``'s model.json promises."""
    image = Tensor("INPUT", (1, bundle.height, bundle.width, 1), ("UINT8",))
    return {INPUT: image, **outputs(bundle.max_detections)}


def deviations(found: Found, expected: Signature) -> list[str]:
    """Every tensor of ``found`` that is not as ``expected``, in words."""
    wrong = [f"no {name}" for name in expected if name not in found]
    for name, (mode, shape, dtype) in found.items():
        if name not in expected:
            wrong.append(f"{name}, which is unknown")
        elif (mode, shape) != expected[name][:2] or dtype not in expected[name].dtypes:
            right = f"{expected[name].mode} {' or '.join(expected[name].dtypes)} {expected[name].shape}"
            wrong.append(f"{name} {mode} {dtype} {shape} where model.json promises {right}")
    return wrong


def raw_detections(tensors: Mapping[str, npt.NDArray[Any]]) -> RawDetections:
    """Copies of what the graph answered, as detections that are numbers.

    ``tensors``: the outputs by name: ``boxes`` (1, K, 4) and ``scores`` (1, K) floats, ``labels`` (1, K) and
    ``converged`` (1,) integers.

    Half precision ends at 65504. A value beyond it becomes infinite, then no number, and compares as false with
    every threshold: a detection that is lost without a word. So the graph looks at its scores before it compares
    them and answers -1 in ``converged`` (1: fine, 0: suppression had not settled), and rows that are not finite are
    zeroed here; both give ``finite=False``, which is counted, reported and written beside the frame.
    """
    boxes, scores = tensors["boxes"][0].astype(np.float32), tensors["scores"][0].astype(np.float32)
    state, labels = int(tensors["converged"][0]), tensors["labels"][0].astype(np.int32)
    return RawDetections(boxes, scores, labels, state != 0, state >= 0).of_numbers()
