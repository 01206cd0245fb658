"""State dicts of every kind load; what does not fit is told, with the setting to give."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.models.detection as stock
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.resnet import BasicBlock
from torchvision.ops import MultiScaleRoIAlign

from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.detector.checkpoint import load_detector, read_checkpoint
from export.detector.from_shapes import Shapes

pytestmark = pytest.mark.usefixtures("narrow_resnet")
TINY: dict[str, Any] = {"channels": 8, "representation_size": 16}


def tiny(**settings: Any) -> FasterRCNN:
    return frc_resnet_fpn(18, 2, "layer1", **{**TINY, **settings})


@cache
def _tiny_state() -> dict[str, Tensor]:
    return dict(tiny().state_dict())


def tiny_state() -> dict[str, Tensor]:
    """Of `tiny`, to be changed."""
    return {name: value.clone() for name, value in _tiny_state().items()}


def saved(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "model.pth"
    torch.save(content, path)
    return path


def weights_agree(model: nn.Module, state: dict[str, Tensor]) -> bool:
    own = model.state_dict()
    return all(torch.equal(own[name], value.float()) for name, value in state.items() if name in own)


@pytest.mark.parametrize(
    ("depth", "pyramid"), [(18, "conv1"), (18, "layer1"), (18, "classic"), (34, "layer1"), (50, "conv1")]
)
def test_our_detectors_are_told_by_their_shapes(depth: int, pyramid: Any, tmp_path: Path) -> None:
    model = frc_resnet_fpn(depth, 3, pyramid, **TINY)
    loaded = load_detector(saved(tmp_path, model.state_dict()))
    assert loaded.configuration == model.configuration
    assert weights_agree(loaded, model.state_dict())
    assert not loaded.training


def published(classes: int = 2) -> FasterRCNN:
    """The paper's published configuration, built of torchvision's parts as its users build it."""
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5)
    return FasterRCNN(
        backbone,
        classes,
        min_size=512,
        max_size=640,
        rpn_anchor_generator=AnchorGenerator(((4, 8, 16, 32, 64),) * 5, ((0.5, 1.0, 2.0),) * 5),
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], (8, 10), -1, canonical_scale=640, canonical_level=4),
        box_head=stock.faster_rcnn.TwoMLPHead(256 * 80, 1024),
        box_predictor=None,
    )


def test_the_papers_published_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resnet, "BasicBlock", BasicBlock)  # as wide as it is
    with torch.device("meta"):  # its shapes, and no weights
        model = published()
    state = numbered(model.state_dict())
    loaded = load_detector(saved(tmp_path, state))
    assert loaded.configuration.name == "frc_resnet18_fpn"
    assert (loaded.configuration.pyramid, loaded.configuration.channels) == ("layer1", 256)
    assert loaded.roi_heads.box_roi_pool.sampling_ratio == -1
    assert loaded.transform.min_size == model.transform.min_size
    assert weights_agree(loaded, state)


def numbered(shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of these shapes, each tensor of a number of its own, which is all that is stored of it."""
    return {name: torch.tensor(1.0 + i).expand(value.shape) for i, (name, value) in enumerate(shapes.items())}


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("fasterrcnn_resnet50_fpn", None),
        ("fasterrcnn_resnet50_fpn_v2", None),
        ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_fpn"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn"),
    ],
)
def test_stock_detectors(name: str, arch: str | None, tmp_path: Path) -> None:
    with torch.device("meta"):  # its shapes, and no weights
        model = getattr(stock, name)(weights=None, weights_backbone=None, num_classes=4)
    state = numbered(model.state_dict())
    loaded = load_detector(saved(tmp_path, state), arch)
    assert loaded.configuration.name == name
    assert loaded.configuration.classes == 3
    assert weights_agree(loaded, state)
    assert loaded.transform.max_size == model.transform.max_size


def test_two_mobilenets_have_equal_shapes(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = stock.fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, num_classes=2)
    with pytest.raises(InputError, match=r"--arch fasterrcnn_mobilenet_v3_large_fpn or .*320"):
        Shapes.of_state(model.state_dict()).configuration()


@pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_state_dict"])
def test_wrapped_and_in_half_precision(wrapper: str, tmp_path: Path) -> None:
    state = {name: value.half() for name, value in tiny_state().items()}
    content = {wrapper: state, "epoch": 12, "optimizer": {"lr": 0.1}}
    loaded = load_detector(saved(tmp_path, content))
    assert weights_agree(loaded, state)
    assert next(loaded.parameters()).dtype == torch.float32


def test_names_of_older_torchvisions_and_of_dataparallel(tmp_path: Path) -> None:
    state = tiny_state()
    old = {}
    for name, value in state.items():
        name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for i in range(4):
            for block in ("inner", "layer"):
                name = name.replace(f"{block}_blocks.{i}.0.", f"{block}_blocks.{i}.")
        old[f"module.{name}"] = value
    old["module.backbone.body.bn1.num_batches_tracked"] = torch.tensor(7)
    assert set(old) != {f"module.{name}" for name in state}
    assert weights_agree(load_detector(saved(tmp_path, old)), state)


def test_the_checkpoints_own_settings_and_then_the_callers(tmp_path: Path) -> None:
    model = tiny(sampling_ratio=2, image_mean=(0.5,) * 3, rpn_pre_nms_top_n_test=300)
    content = {
        "model": model.state_dict(),
        "detector": model.configuration.to_json(),
        "classes": ["deer", "person"],
    }
    path = saved(tmp_path, content)
    loaded = load_detector(path)
    assert loaded.configuration == model.configuration
    assert loaded.class_names == ("deer", "person")
    assert load_detector(path, sampling_ratio=1).configuration.sampling_ratio == 1


def test_one_mean_serves_all_channels_and_a_grey_first_convolution(tmp_path: Path) -> None:
    path = saved(tmp_path, tiny_state())
    assert load_detector(path, image_mean=(0.4,), image_std=(0.2,)).transform.image_mean == [0.4] * 3
    grey = tiny(image_mean=(0.4,), image_std=(0.2,))
    assert grey.backbone.body.conv1.in_channels == 1
    loaded = load_detector(saved(tmp_path, grey.state_dict()), image_mean=(0.4,) * 3, image_std=(0.2,) * 3)
    assert loaded.backbone.body.conv1.in_channels == 1
    assert loaded.transform.image_mean == [0.4]
    with pytest.raises(InputError, match="--mean"):  # the preset's are three different ones
        load_detector(saved(tmp_path, grey.state_dict()))


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def test_code_in_a_pickle_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in ({"model": tiny_state(), "extra": _Evil()}, _Evil()):
        with pytest.raises(InputError, match="would run code"):
            read_checkpoint(saved(tmp_path, content))
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(InputError):
        read_checkpoint(tmp_path / "plain.pth")
    assert not (tmp_path / "pwned").exists()


def test_a_whole_pickled_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"torch\.save\(model\.state_dict"):
        read_checkpoint(saved(tmp_path, nn.Linear(2, 2)))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", bytes(1000)])
def test_what_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pth"):
        read_checkpoint(path)


def test_a_cut_off_checkpoint(tmp_path: Path) -> None:
    path = saved(tmp_path, tiny_state())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match="copy it again|none of torch's"):
        read_checkpoint(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(InputError, match="directory"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {"model": {}}, torch.zeros(3)])
def test_torch_files_without_parameters(content: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a state dict"):
        read_checkpoint(saved(tmp_path, content))


# the weights whose shapes tell what detector it is
OF_SHAPES = (
    "rpn.head.cls_logits.weight",
    "roi_heads.box_predictor.cls_score.weight",
    "roi_heads.box_head.fc6.weight",
    "backbone.body.conv1.weight",
    "backbone.body.layer1.0.conv2.weight",
    "backbone.fpn.inner_blocks.1.0.weight",
)


def broken(change: Any) -> dict[str, Tensor]:
    state = tiny_state()
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.pop("backbone.body.layer2.1.conv2.weight"), "lacks backbone.body.layer2.1.conv2.weight"),
        (lambda s: s.update({"roi_heads.more": torch.zeros(1)}), "besides the detector's parameters, roi_heads.more"),
        (lambda s: s["rpn.head.cls_logits.bias"].fill_(float("nan")), "rpn.head.cls_logits.bias is not finite"),
        (lambda s: s.update({"rpn.head.cls_logits.bias": torch.ones(15).int()}), "cls_logits.bias is int32"),
        (lambda s: s.update({"rpn.head.cls_logits.bias": torch.ones(15).to_sparse()}), "float32 sparse_coo"),
        (lambda s: s.pop("rpn.head.cls_logits.weight"), "no rpn.head.cls_logits.weight"),
        (lambda s: [s.pop(k) for k in list(s) if ".fpn." in k], "no feature pyramid"),
        (lambda s: s.pop("backbone.body.layer3.1.conv1.weight"), "blocks in layer1..layer4"),
        (lambda s: s.update({"backbone.body.layer1.0.bn1.bias": torch.zeros(3)}), "layer1.0.bn1.bias"),
        (lambda s: s.update({"roi_heads.mask_head.x": torch.zeros(1)}), "mask head"),
        (lambda s: s.pop("roi_heads.box_head.fc6.weight"), "TwoMLPHead or FastRCNNConvFCHead"),
        (lambda s: s.pop("backbone.body.conv1.weight"), "no backbone.body.conv1.weight"),
        (lambda s: s.pop("backbone.body.layer1.0.conv2.weight"), "no backbone.body.layer1.0.conv2.weight"),
        *(
            (lambda s, key=key: s.update({key: torch.ones(3, 0, 1, 1, 1)}), f"{key} in the checkpoint has the shape")
            for key in OF_SHAPES
        ),
        *(
            (lambda s, key=key: s.update({key: s[key][:0]}), f"{key} in the checkpoint has the shape")
            for key in OF_SHAPES
        ),
    ],
)
def test_state_dicts_that_do_not_fit(change: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        load_detector(saved(tmp_path, broken(change)))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"classes": 3}, "classes 3 was given, the checkpoint has 2"),
        ({"pyramid": "conv1"}, "pyramid conv1 was given, the checkpoint has layer1"),
        ({"anchor_sizes": ((4, 8),)}, "15 anchors a cell.*--anchor-sizes"),
        ({"roi_size": (7, 7)}, "80 cells a region.*--roi-size"),
        ({"arch": "frc_resnet50_fpn"}, "has the body resnet50, the checkpoint resnet18"),
        ({"arch": "fasterrcnn"}, "expected one of frc_resnet18_fpn"),
        ({"sampling": 3}, "no such detector setting: sampling"),
        ({"image_mean": (0.1, 0.2)}, "1 or 3 values"),
        ({"anchor_sizes": 5}, "anchor_sizes 5: expected pixels above 0"),
        ({"min_size": "512"}, "min_size '512': expected a whole number, 1 or more"),
        ({"image_std": (float("inf"),)}, "image_std .inf,.: expected"),
        ({"fpn_norm": 1}, "fpn_norm 1 was given|expected true or false"),
        ({"name": ["frc"]}, "architecture"),
    ],
)
def test_settings_that_contradict_the_shapes(settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        load_detector(saved(tmp_path, tiny_state()), **settings)


def test_an_unknown_mix_asks_for_the_architecture(tmp_path: Path) -> None:
    model = tiny(anchor_sizes=(8, 16))
    path = saved(tmp_path, model.state_dict())
    with pytest.raises(InputError, match="give --arch, for instance .*frc_resnet18_fpn"):
        load_detector(path)
    with pytest.raises(InputError, match="6 anchors a cell"):
        load_detector(path, "frc_resnet18_fpn")
    loaded = load_detector(path, "frc_resnet18_fpn", anchor_sizes=((8, 16),))
    assert loaded.configuration == model.configuration


def test_a_single_class_predictor_of_another_width(tmp_path: Path) -> None:
    model = tiny()
    model.roi_heads.box_predictor = FastRCNNPredictor(16, 7)
    assert load_detector(saved(tmp_path, model.state_dict())).configuration.classes == 6
