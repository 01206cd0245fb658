"""Which parts of a detector compute in INT8, and which values are rounded to 8 bits for that.

Float stay, because objects were lost with them in 8 bits: the first convolution, which sees the picture itself; the
last layers, whose answers are scores and boxes; and the pyramid's lateral convolutions and their sums, in which a small
object of a fine map meets the large numbers of a coarse one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from edge.errors import InputError

_PARTS = ("backbone.", "proposals.head.", "roi_head.head.")
_FLOAT = ("inner_blocks", "extra_blocks", "cls_logits", "bbox_pred", "cls_score")
_FEW_CHANNELS = 3  # of a picture
_FEW_WEIGHTS = 1 << 20  # of a linear layer: fewer are multiplied in less time than the rounding takes


@dataclass(frozen=True)
class Plan:
    """``layers``: names of the nodes that compute in INT8: Conv, Gemm and the sums of residual blocks, in the graph's
    order. ``rounded``: the values that become 8 bits, with whether everybody reads them rounded (what an INT8 layer
    gives) or only the INT8 layers do. ``same_scale``: values that have the scale of another: a maximum of it.
    """

    layers: tuple[str, ...]
    rounded: Mapping[str, bool]
    same_scale: Mapping[str, str]


def plan_of(model: onnx.ModelProto, kept: frozenset[str] = frozenset()) -> Plan:
    """The plan for a float32 graph whose batch norms are folded away. ``kept``: layers that are to stay float.

    Raises InputError where nothing of it can compute in INT8.
    """
    graph = model.graph
    weights = {t.name: t.dims for t in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)

    def result(node: onnx.NodeProto) -> str:
        """What is kept of a layer's output: where only a ReLU reads it, that ReLU's."""
        output, reading = node.output[0], readers[node.output[0]]
        return str(reading[0].output[0] if [r.op_type for r in reading] == ["Relu"] else output)

    chosen: list[onnx.NodeProto] = []
    given: dict[str, bool] = {}  # rounded values by name
    summed: set[str] = set()  # what a residual sum may take
    for node in graph.node:
        if node.name in kept:
            continue
        if node.op_type in ("Conv", "Gemm") and _computes(node, weights):
            chosen.append(node)
            given.setdefault(node.input[0], False)
            given[result(node)] = True
            if node.op_type == "Conv":
                summed |= {result(node), node.output[0]}
        elif node.op_type == "Add" and set(node.input) <= summed | set(given):
            # of a residual block: one side at least is a convolution's own answer
            if not any(name in makers and makers[name].op_type == "Conv" for name in node.input):
                continue
            chosen.append(node)
            given[result(node)] = True
            summed.add(result(node))
    if not chosen:
        raise InputError("no layer of this detector can compute in INT8: expected torchvision's ResNets and heads")
    same = {}
    for name in given:
        maker = makers.get(name)
        if maker is not None and maker.op_type == "MaxPool" and given.get(maker.input[0]):
            same[name] = str(maker.input[0])
            given[name] = True
    return Plan(tuple(node.name for node in chosen), given, same)


def _computes(node: onnx.NodeProto, weights: Mapping[str, list[int]]) -> bool:
    weight = node.input[1]
    if weight not in weights or not weight.startswith(_PARTS) or any(part in weight for part in _FLOAT):
        return False
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Gemm":
        plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0
        large = weights[weight][0] * weights[weight][1] > _FEW_WEIGHTS
        return bool(large and plain and not attributes.get("transA", 0) and attributes.get("transB", 0))
    return bool(attributes.get("group", 1) == 1 and weights[weight][1] > _FEW_CHANNELS)
