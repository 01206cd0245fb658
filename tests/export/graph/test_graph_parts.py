"""The parts of the graph, each alone: its numbers against torchvision's or by hand, and what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

import export.graph.half_weights as half_weights
import export.graph.onnx_graph as onnx_graph
import export.graph.static as static
from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.graph.flops import cost_by_part
from export.graph.half_weights import fold_norms, with_half_weights
from export.graph.onnx_graph import _constants_to_initializers, _declare_outputs, trace
from export.graph.precision import DOMAIN, drop_markers, type_float16, within_half
from export.graph.stages.input import ImageInput
from export.graph.stages.proposals import Proposals
from export.graph.stages.roi_align import bilinear_samples, pool_gather
from export.graph.stages.roi_head import RoIHead
from export.graph.static import StaticDetector, Target
from export.graph.supported import check_model, check_pooled
from export.graph.trt_operators import refusals
from tests.export.graph.test_graph_exact import Detector
from tests.export.graph.test_trt_operators import F16, F32, I64, U8, model_of, node
from tests.support.users_detectors import small

# ---- the picture ----


def image_input(mean: list[float], std: list[float]) -> ImageInput:
    return ImageInput(GeneralizedRCNNTransform(32, 32, mean, std).eval(), 32, 32)


@pytest.mark.parametrize(
    ("mean", "std", "channels"),
    [([0.4] * 3, [0.2] * 3, 1), ([0.4, 0.5, 0.4], [0.2] * 3, 3), ([0.4] * 3, [0.2, 0.2, 0.3], 3), ([0.4], [0.2], 1)],
)
def test_channels_are_summed_only_where_all_are_alike(mean: list[float], std: list[float], channels: int) -> None:
    ours, net = image_input(mean, std), nn.Sequential(nn.Conv2d(len(mean), 2, 3))
    before = net[0].weight
    ours.take_grey(net)
    assert ours.channels == net[0].in_channels == net[0].weight.shape[1] == channels
    assert (len(ours.mean), len(ours.std)) == (channels, channels)
    assert (net[0].weight is before) is (channels == len(mean))
    assert not net[0]._forward_pre_hooks


class Beside(nn.Module):
    """Two convolutions that read the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (Beside(), "2 convolutions read the image"),
        (nn.Sequential(nn.ReLU()), "0 convolutions read"),
        (nn.Sequential(nn.Conv2d(3, 3, 3, groups=3)), "expected one ungrouped first convolution"),
        (nn.Sequential(nn.Flatten(), nn.Linear(5, 5)), "first convolution takes 0 channels, its image mean and std"),
        (nn.Sequential(nn.Conv2d(4, 5, 3), nn.Conv2d(5, 6, 3)), "takes 4 channels, its image mean and std have 3"),
    ],
)
def test_a_first_convolution_that_cannot_take_grey(net: nn.Module, told: str) -> None:
    with pytest.raises(InputError, match=told):
        image_input([0.4] * 3, [0.2] * 3).take_grey(net)
    assert not any(m._forward_pre_hooks for m in net.modules())


# ---- proposals ----

PICTURE = (48, 32)


def rpn(score: float = 0.0, after: int = 15, sizes: Any = ((8, 16), (24, 30))) -> RegionProposalNetwork:
    torch.manual_seed(0)
    head = RPNHead(3, 2)
    for layer in head.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.5)
    anchors = AnchorGenerator(sizes, ((1.0,),) * 2)
    top = {"training": 0, "testing": 20}, {"training": 0, "testing": after}
    return RegionProposalNetwork(anchors, head, 0.7, 0.3, 8, 0.5, *top, 0.5, score).eval()


def maps() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, 3, *shape, generator=generator) for shape in ((6, 4), (3, 2))]


def proposals(network: RegionProposalNetwork, native: bool = False) -> Proposals:
    return Proposals(network, maps(), PICTURE, PICTURE, native, 40)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("score", [0.0, 0.5])
@torch.no_grad()
def test_proposals_are_torchvisions(native: bool, score: float) -> None:
    """More anchors than are taken on the first level, fewer on the second; the grid is not square."""
    network = rpn(score)
    levels = maps()
    expected = network(ImageList(torch.zeros(1, 3, *PICTURE), [PICTURE]), dict(enumerate(levels)))[0][0]
    boxes, valid, converged, finite = proposals(network, native)(levels)
    assert boxes.shape == (15, 4)
    assert 3 < len(expected) <= 15
    assert torch.allclose(boxes[valid], expected, atol=1e-4)
    assert (converged.tolist(), finite.tolist()) == ([True], [True])


def test_how_many_proposals() -> None:
    stage = proposals(rpn())
    assert (stage.takes, stage.count, stage.per_cell) == ([20, 12], 15, [2, 2])
    assert proposals(rpn(after=40)).count == 32


@pytest.mark.parametrize("native", [True, False])
def test_a_proposal_of_the_least_score_stays(native: bool) -> None:
    stage = proposals(rpn(0.5), native)
    stage.count = 3
    apart = torch.tensor([[[0.0, 0, 9, 9], [20, 0, 29, 9], [0, 20, 9, 29]]])
    boxes, valid, _ = stage._select(torch.tensor([[1.0, 0.0, -0.01]]), apart)
    assert valid.tolist() == [True, True, False]
    assert boxes[:2].tolist() == apart[0, :2].tolist()


def test_rounds_of_the_proposals_are_told() -> None:
    stage = proposals(rpn())
    stage.rounds = 1
    same = torch.tensor([[[0.0, 0, 9, 9]] * 3])
    assert stage._select(torch.zeros(1, 32), same.repeat(1, 11, 1)[:, :32])[2].tolist() == [False]


def test_a_value_that_is_no_number_is_told() -> None:
    stage = proposals(rpn())
    levels = maps()
    levels[1][0, 0, 0, 0] = torch.nan
    with torch.no_grad():
        assert stage(levels)[3].tolist() == [False]


def test_anchors_that_differ_from_cell_to_cell() -> None:
    network = rpn()
    own = network.anchor_generator

    def bent(images: ImageList, levels: list[Tensor]) -> list[Tensor]:
        (found,) = own(images, levels)
        found[-1, 3] += 1
        return [found]

    network.__dict__["_modules"]["anchor_generator"] = bent
    bent.num_anchors_per_location = own.num_anchors_per_location  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="anchors of level 1 are not one cell's, shifted"):
        proposals(network)


# ---- RoIAlign and the box head ----


def samples(low: float, high: float, extent: float, bins: int = 1, ratio: int = 1) -> tuple[Any, Any]:
    ends = (torch.tensor([value]) for value in (low, high, extent))
    cells, weights = bilinear_samples(*ends, bins, ratio, 2)
    return cells[0].tolist(), weights[0].tolist()


@pytest.mark.parametrize(
    ("low", "high", "cells", "weights"),
    [
        (2.0, 3.5, [[2, 3]], [[0.25, 0.75]]),  # at 2.75
        (6.0, 8.0, [[7, 7]], [[1.0, 0.0]]),  # on the last cell: no neighbour
        (7.0, 9.0, [[7, 7]], [[1.0, 0.0]]),  # at 8.0, one beyond it: the last one counts
        (7.25, 9.0, [[7, 7]], [[0.0, 0.0]]),  # at 8.125: outside
        (-2.0, 0.0, [[0, 1]], [[1.0, 0.0]]),  # at -1.0: the first one counts
        (-2.25, 0.0, [[0, 1]], [[0.0, 0.0]]),  # at -1.125: outside
        (3.0, 3.5, [[3, 4]], [[0.5, 0.5]]),  # at least one cell long
    ],
)
def test_samples_of_one_bin(low: float, high: float, cells: list[list[int]], weights: list[list[float]]) -> None:
    assert samples(low, high, 8.0) == (cells, weights)


def test_samples_of_two_bins() -> None:
    """From 1 to 5, bins of two: at 1.5, 2.5, 3.5, 4.5; the lower neighbours of both samples, then the upper ones."""
    expected = [[1, 2, 2, 3], [3, 4, 4, 5]], [[0.25] * 4] * 2
    assert samples(1.0, 5.0, 8.0, 2, 2) == expected
    for adaptive in (0, -1):
        assert samples(1.0, 5.0, 8.0, 2, adaptive) == expected
    # bins of 1: one sample each, though two would be held
    cells, weights = samples(1.0, 3.0, 8.0, 2, 0)
    assert weights == [[0.5, 0.0, 0.5, 0.0]] * 2
    assert [row[0] for row in cells] == [1, 2]


def test_pooled_at_the_last_cell_of_the_last_map() -> None:
    """Nothing beyond it is read."""
    last = torch.arange(6.0).reshape(1, 1, 2, 3)
    box = torch.tensor([[2.0, 1.0, 4.0, 3.0]])
    assert pool_gather([last], box, torch.zeros(1, dtype=torch.int64), [1.0], (1, 1), 1).tolist() == [[[5.0]]]


class Flipped(TwoMLPHead):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(2))


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("kind", ["plain", "class", "patched"])
@pytest.mark.parametrize("names", [["0", "1"], ["1"]])
@torch.no_grad()
def test_the_box_head_is_torchvisions(native: bool, kind: str, names: list[str]) -> None:
    torch.manual_seed(0)
    pool = MultiScaleRoIAlign(names, (2, 3), 2, canonical_scale=16, canonical_level=3)
    head = (Flipped if kind == "class" else TwoMLPHead)(5 * 6, 7)
    if kind == "patched":
        head.forward = lambda x: TwoMLPHead.forward(head, x.flip(3))
    predictor = FastRCNNPredictor(7, 3)
    heads = RoIHeads(pool, head, predictor, 0.5, 0.5, 8, 0.5, None, 0.1, 0.5, 9)
    features = {"0": torch.randn(1, 5, 12, 8), "1": torch.randn(1, 5, 6, 4), "pool": torch.randn(1, 5, 3, 2)}
    boxes = torch.tensor([[0.0, 0, 7, 9], [3, 4, 31, 44], [8, 8, 20, 21], [1, 30, 6, 47]])
    expected = predictor(head(pool({name: features[name] for name in names}, [boxes], [PICTURE])))
    stage = RoIHead(heads, features, PICTURE, native, 4)
    assert (stage.names, stage.levels, stage.finest) == (names, len(names), 2 if "0" in names else 3)
    assert stage.flat_head is (kind == "plain" and not native)
    for ours, theirs in zip(stage(features, boxes), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_three_maps_that_skip_a_level() -> None:
    pool: Any = SimpleNamespace(featmap_names=["0", "1", "2"])
    with pytest.raises(InputError, match="skip a level"):
        check_pooled(["0", "1", "2"], pool, [-2, -3, -5])


# ---- the whole ----


def stub(
    found: bool = True, settled: bool = True, complete: bool = True, logit: float = 0.0, delta: float = 0.0
) -> StaticDetector:
    detector = StaticDetector.__new__(StaticDetector)
    nn.Module.__init__(detector)
    seen: Any = detector.__dict__

    def flag(value: bool) -> Tensor:
        return torch.tensor([value])

    seen["image_input"] = lambda image: image + 1
    seen["backbone"] = lambda x: {"0": x}
    seen["proposals"] = lambda levels: (levels[0] * 2, flag(True), flag(settled), flag(found))
    seen["roi_head"] = lambda features, boxes: (torch.tensor([logit]), torch.tensor([delta]))
    seen["postprocess"] = lambda logits, deltas, boxes, valid: (boxes, logits, valid, flag(complete))
    return detector


@pytest.mark.parametrize(
    ("broken", "state"),
    [
        ({}, 1),
        ({"settled": False}, 0),
        ({"complete": False}, 0),
        ({"found": False}, -1),
        ({"logit": torch.inf}, -1),
        ({"delta": torch.nan}, -1),
        ({"settled": False, "found": False}, -1),
    ],
)
def test_what_the_graph_says_of_itself(broken: dict[str, Any], state: int) -> None:
    boxes, scores, labels, told = stub(**broken)(torch.tensor([2.0]))
    assert (told.tolist(), told.dtype) == ([state], torch.int32)
    assert boxes.tolist() == [[6.0]]
    assert (scores.shape, labels.tolist()) == ((1, 1), [[True]])


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_settings_reach_the_stages(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"min_size": 32, "max_size": 64, "rpn_pre_nms_top_n_test": 30, "rpn_post_nms_top_n_test": 9}
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16, **few)
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(static, "check_topk", lambda *counts: asked.append(counts))
    detector = StaticDetector(model, 32, 64, target, rounds=7, samples=3)
    native = target == "cpu"
    assert (detector.proposals.native, detector.roi_head.native, detector.postprocess.native) == (native,) * 3
    assert (detector.proposals.rounds, detector.postprocess.rounds, detector.roi_head.samples) == (7, 7, 3)
    assert detector.max_detections == 18
    assert asked == ([] if native else [(*detector.proposals.takes, 9, 18)])
    assert any(isinstance(m, FrozenBatchNorm2d) for m in detector.modules()) is native
    assert not any(m.training for m in detector.modules())
    assert not any(p.requires_grad for p in detector.backbone.parameters())
    assert (model.backbone.body.conv1.in_channels, model.training) == (3, True)  # a copy was changed


def test_features_that_overflow() -> None:
    model = frc_resnet_fpn(18, 1, "layer1", channels=8, representation_size=16, min_size=32, max_size=32)
    nn.init.constant_(model.backbone.fpn.layer_blocks[0][0].bias, torch.inf)  # of one map alone
    with pytest.raises(InputError, match="features of a white frame are not finite"):
        StaticDetector(model, 32, 32)


def test_frozen_norms_become_ordinary_ones_of_the_same_numbers() -> None:
    net = nn.Sequential(nn.Sequential(FrozenBatchNorm2d(3, eps=0.5)))
    for name, value in (("weight", 2.0), ("bias", 3.0), ("running_mean", 4.0), ("running_var", 0.75)):
        getattr(net[0][0], name).fill_(value)
    x = torch.rand(1, 3, 2, 2)
    expected = net(x)
    static._thaw_norms(net)
    assert isinstance(net[0][0], nn.BatchNorm2d)
    assert not net[0][0].training
    assert not net[0][0].weight.requires_grad
    assert torch.allclose(net(x), expected)


def test_no_hook_is_left_after_counting() -> None:
    detector: Any = Detector()
    first = cost_by_part(detector)
    assert not any(m._forward_hooks for m in detector.modules())
    assert cost_by_part(detector) == first


# ---- what is refused ----


@pytest.fixture(scope="module")
def users() -> Any:
    return small()


Change = Callable[[Any], Any]


def hooked(where: str, pre: bool = False) -> Change:
    def change(model: Any) -> None:
        part = model.get_submodule(where)
        register = part.register_forward_pre_hook if pre else part.register_forward_hook
        register(lambda *_: None)

    return change


def put(where: str, **values: Any) -> Change:
    def change(model: Any) -> None:
        for name, value in values.items():
            setattr(model.get_submodule(where), name, value)

    return change


EXTRA = nn.Identity()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("roi_heads", nms_thresh=0.4), None),
        (hooked("backbone.body.relu"), None),
        (hooked("roi_heads.box_head"), None),
        (hooked("transform", pre=True), "transform has a forward hook"),
        (hooked("roi_heads"), "roi_heads has a forward hook"),
        (hooked("backbone.body.bn1", pre=True), "backbone.body.bn1 has a forward hook"),
        (put("rpn", forward=lambda *_: None), r"rpn \(RegionProposalNetwork\) has its own forward"),
        (put("roi_heads", mask_roi_pool=EXTRA, mask_head=EXTRA, mask_predictor=EXTRA), "a mask head"),
        (
            put("roi_heads", keypoint_roi_pool=EXTRA, keypoint_head=EXTRA, keypoint_predictor=EXTRA),
            "a keypoint head",
        ),
        (put("roi_heads", box_predictor=EXTRA), "box_predictor is a Identity: not supported, expected torchvision's"),
        (put("roi_heads.box_predictor", bbox_pred=nn.Linear(64, 16)), "gives 16 box values for 3 classes.* 12"),
    ],
)
def test_which_parts_must_be_torchvisions(users: Any, change: Change, told: str | None) -> None:
    model = copy.deepcopy(users)
    change(model)
    if told is None:
        check_model(model)
        return
    with pytest.raises(InputError, match=told):
        check_model(model)


def test_what_is_no_detector() -> None:
    with pytest.raises(InputError, match=r"the model is a ReLU: expected a torchvision FasterRCNN$"):
        check_model(nn.ReLU())


# ---- half precision ----


@pytest.mark.parametrize(("value", "fine"), [(65519.0, True), (65520.0, False), (-65519.0, True), (-65520.0, False)])
def test_the_largest_number_of_half_precision(value: float, fine: bool) -> None:
    assert within_half(torch.tensor([value]), torch.ones(2)).tolist() == [fine]
    assert within_half(torch.ones(2), torch.tensor([value])).tolist() == [fine]


def graph(nodes: list[onnx.NodeProto], constants: dict[str, Any], shape: tuple[int, ...] = (4,)) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F32, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def op(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    domain = DOMAIN if kind in ("Half", "Full") else ""
    return helper.make_node(kind, inputs.split(), [output], name=kind, domain=domain, **attributes)


def test_types_between_the_markers() -> None:
    """A constant is typed once, one that is no float not at all, and what is cast goes on in its own type."""
    nodes = [
        op("Half", "x", "a"),
        op("Add", "w a", "b"),
        op("Mul", "b w", "c"),
        op("Reshape", "c s", "d"),
        op("Cast", "d", "e", to=F32),
        op("Add", "e v", "f"),
        op("Full", "d", "h"),
        op("Add", "f h", "y"),
    ]
    low = np.array([1, 2, -np.inf, 65504], np.float32)
    model = graph(nodes, {"w": low, "v": low, "s": np.array([4], np.int64), "unused": low})
    type_float16(model)
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    assert kinds == {"w.half": F16, "v": F32, "s": I64}
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [
        ("Cast", ["x"]),
        ("Add", ["w.half", "a"]),
        ("Mul", ["b", "w.half"]),
        ("Reshape", ["c", "s"]),
        ("Cast", ["d"]),
        ("Add", ["e", "v"]),
        ("Cast", ["d"]),
        ("Add", ["f", "h"]),
    ]
    assert [n.attribute[0].i for n in model.graph.node if n.op_type == "Cast"] == [F16, F32, F32]
    assert [o.domain for o in model.opset_import] == [""]


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([op("Half", "x", "a"), op("Half", "a", "y")], "Half marker on a, which has that type already"),
        ([op("Full", "x", "y")], "Full marker on x, which has that type already"),
        ([op("Exp", "x", "b"), op("Half", "x", "a"), op("Add", "a b", "y")], "Add Add mixes float16 with float32 b"),
    ],
)
def test_a_marker_at_the_wrong_place(nodes: list[onnx.NodeProto], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        type_float16(graph(nodes, {}))


def test_a_weight_just_beyond_half_precision() -> None:
    nodes = [op("Half", "x", "a"), op("Add", "a w", "b"), op("Full", "b", "y")]
    with pytest.raises(InputError, match="weight w holds values beyond 65504"):
        type_float16(graph(nodes, {"w": np.array([0, 0, 0, -65505], np.float32)}))


def test_markers_in_a_row_are_dropped() -> None:
    nodes = [op("Half", "x", "a"), op("Full", "a", "b"), op("Add", "b w", "y")]
    model = graph(nodes, {"w": np.ones(4, np.float32), "v": np.ones(4, np.float32)})
    drop_markers(model)
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [("Add", ["x", "w"])]
    assert [t.name for t in model.graph.initializer] == ["w"]
    assert [o.domain for o in model.opset_import] == [""]


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"0": self.norm(self.conv(x))}


def test_weights_of_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounded from LARGE elements on: the head's second layer has 256, its first one more, the scores 48."""
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16)
    model.backbone = Plain()
    layer, scores = model.roi_heads.box_head.fc7, model.roi_heads.box_predictor.cls_score
    monkeypatch.setattr(half_weights, "LARGE", 256)
    with torch.no_grad():
        layer.weight[0, 0] = -65504
        layer.weight[0, 1] = scores.weight[0, 0] = 1 / 3
    found = with_half_weights(model)
    assert found.roi_heads.box_head.fc7.weight[0, :2].tolist() == [-65504, float(np.float16(1 / 3))]
    assert found.roi_heads.box_predictor.cls_score.weight[0, 0] == scores.weight[0, 0]
    assert isinstance(found.backbone.norm, nn.Identity)
    assert not found.training
    assert layer.weight[0, 1] == np.float32(1 / 3)
    with torch.no_grad():
        layer.weight[0, 0] = -65505
    with pytest.raises(InputError, match=r"weight roi_heads\.box_head\.fc7\.weight is beyond float16"):
        with_half_weights(model)
    monkeypatch.setattr(half_weights, "LARGE", 257)
    assert with_half_weights(model).roi_heads.box_head.fc7.weight[0, 1] == np.float32(1 / 3)


@pytest.mark.parametrize(
    "between",
    [
        (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(8)),
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        (nn.Linear(3, 4), nn.BatchNorm2d(4)),
    ],
)
def test_a_norm_that_is_not_of_its_convolution_stays(between: tuple[nn.Module, ...]) -> None:
    net = nn.Sequential(*between)
    fold_norms(net)
    assert isinstance(net[-1], nn.BatchNorm2d)
    assert net[0] is between[0]


# ---- the traced graph ----


def test_constants_become_initializers() -> None:
    value = numpy_helper.from_array(np.ones(4, np.float32), "of the node")
    nodes = [
        op("Constant", "", "c", value=value),
        op("Constant", "", "one", value_float=1.0),
        op("Identity", "c", "same"),
        op("Identity", "same", "again"),
        op("Identity", "x", "of_x"),
        op("Add", "of_x again", "sum"),
        op("Mul", "sum one", "z"),
        op("Identity", "c", "y"),
    ]
    model = graph(nodes, {})
    _constants_to_initializers(model)
    assert [t.name for t in model.graph.initializer] == ["c"]
    assert [(n.op_type, list(n.input), list(n.output)) for n in model.graph.node] == [
        ("Constant", [], ["one"]),
        ("Identity", ["x"], ["of_x"]),
        ("Add", ["of_x", "c"], ["sum"]),
        ("Mul", ["sum", "one"], ["z"]),
        ("Identity", ["c"], ["y"]),
    ]


class Bessel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image_input: Any = SimpleNamespace(original=(3, 5))

    def forward(self, image: Tensor) -> Tensor:
        return torch.special.bessel_j0(image.float())


def test_a_part_without_a_form_in_onnx() -> None:
    with pytest.raises(InputError, match="has no form in ONNX .*special_bessel_j0.*: replace it"):
        trace(Bessel())  # type: ignore[arg-type]


def test_small_weights_before_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "LARGE", 4)
    model = graph(
        [op("Add", "x w", "y")], {"v": np.ones(3, np.float32), "i": np.arange(4), "w": np.ones(4, np.float32)}
    )
    onnx_graph._store_as_float16(model)
    assert [t.name for t in model.graph.initializer] == ["v", "i", "w.stored"]
    assert [(n.op_type, list(n.input), list(n.output)) for n in model.graph.node] == [
        ("Cast", ["w.stored"], ["w"]),
        ("Add", ["x", "w"], ["y"]),
    ]


def test_the_outputs_of_the_contract() -> None:
    names = {"boxes": F32, "scores": F32, "labels": TensorProto.INT32, "converged": TensorProto.INT32}
    model = graph([], {})
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, kind, None) for name, kind in names.items())
    _declare_outputs(model, 7)
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.output]
    assert shapes == [[1, 7, 4], [1, 7], [1, 7], [1]]
    assert [(v.name, v.type.tensor_type.elem_type) for v in model.graph.output] == list(names.items())
    model.graph.output[2].type.tensor_type.elem_type = I64
    with pytest.raises(ValueError, match="outputs of types"):
        _declare_outputs(model, 7)


# ---- what TensorRT takes ----


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (model_of(node("Relu", "x"), inputs={"x": (F32, [0, 4])}), []),
        (model_of(node("Gather", "x i"), inputs={"x": (F16, [4]), "i": (I64, [2])}), []),
        (model_of(node("Equal", "a b"), inputs={"a": (F32, [4]), "b": (F32, [4])}), []),
        (
            model_of(node("Equal", "a b"), inputs={"a": (TensorProto.BOOL, [4]), "b": (TensorProto.BOOL, [4])}),
            ["Equal n: BOOL is not supported"],
        ),
        (
            model_of(helper.make_node("Cast", ["x"], ["u"], name="a", to=U8),
                     helper.make_node("Cast", ["u"], ["y"], name="b", to=F32), inputs={"x": (F32, [4])}),
            [f"Cast {name}: UINT8 is only for a network input that is cast at once" for name in "ab"],
        ),
        (
            model_of(node("Identity", "x"), inputs={"x": (U8, [4])}),
            ["Identity n: UINT8 is only for a network input that is cast at once"],
        ),
        (
            model_of(node("Sum", "a b c"), inputs={"a": (F16, [4]), "b": (F16, [4]), "c": (F32, [4])}),
            ["Sum n: mixes FLOAT and FLOAT16: a strongly typed network wants one type"],
        ),
        (
            model_of(node("Sum", "a b b"), inputs={"a": (F32, [4]), "b": (F16, [4])}),
            ["Sum n: mixes FLOAT and FLOAT16: a strongly typed network wants one type"],
        ),
        (
            model_of(node("Relu", "x", domain="ours"), inputs={"x": (F32, [4])}),
            ["opset 17 of ours: expected ai.onnx up to 20", "Relu n: domain ours needs a plugin"],
        ),
    ],
)  # fmt: skip
def test_every_word_of_a_refusal(model: onnx.ModelProto, told: list[str]) -> None:
    assert refusals(model) == told
