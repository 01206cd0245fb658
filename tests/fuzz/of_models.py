"""What comes with a model: model.json, the passport, recall.json, the graph, layers, a checkpoint."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import BundleError, EngineError, InputError
from tests.fuzz import made, repair
from tests.fuzz.folder import put
from tests.fuzz.target import Target

PACKAGED = Path(__file__).resolve().parents[2] / "edge/models/hituav-r18"


@functools.cache
def tiny() -> dict[str, bytes]:
    """The files of the smallest bundle."""
    from tests.conftest import write_bundle

    with tempfile.TemporaryDirectory() as name:
        folder = write_bundle(Path(name) / "bundle")
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def models() -> dict[str, bytes]:
    packaged = json.loads((PACKAGED / "model.json").read_bytes()) | {"files": json.loads(tiny()["model.json"])["files"]}
    data = {key: value for key, value in packaged["data"].items() if len(json.dumps(value)) < 1000}
    return {"tiny": tiny()["model.json"], "packaged": json.dumps(packaged | {"data": data}, indent=2).encode()}


def load_bundle(folder: Path, data: bytes) -> None:
    """Load it, show it, and look at frames of either depth as it says."""
    from edge.app.model_facts import model_facts
    from edge.commands.console import Screen
    from edge.commands.info import show_model
    from edge.data import Frame
    from edge.engine.null import NullEngine
    from edge.model.bundle import Bundle
    from edge.model.transform import Preprocessor, to_detections

    put(folder / "model.json", data)
    bundle = Bundle.load(folder)
    shown = io.StringIO()
    show_model(model_facts(bundle), Screen(file=shown, width=100))
    said = shown.getvalue()
    assert not {"\x1b", "\u202e"} & set(said), "a control sequence reaches the terminal"
    engine = NullEngine(bundle)
    preprocess = Preprocessor(bundle)
    for pixels in (np.arange(48, dtype=np.uint8), np.arange(48, dtype=np.uint16) * 900 + 7000):
        frame = Frame(pixels.reshape(6, 8), 0, 0.0)
        _, image, letterbox = preprocess.forward(frame)
        to_detections(engine.infer(image), letterbox, bundle.score_threshold, frame)


def _with_graph() -> bytes:
    """A model.json that lists a graph for TensorRT, too."""
    said = json.loads(tiny()["model.json"])
    said["files"]["model.fp16.onnx"] = hashlib.sha256(b"graph").hexdigest()
    return json.dumps(said).encode()


def passports() -> dict[str, bytes]:
    from edge.model.passport import BuildClocks, Passport
    from edge.model.passport import Target as Machine

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        machine = Machine("10.3.0", "Orin", "8.7", 16, 30000, "12.6", "Jetson", "540.4.0", "36.4.3", "MAXN", 1300)
        engine, graph = (hashlib.sha256(data).hexdigest() for data in (b"engine", b"graph"))
        model = hashlib.sha256(_with_graph()).hexdigest()
        Passport(engine, graph, model, machine, {"workspace": 1}, 12.5, BuildClocks(1300, 0)).write(folder)
        data = (folder / "model.engine.json").read_bytes()
    kept = Path(__file__).resolve().parents[1] / "edge/kept/v1/bundle/model.engine.json"
    return {"written": data, "kept": kept.read_bytes()} if kept.exists() else {"written": data}


def with_engine() -> dict[str, bytes]:
    return tiny() | {"model.json": _with_graph(), "model.fp16.onnx": b"graph", "model.engine": b"engine"}


def check_passport(folder: Path, data: bytes) -> None:
    from edge.engine.passport_check import check_passport as check
    from edge.engine.passport_check import raise_refusals
    from edge.model.bundle import Bundle
    from edge.model.passport import Target as Machine

    put(folder / "model.engine.json", data)
    bundle = Bundle.load(folder)
    raise_refusals(bundle, check(bundle, Machine("10.3.0", "Orin", "8.7", 16), trust_engine=True))


def recalls() -> dict[str, bytes]:
    table = {
        "format": 1, "model_onnx": hashlib.sha256(tiny()["model.onnx"]).hexdigest(), "labels": "val", "frames": 7,
        "path": "flight, ort", "min_iou": 0.5, "scores": [0.25, 0.5, 0.75], "edges_px": [0, 8, 16],
        "classes": {"Person": {"boxes": [40, 60], "found": [[30, 20, 10], [60, 50, 40]]}},
    }  # fmt: skip
    packaged = json.loads((PACKAGED / "recall.json").read_bytes())
    packaged["model_onnx"] = table["model_onnx"]
    packaged["classes"] = {"Person": next(iter(packaged["classes"].values()))}
    return {"small": json.dumps(table).encode(), "packaged": json.dumps(packaged).encode()}


def read_recall(folder: Path, data: bytes) -> None:
    from edge.model.bundle import Bundle
    from edge.model.recall import read_recall as read

    put(folder / "recall.json", data)
    bundle = Bundle.load(folder)
    for score in (0.0, 0.5, 1.0):
        curve = read(bundle, "Person", score)
        if curve is not None:
            curve.at(np.array([1.0, 9.0, 1e9]))
            curve.row(np.array([0.5, 3.0, 50.0]))


def graphs() -> dict[str, bytes]:
    return {"tiny": tiny()["model.onnx"]}


def open_graph(folder: Path, data: bytes) -> None:
    """The graph with a model.json that lists it as it is: what a maker of bundles could write."""
    from edge.engine.ort import OrtEngine
    from edge.model.bundle import Bundle

    said = json.loads(tiny()["model.json"])
    said["files"]["model.onnx"] = hashlib.sha256(data).hexdigest()
    put(folder / "model.json", json.dumps(said).encode())
    put(folder / "model.onnx", data)
    bundle = Bundle.load(folder)
    with OrtEngine(bundle, threads=1) as engine:
        engine.infer(np.zeros((bundle.height, bundle.width), np.uint8))


def layers() -> dict[str, bytes]:
    from edge.model.engine_layers import layers_file

    said = json.dumps({"Layers": [{"Name": "a", "LayerType": "conv", "Outputs": [{"Name": "b"}], "TacticName": "k"}]})
    data = layers_file(said, hashlib.sha256(b"engine").hexdigest(), "10.3.0")
    return {"written": data or b"{}"}


def read_layers(folder: Path, data: bytes) -> None:
    from edge.model.engine_layers import read_layers as read

    put(folder / "model.engine.layers.json", data)
    read(folder)


def checkpoints() -> dict[str, bytes]:
    import torch
    from safetensors.torch import save

    whole, state = made.detector(), {"backbone.body.conv1.weight": torch.zeros(4, 3, 3, 3)}
    small = state | {"roi_heads.box_predictor.cls_score.bias": torch.ones(3)}
    found = {"safe": save(small, {"classes": '["a", "b"]'})}
    for name, content in (("whole", whole), ("state", small), ("trained", {"model": small, "epoch": 3})):
        out = io.BytesIO()
        torch.save(content, out)
        found[name] = out.getvalue()
    return found


def read_checkpoint(folder: Path, data: bytes) -> None:
    from export.detector.checkpoint import load_detector
    from tests.support.narrow import narrow

    put(folder / "weights.pth", data)
    with narrow():
        load_detector(folder / "weights.pth")


def references() -> dict[str, bytes]:
    said: dict[str, Any] = {
        "format": 1,
        "images": [
            {
                "file": "a.png",
                "sha256": "0" * 64,
                "size": [64, 48],
                "input": [128, 96],
                "boxes": [[1, 2, 9, 12]],
                "scores": [0.5],
                "labels": [1],
            }
        ],
        "settings": {"box_score_thresh": 0.05},
    }
    return {"one": json.dumps(said).encode()}


def read_reference(folder: Path, data: bytes) -> None:
    from export.parity.reference import read_reference as read

    put(folder / "r.json", data)
    for picture in read(folder / "r.json").images:
        with contextlib.suppress(ValueError):  # the command tells it of the picture
            picture.detections()


ROWS = (
    Target("bundle", models, load_bundle, "json", beside=tiny),
    Target("passport", passports, check_passport, "json", beside=with_engine),
    Target("recall", recalls, read_recall, "json", beside=tiny),
    Target("layers", layers, read_layers, "json", beside=lambda: {"model.engine": b"engine"}),
    Target(
        "graph",
        graphs,
        open_graph,
        raises=(BundleError, EngineError),
        made=lambda rng: made.graph(tiny()["model.onnx"], rng),
        beside=tiny,
    ),
    Target(
        "checkpoint",
        checkpoints,
        read_checkpoint,
        raises=(InputError,),
        made=made.checkpoint,
        repair=repair.stored_zip,
        needs=("torch", "safetensors"),
    ),
    Target("reference", references, read_reference, "json", needs=("torch",)),
)
