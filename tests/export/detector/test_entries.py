"""What other programs keep under our keys never steers and never stops; what is ours is taken, and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.detector.build import frc_resnet_fpn
from export.detector.checkpoint import load_detector, normalisers_of, read_checkpoint
from export.detector.entries import class_names_in, record_in, settings_in

OURS = {"normalise": Normalisers().to_json(), "data": "abc", "steps": 20, "start": {"name": "x"}}
SETTINGS = json.loads(json.dumps(frc_resnet_fpn(18, 2, "layer1", channels=8).configuration.to_json()))
ENDLESS: dict[str, Any] = {}
for _ in range(60):
    ENDLESS = {"a": ENDLESS, "b": ENDLESS}


@pytest.mark.parametrize(
    "value",
    [
        True,
        [1, 2],
        "yes",
        3.5,
        {},
        {"epochs": 12},
        {"normalise": "imagenet"},
        {"normalise": {"mean": [0.4], "std": [0.2]}},
        {"normalise": {"8bit": 1, "16bit": 2}},
        OURS | {"steps": "many"},
        OURS | {"steps": "\ud800"},
        OURS | {"more": float("nan")},
        OURS | {"more": {1: 2}},
        OURS | {"more": torch.ones(1)},
        OURS | {"more": ENDLESS},
    ],
)
def test_a_foreign_record_is_ignored_with_a_line(value: object) -> None:
    notes: list[str] = []
    assert record_in({"training": value}, notes) == {}
    said = f"the checkpoint's entry 'training' (a {type(value).__name__}) is another program's, and is ignored"
    # a dict of dicts may be where weights are, of which others speak
    assert notes in ([said], [])
    assert notes or isinstance(value, dict)


def test_our_record_is_taken_whole() -> None:
    notes: list[str] = []
    assert record_in({"training": OURS}, notes) == OURS
    assert record_in({}, notes) == {}
    assert notes == []


@pytest.mark.parametrize("value", ["fasterrcnn_resnet50_fpn", 5, [1], {"name": "x"}, {"classes": 3, "min_size": 1}, {}])
def test_foreign_settings_are_ignored_with_a_line(value: object) -> None:
    notes: list[str] = []
    assert settings_in(Path("w.pth"), {"detector": value}, notes) == {}
    assert len(notes) == 1


def test_our_settings_are_taken_and_wrong_ones_of_ours_refused() -> None:
    notes: list[str] = []
    assert settings_in(Path("w.pth"), {"detector": SETTINGS}, notes) == SETTINGS
    assert notes == []
    for wrong in ({"sampling_ratio": 99}, {"from_tomorrow": 1}, {"anchor_sizes": "x"}):
        with pytest.raises(InputError, match=r"w\.pth, entry 'detector'"):
            settings_in(Path("w.pth"), {"detector": SETTINGS | wrong}, notes)
    assert settings_in(Path("w.pth"), {"detector": SETTINGS | {"anchor_sizes": ENDLESS}}, notes) == {}


@pytest.mark.parametrize(
    ("content", "names", "lines"),
    [
        ({"classes": ["deer", "person"]}, ("deer", "person"), 0),
        ({"class_names": ("deer", "person")}, ("deer", "person"), 0),
        ({"classes": ["__background__", "deer", "person"]}, ("deer", "person"), 1),
        ({"classes": ["background", "deer"]}, ("background", "deer"), 0),
        ({"classes": ["a", "deer", "person"]}, (), 1),
        ({"classes": ["deer"]}, (), 1),
        ({"classes": ["deer", "deer"]}, (), 1),
        ({"classes": [1, 2]}, (), 1),
        ({"classes": ["deer", ""]}, (), 1),
        ({"classes": ["deer", "\x1b[2J"]}, (), 1),
        ({"classes": 2}, (), 1),
        ({"classes": "ab"}, (), 1),
        ({"classes": 2, "class_names": ["deer", "person"]}, ("deer", "person"), 1),
        ({}, (), 0),
    ],
)
def test_names_of_classes_where_they_are_certain(content: dict[str, Any], names: tuple[str, ...], lines: int) -> None:
    notes: list[str] = []
    assert class_names_in(content, 2, notes) == names
    assert len(notes) == lines


def test_all_of_it_in_a_file(tmp_path: Path) -> None:
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16, sampling_ratio=2)
    foreign = {"model": model.state_dict(), "detector": "x", "training": {"normalise": "imagenet"}, "classes": 3}
    torch.save(foreign, tmp_path / "w.pth")
    found = read_checkpoint(tmp_path / "w.pth")
    assert (found.settings, found.training, found.classes) == ({}, {}, ())
    assert len(found.notes) == 3
    loaded = load_detector(tmp_path / "w.pth")
    assert normalisers_of(loaded) == Normalisers()
    assert loaded.roi_heads.box_roi_pool.sampling_ratio == -1  # told by nobody: the preset's
