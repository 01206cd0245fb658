"""Detectors as users build them: refused until what the weights do not tell is said, and then the same detector."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from torchvision.models.detection import FasterRCNN

from edge.data import RawDetections
from export.commands.detector_options import add_detector_options, detector_settings
from export.commands.main import main
from export.detector.checkpoint import detector_of, read_checkpoint
from export.graph.onnx_graph import float32_graph, trace
from export.graph.static import StaticDetector
from export.parity.pairs import pair
from tests.export.conftest import ROUNDS
from tests.support.random_detectors import eager, in_onnxruntime
from tests.support.users_detectors import EVERY, HEIGHT, WIDTH, scene

# large networks or large frames: the benchmark over all of them takes these too
SLOW = ("resnet50", "resnet101", "resnet152", "resnet50_fpn_v2", "mobilenet_v3_large_320")
SLOW += ("layer4 dilated, resnet50", "torchvision's defaults, resnet18", "the paper's, frames of another size")
NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n, d in EVERY.items() if d.options is not None]


@pytest.fixture(autouse=True)
def _narrow(narrow_resnets: None) -> None: ...


def same(expected: RawDetections, found: RawDetections) -> None:
    pairs = pair(expected, found, 0.06)
    assert len(pairs.iou) > 5
    assert pairs.lost.sum() + pairs.new.sum() <= 0.005 * len(pairs.iou)
    assert pairs.iou.min() >= 0.99
    assert np.abs(pairs.score_change).max() <= 1e-3


def onnx(path: Path, out: Path, *options: str) -> int:
    words = ["onnx", "--checkpoint", str(path), "--out", str(out), "--classes", "deer,person", "--quiet"]
    return main([*words, "--height", "96", "--width", "128", *options])


def detected(path: Path, *options: str) -> FasterRCNN:
    """The detector that ``edge-export onnx`` exports with these options."""
    parser = argparse.ArgumentParser()
    add_detector_options(parser)
    arguments = parser.parse_args(options)
    checkpoint = read_checkpoint(path, arguments.weights_of)
    return detector_of(checkpoint, arguments.arch, **detector_settings(arguments))


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_command_asks_and_with_the_answer_it_is_the_same_detector(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = EVERY[name]
    model = detector.lively()
    path = detector.save(model, tmp_path / "model.pth")
    assert onnx(path, tmp_path / "m") == 2
    error = capsys.readouterr().err
    assert detector.asked in error
    assert error.count("\n") == 1
    assert not (tmp_path / "m").exists()
    same(eager(model, scene()), eager(detected(path, *(detector.options or ())), scene()))


def test_the_wrong_answer_would_have_been_another_detector(tmp_path: Path) -> None:
    """So the tests above would see it."""
    detector = EVERY["conv1 of stride 1"]
    model = detector.lively()
    checkpoint = read_checkpoint(detector.save(model, tmp_path / "model.pth"))
    with pytest.raises(AssertionError):
        same(eager(model, scene()), eager(detector_of(checkpoint, min_size=112, max_size=160), scene()))


def test_norms_without_an_epsilon_in_the_exported_graph(tmp_path: Path) -> None:
    detector = EVERY["epsilon 0, from COCO_V1"]
    model = detector.lively()
    rebuilt = detected(detector.save(model, tmp_path / "model.pth"), *(detector.options or ()))
    graph = float32_graph(trace(StaticDetector(rebuilt, HEIGHT, WIDTH, "cpu", rounds=ROUNDS)))
    same(eager(model, scene(4)), *in_onnxruntime(graph, scene(4), fused=False))


def test_an_epsilon_of_0_is_not_assumed_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All else confirmed: the norms of this file say that their epsilon decides."""
    detector = EVERY["epsilon 0, from COCO_V1"]
    path = detector.save(detector.lively(), tmp_path / "model.pth")
    assert onnx(path, tmp_path / "m", "--min-size", "112", "--max-size", "160", "--assume-rest") == 2
    assert "--norm-eps 0" in capsys.readouterr().err


def test_options_that_describe_another_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option that an older message asked for, and the wrong preset: it still asks, and names the likely one."""
    detector = EVERY["resnet34"]
    path = detector.save(detector.build(), tmp_path / "model.pth")
    words = ["--arch", "frc_resnet34_fpn", "--anchor-sizes", "32;64;128;256;512", "--roi-size", "7x7"]
    assert onnx(path, tmp_path / "m", *words) == 2
    error = capsys.readouterr().err
    assert "--canonical-scale 640" in error
    assert "give --arch fasterrcnn_resnet34_fpn" in error


def test_a_paper_checkpoint_keeps_the_size_of_the_published_code(tmp_path: Path) -> None:
    """Frames of another size are resized to 512 x 640, as the program that trained it does."""
    detector = EVERY["the paper's, frames of another size"]
    checkpoint = read_checkpoint(detector.save(detector.build(), tmp_path / "model.pth"))
    model = detector_of(checkpoint)
    assert (model.transform.min_size, model.transform.max_size) == ((512,), 640)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--anchor-sizes", "4,x"), "'4,x': expected numbers with ','"),
        (("--aspect-ratios", ""), "expected numbers"),
        (("--roi-size", "7"), "'7': expected two whole numbers with 'x'"),
        (("--fixed-size", "640"), "'640': expected two whole numbers with 'x'"),
        (("--maxpool", "off"), "'off': expected yes or no"),
        (("--min-size", "512.5"), "'512.5': expected a whole number"),
        (("--norm-eps", "1e-5x"), "'1e-5x': expected a number"),
        (("--mean", "0,4;0,4"), "'0,4;0,4': expected numbers with ','"),
    ],
)
def test_options_that_cannot_be_read(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        onnx(tmp_path / "model.pth", tmp_path / "m", *words)
    assert caught.value.code == 2
    assert told in capsys.readouterr().err
