"""``edge-export onnx --int8``: what it takes, what it refuses before anything is done, and what it says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.model.bundle import ONNX_INT8, Bundle
from export.commands import int8 as command
from export.commands.main import main


@pytest.fixture
def bundle(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Into which a file is put in place of a graph; how it is made: tests/export/graph/int8."""

    def add(bundle: Bundle, model: object, frames: object, progress: object) -> Bundle:
        assert (model, frames) == ("model", "frames")
        (bundle.path / ONNX_INT8).write_bytes(b"graph")
        files = {**bundle.files, ONNX_INT8: "7bbe1bb7a04f27c3ea2d56f3ec9b2f3a"}
        said = {"layers": 7, "frames": 32, "method": "least error to the power 2.5"}
        return replace(bundle, files=files, int8=said)

    monkeypatch.setattr(command, "load_detector", lambda folder: "model")
    monkeypatch.setattr(command, "calibration_frames", lambda bundle, source: "frames")
    monkeypatch.setattr(command, "add_int8", add)
    return Path(shutil.copytree(exported / "deer", tmp_path / "deer"))


def test_it_says_what_it_made_and_what_comes_next(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "model.engine").write_bytes(b"machine code")
    assert main(["onnx", "--checkpoint", str(bundle), "--int8", "--calibrate", "stills"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "INT8: 7 layers, calibrated on 32 frames by least error to the power 2.5; compare it with the float graph: "
        f"edge-export check {bundle} --images DIR",
        f"{bundle / ONNX_INT8}  0.0 MB",
        f"its model.engine belongs to the old model.json, build it again: edge-export engine {bundle}",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--int8",), "--int8 without --calibrate DIR: expected both"),
        (("--calibrate", "d"), "--calibrate without --int8: expected both"),
        ((), "--out is missing"),
        (("--int8", "--calibrate", "d", "--score", "0.4", "--nms", "0.4"), "--nms, --score: --int8 without --out adds"),
        (("--int8", "--calibrate", "d", "--classes", "a,b"), "--classes: --int8 without --out adds a graph to"),
    ],
)
def test_what_does_not_fit_is_refused(
    bundle: Path, words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["onnx", "--checkpoint", str(bundle), *words]) == 2
    assert capsys.readouterr().err.startswith(f"edge-export: {complaint}")
    assert not (bundle / ONNX_INT8).exists()


def test_a_checkpoint_file_wants_a_folder(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["onnx", "--checkpoint", str(exported / "model.pth"), "--int8", "--calibrate", "d"]
    assert main(words) == 2
    assert "--out is missing" in capsys.readouterr().err


def test_one_that_is_there_is_kept_unless_said(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bundle, "load", classmethod(lambda cls, path: with_int8(original(path))))
    original = _load
    words = ["onnx", "--checkpoint", str(bundle), "--int8", "--calibrate", "d"]
    assert main(words) == 2
    assert "has a model.int8.onnx already: say --overwrite to replace it" in capsys.readouterr().err
    assert main([*words, "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


_load = Bundle.load


def with_int8(bundle: Bundle) -> Bundle:
    return replace(bundle, files={**bundle.files, ONNX_INT8: "ab"})
