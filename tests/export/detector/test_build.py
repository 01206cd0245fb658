"""The reference configuration stands in the built model."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision.models.detection as torchvision_detection

from edge.errors import InputError
from export.detector.build import build_detector, frc_resnet_fpn
from export.detector.configuration import PRESETS, Configuration


def test_reference_configuration_of_the_published_code() -> None:
    with torch.device("meta"):  # its shapes, and no weights
        model = frc_resnet_fpn(18, ["deer"], "layer1")
    generator, pool, heads = model.rpn.anchor_generator, model.roi_heads.box_roi_pool, model.roi_heads
    assert generator.sizes == ((4, 8, 16, 32, 64),) * 5
    assert generator.aspect_ratios == ((0.5, 1.0, 2.0),) * 5
    assert (pool.output_size, pool.sampling_ratio) == ((8, 10), -1)
    assert (pool.canonical_scale, pool.canonical_level) == (640, 4)
    assert heads.box_head.fc6.weight.shape == (1024, 256 * 80)
    assert heads.box_predictor.cls_score.out_features == 2
    assert (heads.nms_thresh, heads.score_thresh, heads.detections_per_img) == (0.5, 0.05, 100)
    assert (model.rpn.nms_thresh, model.rpn._pre_nms_top_n["testing"]) == (0.7, 1000)
    assert (model.transform.min_size, model.transform.max_size) == ((512,), 640)


def test_anchor_count_at_640x512() -> None:
    """27,280 locations of 15 anchors: the published configuration on the published frame size."""
    with torch.device("meta"):
        model = frc_resnet_fpn(18, 1, "layer1", channels=8, representation_size=8).eval()
        maps = list(model.backbone(torch.zeros(1, 3, 512, 640)).values())
    assert sum(m.shape[2] * m.shape[3] for m in maps) == 27_280
    assert model.rpn.anchor_generator.num_anchors_per_location() == [15] * 5


def test_overrides_reach_torchvision() -> None:
    model = frc_resnet_fpn(
        18, 2, "classic", channels=16, anchor_sizes=[8, 16], box_nms_thresh=0.3, rpn_batch_size_per_image=64
    )
    assert model.rpn.anchor_generator.sizes == ((8, 16),) * 3
    assert model.roi_heads.nms_thresh == 0.3
    assert model.rpn.fg_bg_sampler.batch_size_per_image == 64
    assert model.configuration.channels == 16


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"depth": 20, "classes": 1}, "18, 34, 50, 101, 152"),
        ({"depth": 18, "classes": 0}, "classes 0: expected 1 or more"),
        ({"depth": 18, "classes": 1, "box_nms_tresh": 0.4}, "box_nms_tresh"),
        ({"depth": 18, "classes": 1, "image_std": (0.0,) * 3}, r"image_std \(0.0, 0.0, 0.0\): expected .* above 0"),
        ({"depth": 18, "classes": 1, "anchor_sizes": ((4, 8), (8,))}, "equally many"),
        ({"depth": 18, "classes": 1, "anchor_sizes": ((4,), (8,))}, "2 levels"),
        ({"depth": 18, "classes": 1, "box_score_thresh": 5}, "box_score_thresh 5"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        frc_resnet_fpn(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_round_trip(name: str) -> None:
    configuration = PRESETS[name]
    assert configuration.name == name
    assert Configuration.from_json(json.loads(json.dumps(configuration.to_json()))) == configuration


@pytest.mark.parametrize(
    "name",
    [
        "fasterrcnn_resnet50_fpn",
        "fasterrcnn_resnet50_fpn_v2",
        "fasterrcnn_mobilenet_v3_large_fpn",
        "fasterrcnn_mobilenet_v3_large_320_fpn",
    ],
)
def test_stock_presets_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        ours = build_detector(PRESETS[name].changed(classes=90))
        theirs = getattr(torchvision_detection, name)(weights=None, weights_backbone=None)
    shapes = {k: v.shape for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert {k: v.shape for k, v in ours.state_dict().items()} == shapes
    assert ours.rpn.anchor_generator.sizes == theirs.rpn.anchor_generator.sizes
    pools = [m.roi_heads.box_roi_pool for m in (ours, theirs)]
    for field in ("featmap_names", "output_size", "sampling_ratio", "canonical_scale", "canonical_level"):
        assert getattr(pools[0], field) == getattr(pools[1], field)
    for field in ("_pre_nms_top_n", "_post_nms_top_n"):
        assert getattr(ours.rpn, field)["testing"] == getattr(theirs.rpn, field)["testing"]
    for field in ("nms_thresh", "score_thresh"):
        assert getattr(ours.rpn, field) == getattr(theirs.rpn, field)
        assert getattr(ours.roi_heads, field) == getattr(theirs.roi_heads, field)
    for field in ("image_mean", "image_std", "min_size", "max_size"):
        assert _list(getattr(ours.transform, field)) == _list(getattr(theirs.transform, field))


def _list(value: object) -> list[float]:
    return list(value) if isinstance(value, list | tuple) else [value]  # type: ignore[list-item]
