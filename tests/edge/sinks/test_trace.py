"""trace.jsonl: one line a frame, with its own latency and stages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edge.data import Detections, Frame
from edge.sinks.open import choose_specs
from edge.sinks.spec import SinkContext
from tests.conftest import made


def test_a_line_a_frame(tmp_path: Path) -> None:
    spec = choose_specs(["trace"])[-1]
    pixels = np.zeros((4, 6), np.uint8)
    with spec.make(SinkContext(spec.path(tmp_path), ("Person",))) as sink:
        for seq, more in (
            (7, {"stages_ms": {"wait": 1.23456, "engine.copy": 2}, "dropped": 1, "duplicates": 2, "lost": 3}),
            (9, {"inferred": False}),
        ):
            frame = Frame(pixels, seq, 100.25 + seq)
            sink.write(made(frame, Detections.none(6, 4), frame.t_capture + 0.0625, pixels, **more))
        on_the_way = (tmp_path / "trace.jsonl").read_text()
    assert (tmp_path / "trace.jsonl").read_text() == on_the_way, "expected each line to be there at once"
    assert [json.loads(line) for line in on_the_way.splitlines()] == [
        {
            "seq": 7, "t": 107.25, "latency_ms": 62.5, "stages_ms": {"wait": 1.235, "engine.copy": 2},
            "inferred": True, "dropped": 1, "duplicates": 2, "lost": 3,
        },
        {
            "seq": 9, "t": 109.25, "latency_ms": 62.5, "stages_ms": {},
            "inferred": False, "dropped": 0, "duplicates": 0, "lost": 0,
        },
    ]  # fmt: skip
