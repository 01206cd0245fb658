"""What TensorRT-RTX lists of a compiled graph: its kernels, and the bytes that each reads and writes.

With detailed profiling verbosity the builder ends with a text that names every kernel, its inputs, constants and
outputs with shapes and types, and the ONNX nodes that went into it. The bytes are those of the whole tensors, as if
nothing stayed in a cache and a gather read all of its table as often as it is asked: a measure to compare graphs by,
no time.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.errors import EngineError

HEAD = "Layers:"  # the first word of the message that holds the listing
_BYTES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "FP8": 1, "Int64": 8, "Int32": 4, "Int8": 1, "UInt8": 1,
          "Bool": 1}  # fmt: skip
_KERNEL = re.compile(
    r"^Name: (?P<name>.*?), LayerType: .*?, Inputs: (?P<tensors>.*?), TacticName: .*?(?P<nodes>\[ONNX.*)?$"
)
_TENSOR = re.compile(r"Dimensions: \[([\d,]*)\].*?Datatype: (\w+)")
_NODE = re.compile(r"\[ONNX Layer: /?([^\]]+)\]")
# of a frame: the modules of `export.graph.static.StaticDetector`, the first that fits
PARTS = {
    "backbone": r"image_input|backbone/body",
    "pyramid and RPN": r"backbone|proposals/head",
    "TopK": r"proposals/top|proposals/best|postprocess/best",
    "NMS": r"proposals/suppress|postprocess/suppress",
    "RoI head": r"roi_head/head|roi_head/predictor",
    "RoIAlign": r"roi_head",
    "boxes": r"",  # and all else
}


@dataclass(frozen=True, slots=True)
class Kernel:
    """``part``: one of `PARTS`, that of most of its nodes. ``size``: bytes read and written. ``nodes``: of the ONNX
    graph, that went into it.
    """

    name: str
    part: str
    size: int
    nodes: tuple[str, ...] = field(default=(), compare=False)


def kernels(listing: str) -> list[Kernel]:
    """The kernels of one frame, in their order; ``listing``: as the builder writes it, from `HEAD` on.

    Raises EngineError where it holds none, or names a type whose size is not known.
    """
    found = []
    for line in listing.splitlines():
        if match := _KERNEL.match(line):
            nodes = match["nodes"] or ""
            found.append(Kernel(match["name"], _part(nodes), _size(match["tensors"]), tuple(_NODE.findall(nodes))))
    if not found:
        raise EngineError("TensorRT-RTX lists no kernels of the graph that it compiled: its listing has another form")
    return found


def by_part(found: Sequence[Kernel]) -> dict[str, tuple[int, int]]:
    """Kernels and bytes of each part that has any, in the order of a frame."""
    parts = {part: [kernel.size for kernel in found if kernel.part == part] for part in PARTS}
    return {part: (len(sizes), sum(sizes)) for part, sizes in parts.items() if sizes}


def _size(tensors: str) -> int:
    sizes = 0
    for dims, kind in _TENSOR.findall(tensors):
        if kind not in _BYTES:
            raise EngineError(f"TensorRT-RTX lists a tensor of type {kind}, whose size is not known here")
        sizes += math.prod(int(n) for n in dims.split(",") if n) * _BYTES[kind]
    return sizes


def _part(nodes: str) -> str:
    counts = Counter(
        next(part for part, scope in PARTS.items() if re.match(scope, node)) for node in _NODE.findall(nodes)
    )
    return counts.most_common(1)[0][0] if counts else "boxes"
