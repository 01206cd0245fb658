"""``edge-export onnx --model``: the detector of the user's own program."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from onnx import ModelProto
from torchvision.models.detection import FasterRCNN

import export.commands.onnx as onnx_command
from edge.model.bundle import Bundle, sha256
from export.commands.main import main
from export.graph import bundle as graph_bundle
from export.graph.onnx_graph import float32_graph, trace
from export.graph.static import StaticDetector
from tests.support.random_detectors import enliven, thermal_scene

PROGRAM = """
from torchvision.models.detection.anchor_utils import AnchorGenerator
from tests.support.users_detectors import SIZES, small

def deer():
    return small(
        layers=(1, 2),
        rpn_anchor_generator=AnchorGenerator(SIZES[:3], ((0.5, 1.0, 2.0),) * 3),
        bbox_reg_weights=(5.0, 5.0, 2.0, 2.0),
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_test=50,
    )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program, the weights of its detector, and frames."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "mine.py").write_text(PROGRAM)
    with torch.no_grad():
        model = runpy.run_path(str(folder / "mine.py"))["deer"]()
        torch.save(enliven(model.eval(), thermal_scene(64, 96)).state_dict(), folder / "best.pth")
    (folder / "frames").mkdir()
    for seed in (1, 2):
        cv2.imwrite(str(folder / f"frames/{seed}.png"), thermal_scene(64, 96, seed))
    return folder


def onnx(folder: Path, out: Path, *more: str) -> int:
    words = ["onnx", "--model", "mine:deer", "--weights", str(folder / "best.pth"), "--classes", "deer,person"]
    return main([*words, "--height", "64", "--width", "96", "--out", str(out), *more])


@pytest.fixture(autouse=True)
def _in_the_programs_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def test_nothing_is_assumed_and_the_users_frames_agree(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph for the CPU stands for both: half precision may move what a random head finds."""
    traced: list[ModelProto] = []

    def first(detector: StaticDetector) -> ModelProto:
        traced.append(traced[0] if traced else trace(detector))
        return traced[-1]

    monkeypatch.setattr(graph_bundle, "trace", first)
    monkeypatch.setattr(graph_bundle, "float16_graph", float32_graph)
    code = onnx(folder, tmp_path / "m", "--images", str(folder / "frames"))
    out = capsys.readouterr().out
    assert "nothing assumed" in out
    line = next(line for line in out.splitlines() if line.startswith("float32 against eager, 2 frames: "))
    assert line.endswith(" 0 lost, 0 new")
    assert not line.endswith(": 0 detections the same, 0 lost, 0 new")
    assert "beyond tolerance" not in out
    assert code == 0
    assert len(traced) == 2
    bundle = Bundle.load(tmp_path / "m")
    assert bundle.assumed == {}
    assert bundle.checkpoint_sha256 == sha256(folder / "best.pth")
    assert bundle.classes == ("deer", "person")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--classes", "deer"], "1 class names (deer), the model has 2 classes"),
        (["--conv1-stride", "1", "--arch", "frc_resnet18_fpn"], "--conv1-stride, --arch: with --model everything is"),
        (["--assume-rest"], "--assume-rest: with --model"),
        (["--weights", "nowhere.pth"], "nowhere.pth"),
        (["--model", "mine:fox"], "mine has no fox"),
    ],
)
def test_bad_input_is_one_line(
    more: list[str], told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert onnx(folder, tmp_path / "m", *more) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_of_another_detector_is_told(
    exported: Path,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The comparison sees it: the bundle of other weights stands for any fault of the export."""

    def another(model: FasterRCNN, out: Path, *arguments: Any, **settings: Any) -> Bundle:
        settings["built"](StaticDetector(model, 64, 96))
        return Bundle.load(shutil.copytree(exported / "deer", out))

    monkeypatch.setattr(onnx_command, "export_bundle", another)
    assert onnx(folder, tmp_path / "m", "--images", str(folder / "frames")) == 1
    assert "beyond tolerance: float32 against eager" in capsys.readouterr().out


def test_classes_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["onnx", "--model", "mine:deer", "--out", str(tmp_path / "m")]) == 2
    assert "2 classes: give --classes" in capsys.readouterr().err


def test_a_checkpoint_and_a_program_at_once(tmp_path: Path) -> None:
    for words in (["--model", "mine:deer", "--checkpoint", "best.pth"], []):
        with pytest.raises(SystemExit) as caught:
            main(["onnx", *words, "--out", str(tmp_path / "m")])
        assert caught.value.code == 2
