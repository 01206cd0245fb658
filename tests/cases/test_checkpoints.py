"""The case book of checkpoints: one kind of file that users bring each, at the level of a command."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.commands import check as check_cli
from export.commands.main import main
from export.detector.checkpoint import Checkpoint, detector_of, read_checkpoint
from tests.export.conftest import MORE
from tests.support.random_detectors import HEIGHT, SETTINGS, WIDTH, eager, enliven, thermal_scene, two_layers

IMAGE = thermal_scene(HEIGHT, WIDTH, 3)


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    return enliven(two_layers(), IMAGE)


def under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


def finds_the_same(checkpoint: Checkpoint, model: FasterRCNN) -> bool:
    """Whether the detector of the file finds what ``model`` finds, box by box."""
    mine, found = eager(model, IMAGE), eager(detector_of(checkpoint, **SETTINGS), IMAGE)
    assert len(mine.scores) > 5
    return all(np.array_equal(a, b) for a, b in ((mine.boxes, found.boxes), (mine.scores, found.scores)))


Make = Callable[[dict[str, Tensor], FasterRCNN], Any]
LOADED: dict[str, Make] = {
    "torchvision references": lambda s, m: {
        "model": s,
        "optimizer": torch.optim.SGD(m.parameters(), 0.1).state_dict(),
        "lr_scheduler": {"last_epoch": 3},
        "args": argparse.Namespace(lr=0.02, output_dir=Path("runs")),
        "epoch": 25,
    },
    "sovit-123 pipeline": lambda s, m: {
        "epoch": 10,
        "model_state_dict": s,
        "optimizer_state_dict": {},
        "train_loss_list": [np.float64(0.3)],
        "val_map": [np.float64(0.3)],
        "config": {"NC": 3, "CLASSES": ["__background__", "a", "b"]},
        "model_name": "fasterrcnn_resnet50_fpn",
    },
    "Lightning": lambda s, m: {
        "state_dict": {**under("model.", s), "val_map.x": torch.ones(1)},
        "hyper_parameters": {"lr": 0.1, "root": Path("x")},
        "callbacks": {"ModelCheckpoint{'monitor': 'map'}": {"best_model_score": torch.tensor(0.3)}},
        "loops": {"fit_loop": {}},
        "pytorch-lightning_version": "2.5.0",
    },
    "MMEngine": lambda s, m: {"meta": {"epoch": 1, "cfg": "x"}, "state_dict": under("detector.", s), "message_hub": {}},
    "torch.compile": lambda s, m: under("_orig_mod.", s),
    "torch.compile of a part": lambda s, m: {k.replace("rpn.", "rpn._orig_mod.", 1): v for k, v in s.items()},
    "DataParallel and compile": lambda s, m: {"net": under("module._orig_mod.", s)},
    "AveragedModel": lambda s, m: {"n_averaged": torch.tensor(5), **under("module.", s)},
    "nested": lambda s, m: {"checkpoint": {"model": s}},
    "a text under detector": lambda s, m: {"model": s, "detector": "fasterrcnn_resnet50_fpn"},
    "a flag under training": lambda s, m: {"model": s, "training": True},
    "a list under training": lambda s, m: {"model": s, "training": [0.3, 0.2]},
    "another normaliser under training": lambda s, m: {"model": s, "training": {"normalise": "imagenet"}},
    "EMA beside it": lambda s, m: {"model": s, "model_ema": under("module.", {k: v + 1 for k, v in s.items()})},
    "float64": lambda s, m: {k: v.double() for k, v in s.items()},
    "counters of batch norm": lambda s, m: {**s, "backbone.body.bn1.num_batches_tracked": torch.tensor(9)},
}


@pytest.mark.parametrize("kind", LOADED)
def test_loaded_and_finds_the_same(kind: str, model: FasterRCNN, tmp_path: Path) -> None:
    torch.save(LOADED[kind](model.state_dict(), model), tmp_path / "w.pth")
    assert finds_the_same(read_checkpoint(tmp_path / "w.pth"), model)


def test_safetensors(model: FasterRCNN, tmp_path: Path) -> None:
    state = {name: value.contiguous() for name, value in under("model.", model.state_dict()).items()}
    save_file(state, tmp_path / "w.safetensors")
    assert finds_the_same(read_checkpoint(tmp_path / "w.safetensors"), model)


def test_torchs_format_before_1_6(model: FasterRCNN, tmp_path: Path) -> None:
    torch.save({"model": model.state_dict()}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert finds_the_same(read_checkpoint(tmp_path / "w.pth"), model)


def test_the_ema_model_which_the_user_evaluates(model: FasterRCNN, tmp_path: Path) -> None:
    state = model.state_dict()
    raw = {name: value * 1.5 if "cls_score" in name else value for name, value in state.items()}
    torch.save(
        {"model": raw, "model_ema": {"n_averaged": torch.tensor(5), **under("module.", state)}}, tmp_path / "e.pth"
    )
    assert finds_the_same(read_checkpoint(tmp_path / "e.pth", "model_ema"), model)
    by_default = read_checkpoint(tmp_path / "e.pth")
    assert not finds_the_same(by_default, model)
    assert by_default.notes == (
        "e.pth holds several sets of weights: model was taken; model_ema was not, --weights-of model_ema takes it",
    )


def test_student_and_teacher_are_asked_for(model: FasterRCNN, tmp_path: Path) -> None:
    state = model.state_dict()
    both = {**under("student.", {k: v + 1 for k, v in state.items()}), **under("teacher.", state)}
    torch.save({"state_dict": both}, tmp_path / "t.pth")
    with pytest.raises(InputError, match=r"\(student, teacher\): say which with --weights-of"):
        read_checkpoint(tmp_path / "t.pth")
    assert finds_the_same(read_checkpoint(tmp_path / "t.pth", "teacher"), model)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_torchscript_detector_is_named_and_its_way_out_works(model: FasterRCNN, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(model.backbone.body), tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"TorchScript.*torch\.jit\.load"):
        read_checkpoint(tmp_path / "w.pt")
    torch.save(torch.jit.load(tmp_path / "w.pt", map_location="cpu").state_dict(), tmp_path / "weights.pth")
    assert "conv1.weight" in read_checkpoint(tmp_path / "weights.pth").state


def test_a_whole_model_is_named_and_its_way_out_works(model: FasterRCNN, tmp_path: Path) -> None:
    torch.save(model, tmp_path / "m1_whole.pth")
    with pytest.raises(InputError, match=r"whole pickled model.*torch\.save\(model\.state_dict\(\), 'weights\.pth'\)"):
        read_checkpoint(tmp_path / "m1_whole.pth")
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    assert finds_the_same(read_checkpoint(tmp_path / "weights.pth"), model)


@pytest.mark.usefixtures("kept_engines")
def test_a_wrong_assumption_is_seen_by_the_reference(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--checkpoint` compares the bundle with its own assumption and passes; what the user's program found does not."""
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"skipped": "no"})
    mine = two_layers(**MORE | {"canonical_scale": 32}).eval()
    mine.load_state_dict(torch.load(exported / "model.pth", weights_only=True))
    (tmp_path / "frames").mkdir()
    shutil.copy(exported / "frames/0.png", tmp_path / "frames")
    check = ["check", str(exported / "deer"), "--images", str(tmp_path / "frames"), "--min-score", "0.3"]
    report = tmp_path / "report.json"
    main([*check, "--checkpoint", str(exported / "model.pth"), "--json", str(report)])
    assert json.loads(report.read_text())["comparisons"][0]["failures"] == []
    assert "A setting that was assumed wrongly is not noticed here" in capsys.readouterr().out
    (tmp_path / "reference.json").write_text(json.dumps(reference(mine, tmp_path / "frames/0.png")))
    assert main([*check, "--reference", str(tmp_path / "reference.json")]) == 1
    assert "likely cause: canonical_scale is 32 in your program, 640 in the bundle" in capsys.readouterr().out


def reference(model: FasterRCNN, path: Path) -> dict[str, Any]:
    """What the script of `edge-export reference` writes of one frame."""
    from export.parity.reference_script import look, settings_of

    return {"format": 1, "settings": settings_of(model), "images": [look(model, str(path.parent), path.name, "cpu", 3)]}
