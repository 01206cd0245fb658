"""A bundle read back is the detector that it was exported from; another one's classes are taken over by name."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torchvision.models.detection import FasterRCNN

import edge
from edge.errors import InputError
from edge.measure.matching import iou
from edge.model.bundle import Bundle, sha256
from edge.model.normalisers import Normalisers
from edge.thermal.normalise import NormaliseSpec
from export.data.dataset import LabelledFrame, LabelledSet
from export.detector import from_bundle
from export.detector.build import build_detector
from export.detector.checkpoint import load_detector, normalisers_of, read_checkpoint
from export.detector.configuration import preset
from export.detector.replace_head import replace_head
from export.graph import bundle as graph_bundle
from export.graph.bundle import export_bundle
from export.graph.half_weights import with_half_weights
from export.graph.onnx_graph import trace
from export.graph.static import StaticDetector
from export.training.loop import Trainer
from export.training.settings import TrainSettings
from tests.export.conftest import MORE, ROUNDS, few_rounds
from tests.support.random_detectors import HEIGHT, WIDTH, eager, enliven, thermal_scene, two_layers

SCENE = thermal_scene(HEIGHT, WIDTH)
NONE = np.zeros((0, 4), np.float32)
VIEW = NormaliseSpec.parse("percentile")


def detector(**changes: object) -> FasterRCNN:
    configuration = preset("frc_resnet18_fpn").changed(**{"classes": 2, "pyramid": "layer1", **MORE, **changes})
    return enliven(build_detector(configuration).eval(), SCENE)


@pytest.fixture
def bundle(shared_bundle: Path, tmp_path: Path) -> Path:
    """To be changed."""
    return Path(shutil.copytree(shared_bundle, tmp_path / "b"))


def test_the_same_detector_comes_back(shared_bundle: Path, small_detector: FasterRCNN) -> None:
    assert_same(load_detector(shared_bundle), small_detector)


def test_one_whose_channels_are_not_normalised_alike_too(tmp_path: Path) -> None:
    """Its first convolution could not be made one for grey. TensorRT's graph, which is read back, stands for both."""
    model = enliven(two_layers(**{**MORE, "image_mean": (0.4, 0.5, 0.6)}).eval(), SCENE)
    traced = cache(lambda: trace(StaticDetector(with_half_weights(model), HEIGHT, WIDTH, "tensorrt", rounds=ROUNDS)))
    with few_rounds() as patch:
        patch.setattr(graph_bundle, "trace", lambda _detector: traced())
        made = export_bundle(
            model, tmp_path / "b", ["deer", "person"], HEIGHT, WIDTH, weights="shared", normalise_16bit=VIEW
        )
    loaded = Bundle.load(tmp_path / "b")  # what was returned without reading it again is what lies there
    assert made.path == loaded.path == tmp_path / "b"
    assert json.dumps(made.to_json()) == json.dumps(loaded.to_json())
    assert_same(load_detector(tmp_path / "b"), model)


def assert_same(back: FasterRCNN, model: FasterRCNN) -> None:
    assert back.class_names == ("deer", "person")
    assert back.configuration == model.configuration
    assert normalisers_of(back) == Normalisers(spec_16bit=VIEW)
    assert [name for name, _ in back.named_parameters()] == [name for name, _ in model.named_parameters()]
    # the bundle's own weights, batch norm folded and rounded to float16, in torch
    expected, found = eager(with_half_weights(model), SCENE), eager(back, SCENE)
    shown = expected.scores > 0.3
    assert shown.sum() >= 3
    overlaps = iou(expected.boxes[shown], found.boxes) * (expected.labels[shown][:, None] == found.labels[None])
    assert overlaps.max(axis=1).min() >= 0.99
    assert np.abs(found.scores[overlaps.argmax(axis=1)] - expected.scores[shown]).max() <= 1e-3


@pytest.mark.parametrize("prefix", ["roi_head.", "regions."])
def test_bundles_of_before_the_renaming_are_read_too(prefix: str, shared_bundle: Path, tmp_path: Path) -> None:
    """The RoI head was called "regions" once: in 0.1.0's bundles, and in the bundled model's graph for the CPU."""
    folder = tmp_path / "bundle"
    shutil.copytree(shared_bundle, folder)
    about = json.loads((folder / "model.json").read_text())
    for name in ("model.onnx", "model.fp16.onnx"):
        graph = onnx.load(folder / name, load_external_data=False)
        for tensor in graph.graph.initializer:
            tensor.name = tensor.name.replace("roi_head.", prefix)
        assert any(tensor.name.startswith(f"{prefix}head.fc6.weight") for tensor in graph.graph.initializer)
        (folder / name).write_bytes(graph.SerializeToString())
        about["files"][name] = sha256(folder / name)
    (folder / "model.json").write_text(json.dumps(about))
    assert_same_weights(load_detector(folder), load_detector(shared_bundle))


def assert_same_weights(found: FasterRCNN, expected: FasterRCNN) -> None:
    assert found.class_names == expected.class_names
    for (name, value), (other, wanted) in zip(found.state_dict().items(), expected.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(value, wanted), name


def test_the_bundled_model_is_read_back() -> None:
    folder = Path(edge.__file__).parent / "models/hituav-r18"
    bundle, model = Bundle.load(folder), load_detector(folder)
    assert model.class_names == bundle.classes
    assert model.roi_heads.box_predictor.cls_score.out_features == len(bundle.classes) + 1


def test_what_cannot_be_read_back_says_so(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read back .*--store shared.*checkpoint that it was"):
        load_detector(exported / "deer")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "model.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(InputError):
        load_detector(tmp_path / "b")


def test_classes_are_taken_over_by_name() -> None:
    model = detector()
    model.class_names = ("deer", "person")
    before = {k: v.clone() for k, v in model.roi_heads.box_predictor.state_dict().items()}
    assert replace_head(model, ("boar", "Person", "car")) == ("Person",)
    assert model.class_names == ("boar", "Person", "car")
    after = model.roi_heads.box_predictor.state_dict()
    assert after["cls_score.weight"].shape == (4, 32)
    assert model.configuration.classes == 3
    for to, of in ((0, 0), (2, 2)):
        assert torch.equal(after["cls_score.weight"][to], before["cls_score.weight"][of])
        assert torch.equal(
            after["bbox_pred.weight"][4 * to : 4 * to + 4], before["bbox_pred.weight"][4 * of : 4 * of + 4]
        )
        assert torch.equal(after["bbox_pred.bias"][4 * to : 4 * to + 4], before["bbox_pred.bias"][4 * of : 4 * of + 4])
    assert not torch.equal(after["cls_score.weight"][1], before["cls_score.weight"][1])


def test_classes_without_names() -> None:
    model = detector()
    model.class_names = ()
    assert replace_head(model, ("a", "b")) == ("a", "b")
    with pytest.raises(InputError, match="2 classes without names"):
        replace_head(model, ("a", "b", "c"))


def test_a_weight_that_is_stored_under_another_name_is_not_taken_for_zero(
    shared_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = from_bundle._weights
    gone = "backbone.body.layer2.0.conv1.bias"
    monkeypatch.setattr(from_bundle, "_weights", lambda p: {k: v for k, v in read(p).items() if k != gone})
    with pytest.raises(InputError, match=f"its graph has no {gone}"):
        load_detector(shared_bundle)


def test_the_credit_of_the_start_is_carried_on(bundle: Path, tmp_path: Path) -> None:
    credit = {"name": "HIT-UAV", "licence": "CC BY 4.0", "citation": "Suo et al. 2023"}
    before = {"name": "first.pth", "checkpoint_sha256": "0" * 64}
    about = json.loads((bundle / "model.json").read_text())
    about |= {"name": "b", "checkpoint_sha256": "1" * 64, "data": {**credit, "training": {"start": before}}}
    (bundle / "model.json").write_text(json.dumps(about))
    origin = read_checkpoint(bundle).origin()
    assert origin == {"name": "b", "checkpoint_sha256": "1" * 64, "data": credit, "start": before}
    frame = LabelledFrame(
        tmp_path / "0.png", WIDTH, HEIGHT, np.array([[5, 5, 20, 20]], np.float32), np.zeros(1, np.int64), NONE
    )
    data = LabelledSet(("deer", "person"), (frame,))
    Trainer(load_detector(bundle), data, tmp_path / "run", TrainSettings(steps=1), origin).save()
    again = read_checkpoint(tmp_path / "run/model.pth")
    assert load_detector(tmp_path / "run/model.pth").training_record["start"] == origin
    assert again.origin()["start"] == origin
