"""faint.jsonl: what never reached the threshold, the best of each minute; and what must not be in it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.data import Detections, Faint, Frame, Result
from edge.errors import InputError
from edge.measure.faint_lines import FAINT_FROM, MOST_PLACES, read_faint
from edge.sinks.faint import A_MINUTE, FaintSink
from edge.sinks.open import choose_specs
from tests.support.reviewed import CLASSES, flown

PIXELS = np.full((48, 64), 7000, np.uint16)
GREY = np.full((48, 64), 90, np.uint8)


def result(seq: int, t: float, found: dict[int, float], ended: tuple[int, ...] = ()) -> Result:
    """``found``: score by track; from 0.5 on it is shown."""
    boxes = np.array([[seq % 9, 2, seq % 9 + 8, 12]] * len(found), np.float32).reshape(-1, 4)
    scores, ids = np.array(list(found.values()), np.float32), np.array(list(found), np.int32)
    every = Detections(boxes, scores, np.zeros(len(found), np.int32), 64, 48, track_ids=ids)
    return Result(
        frame=Frame(PIXELS, seq, t), detections=Detections.none(64, 48), t_result=t, picture=GREY, t_source=t,
        faint=Faint(every, scores >= 0.5, ended),
    )  # fmt: skip


def written(path: Path, results: list[Result], most: int = A_MINUTE) -> list[dict[str, Any]]:
    with FaintSink(path, CLASSES, most) as sink:
        for one in results:
            sink.write(one)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_faint_track_with_its_pictures_and_places(tmp_path: Path) -> None:
    path = tmp_path / "faint.jsonl"
    (line,) = written(path, [result(n, n / 9, {4: 0.2 + n / 100}) for n in range(5)])
    assert (line["track"], line["score"], line["frames"], line["left_out"]) == (FAINT_FROM + 4, 0.24, 5, 0)
    assert line["places"] == [[n, n, 2, n + 8, 12] for n in range(5)]
    assert line["crops"] == [f"crops/{FAINT_FROM + 4}-1.png", f"crops/{FAINT_FROM + 4}-1-counts.png"]
    assert cv2.imread(str(tmp_path / line["crops"][1]), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    ((read,), left_out) = read_faint(path)
    assert (read.track, read.places[2].x2, left_out) == (FAINT_FROM + 4, 10, 0)


@pytest.mark.parametrize("when", [0, 2, 4])
def test_what_was_shown_once_is_no_faint_track(tmp_path: Path, when: int) -> None:
    results = [result(n, n / 9, {4: 0.9 if n == when else 0.2, 5: 0.3}) for n in range(5)]
    results.append(result(5, 0.6, {5: 0.3}, ended=(4,)))
    (line,) = written(tmp_path / "faint.jsonl", results)
    assert line["track"] == FAINT_FROM + 5


def test_what_is_not_a_track_yet_is_none(tmp_path: Path) -> None:
    assert written(tmp_path / "faint.jsonl", [result(n, n / 9, {-1: 0.3}) for n in range(3)]) == []
    assert written(tmp_path / "b.jsonl", [replace(result(0, 0.0, {4: 0.3}), faint=None)]) == []


def test_the_best_of_a_minute(tmp_path: Path) -> None:
    """Four end within the first minute, of which two are kept; one in the second."""
    first = result(0, 0.0, {1: 0.21, 2: 0.25, 3: 0.22, 4: 0.24})
    results = [first, result(1, 1.0, {}, ended=(1, 2)), result(2, 59.9, {}, ended=(3, 4))]
    results += [result(3, 60.1, {5: 0.21}), result(4, 61.0, {}, ended=(5,))]
    lines = written(tmp_path / "faint.jsonl", results, most=2)
    assert [(one["track"] - FAINT_FROM, one["left_out"]) for one in lines] == [(2, 2), (4, 0), (5, 0)]
    assert not (tmp_path / f"crops/{FAINT_FROM + 1}-1.png").exists()
    assert read_faint(tmp_path / "faint.jsonl")[1] == 2


def test_a_minute_is_written_when_it_is_over(tmp_path: Path) -> None:
    path = tmp_path / "faint.jsonl"
    with FaintSink(path, CLASSES) as sink:
        sink.write(result(0, 0.0, {1: 0.3}))
        sink.write(result(1, 1.0, {}, ended=(1,)))
        assert path.read_text() == ""
        sink.write(result(2, 60.0, {}))
        assert path.read_text().count("\n") == 1


def test_places_of_a_long_track_are_spread(tmp_path: Path) -> None:
    (line,) = written(tmp_path / "faint.jsonl", [result(n, n / 99, {1: 0.3}) for n in range(500)])
    seqs = [place[0] for place in line["places"]]
    assert MOST_PLACES / 2 <= len(seqs) <= MOST_PLACES
    assert len({b - a for a, b in pairwise(seqs)}) == 1
    assert seqs[-1] > 480


def test_what_is_no_faint_track_is_refused(tmp_path: Path) -> None:
    folder = flown(tmp_path, frames=8, record=False)
    good = json.loads((folder / "faint.jsonl").read_text().splitlines()[0])
    for change in ({"track": 5}, {"places": []}, {"places": [[1, 2]]}, {"left_out": -1}, {"crops": ["../a"]}):
        (folder / "faint.jsonl").write_text(json.dumps({**good, **change}) + "\n")
        with pytest.raises(InputError, match=r"faint.jsonl, line 1: "):
            read_faint(folder / "faint.jsonl")


def test_it_is_asked_for_by_its_name() -> None:
    assert [spec.file for spec in choose_specs(["faint"]) if not spec.essential] == ["faint.jsonl"]
