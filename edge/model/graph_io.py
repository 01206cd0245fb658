"""Inputs and outputs of every TensorRT engine of a bundle; checked when it is built and when it is loaded."""

from __future__ import annotations

from edge.model.bundle import Bundle

# by tensor name: INPUT or OUTPUT, shape, and the data types that will do, as TensorRT names them
Signature = dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]]


def signature(bundle: Bundle) -> Signature:
    """What ``bundle``'s model.json promises."""
    k = bundle.max_detections
    return {
        "image": ("INPUT", (1, bundle.height, bundle.width, 1), ("UINT8",)),
        "boxes": ("OUTPUT", (1, k, 4), ("FLOAT",)),
        "scores": ("OUTPUT", (1, k), ("FLOAT",)),
        "labels": ("OUTPUT", (1, k), ("INT32",)),
        "converged": ("OUTPUT", (1,), ("INT32", "BOOL")),
    }


def deviations(found: dict[str, tuple[str, tuple[int, ...], str]], expected: Signature) -> list[str]:
    """Every tensor of ``found`` (mode, shape, data type by name) that is not as ``expected``, in words."""
    wrong = [f"no {name}" for name in expected if name not in found]
    for name, (mode, shape, dtype) in found.items():
        if name not in expected:
            wrong.append(f"{name}, which is unknown")
        elif (mode, shape) != expected[name][:2] or dtype not in expected[name][2]:
            want = f"{expected[name][0]} {' or '.join(expected[name][2])} {expected[name][1]}"
            wrong.append(f"{name} {mode} {dtype} {shape} where model.json promises {want}")
    return wrong
