"""benchmarks/accuracy/int8_overflow.py: the layer whose sum is known, and what is printed where OpenVINO is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx, which a board has not")

from benchmarks.accuracy import int8_overflow as overflow


@pytest.mark.parametrize("part", [1.0, 0.5])
@pytest.mark.parametrize(("bits", "careful"), [(8, True), (7, True), (7, False)])
def test_sums_that_fit_are_those_of_what_went_in(bits: int, careful: bool, part: float) -> None:
    ones = np.full((1, overflow.CHANNELS, overflow.SIDE, overflow.SIDE), part, np.float32)
    found = overflow.in_onnxruntime(overflow.made(overflow.MOST[bits]).SerializeToString(), ones, careful)
    whole, step = overflow.EXPECTED * part, overflow.EXPECTED / 255
    assert found.shape == ones.shape
    assert np.abs(found[0, :, 1:-1, 1:-1] - whole).max() <= step
    # at the borders a row of the window is outside, in a corner a row and a column
    assert np.abs(found[0, :, 0, 1:-1] - whole * 6 / 9).max() <= step
    assert np.abs(found[0, :, 0, 0] - whole * 4 / 9).max() <= step


def test_what_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["int8_overflow.py"])
    monkeypatch.setitem(sys.modules, "openvino", None)
    overflow.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "a made layer, weights of 8 bits, sum 576"
    assert lines[2] == lines[6] == "  ONNX Runtime, session.x64quantprecision (as in edge): 576"
    assert lines[4].startswith("  OpenVINO: openvino cannot be imported")
    assert lines[5] == "a made layer, weights of 7 bits, sum 576"
    assert lines[7] == "  ONNX Runtime as it is: 576"
    assert len(lines) == 9
