"""Every counter under its own name, wherever it is shown: all values are different, so no two can be exchanged."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.app.loop import Loop
from edge.app.observer import Progress
from edge.app.report import Totals
from edge.commands.console import Screen
from edge.commands.demo import show_score
from edge.commands.live_table import LiveTable
from edge.commands.run_summary import summary
from edge.data import Detections, Frame, Result
from edge.errors import SinkError
from edge.recording.recorder import Recorder
from edge.sinks.background import Background
from tests.conftest import made


def result(seq: int, labels: tuple[int, ...] = (), flags: frozenset[str] = frozenset(), **more: Any) -> Result:
    pixels, n = np.zeros((6, 8), np.uint8), len(labels)
    boxes = np.tile(np.array([[1, 2, 4, 3]], np.float32), (n, 1))
    found = Detections(boxes, np.full(n, 0.5, np.float32), np.array(labels, np.int32), 8, 6)
    return made(Frame(pixels, seq, seq / 8, flags=flags), found, seq / 8 + 0.04, pixels, **more)


def counted() -> tuple[Totals, Result]:
    """23 results: 2 behind the shutter (1 inferred), 3 not converged, 5 overflowed; 7, 11 and 13 boxes."""
    totals = Totals(("deer", "fox", "hare"), warmup=3)
    both = frozenset({"ffc", "ffc_inferred"})
    for seq in range(23):
        last = result(
            seq,
            (0,) * (seq < 7) + (1,) * (seq < 11) + (2,) * (seq < 13),
            both if seq == 20 else frozenset({"ffc"}) if seq == 21 else frozenset(),
            inferred=seq not in (20, 21),
            converged=seq not in (4, 5, 6),
            finite=seq not in (8, 9, 10, 11, 12),
            dropped=17,
            duplicates=19,
            lost=29,
            frozen_s=31.23456,
            stages_ms={"wait": 2.0, "infer": 37.0},
        )
        totals.add(last)
    return totals, last


def test_in_the_report() -> None:
    told = counted()[0].to_json()
    assert "DDSketch" in told.pop("percentiles")
    assert told.pop("health") == {}
    assert told == {
        "frames": 23,
        "fps": round(17 / (19 / 8), 3),  # 18 results: 3 to 22 without 20 and 21
        "dropped": 17,
        "duplicates": 19,
        "lost": 29,
        "frozen_seconds": 31.235,
        "latency_ms": {"p50": pytest.approx(40, rel=2e-3)},
        "stages_ms": {"wait": {"p50": 2.0}, "infer": {"p50": 37.0}},
        "detections": {"deer": 7, "fox": 11, "hare": 13},
        "shutter_frames": 2,
        "shutter_inferred": 1,
        "unconverged": 3,
        "overflowed": 5,
    }


def test_on_the_live_table_with_a_recording() -> None:
    totals, last = counted()
    table = LiveTable(Screen(file=io.StringIO()))
    recorder: Any = SimpleNamespace(status="41 frames, 43 MB, 47 frames left out")
    table.begin(Progress(totals, 53, recorder))
    told = dict(table.figures(last))
    assert told["frames"] == "23 / 53"
    assert list(told.values())[1] == f"{20 / (22 / 8):.1f}"  # frames a second
    assert told["latency p50 / p95 / p99"] == "40 / - / - ms"
    assert in_order(list(told.items())[3], dropped=17, duplicates=19, lost=29)
    assert told["boxes in all frames"] == "deer 7  fox 11  hare 13"
    assert told["recording"] == "41 frames, 43 MB, 47 frames left out"
    table.begin(Progress(Totals(("deer",)), None, None))
    assert [value for _, value in table.figures(last)][:3] == ["0", "-", "-"]
    assert dict(table.figures(last))["boxes in all frames"] == "none yet"


def in_order(figure: tuple[str, str], **counts: int) -> bool:
    """Whether the words and the numbers of a figure are in one order, as "a, b: 1, 2" or as "1 a, 2 b"."""
    text = " ".join(figure)
    words = re.findall("|".join(counts), text)
    return [counts[word] for word in words] == [int(n) for n in re.findall(r"\d+", text)] and len(words) == len(counts)


def test_latencies_in_their_order() -> None:
    totals = Totals(("deer",))
    for i in range(662):
        totals.add(made(Frame(np.zeros((6, 8), np.uint8), i, 0.0), Detections.none(8, 6), i / 1000, np.zeros((6, 8))))
    table = LiveTable(Screen(file=io.StringIO()))
    table.begin(Progress(totals, None, None))
    assert dict(table.figures(result(0)))["latency p50 / p95 / p99"] == "330 / 628 / 654 ms"


def test_of_a_recording(tmp_path: Path) -> None:
    writer: Any = SimpleNamespace(
        folder=tmp_path / "recording", frames=2, bytes=3_600_000, segments=5, removed_segments=7, removed_frames=11,
        sync_s=0.01, sync_if_due=lambda: None, close=lambda: None,
    )  # fmt: skip
    recorder = Recorder(writer)
    recorder.close()
    assert recorder.status == "2 frames, 4 MB"
    recorder._refused, recorder._unwritten = 13, 17
    assert recorder.report() == {
        "folder": "recording",
        "frames": 2,
        "dropped": 30,
        "bytes": 3_600_000,
        "segments": 5,
        "segments_removed": 7,
        "frames_removed": 11,
        "error": None,
    }
    assert recorder.status == "2 frames, 4 MB, 30 frames left out"
    recorder.error = SinkError("no room")
    assert recorder.report()["error"] == "no room"
    assert recorder.status == "stopped: no room"


def test_of_a_sink() -> None:
    """Three written, then it breaks: the fourth and what comes after are left out."""

    class Three:
        given = 0

        def write(self, _: Result) -> None:
            self.given += 1
            if self.given > 3:
                raise SinkError("full")

        def idle(self) -> None: ...

        def close(self) -> None: ...

    sink = Background(Three(), depth=9, lossless=True)  # type: ignore[arg-type]
    for seq in range(5):
        sink.write(result(seq))
    while sink.error is None or not sink._queue.empty():
        pass
    for seq in range(5):
        sink.write(result(seq))
    sink.close()
    assert (sink.written, sink.skipped, str(sink.error)) == (3, 6, "full")


def test_in_the_last_lines(tmp_path: Path) -> None:
    report = {
        "frames": 1,
        "ended": "time limit",
        "fps": None,
        "dropped": 2,
        "duplicates": 3,
        "lost": 5,
        "latency_ms": {},
        "detections": {"deer": 0},
        "threshold": 0.5,
        "thresholds": {"deer": 0.5},
        "engine": "E",
        "camera": "C",
        "overflowed": 7,
        "reconnects": {"outages": 0, "lost_seconds": 0.0},
        "pose": None,
        "position": None,
        "coverage": None,
        "sinks": {
            "detections": {"file": "d", "written": 11, "skipped": 0},
            "video": {"file": "v", "written": 13, "skipped": 17},
            "mine": {"file": None, "written": 19, "skipped": 23},
        },
        "recording": {"folder": "recording", "frames": 29, "bytes": 31_400_000, "dropped": 37, "frames_removed": 41},
        "verify": {"verdict": "the same"},
    }
    said = summary(report, tmp_path)
    assert re.match(r"1 frame\b.*\(time limit\)", said[0])
    assert before(said, "dropped", "duplicates", "lost") == ["2", "3", "5"]
    assert "boxes in all frames: none" in " ".join(said)
    assert "engine: E; source: C" in said
    assert next(line for line in said if "7 frame(s)" in line).startswith("WARNING")
    left_out = [line for line in said if line.startswith(("video:", "mine:", "detections:"))]
    assert [re.findall(r"\d+", line) for line in left_out] == [["17"], ["23"]]
    assert [line.partition(":")[0] for line in left_out] == ["video", "mine"]
    kept = next(line for line in said if line.startswith("recorded"))
    assert kept.startswith(f"recorded: 29 frames, 31.4 MB, in {tmp_path}/recording; 37 ")
    assert before([kept], "removed") == ["41"]
    assert "verified: the same" in said


def before(lines: list[str], *words: str) -> list[str]:
    """The number right before each of these words."""
    return [found[1] for word in words if (found := re.search(rf"(\d+) {word}", " ".join(lines)))]


def cells(text: str) -> list[list[str]]:
    rows = [
        [cell.strip() for cell in line.replace("\u2503", "\u2502").split("\u2502")[1:-1]] for line in text.splitlines()
    ]
    return [row for row in rows if row]


def test_a_demo_s_score() -> None:
    out = io.StringIO()
    row = {"found": 3, "missed": 5, "false": 7, "recall": 0.375, "precision": 0.3}
    none = {"found": 0, "missed": 0, "false": 2, "recall": None, "precision": 0.0}
    show_score({"deer": row, "all": none}, Screen(file=out, width=120))
    assert cells(out.getvalue()) == [
        ["class", "found", "missed", "false", "recall", "precision"],
        ["deer", "3", "5", "7", "0.38", "0.30"],
        ["all", "0", "0", "2", "-", "0.00"],
    ]


@pytest.mark.parametrize(
    ("limit", "holds", "coming"), [(None, None, None), (5, None, 5), (None, 7, 7), (5, 7, 5), (9, 7, 7)]
)
def test_how_many_results_will_come(limit: int | None, holds: int | None, coming: int | None) -> None:
    loop: Any = SimpleNamespace(settings=SimpleNamespace(frames=limit), camera=SimpleNamespace(frames=holds))
    assert Loop._coming(loop) == coming
