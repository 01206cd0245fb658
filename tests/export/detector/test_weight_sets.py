"""The detector's weights in a checkpoint: under any wrapper and prefix, the right ones of several, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from edge.errors import InputError
from export.detector import weight_sets
from export.detector.weight_sets import Weights, detector_weights

PATH = Path("w.pth")
# enough of a Faster R-CNN to be told as one
PLAIN: dict[str, Tensor] = {
    "backbone.body.conv1.weight": torch.arange(4.0).reshape(2, 2),
    "backbone.fpn.inner_blocks.0.0.bias": torch.ones(2),
    "rpn.head.conv.0.0.weight": torch.full((2,), 2.0),
    "rpn.head.cls_logits.weight": torch.full((3,), 3.0),
    "roi_heads.box_predictor.cls_score.weight": torch.full((3, 2), 4.0),
}
OTHER = {name: value + 1 for name, value in PLAIN.items()}


def under(prefix: str, state: Mapping[str, Tensor] = PLAIN) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


def read(content: Mapping[str, Any], which: str | None = None) -> Weights:
    return detector_weights(PATH, content, which)


def same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor] = PLAIN) -> bool:
    return list(found) == list(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


# ---- wrappers and prefixes ----


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        *({name: PLAIN, "epoch": 3} for name in ("model", "state_dict", "model_state_dict", "net", "network")),
        {"detector": PLAIN},
        {"weights": PLAIN},
        {"module": PLAIN},
        {"anything": {"at": {"all": PLAIN}}},
        {"checkpoint": {"model": PLAIN}},
        {"state_dict": under("model.")},
        {"models": [PLAIN]},
        *(under(p) for p in ("module.", "_orig_mod.", "model.", "detector.", "net.", "_orig_mod.module.", "anything.")),
        under("module._orig_mod.model."),
        {"model": under("module.backbone.")},
        {name.replace("backbone.", "backbone._orig_mod.", 1): value for name, value in PLAIN.items()},
        {name.replace("rpn.head.", "rpn.module.head._fsdp_wrapped_module."): value for name, value in PLAIN.items()},
        {"n_averaged": torch.tensor(5), **under("module.")},
        {**PLAIN, "backbone.body.bn1.num_batches_tracked": torch.tensor(7)},
    ],
)  # fmt: skip
def test_the_weights_are_found_wherever_they_are(content: Mapping[str, Any]) -> None:
    found = read(content)
    assert same(found.state)
    assert found.notes == []


def test_names_of_torchvision_before_0_13() -> None:
    old = {
        name.replace("inner_blocks.0.0.", "inner_blocks.0.").replace("conv.0.0.", "conv."): value
        for name, value in PLAIN.items()
    }
    assert set(old) != set(PLAIN)
    assert same(read(under("model.", old)).state)


def test_norms_that_counted_are_told() -> None:
    counted = {**under("m."), "m.backbone.body.bn1.num_batches_tracked": torch.tensor(7)}
    assert read(counted).counts_batches
    assert not read(PLAIN).counts_batches
    # those of another model in the file count for nothing
    assert not read({"model": PLAIN, "judge": {"bn.num_batches_tracked": torch.tensor(7)}}).counts_batches


def test_one_name_twice_is_refused() -> None:
    twice = {**PLAIN, "rpn._orig_mod.head.conv.0.0.weight": torch.ones(2)}
    with pytest.raises(InputError, match=r"rpn\.head\.conv\.0\.0\.weight twice"):
        read(twice)


# ---- what lies beside ----


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            {**under("model."), "criterion.a": torch.ones(1), "criterion.b": torch.ones(1)},
            ["2 tensors under criterion"],
        ),
        ({**PLAIN, "criterion.pos_weight": torch.ones(1)}, ["1 tensor under criterion"]),
        ({"state_dict": {**under("model."), "val_map.x": torch.ones(1)}}, ["1 tensor under val_map"]),
        (
            {"model": PLAIN, "discriminator": {"a": torch.ones(1), "b": torch.ones(1)}},
            ["2 tensors under discriminator"],
        ),
        ({"model": PLAIN, "ema": {"shadow_params": [torch.ones(1)] * 3}}, ["3 tensors under ema"]),
        (
            {**under("model."), "loss.a": torch.ones(1), "head2.b": torch.ones(1)},
            ["1 tensor under loss", "1 tensor under head2"],
        ),
    ],
)
def test_what_is_none_of_the_detectors_is_counted(content: Mapping[str, Any], told: list[str]) -> None:
    found = read(content)
    assert same(found.state)
    assert found.notes == [f"left out, being none of the detector's: {', '.join(told)}"]


@pytest.mark.parametrize(
    "beside",
    [
        {"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}},
        {"optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}}]},
        {"lr_schedulers": [{"last": torch.ones(1)}], "loops": {"fit": {"x": torch.ones(1)}}},
        {"scaler": {"scale": torch.ones(1)}, "rng_state": torch.ones(4).byte()},
        {"callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.3)}}},
    ],
)
def test_the_state_of_a_training_is_not_worth_a_word(beside: Mapping[str, Any]) -> None:
    found = read({"model": PLAIN, **beside})
    assert same(found.state)
    assert found.notes == []


def test_a_layer_inside_the_detector_is_never_left_out() -> None:
    """An attention that the user put into it changes what it finds: the check of names must see it."""
    found = read({**PLAIN, "attention.weight": torch.ones(1), "roi_heads.more": torch.ones(1)}).state
    assert set(found) - set(PLAIN) == {"attention.weight", "roi_heads.more"}


# ---- several sets ----


@pytest.mark.parametrize(
    ("content", "chosen", "other"),
    [
        (
            {"model": PLAIN, "model_ema": {"n_averaged": torch.tensor(5), **under("module.", OTHER)}},
            "model",
            "model_ema",
        ),
        ({"state_dict": PLAIN, "ema_state_dict": OTHER}, "state_dict", "ema_state_dict"),
        ({"state_dict": PLAIN, "state_dict_ema": OTHER}, "state_dict", "state_dict_ema"),
        ({"ema": OTHER, "model": PLAIN}, "model", "ema"),
        ({"model": PLAIN, "swa_model": OTHER}, "model", "swa_model"),
        ({"model": PLAIN, "average": OTHER}, "model", "average"),
        ({"state_dict": {**under("net."), **under("net_ema.", OTHER)}}, "net", "net_ema"),
        (
            {"state_dict": under("model."), "callbacks": {"EMAWeights": {"ema_weights": OTHER}}},
            "state_dict.model",
            "callbacks.EMAWeights.ema_weights",
        ),
    ],
)
def test_the_average_is_taken_by_name_and_otherwise_named(content: Mapping[str, Any], chosen: str, other: str) -> None:
    found = read(content)
    assert same(found.state)
    assert found.notes == [
        f"w.pth holds several sets of weights: {chosen} was taken; {other} was not, --weights-of {other} takes it"
    ]
    for name in (other, other.rpartition(".")[2]):
        taken = read(content, name)
        assert same(taken.state, OTHER)
        assert taken.notes == []
    assert same(read(content, chosen).state)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"state_dict": {**under("student."), **under("teacher.", OTHER)}}, "student, teacher"),
        ({"model": PLAIN, "best_model": OTHER}, "model, best_model"),
        ({"model": {**PLAIN, **under("module.", OTHER)}}, "model, model.module"),
        ({"ema": PLAIN, "swa": OTHER}, "ema, swa"),
        ({"models": [PLAIN, OTHER]}, "0, 1"),
        ({**PLAIN, "second": OTHER}, "top, second"),
    ],
)
def test_where_nobody_can_know_it_is_asked(content: Mapping[str, Any], names: str) -> None:
    with pytest.raises(InputError, match=rf"2 detectors \({names}\): say which with --weights-of"):
        read(content)
    first, second = names.split(", ")
    assert same(read(content, first).state)
    assert same(read(content, second).state, OTHER)


def test_a_name_that_is_none_lists_those_there_are() -> None:
    content = {"model": PLAIN, "model_ema": OTHER}
    with pytest.raises(InputError, match=r"the weights of model, model_ema: --weights-of teacher names none"):
        read(content, "teacher")
    with pytest.raises(InputError, match="holds no Faster R-CNN: --weights-of ema names none"):
        read({"conv1.weight": torch.ones(1)}, "ema")


def test_one_set_under_two_names_is_one() -> None:
    assert read({"model": PLAIN, "state_dict": PLAIN}).notes == []
    assert read({"model": PLAIN, "best": {name: value.clone() for name, value in PLAIN.items()}}).notes == []


def test_only_an_average_is_taken_with_a_word() -> None:
    found = read({"ema": {"module": PLAIN, "updates": 3}})
    assert same(found.state)
    assert found.notes == ["the weights of w.pth are those of ema, an average; it holds no others"]


# ---- kinds of numbers ----


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32_and_it_is_said(kind: torch.dtype) -> None:
    found = read({name: value.to(kind) for name, value in PLAIN.items()})
    assert same(found.state)
    assert all(value.dtype == torch.float32 for value in found.state.values())
    assert found.notes == [f"weights of w.pth are stored as {str(kind)[6:]}, and were made float32"]


def test_strided_shared_and_learnt_tensors() -> None:
    state: dict[str, Tensor] = dict(PLAIN)
    state["backbone.body.conv1.weight"] = torch.nn.Parameter(PLAIN["backbone.body.conv1.weight"].t().contiguous().t())
    state["rpn.head.conv.0.0.weight"] = torch.tensor(2.0).expand(2)
    found = read(state).state
    assert same(found)
    assert not any(value.requires_grad for value in found.values())
    assert all(value.is_contiguous() for value in found.values())


def other(value: Tensor) -> dict[str, Tensor]:
    return {**PLAIN, "rpn.head.cls_logits.weight": value}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.ones(3).to_sparse(), "is float32 sparse_coo"),
        (torch.ones(3).int(), "is int32"),
        (torch.ones(3).bool(), "is bool"),
        (torch.ones(3, dtype=torch.complex64), "is complex64"),
        (torch.ones(3).to(torch.float8_e4m3fn), "is float8_e4m3fn"),
        (torch.ones(3, device="meta"), "without values"),
        (torch.tensor([1.0, float("inf"), 1.0]), "is not finite: the training diverged"),
        (torch.full((3,), 1e300, dtype=torch.float64), "is too large for float32"),
        (torch.zeros(1).expand(1 << 40), "claims more than"),
    ],
)
def test_what_is_no_plain_weight_is_refused(value: Tensor, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read(other(value))


# ---- no detector, and hostile ones ----


def test_a_backbone_alone() -> None:
    body = {"conv1.weight": torch.ones(1), "layer1.0.conv1.weight": torch.ones(2)}
    for content in (body, {"state_dict": under("module.", body), "epoch": 1}, {"a": {"b": under("encoder.", body)}}):
        assert set(read(content).state) == set(body)
    found = read({"model": body, "model_ema": body | {"x": torch.ones(1)}})
    assert set(found.state) == set(body)
    assert found.notes == ["w.pth holds several sets of weights: model was taken, model_ema was not"]


def test_numpy_arrays_in_place_of_tensors_are_named() -> None:
    with pytest.raises(InputError, match="holds 2 numpy arrays and no tensors"):
        read({"model": {name: weight_sets.NumpyArray() for name in ("a", "b")}})


def test_dicts_without_an_end() -> None:
    many: dict[str, Any] = {}
    for _ in range(60):
        many = {"a": many, "b": many}
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    itself: dict[str, Any] = {}
    itself["a"] = itself
    assert same(read({"model": PLAIN, "x": many, "y": deep, "z": itself}).state)


def test_huge_claims_are_refused_before_they_are_compared() -> None:
    claim = {**PLAIN, "rpn.head.cls_logits.weight": torch.zeros(1).expand(1 << 40)}
    with pytest.raises(InputError, match="claims more than"):
        read({"model": claim, "best": dict(claim)})


def test_names_that_would_move_the_cursor() -> None:
    with pytest.raises(InputError) as error:
        read({"a\x1b[2J": PLAIN, "b": OTHER})
    assert str(error.value).isprintable()
