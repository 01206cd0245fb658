"""Cases right in their form and odd in what they say: graphs and checkpoints, which mutated bytes never are."""

from __future__ import annotations

import functools
import io
import json
import random
from typing import Any

import numpy as np

from tests.fuzz.mutate import WORDS, change_one

OPERATORS = ("Cast", "Reshape", "AveragePool", "MaxPool", "TopK", "Div", "Mod", "Unsqueeze", "Squeeze", "Concat", "Mul")
OPERATORS += ("Add", "Identity", "Shape", "Gather", "Slice", "Conv", "NonMaxSuppression", "RoiAlign", "If", "Nothing")
INTEGERS = (-(2**63), -(2**31), -1000, -2, -1, 0, 1, 2, 3, 4, 5, 8, 80, 81, 2**31, 2**63 - 1)
SIZES = (0, 1, 2, 3, 4, 16, 17, 64, 1000, 1_000_000, 2**31, 2**40)


def graph(good: bytes, rng: random.Random) -> bytes:
    """The graph with up to three changes of its nodes, constants, inputs and outputs."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(_parsed(good))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice((_node, _node, _edge, _constant, _constant, _interface, _versions))(model, rng)
    data: bytes = model.SerializeToString()
    return data


@functools.cache
def _parsed(good: bytes) -> Any:
    import onnx

    return onnx.load_model_from_string(good)


def _name(model: Any, rng: random.Random) -> str:
    names = [name for node in model.graph.node for name in (*node.input, *node.output)] or ["a"]
    return rng.choice((*names, "", rng.choice(WORDS).encode("utf-8", "replace").decode()))


def _node(model: Any, rng: random.Random) -> None:
    nodes = model.graph.node
    if not nodes:
        return
    at = rng.randrange(len(nodes))
    what = rng.randrange(5)
    if what == 0:
        del nodes[at]
    elif what == 1:
        nodes[at].op_type = rng.choice(OPERATORS)
    elif what == 2:
        nodes.add().CopyFrom(nodes[at])
    elif what == 3:
        nodes[at].domain = rng.choice(("", "ai.onnx.ml", "com.microsoft", "x"))
    elif nodes[at].attribute:
        attribute = rng.choice(nodes[at].attribute)
        attribute.i = rng.choice(INTEGERS)
        for i in range(len(attribute.ints)):
            attribute.ints[i] = rng.choice(INTEGERS)


def _edge(model: Any, rng: random.Random) -> None:
    node = rng.choice(model.graph.node or [None])
    names = None if node is None else rng.choice((node.input, node.output))
    if names:
        names[rng.randrange(len(names))] = _name(model, rng)


def _constant(model: Any, rng: random.Random) -> None:
    from onnx import numpy_helper

    one = rng.choice(model.graph.initializer or [None])
    if one is None:
        return
    what = rng.randrange(4)
    if what == 0:
        one.data_type = rng.randrange(24)
    elif what == 1:
        one.dims[:] = [rng.choice(INTEGERS) for _ in range(rng.randrange(4))]
    elif what == 2:
        one.name = _name(model, rng)
    else:
        kind = rng.choice((np.int64, np.int64, np.float32, np.int32, np.uint8, np.bool_))
        values = [rng.choice(INTEGERS) for _ in range(rng.randrange(5))]
        one.CopyFrom(numpy_helper.from_array(np.array(values, np.int64).astype(kind), one.name))


def _interface(model: Any, rng: random.Random) -> None:
    one = rng.choice((*model.graph.input, *model.graph.output))
    what = rng.randrange(4)
    if what == 0:
        one.name = _name(model, rng)
    elif what == 1:
        one.type.tensor_type.elem_type = rng.randrange(24)
    elif what == 2 and one.type.tensor_type.shape.dim:
        rng.choice(one.type.tensor_type.shape.dim).dim_value = rng.choice(INTEGERS)
    else:
        one.type.tensor_type.shape.dim.add().dim_param = rng.choice(("n", ""))


def _versions(model: Any, rng: random.Random) -> None:
    if rng.random() < 0.5:
        model.ir_version = rng.choice(INTEGERS)
    elif model.opset_import:
        model.opset_import[0].version = rng.choice(INTEGERS)


@functools.cache
def detector() -> dict[str, Any]:
    """A checkpoint of a narrow detector, all zeros: each weight has one number in the file."""

    from export.detector.build import frc_resnet_fpn
    from tests.support.narrow import narrow

    with narrow():
        model = frc_resnet_fpn(18, 2, "layer1", channels=16, representation_size=32, min_size=64, max_size=96)
    state = {key: _thin(tuple(value.shape), value.dtype) for key, value in model.state_dict().items()}
    said = {"detector": model.configuration.to_json(), "classes": ["deer", "person"], "epoch": 3}
    return {"model": state} | said


@functools.cache
def _zero(kind: Any) -> Any:
    import torch

    return torch.zeros(1, dtype=kind)


def _thin(shape: tuple[int, ...], kind: Any) -> Any:
    return _zero(kind).expand(shape) if shape else _zero(kind)[0]


def checkpoint(rng: random.Random) -> bytes:
    """The detector's, with up to three changes of its weights or of what it says besides."""
    import torch

    good = detector()
    state = dict(good["model"])
    said = json.loads(json.dumps({key: value for key, value in good.items() if key != "model"}))
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.4:
            change_one(said, rng)
        else:
            _weight(state, rng)
    where = rng.choice(("model", "model", "state_dict", "ema", ""))
    out = io.BytesIO()
    torch.save(
        state | said if not where else {where: state} | said, out, _use_new_zipfile_serialization=rng.random() < 0.9
    )
    return out.getvalue()


def _weight(state: dict[Any, Any], rng: random.Random) -> None:
    import torch

    if not state:
        return
    key = rng.choice(list(state))
    value = state.pop(key)
    what = rng.randrange(6)
    if what == 0:  # it is missing
        return
    if what == 1:
        key = rng.choice(
            (f"module.{key}", f"{key}x", rng.choice(WORDS), 3, key.upper() if isinstance(key, str) else "")
        )
    elif what == 2:
        value = rng.choice((None, 1, "x", [value], {"a": value}, float("nan")))
    elif isinstance(value, torch.Tensor):
        shape = list(value.shape)
        kind = value.dtype
        if what == 3:
            kind = rng.choice((torch.float16, torch.float64, torch.int64, torch.bool, torch.complex64, torch.bfloat16))
        elif what == 4:
            value = torch.full((1,), rng.choice((float("nan"), float("inf"), 1e38)), dtype=torch.float32)
            state[key] = value.expand(shape) if shape else value[0]
            return
        elif shape and rng.random() < 0.7:
            shape[rng.randrange(len(shape))] = rng.choice(SIZES)
        else:
            shape = [rng.choice(SIZES[:8]) for _ in range(rng.randrange(6))]
        value = _thin(tuple(shape), kind)
    state[key] = value
