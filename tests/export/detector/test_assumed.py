"""Who says each setting of a detector, and what happens where nobody does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from edge.errors import InputError
from export.detector.assumed import OPTIONS, ask_for_rest, eps_matters, settings_of, written
from export.detector.build import frc_resnet_fpn
from export.detector.configuration import Configuration
from export.detector.from_shapes import TOLD

TINY: dict[str, Any] = {"channels": 8, "representation_size": 16}
NORM = {"bn1.weight": torch.ones(3), "bn1.running_var": torch.tensor([1.0, 0.2, 0.06])}


def told(configuration: Configuration, **more: Any) -> dict[str, str]:
    settings = settings_of(configuration, NORM, **{"record": {}, "given": {}} | more)
    return {s.field: s.origin for s in settings}


def test_every_field_has_somebody_who_says_it() -> None:
    fields = set(Configuration.__struct_fields__) - {"name"}
    assert set(OPTIONS) | set(TOLD) == fields
    assert not set(OPTIONS) & set(TOLD)
    assert set(told(Configuration())) == fields


def test_the_weights_the_record_the_option_and_then_the_preset() -> None:
    found = told(Configuration(), record={"sampling_ratio": 2, "min_size": 96}, given={"min_size": 64})
    assert found["channels"] == "the weights"
    assert found["sampling_ratio"] == "the checkpoint"
    assert found["min_size"] == "your option"
    assert found["anchor_sizes"] == found["conv1_stride"] == "assumed: frc_resnet18_fpn"


def test_a_record_of_our_own_training_leaves_nothing_open() -> None:
    before = Configuration().to_json()
    for name in ("conv1_stride", "fixed_size", "bbox_reg_weights"):  # not known to earlier versions
        before.pop(name)
    assert "assumed: frc_resnet18_fpn" not in told(Configuration(), record=before).values()


def test_a_mobilenet_has_no_stem_of_a_resnet() -> None:
    found = told(Configuration(name="fasterrcnn_mobilenet_v3_large_fpn", body="mobilenet_v3_large", pyramid="last2"))
    assert "conv1_stride" not in found
    assert "featmap_names" in found


@pytest.mark.parametrize(("variance", "matters"), [(1e-6, True), (1e-3, True), (0.06, False)])
def test_an_epsilon_is_open_only_where_it_shows(variance: float, matters: bool) -> None:
    state = {"bn1.weight": torch.ones(3), "bn1.running_var": torch.tensor([1.0, 0.2, variance])}
    assert eps_matters(state) is matters
    assert not eps_matters(state | {"bn1.weight": torch.tensor([1.0, 1.0, 0.0])})  # a channel that is off
    settings = settings_of(Configuration(), state, {}, {})
    assert {s.field: s.assumed for s in settings}["norm_eps"] is matters


def test_the_refusal_lists_what_to_compare_and_how_to_go_on() -> None:
    settings = settings_of(Configuration(), NORM, {}, {"min_size": 64})
    with pytest.raises(InputError) as caught:
        ask_for_rest(Path("deer.pth"), settings, accepted=False, likely="fasterrcnn_resnet18_fpn")
    said = str(caught.value)
    assert "\n" not in said
    for words in (
        "checkpoint deer.pth does not tell all",
        "frc_resnet18_fpn (its shapes are those of fasterrcnn_resnet18_fpn: give --arch fasterrcnn_resnet18_fpn) has",
        "--max-size 640",
        "--anchor-sizes 4,8,16,32,64 --aspect-ratios 0.5,1,2 --roi-size 8,10 --sampling-ratio -1",
        "--bbox-reg-weights 10,10,5,5",
        "--assume-rest",
        "--model PACKAGE.MODULE:FUNCTION --weights deer.pth",
    ):
        assert words in said
    assert "--min-size" not in said
    ask_for_rest(Path("deer.pth"), settings, accepted=True)


def test_an_epsilon_that_shows_is_never_assumed() -> None:
    state = NORM | {"bn1.running_var": torch.tensor([1.0, 0.2, 1e-6])}
    settings = settings_of(Configuration(), state, {}, {})
    with pytest.raises(InputError, match=r"--norm-eps 0 .*--norm-eps 1e-5"):
        ask_for_rest(Path("deer.pth"), settings, accepted=True)
    ask_for_rest(Path("deer.pth"), settings, accepted=True, counts_batches=True)  # real batch norms: torchvision's 1e-5
    ask_for_rest(Path("deer.pth"), settings_of(Configuration(), state, {}, {"norm_eps": 0.0}), accepted=True)


def test_ours_is_never_asked(tmp_path: Path) -> None:
    model = frc_resnet_fpn(18, 2, "layer1", **TINY)
    settings = settings_of(model.configuration, model.state_dict(), model.configuration.to_json(), {})
    ask_for_rest(tmp_path, settings, accepted=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (((4, 8), (16, 32.5)), "4,8;16,32.5"),
        (((0.5, 1.0),), "0.5,1"),
        ((7, 10), "7,10"),
        (None, "none"),
        (True, "yes"),
        ((False, True), "no,yes"),
        (1e-5, "1e-05"),
        (("0", "pool"), "0,pool"),
    ],
)
def test_values_are_written_as_their_options_take_them(value: Any, text: str) -> None:
    assert written(value) == text
