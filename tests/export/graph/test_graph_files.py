"""Folding, sharing and writing of graphs that are made by hand; nothing is traced."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import export.graph.bundle as bundle
import export.graph.folding as folding
import export.graph.shared_weights as shared_weights
from edge.errors import InputError
from edge.model.bundle import Bundle, sha256
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT
from export.graph.bundle import STEPS, export_bundle

F32, F16 = TensorProto.FLOAT, TensorProto.FLOAT16


def graph(
    nodes: list[onnx.NodeProto], constants: dict[str, Any], shape: list[Any] | None = None, domain: str = ""
) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F32, [4] if shape is None else shape)],
        [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(name, 17) for name in sorted({"", domain})]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def op(kind: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


# ---- folding ----


def folded(nodes: list[onnx.NodeProto], constants: dict[str, Any], **more: Any) -> tuple[list[str], dict[str, Any]]:
    """The operators that are left, and the values of the constants that they read."""
    model = graph(nodes, constants, **more)
    folding.fold_constants(model)
    values = {t.name: numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
    return [n.op_type for n in model.graph.node], values


ONES = np.ones(4, np.float32)


def test_all_outputs_of_a_constant_node() -> None:
    nodes = [op("Split", "c", "a b"), op("Sub", "x a", "d"), op("Add", "d b", "y")]
    kinds, values = folded(nodes, {"c": np.float32([1, 2, 3, 4]), "unused": ONES}, shape=[2])
    assert kinds == ["Sub", "Add"]
    assert values == {"a": [1, 2], "b": [3, 4]}


def test_an_input_that_is_left_out() -> None:
    nodes = [op("Clip", "c  most", "a"), op("Add", "x a", "y")]
    kinds, values = folded(nodes, {"c": np.float32([1, 2, 3, 4]), "most": np.float32(3)})
    assert (kinds, values) == (["Add"], {"a": [1, 2, 3, 3]})


def test_what_has_no_shape_that_is_known_stays() -> None:
    nodes = [op("NonZero", "c", "a"), op("Gather", "x a", "y")]
    assert folded(nodes, {"c": np.float32([1, 0, 2])})[0] == ["NonZero", "Gather"]


def test_shapes_that_are_not_fixed_stay() -> None:
    nodes = [op("Shape", "x", "s"), op("Reshape", "x s", "y")]
    assert folded(nodes, {}, shape=["n", 4])[0] == ["Shape", "Reshape"]
    assert folded(nodes, {}, shape=[3, 4]) == (["Reshape"], {"s": [3, 4]})
    part = [op("Shape", "x", "s", start=1), op("Expand", "x s", "y")]
    assert folded(part, {}, shape=[3, 4])[0] == ["Shape", "Expand"]


def test_another_domain_stays() -> None:
    nodes = [op("Neg", "c", "a", domain="ours"), op("Add", "x a", "y")]
    assert folded(nodes, {"c": ONES}, domain="ours")[0] == ["Neg", "Add"]


def test_identities_go_but_those_of_the_outputs() -> None:
    nodes = [op("Identity", "x", "a"), op("Identity", "a", "b"), op("Neg", "b", "c"), op("Identity", "c", "y")]
    model = graph(nodes, {})
    folding.fold_constants(model)
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [("Neg", ["x"]), ("Identity", ["c"])]


@pytest.mark.parametrize(("n", "left"), [(6, ["Add"]), (7, ["ReduceSum", "Add"])])
def test_what_is_computed_of_a_large_table_stays(n: int, left: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "LARGEST", 6)
    nodes = [op("ReduceSum", "c", "a", keepdims=0), op("Add", "x a", "y")]
    assert folded(nodes, {"c": np.ones(n, np.float32)})[0] == left


def test_the_numbers_are_aside_only_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "LARGEST", 6)
    model = graph([op("Neg", "x", "y")], {"a": np.ones(6, np.float32), "b": np.ones((1, 7), np.float32)})
    model.graph.initializer.append(helper.make_tensor("c", F32, [8], [1.0] * 8))  # in float_data
    before = model.SerializeToString()

    def look() -> None:
        with folding.numbers_aside(model):
            assert [len(t.raw_data) for t in model.graph.initializer] == [24, 0, 0]
            assert len(model.graph.initializer[2].float_data) == 8
            raise KeyError

    with pytest.raises(KeyError):
        look()
    assert model.SerializeToString() == before


# ---- sharing ----


def weights(kind: Any, **values: np.ndarray) -> onnx.ModelProto:
    """A graph whose outputs are its weights."""
    nodes = [op("Identity", name, f"{name}_out") for name in values]
    made = helper.make_graph(
        nodes,
        "g",
        [],
        [helper.make_tensor_value_info(f"{n}_out", kind, v.shape) for n, v in values.items()],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_which_weights_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other: small, inexact, beyond float16, no float, alone, transposed, the same numbers otherwise."""
    monkeypatch.setattr(shared_weights, "LARGE", 6)
    master = np.arange(6, dtype=np.float16).reshape(2, 3)
    exact = master.astype(np.float32)
    values = {
        "small": np.arange(5, dtype=np.float32),
        "inexact": exact + np.float32(1e-5),
        "beyond": exact * 1e5,
        "alone": exact + 10,
        "turned": np.ascontiguousarray(exact.T),
        "same": exact,
        "mixed": exact[::-1].copy(),
    }
    cpu = weights(F32, **values)
    cpu.graph.initializer.append(numpy_helper.from_array(np.arange(6), "whole"))
    typed = weights(F16, other=master + np.float16(20), w=master, few=master[0])
    typed.graph.initializer.append(numpy_helper.from_array(exact + 10, "full"))
    shared_weights.share_weights(cpu, typed)
    kinds = {t.name: (t.data_type, list(t.dims)) for t in cpu.graph.initializer}
    assert kinds == {
        "small": (F32, [5]),
        "inexact": (F32, [2, 3]),
        "beyond": (F32, [2, 3]),
        "alone.stored": (F16, [2, 3]),
        "turned.stored": (F16, [2, 3]),
        "same.stored": (F16, [2, 3]),
        "mixed.stored": (F16, [2, 3]),
        "whole": (TensorProto.INT64, [6]),
    }
    assert [(n.op_type, list(n.output)) for n in cpu.graph.node][:5] == [
        ("Cast", ["alone"]),
        ("Transpose", ["turned.0"]),
        ("Cast", ["turned"]),
        ("Cast", ["same"]),
        ("Cast", ["mixed"]),
    ]
    stored = {t.name: numpy_helper.to_array(t) for t in cpu.graph.initializer}
    assert np.array_equal(stored["turned.stored"], master)
    session = onnxruntime.InferenceSession(cpu.SerializeToString(), providers=["CPUExecutionProvider"])
    for got, expected in zip(session.run(None, {}), values.values(), strict=True):
        assert np.array_equal(got, expected)


def test_the_steps_from_what_is_stored() -> None:
    extra: list[onnx.TensorProto] = []
    nodes = list(shared_weights._reordered("w", (2, 12), ((2, 3, 4), (0, 2, 1)), (2, 12), extra))
    assert [(n.op_type, list(n.input), list(n.output)) for n in nodes] == [
        ("Reshape", ["w.stored", "w.shape0"], ["w.0"]),
        ("Transpose", ["w.0"], ["w.1"]),
        ("Reshape", ["w.1", "w.shape2"], ["w.2"]),
        ("Cast", ["w.2"], ["w"]),
    ]
    assert {t.name: numpy_helper.to_array(t).tolist() for t in extra} == {"w.shape0": [2, 3, 4], "w.shape2": [2, 12]}


def test_two_pages_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fills its page is followed at once by the next; small and float32 tensors stay in their graph."""
    monkeypatch.setattr(shared_weights, "LARGE", 4)
    whole, next_, large = np.zeros(2048, np.float16), np.ones(4, np.float16), np.ones(4, np.float32)
    model = weights(F16, small=next_[:3], large=large, whole=whole, next=next_)
    content = shared_weights.move_weights({"a": model}, "f")
    assert content == whole.tobytes() + next_.tobytes()
    assert [t.HasField("raw_data") for t in model.graph.initializer] == [True, True, False, False]


# ---- the bundle ----


class Stub:
    """In place of what traces: which calls were made, and graphs that are no more than a name."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.max_detections = 9

    def detector(self, model: Any, height: int, width: int, target: str, **more: Any) -> Any:
        self.calls.append((model.name, height, width, target, more))
        return SimpleNamespace(target=target, max_detections=9)

    def trace(self, detector: Any) -> onnx.ModelProto:
        self.calls.append(detector.target)
        return graph([op("Neg", "x", "y")], {})

    def float32(self, traced: Any, storage: str) -> Any:
        self.calls.append(storage)
        return weights(F32, w=np.arange(4, dtype=np.float32))

    def float16(self, traced: Any) -> Any:
        return weights(F16, w=np.arange(4, dtype=np.float16))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub()
    monkeypatch.setattr(bundle, "StaticDetector", made.detector)
    monkeypatch.setattr(bundle, "trace", made.trace)
    monkeypatch.setattr(bundle, "float32_graph", made.float32)
    monkeypatch.setattr(bundle, "float16_graph", made.float16)
    monkeypatch.setattr(bundle, "with_half_weights", lambda model: SimpleNamespace(**{**vars(model), "name": "folded"}))
    monkeypatch.setattr(shared_weights, "LARGE", 4)
    return made


def model(classes: int = 2) -> Any:
    return SimpleNamespace(
        name="as it is",
        transform=SimpleNamespace(image_mean=[0.2, 0.3, 0.7], image_std=[0.1, 0.2, 0.6]),
        rpn=SimpleNamespace(nms_thresh=0.7),
        roi_heads=SimpleNamespace(
            score_thresh=0.05,
            nms_thresh=0.4,
            box_predictor=SimpleNamespace(cls_score=SimpleNamespace(out_features=classes + 1)),
        ),
    )


@pytest.mark.parametrize(
    ("store", "storage", "name"),
    [("fp32", "fp32", "as it is"), ("fp16", "fp16", "as it is"), ("shared", "fp32", "folded")],
)
def test_what_is_made_in_which_order(stub: Stub, tmp_path: Path, store: Any, storage: str, name: str) -> None:
    told = stub.calls
    found = export_bundle(
        model(), tmp_path / "deep" / "deer", ["a", "b"], 32, 64, weights=store, samples=3, progress=told.append,
        built=lambda detector: told.append(("built", detector.target)),
    )  # fmt: skip
    assert told == [
        STEPS[0],
        (name, 32, 64, "cpu", {}),
        (name, 32, 64, "tensorrt", {"samples": 3}),
        "cpu",
        storage,
        STEPS[1],
        "tensorrt",
        ("built", "tensorrt"),
        STEPS[2],
    ]
    assert found.path == tmp_path / "deep" / "deer"
    names = ["model.onnx", "model.fp16.onnx", *(["model.weights"] if store == "shared" else [])]
    assert found.files == {name: sha256(found.path / name) for name in names}
    if store == "shared":
        assert (found.path / "model.weights").read_bytes() == np.arange(4, dtype="<f2").tobytes()
    assert sorted(p.name for p in found.path.iterdir()) == sorted([*names, "model.json"])
    assert found.path.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in found.path.parent.iterdir()] == ["deer"]


@pytest.mark.usefixtures("stub")
def test_what_is_written_of_it(tmp_path: Path) -> None:
    plain = export_bundle(model(), tmp_path / "deer", ["a", "b"])
    assert (plain.name, plain.height, plain.width, plain.score_threshold) == ("deer", 512, 640, 0.5)
    assert (plain.trained_mean, plain.trained_std) == (pytest.approx(0.4), pytest.approx(0.3))
    assert (plain.graph_score_threshold, plain.nms_thresholds) == (0.05, {"nms": 0.4, "rpn_nms": 0.7})
    assert (plain.max_detections, plain.classes, plain.architecture) == (9, ("a", "b"), {})
    assert (plain.data, plain.assumed, plain.checkpoint_sha256) == ({}, {}, "")
    assert (plain.normalise_8bit, plain.normalise_16bit) == (DEFAULT_8BIT, DEFAULT_16BIT)
    assert Bundle.load(plain.path) == plain
    assert plain.one_body == ()
    said = export_bundle(
        model(), tmp_path / "deer", ["b", "c"], 32, 64, name="mine", score_threshold=0.25, trained=(0.1, 0.9),
        checkpoint_sha256="ab", data={"name": "ours"}, assumed={"stem": "2"}, overwrite=True,
    )  # fmt: skip
    assert (said.name, said.score_threshold, said.trained_mean, said.trained_std) == ("mine", 0.25, 0.1, 0.9)
    assert (said.checkpoint_sha256, said.data, said.assumed) == ("ab", {"name": "ours"}, {"stem": "2"})
    assert json.loads((said.path / "model.json").read_text())["classes"] == ["b", "c"]
    assert [p.name for p in tmp_path.iterdir()] == ["deer"]


@pytest.mark.parametrize("which", ["float32", "float16"])
def test_a_graph_that_is_none_is_not_written(
    stub: Stub, tmp_path: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, f"{which}_graph", lambda *_: graph([op("Neg", "nothing", "y")], {}))
    with pytest.raises(onnx.checker.ValidationError):
        export_bundle(model(), tmp_path / "deer", ["a", "b"])
    assert list(tmp_path.iterdir()) == []


class Begun(Exception):
    pass


def begun(what: str) -> None:
    raise Begun(what)


@pytest.mark.parametrize(
    ("names", "threshold", "told"),
    [
        (["a", "b"], 0.0, None),
        (["a", "b"], 1.0, None),
        (["a", "b"], -0.01, r"score threshold -0.01: expected 0\.\.1"),
        (["a", "b"], 1.01, r"score threshold 1.01: expected 0\.\.1"),
        (["a"], 0.5, r"1 class names \(a\), the model has 2 classes"),
        (["a", "b", "c"], 0.5, "3 class names"),
        (["a", "b", "b"], 0.5, "3 class names"),
        (["a", "a"], 0.5, "expected 2 different names"),
        (["a", ""], 0.5, "expected 2 different names"),
    ],
)
def test_arguments_are_refused_before_anything_begins(
    names: list[str], threshold: float, told: str | None, tmp_path: Path
) -> None:
    with pytest.raises(Begun if told is None else InputError, match=told or STEPS[0]):
        export_bundle(model(), tmp_path / "m", names, score_threshold=threshold, progress=begun)


def test_where_a_bundle_may_be_put(tmp_path: Path) -> None:
    def told(path: Path, overwrite: bool) -> str:
        try:
            bundle._check_free(path, overwrite)
        except InputError as error:
            return str(error)
        return ""

    file, empty, full, old = (tmp_path / name for name in ("file", "empty", "full", "old"))
    file.write_text("")
    for folder in (empty, full, old):
        folder.mkdir()
    (full / "notes").write_text("")
    (old / "model.json").write_text("")
    for free in (tmp_path / "new", empty):
        assert told(free, False) == told(free, True) == ""
    for taken in (file, full, old):
        assert "exists already" in told(taken, False)
    for foreign in (file, full):
        assert "is no bundle and will not be overwritten" in told(foreign, True)
    assert told(old, True) == ""


def test_a_tool_that_is_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "torchvision":
            raise importlib.metadata.PackageNotFoundError(name)
        return f"1 of {name}"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert bundle._tools() == {
        "torch": "1 of torch",
        "torchvision": "unknown",
        "onnx": "1 of onnx",
        "thermal-edge": "1 of thermal-edge",
    }
