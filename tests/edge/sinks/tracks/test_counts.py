"""counts.json: a count of each class with its proof, or why there is none."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.errors import SinkError
from edge.geo.wgs84 import metres_a_degree
from edge.measure.counts_json import ClassCount
from edge.measure.thinned import Thinned
from edge.sinks.tracks import counts as counts_module
from edge.sinks.tracks.counts import (
    COUNTING,
    LEFT_OUT,
    NO_NAME,
    NO_POSITION,
    NONE_FOUND,
    NOT_FOLLOWED,
    REST,
    TOO_MANY,
    TOO_SHORT,
    CountsSink,
    counted,
)
from edge.system.activity import Activity, State
from tests.support.track_lines import place

A_LATITUDE, A_LONGITUDE = metres_a_degree(51.5)
CLASSES = ("Person", "Car")


def at(east: float, north: float) -> tuple[float, float]:
    """Latitude, longitude of a place in metres."""
    return 51.5 + north / A_LATITUDE, -0.25 + east / A_LONGITUDE


def result(
    t: float, found: list[tuple[int, int, tuple[float, float] | None]], middle: float = 0.0, **more: Any
) -> Result:
    """``found``: track, label, metres east and north. The picture shows 60 x 60 m around ``middle`` metres east."""
    n = len(found)
    rows = [
        place(*at(*where), 0.5) if where else (np.full(3, np.nan), np.full((2, 2), np.nan), np.full((2, 8), np.nan))
        for *_, where in found
    ]
    parts = [np.array(part) for part in zip(*rows, strict=True)] or [None] * 3
    detections = Detections(
        np.tile(np.array([[1, 1, 5, 5]], np.float32), (n, 1)).reshape(n, 4),
        np.full(n, 0.95, np.float32),
        np.array([label for _, label, _ in found], np.int32),
        64,
        48,
        np.array([track for track, *_ in found], np.int32),
        None,
        *parts,
    )
    corners = np.array([at(middle + x, y) for x, y in ((-30, 30), (30, 30), (30, -30), (-30, -30))])
    pixels = np.zeros((48, 64), np.uint8)
    return Result(
        frame=Frame(pixels, round(10 * t), 1000 + t),
        detections=detections,
        t_result=1000 + t,
        picture=pixels,
        t_source=t,
        **{"footprint": corners, **more},
    )


def file_of(folder: Path) -> dict[str, ClassCount]:
    return msgspec.json.decode((folder / "counts.json").read_bytes(), type=dict[str, ClassCount])


def flown(folder: Path, results: list[Result]) -> dict[str, ClassCount]:
    with CountsSink(folder / "counts.json", CLASSES) as sink:
        for each in results:
            sink.write(each)
    return file_of(folder)


def line(t: float, tracks: list[tuple[int, int, tuple[float, float] | None]], away: float = 300.0) -> list[Result]:
    """A pass of two seconds over these, which end in it, and then of twenty seconds beside them."""
    over = [result(t + k / 2, tracks) for k in range(4)]
    beside = [result(t + 2 + k, [], away + 20 * k, ended_tracks=tuple(n for n, *_ in tracks)) for k in range(20)]
    return over + beside


def test_two_at_once_are_two(tmp_path: Path) -> None:
    said = flown(tmp_path, line(0, [(1, 0, (0, 0)), (2, 0, (1, 0)), (3, 1, (10, 10))]))
    assert list(said) == ["Person", "Car"]
    person = said["Person"]
    assert (person.tracks, person.count, person.level) == (2, 2, 0.9)
    assert person.low is not None
    assert person.high is not None
    assert person.low <= 2 <= person.high
    assert sorted(person.animals) == [[1], [2]]
    assert (said["Car"].count, said["Car"].animals) == (1, [[3]])


def test_what_a_later_pass_sees_at_the_same_place_is_the_same(tmp_path: Path) -> None:
    again = flown(
        tmp_path, line(0, [(1, 1, (0, 0)), (2, 1, (20, 0))]) + line(60, [(7, 1, (20.4, 0)), (8, 1, (0.3, 0))])
    )
    assert (again["Car"].tracks, again["Car"].count) == (4, 2)
    assert sorted(again["Car"].animals) == [[1, 8], [2, 7]]
    elsewhere = flown(tmp_path, line(0, [(1, 1, (-20, 0))]) + line(60, [(7, 1, (20, 0))]))
    assert sorted(elsewhere["Car"].animals) == [[1], [7]]
    walked = flown(tmp_path, line(0, [(1, 0, (-20, 0))]) + line(60, [(7, 0, (20, 0))]))
    assert walked["Person"].low == 1  # 40 m in a minute: it may be the same person, and need not
    other = flown(tmp_path, line(0, [(1, 0, (0, 0))]) + line(60, [(7, 1, (0, 0))]))
    assert (other["Person"].count, other["Car"].count) == (1, 1)


def test_without_a_position_nothing_is_counted_and_without_a_track_none_was_found(tmp_path: Path) -> None:
    said = flown(tmp_path, line(0, [(1, 0, None), (2, 0, None)]))
    assert said["Person"] == ClassCount(
        tracks=2, count=None, low=None, high=None, level=None, method=NO_POSITION, animals=[]
    )
    assert said["Car"] == ClassCount(tracks=0, count=0, low=0, high=None, level=None, method=NONE_FOUND, animals=[])
    assert flown(tmp_path, []) == dict.fromkeys(CLASSES, said["Car"])


def test_tracks_without_a_position_are_left_out_and_allowed_for(tmp_path: Path) -> None:
    placed = flown(tmp_path, line(0, [(1, 0, (0, 0))]))["Person"]
    said = flown(tmp_path, line(0, [(1, 0, (0, 0)), (2, 0, None), (3, 0, None)]))["Person"]
    assert placed.high is not None
    assert (said.tracks, said.count, said.low, said.high) == (3, placed.count, placed.low, placed.high + 2)
    assert said.method == placed.method + LEFT_OUT.format(tracks=2)


def test_boxes_that_nobody_followed_are_told(tmp_path: Path) -> None:
    """Stills do not follow each other; in a film a box that comes once is no track."""
    with CountsSink(tmp_path / "counts.json", CLASSES) as sink:
        one = result(0.0, [(1, 0, (0, 0)), (-1, 0, (9, 0))])
        sink.write(replace(one, detections=replace(one.detections, track_ids=None)))
    said = msgspec.json.decode((tmp_path / "counts.json").read_bytes(), type=dict[str, ClassCount])
    assert (said["Person"].tracks, said["Person"].count, said["Person"].method) == (0, None, NOT_FOLLOWED)
    assert said["Car"].method == NONE_FOUND
    once = flown(tmp_path, [result(0.0, [(-1, 0, (0, 0))])])["Person"]
    assert (once.tracks, once.count, once.high, once.method) == (0, 0, None, TOO_SHORT.format(boxes=1))


def test_one_class_without_a_position_leaves_the_other_its_count(tmp_path: Path) -> None:
    said = flown(tmp_path, line(0, [(1, 0, None), (2, 1, (0, 0))]))
    assert (said["Person"].count, said["Car"].count) == (None, 1)


def test_a_class_that_the_model_does_not_name_is_told_and_not_counted(tmp_path: Path) -> None:
    said = flown(tmp_path, line(0, [(1, 0, (0, 0)), (2, 5, (9, 0))]))
    assert list(said) == ["Person", "Car", "5"]
    assert (said["5"].tracks, said["5"].count, said["5"].method) == (1, None, NO_NAME)


def test_it_counts_without_any_footprint_too(tmp_path: Path) -> None:
    said = flown(tmp_path, [result(0.0, [(1, 0, (0, 0)), (2, 0, (0.5, 0))], footprint=None)])
    assert said["Person"].count == 2
    assert counted([], Thinned[Any](1, 1), ("a",))["a"].method == NONE_FOUND


def test_it_is_counted_every_minute_with_those_in_view(tmp_path: Path) -> None:
    now = [500.0]
    path = tmp_path / "counts.json"
    sink = CountsSink(path, CLASSES, clock=lambda: now[0])
    sink.write(result(0.0, [(1, 0, (0, 0)), (2, 0, (9, 0))]))
    now[0] = 559.9
    sink.write(result(0.5, [(1, 0, (0, 0))], ended_tracks=(2,)))
    assert not path.exists()
    now[0] = 560.0
    sink.write(result(1.0, [(1, 0, (0, 0))]))
    assert file_of(tmp_path)["Person"].count == 2
    path.unlink()
    now[0] = 619.9
    sink.write(result(1.5, [(1, 0, (0, 0))]))
    assert not path.exists()
    sink.close()
    assert sorted(file_of(tmp_path)["Person"].animals) == [[1], [2]]
    path.unlink()
    sink.close()
    assert not path.exists()


def test_of_a_class_so_many_tracks_are_compared_and_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts_module, "MOST_OF_A_CLASS", 3)
    seen = line(0, [(n, 0, (9 * n, 0)) for n in range(1, 6)] + [(9, 1, (0, 20)), (10, 5, (0, 40))])
    all_three = flown(tmp_path, line(0, [(n, 0, (9 * n, 0)) for n in range(1, 4)]))["Person"]
    said = flown(tmp_path, seen)
    assert sorted(said["Person"].animals) == [[1], [2], [3]]
    assert all_three.high is not None
    assert (said["Person"].tracks, said["Person"].count, said["Person"].high) == (5, 3, all_three.high + 2)
    assert said["Person"].method.endswith(TOO_MANY.format(tracks=2, most=3))
    assert (said["Car"].tracks, said["Car"].count, said["5"].tracks) == (1, 1, 1)


def test_what_is_kept_of_a_long_flight_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_module, "MOST_OF_A_CLASS", 20)
    monkeypatch.setattr(counts_module, "MOST_SEEN", 40)
    with CountsSink(tmp_path / "counts.json", CLASSES, clock=lambda: 0.0) as sink:

        def fly(begin: int, many: int) -> None:
            for k in range(begin, begin + many):
                sink.write(result(k / 2, [(k + 1, k % 2, (k, 0))], middle=k, ended_tracks=(k,)))
            gc.collect()

        fly(0, 200)
        kept = len(gc.get_objects())
        assert 20 <= len(sink._seen.at) <= 40
        fly(200, 800)
        assert len(gc.get_objects()) - kept < 50
        assert len(sink._over.kept) == 40
        times = sink._seen.at
        assert 20 <= len(times) <= 40
        assert times[0] == 0.0
        assert max(np.diff(times)) <= 2 * min(np.diff(times))  # the whole flight, evenly


def test_a_long_count_is_made_more_rarely_and_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, path = [0.0], tmp_path / "counts.json"
    states: list[str] = []

    def works(_self: Activity, state: State) -> None:
        now[0] += 0.1
        states.append(state.doing)

    monkeypatch.setattr(Activity, "goes_on", works)
    sink = CountsSink(path, CLASSES, clock=lambda: now[0])
    now[0] = 60.0
    sink.write(result(0.0, [(1, 0, (0, 0))]))
    assert set(states) == {COUNTING.doing}
    assert len(states) == 200  # one a draw: none of them is long
    assert now[0] == pytest.approx(80)  # it took 20 s
    path.unlink()
    now[0] += REST * 20 - 1
    sink.write(result(0.5, [(1, 0, (0, 0))]))
    assert not path.exists()
    now[0] += 2
    sink.write(result(1.0, [(1, 0, (0, 0))]))
    assert path.exists()
    states.clear()
    sink.close()
    assert set(states) == {COUNTING.doing}  # the last one, too: of thousands of tracks it takes more than 30 s


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    sink = CountsSink(tmp_path / "no" / "counts.json", CLASSES)
    with pytest.raises(SinkError, match="cannot write .*/no/counts.json: "):
        sink.close()
