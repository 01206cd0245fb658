"""A long flight contacts nobody either: ONNX Runtime's telemetry would speak to its maker after some ten seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.network import heard, silent


@pytest.mark.slow
def test_half_a_minute_of_flight_contacts_nobody(tiny_bundle: Path, tmp_path: Path) -> None:
    words = [
        "edge",
        "run",
        "--source",
        "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,fps=10",
        "--seconds",
        30,
        "--model",
        tiny_bundle,
    ]
    silent(heard(tmp_path, [[*words, "--backend", "ort", "--out", tmp_path / "out", "--quiet"]]))
