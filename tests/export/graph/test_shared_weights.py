"""One file of weights for both graphs: the same detector, a third of the room, and every byte is watched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torchvision.models.detection import FasterRCNN

import export.graph.shared_weights as shared_weights
from edge.engine.ort import OrtEngine
from edge.engine.passport_check import check_passport
from edge.errors import BundleError, EngineError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, WEIGHTS, Bundle, sha256
from edge.model.passport import ENGINE, Passport, Target, graph_sha256
from export.graph.half_weights import with_half_weights
from export.graph.shared_weights import LARGE, move_weights, share_weights
from export.parity.pairs import pair
from tests.support.random_detectors import HEIGHT, WIDTH, eager, in_onnxruntime, thermal_scene
from tests.trt_sim.plan import AGREES


@pytest.fixture(scope="module")
def model(small_detector: FasterRCNN) -> FasterRCNN:
    return small_detector


@pytest.fixture(scope="module")
def bundle(shared_bundle: Path) -> Bundle:
    return Bundle.load(shared_bundle)


def test_each_weight_is_stored_once(bundle: Bundle, model: FasterRCNN) -> None:
    cpu = onnx.load(bundle.path / ONNX_CPU, load_external_data=False).graph
    assert [t.name for t in cpu.initializer if t.name.startswith("backbone.body.layer2.") and "kernel" in t.name]
    assert list(bundle.files) == [ONNX_CPU, ONNX_FP16, WEIGHTS]
    large = sum(p.numel() for p in model.parameters() if p.numel() >= LARGE)
    stored = (bundle.path / WEIGHTS).stat().st_size
    assert 2 * large <= stored <= 2 * large + 4096 * 40
    for name in (ONNX_CPU, ONNX_FP16):
        graph = onnx.load(bundle.path / name, load_external_data=False).graph
        held = [t.name for t in graph.initializer if np.prod(t.dims) >= LARGE and t.HasField("raw_data")]
        assert not [n for n in held if "weight" in n]
        assert not {n.op_type for n in graph.node} & {"BatchNormalization"}
        onnx.checker.check_model(str(bundle.path / name))


def test_both_graphs_find_what_the_model_finds(bundle: Bundle, model: FasterRCNN) -> None:
    scene = thermal_scene(HEIGHT, WIDTH, 3)
    rounded = eager(with_half_weights(model), scene)
    with OrtEngine(bundle) as engine:
        found = engine.infer(scene)
    pairs = pair(rounded, found, 0.06, min_iou=0.9)
    assert len(pairs.iou) > 5
    assert pairs.lost.sum() + pairs.new.sum() <= 1
    assert np.abs(pairs.score_change).max() <= 1e-3
    session = onnxruntime.InferenceSession(str(bundle.file(ONNX_FP16)), providers=["CPUExecutionProvider"])
    *_, converged = session.run(None, {"image": scene[None, :, :, None]})
    assert converged.tolist() == [1]


def test_the_cpu_graph_is_the_rounded_model_bit_for_bit(bundle: Bundle) -> None:
    """Shared or written out in float32: the same numbers come out."""
    plain = onnx.load(bundle.path.with_name("plain.onnx"))
    scene = thermal_scene(HEIGHT, WIDTH, 4)
    ((x,), (y,)) = (in_onnxruntime(graph, scene) for graph in (onnx.load(bundle.path / ONNX_CPU), plain))
    assert (x.scores > 0).sum() > 5
    assert np.array_equal(x.boxes, y.boxes)
    assert np.array_equal(x.scores, y.scores)
    # of the two files, the one in float16 would be half as large
    assert (bundle.path / WEIGHTS).stat().st_size < 0.4 * 1.5 * plain.ByteSize()


def copied(bundle: Bundle, folder: Path) -> Path:
    return Path(shutil.copytree(bundle.path, folder / "copy"))


def test_a_changed_or_lost_file_of_weights_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path)
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(BundleError, match=r"model\.weights was altered"):
        Bundle.load(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(BundleError, match=r"model\.weights cannot be read"):
        Bundle.load(folder)
    with pytest.raises(EngineError, match=r"cannot load .*model\.onnx"):
        OrtEngine(Bundle.load(bundle.path).__class__(**{**vars(bundle), "path": folder}))


def test_the_passport_covers_the_weights(bundle: Bundle, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path)
    here = Bundle.load(folder)
    (folder / ENGINE).write_bytes(b"machine code")
    Passport(
        sha256(folder / ENGINE), graph_sha256(here), sha256(folder / "model.json"), Target(), comparison=AGREES
    ).write(folder)
    assert check_passport(here, Target()) == []
    (folder / WEIGHTS).write_bytes(b"others" * 1000)
    Bundle(**{**vars(here), "files": {**here.files, WEIGHTS: sha256(folder / WEIGHTS)}}).write_json()
    found = [m.what for m in check_passport(Bundle.load(folder), Target())]
    assert any("built from another model.fp16.onnx" in what for what in found)


def test_without_shared_weights_the_passport_holds_the_graphs_own_digest(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    assert graph_sha256(bundle) == ""
    assert graph_sha256(Bundle(**{**vars(bundle), "files": {ONNX_FP16: "ab"}})) == "ab"


def graph_of(values: np.ndarray) -> onnx.ModelProto:
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    output = helper.make_tensor_value_info("y", kind, values.shape)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])], "g", [], [output], [numpy_helper.from_array(values, "w")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), form=st.sampled_from(["same", "transposed", "pixels", "minimal", "strange", "exact"]))
def test_any_known_order_is_computed_back(seed: int, form: str) -> None:
    values = np.random.default_rng(seed).normal(size=(128, 136)).astype(np.float16)
    master = values
    if form == "transposed":
        master = np.ascontiguousarray(values.T)
    elif form == "pixels":
        master = np.ascontiguousarray(values.reshape(128, 8, 17).transpose(0, 2, 1).reshape(128, 136))
    elif form == "minimal":
        master = np.random.default_rng(seed).normal(size=(48, 40, 3, 3)).astype(np.float16)
        values = master.transpose(2, 3, 1, 0).reshape(9, -1)
    elif form == "strange":
        master = np.ascontiguousarray(values[::-1])
    expected = values.astype(np.float32)
    if form == "exact":
        expected = expected + np.float32(1e-5)  # beyond float16: must not be rounded behind anybody's back
    cpu, typed = graph_of(expected), graph_of(master)
    share_weights(cpu, typed)
    onnx.checker.check_model(cpu, full_check=True)
    session = onnxruntime.InferenceSession(cpu.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {})[0], expected)
    blob = move_weights({"cpu": cpu, "typed": typed}, WEIGHTS)
    once = form not in ("strange", "exact")
    assert len(blob) < master.nbytes * (1.3 if once or form == "exact" else 2.3)
    external = [
        t for t in (*cpu.graph.initializer, *typed.graph.initializer) if t.data_location == TensorProto.EXTERNAL
    ]
    assert len(external) == (1 if form == "exact" else 2)


def halves(*values: np.ndarray) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(value.astype(np.float16), f"w{i}") for i, value in enumerate(values)]
    return helper.make_model(helper.make_graph([], "g", [], [], tensors))


def test_each_weight_lies_once_at_the_start_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_weights, "LARGE", 4)
    first, second, small = np.arange(5), np.arange(4) + 9, np.arange(3)
    graphs = {"a": halves(first, small), "b": halves(second, first)}
    content = shared_weights.move_weights(graphs, "model.weights")
    assert content == first.astype("<f2").tobytes() + bytes(4096 - 10) + second.astype("<f2").tobytes()

    def place(tensor: onnx.TensorProto) -> dict[str, str]:
        return {entry.key: entry.value for entry in tensor.external_data}

    a, b = graphs["a"].graph.initializer, graphs["b"].graph.initializer
    assert place(a[0]) == place(b[1]) == {"location": "model.weights", "offset": "0", "length": "10"}
    assert place(b[0]) == {"location": "model.weights", "offset": "4096", "length": "8"}
    assert place(a[1]) == {}
    assert not a[0].raw_data


def test_the_known_orders_of_a_weight() -> None:
    assert list(shared_weights._ways((3,))) == [((3,), (0,))]
    assert list(shared_weights._ways((2, 12))) == [
        ((2, 12), (0, 1)),
        ((2, 12), (1, 0)),
        *(((2, p, 12 // p), (0, 2, 1)) for p in (2, 3, 4, 6)),
    ]
    assert list(shared_weights._ways((4, 3, 2, 1))) == [((4, 3, 2, 1), (0, 1, 2, 3)), ((4, 3, 2, 1), (2, 3, 1, 0))]
    master = np.arange(12, dtype=np.float16).reshape(2, 6)
    swapped = master.reshape(2, 3, 2).transpose(0, 2, 1).reshape(2, 6)
    assert shared_weights._way(master, swapped) == ((2, 3, 2), (0, 2, 1))
    assert shared_weights._way(master, master[::-1]) is None
