"""A replay compared with its flight: every count, the first difference in words, what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame
from edge.errors import InputError
from edge.recording.verify import Verifier
from tests.conftest import made
from tests.edge.recording.test_recording_exact import H, W


def box(x: float, score: float = 0.5, label: int = 0) -> dict[str, Any]:
    return {"box": [x, 1.0, x + 2, 5.0], "score": score, "label": label, "class": ("deer", "fox")[label]}


def flight(path: Path, *lines: Any, ending: str = "\n") -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines) + ending)
    return path


def line(seq: int, *boxes: dict[str, Any], flags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"seq": seq, "t": 1.0, "flags": list(flags), "detections": list(boxes), **more}


def came(verifier: Verifier, seq: int, *at: float, flags: tuple[str, ...] = (), label: int = 0, **more: Any) -> None:
    boxes = np.array([[x, 1, x + 2, 5] for x in at], np.float32).reshape(-1, 4)
    n = len(at)
    found = Detections(boxes, np.full(n, 0.5, np.float32), np.full(n, label, np.int32), W, H)
    shown = Frame(np.zeros((H, W), np.uint8), seq, 1.0, flags=frozenset(flags))
    verifier.write(made(shown, found, 1.1, shown.pixels, **more))


def test_each_count_of_a_comparison(tmp_path: Path) -> None:
    """2 the same, 1 different; 3 missing; then 4 that may differ, of which 1 is the same."""
    path = flight(tmp_path / "d.jsonl", {"format": 1}, *(line(seq, box(seq % 5 + 0.0)) for seq in range(11)))
    verifier = Verifier(path, ("deer", "fox"))
    assert list(verifier.seqs) == list(range(11))
    came(verifier, 0, 0.0)
    came(verifier, 1, 1.0)
    came(verifier, 2, 4.0)
    for seq in (6, 7, 8):
        came(verifier, seq, 4.5)
    came(verifier, 9, 4.0)
    verifier.end_of_source()
    told = verifier.report("ort")
    assert (verifier.same, verifier.different, verifier.unsettled, verifier.missing) == (3, 1, 3, 4)
    assert told == {
        "file": str(path),
        "compared": 4,
        "different": 1,
        "first_difference": "frame 2, detection 0: box [2.0, 1.0, 4.0, 5.0] in the flight, [4.0, 1.0, 6.0, 5.0] now",
        "unsettled": 3,
        "missing": 4,
        "verdict": "not the same",
    }
    error = verifier.error({})
    assert error is not None
    assert f"1 of 4 frames differ from {path}: frame 2, detection 0: box" in str(error)


def test_a_closed_shutter_settles_what_was_missing_but_for_repair(tmp_path: Path) -> None:
    path = flight(tmp_path / "d.jsonl", *(line(seq, flags=("repaired",) if seq == 5 else ()) for seq in range(7)))
    verifier = Verifier(path, ("deer",))
    came(verifier, 1, 1.0)  # 0 is missing
    assert (verifier.different, verifier.unsettled) == (0, 1)
    came(verifier, 2, flags=("ffc",))
    came(verifier, 3, 1.0)
    assert (verifier.different, verifier.unsettled) == (1, 1)
    came(verifier, 4, 1.0, flags=("repaired",))  # repaired now
    came(verifier, 5, 1.0)  # repaired then
    assert (verifier.different, verifier.unsettled) == (1, 3)
    came(verifier, 6, 1.0)
    assert (verifier.same, verifier.different, verifier.unsettled, verifier.missing) == (1, 2, 3, 1)


def test_repaired_frames_of_a_whole_flight_are_compared(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(0, flags=("repaired",)), line(1)), ("deer",))
    came(verifier, 0, 1.0, flags=("repaired",))
    came(verifier, 1)
    assert (verifier.same, verifier.different, verifier.unsettled) == (1, 1, 0)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (line(3), {"at": (1.0,)}, "frame 3: 0 detections in the flight, 1 now"),
        (line(3, box(1)), {"at": ()}, "frame 3: 1 detections in the flight, 0 now"),
        (line(3, box(1), box(2)), {"at": (1.0, 4.0)}, "frame 3, detection 1: box [2"),
        (line(3, box(1, 0.75)), {"at": (1.0,)}, "frame 3, detection 0: score 0.75 in the flight, 0.5 now"),
        (line(3, box(1, label=1)), {"at": (1.0,)}, "frame 3, detection 0: label 1 in the flight, 0 now"),
        (line(3, inferred=False, flags=("ffc",)), {"at": ()}, "the engine was not asked in the flight"),
        (line(3), {"at": (), "inferred": False}, "the engine was asked in the flight"),
        (line(3, {**box(1), "area": 7}), {"at": (1.0,)}, "detection 0: area 7 in the flight, None now"),
        (line(3, dict(reversed(box(1).items()))), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        (line(3, {**box(1), "label": 0.0}), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        (line(3, box(1), inferred=1), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        ({"seq": 3, "detections": ["x"]}, {"at": (1.0,)}, "detection 0: no object in the file"),
    ],
)
def test_the_first_difference_in_words(then: dict[str, Any], now: dict[str, Any], told: str, tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", then), ("deer", "fox"))
    came(verifier, 3, *now.pop("at"), **now)
    assert verifier.different == 1
    assert told in str(verifier.report("ort")["first_difference"])


def test_what_was_set_otherwise_is_named(tmp_path: Path) -> None:
    path = flight(tmp_path / "d.jsonl", line(3))
    (tmp_path / "report.json").write_text(
        json.dumps({"backend": "trt", "threshold": 0.25, "model": "a", "model_files": {"x": 1}, "frames": 9})
    )
    verifier = Verifier(path, ("deer",))
    came(verifier, 3, 1.0)
    here = {"backend": "ort", "threshold": 0.25, "model": "b", "model_files": {"x": 2}, "frames": 1}
    said = str(verifier.error(here))
    assert said.endswith(
        "; the flight had backend trt (here ort), model a (here b), another model_files: run with the same"
    )


def test_scores_by_class_that_differ_are_named_where_their_lowest_is_the_same(tmp_path: Path) -> None:
    path = flight(tmp_path / "d.jsonl", line(3))
    then = {"threshold": 0.2, "thresholds": {"deer": 0.2, "fox": 0.5}}
    (tmp_path / "report.json").write_text(json.dumps(then))
    verifier = Verifier(path, ("deer", "fox"))
    came(verifier, 3, 1.0)
    said = str(verifier.error({**then, "thresholds": {"deer": 0.2, "fox": 0.6}}))
    assert said.endswith("; the flight had other thresholds: run with the same")
    said = str(verifier.error({"threshold": 0.3, "thresholds": {"deer": 0.3, "fox": 0.6}}))
    assert said.endswith("; the flight had threshold 0.2 (here 0.3): run with the same")


def test_nothing_that_could_be_compared_is_an_error(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(3)), ("deer",))
    verifier.end_of_source()
    assert verifier.report("ort")["verdict"] == "not the same"
    assert "nothing could be compared" in str(verifier.error({}))
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(3)), ("deer",))
    came(verifier, 3)
    assert verifier.error({}) is None
    assert verifier.report("ort")["verdict"] != "not the same"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([{"format": 1}], "holds no line"),
        ([line(3), {"format": 1}], "line 2 is no line"),
        ([line(3), line(3)], "line 2 has seq 3 after 3"),
        ([line(3), line(2)], "line 2 has seq 2 after 3"),
        ([line(-1)], "line 1 has seq -1 after -1"),
        ([{**line(3), "seq": True}], "line 1 has seq True after -1"),
        ([{**line(3), "seq": 1.5}], "line 1 has seq 1.5"),
        ([{**line(3), "detections": {}}], "line 1 is no line"),
        ([{"seq": 3}], "line 1 is no line"),
        ([[1]], "line 1 is no line"),
    ],
)
def test_what_is_no_flight_s_file(lines: list[Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        Verifier(flight(tmp_path / "d.jsonl", *lines), ("deer",))


def test_a_first_frame_of_0_is_one_and_half_a_last_line_is_left_out(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(0), line(1), ending=""), ("deer",))
    assert list(verifier.seqs) == [0]


def test_tracks_and_positions_are_not_compared_but_all_that_was_found_is(tmp_path: Path) -> None:
    tracked = {**box(1.0), "track": 7, "position": [47.0, 8.0, 3.0]}
    other = {**box(1.0), "celsius": [1.0, 2.0, 3.0]}
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(0, tracked), line(1, box(1.0)), line(2, other)), ("deer",))
    for seq in range(3):
        came(verifier, seq, 1.0)
    assert (verifier.same, verifier.different) == (2, 1)
    assert "frame 2, detection 0: celsius [1.0, 2.0, 3.0] in the flight, None now" in str(verifier.error({}))


def test_frames_that_the_flight_did_not_search_are_not_compared(tmp_path: Path) -> None:
    lines = [line(0, box(1.0)), line(1, inferred=False), line(2, inferred=False, flags=("ffc",)), line(3, box(1.0))]
    verifier = Verifier(flight(tmp_path / "d.jsonl", *lines), ("deer", "fox"))
    came(verifier, 0, 1.0)
    came(verifier, 1, 1.0)  # here the engine is asked
    came(verifier, 2, flags=("ffc",), inferred=False)
    came(verifier, 3, 1.0)
    assert (verifier.same, verifier.different, verifier.spared) == (3, 0, 1)
    assert "1 not compared: the flight did not search them" in str(verifier.report("ort")["verdict"])
