"""What the page shows: results and figures as JSON; whatever a class is called, whatever is no number."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.sinks.colours import on_paper
from edge.sinks.web import page as page_module
from edge.sinks.web.marks import Marks
from edge.sinks.web.page import Page, clean
from edge.sinks.web.vitals import Changes, Vitals
from tests.support.shown_page import FLYING, HOME, result

EVIL = "<script>alert('x')</script>"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def page(tmp_path: Path) -> Page:
    page = Page(lambda: FLYING, Clock())
    page.begin((EVIL, "Deer"), tmp_path)
    return page


def state(page: Page) -> dict[str, Any]:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    return dict(json.loads(page.state(), parse_constant=refuse))


def test_before_the_first_frame(page: Page) -> None:
    told = state(page)
    assert told["frame"] is told["pose"] is told["pose_age_s"] is told["footprint"] is told["counts"] is None
    assert told["state"] == "detecting"
    assert told["fps"] == 9.5


def test_a_frame(page: Page) -> None:
    page.note(result(7, boxes=[(1, 2, 9, 9), (20, 20, 40, 50)], tracks=[3, -1], label=1))
    told = state(page)
    assert told["frame"] == {
        "seq": 7, "utc": "2026-05-01T04:00:07.000+00:00", "width": 80, "height": 64, "flags": [], "found": 2,
        "now": [
            {"track": 3, "class": "Deer", "score": 0.8, "celsius": 36.4, "sigma_m": 2.0},
            {"track": None, "class": "Deer", "score": 0.8, "celsius": 36.4, "sigma_m": 2.0},
        ],
    }  # fmt: skip
    assert told["pose"]["yaw"] == 30.0
    assert told["pose"]["height"] == 60.0
    assert len(told["footprint"]) == 4
    assert told["pose_age_s"] == 0.0


def test_the_age_of_the_pose_grows_where_none_comes(page: Page) -> None:
    page.note(result(0))
    assert isinstance(page._clock, Clock)
    page._clock.now += 4.0
    page.note(result(1, pose=False))
    assert state(page)["pose_age_s"] == 4.0
    assert state(page)["pose"] is None


def test_what_is_no_number_is_null(page: Page) -> None:
    page.note(result(0, celsius=math.nan))
    assert state(page)["frame"]["now"][0]["celsius"] is None
    assert clean({"a": [math.inf, (-math.inf, 1.5)], 3: float(np.float32("nan"))}) == {
        "a": [None, [None, 1.5]],
        "3": None,
    }


def test_a_list_is_never_endless(page: Page) -> None:
    many = [(1.0, 1.0, 3.0, 3.0)] * 500
    page.note(result(0, boxes=many, tracks=list(range(1, 501))))
    told = state(page)["frame"]
    assert told["found"] == 500
    assert len(told["now"]) == 100


def test_a_class_is_text(page: Page) -> None:
    page.note(result(0))
    assert state(page)["frame"]["now"][0]["class"] == EVIL
    (event,) = page.events.after(0).events
    assert event.text == f"{EVIL} 1 found, score 0.80, 36.4 °C"


def test_each_track_is_told_once(page: Page) -> None:
    for seq, tracks in enumerate(([1], [1], [2], [-1], [1])):
        page.note(result(seq, tracks=tracks, celsius=math.nan, label=1))
    assert [event.text for event in page.events.after(0).events] == [
        "Deer 1 found, score 0.80", "Deer 2 found, score 0.80",
    ]  # fmt: skip
    page.note(result(9, boxes=[], tracks=[], ended_tracks=(1, 2)))
    assert page._live == {}


def test_tracks_whose_end_nobody_heard_of_are_forgotten(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_LIVE", 3)
    for seq in range(50):
        page.note(result(seq, boxes=[(1, 1, 5, 5)] * 2, tracks=[1, seq + 2]))
    assert list(page._live) == [50, 1, 51]
    assert (
        sum(event.more.get("track") == 1 for event in page.events.after(0).events) == 1
    )  # it was in view all the time


def test_conditions_are_told_when_they_begin_and_end(page: Page) -> None:
    page.note(result(0, boxes=[], tracks=[]))
    page.note(result(1, boxes=[], tracks=[], warnings=frozenset({"frozen"}), seen={"frozen": "for 2 s"}))
    page.note(result(2, boxes=[], tracks=[], warnings=frozenset({"frozen"})))
    page.note(result(3, boxes=[], tracks=[]))
    began, over = page.events.after(0).events
    assert (began.kind, began.level, over.level) == ("condition", "warning", "good")
    assert began.text.startswith("Frozen: the camera gave the same picture")
    assert began.text.endswith("(for 2 s)")
    assert over.text == "Frozen: over"


def test_degrade_steps_are_told(page: Page) -> None:
    page.notice("lower rate because of heat")
    page.notice("lower rate ends: heat")
    assert [(one.kind, one.level, one.text) for one in page.events.after(0).events] == [
        ("degrade", "warning", "Degrade step: lower rate because of heat"),
        ("degrade", "good", "Degrade step: lower rate ends: heat"),
    ]


def test_counts_are_those_of_the_file(page: Page, tmp_path: Path) -> None:
    one = {"tracks": 3, "count": 2, "low": 1, "high": 4, "level": 0.9, "method": "m", "animals": [[1], [2, 3]]}
    (tmp_path / "counts.json").write_text(json.dumps({"Deer": one}))
    told = state(page)["counts"]
    assert told["classes"] == {"Deer": {**one, "animals": None}}  # the proof stays in the file
    assert told["age_s"] < 60
    (tmp_path / "counts.json").write_text("{broken")
    assert state(page)["counts"]["classes"] == {"Deer": {**one, "animals": None}}
    (tmp_path / "counts.json").unlink()
    assert state(page)["counts"] is None


def test_the_coverage_is_stamped(page: Page, tmp_path: Path) -> None:
    assert state(page)["coverage"] is None
    (tmp_path / "coverage.geojson").write_text("{}")
    assert state(page)["coverage"] > 0


# ---- what changed in the run ----


def texts(*looks: Vitals) -> list[tuple[str, str, str]]:
    page = Page(lambda: FLYING)
    changes = Changes(page.events)
    for look in looks:
        changes.note(look)
    return [(one.kind, one.level, one.text) for one in page.events.after(0).events]


def test_the_camera_is_lost_and_found() -> None:
    lost = FLYING._replace(state="waiting", doing="looking for /dev/video0")
    assert texts(FLYING, lost, lost._replace(state="late"), FLYING, FLYING) == [
        ("camera", "warning", "No results: looking for /dev/video0"),
        ("camera", "good", "Results come again; before: looking for /dev/video0"),
    ]


def test_one_that_never_came_is_not_lost() -> None:
    assert texts(Vitals("waiting", "waiting for a frame", 5.0, None, 9.0), FLYING) == []


def test_links_and_sinks() -> None:
    away = FLYING._replace(links={"cot": {"away": True, "error": "no route"}})
    back = FLYING._replace(links={"cot": {"away": False, "error": "no route"}}, failed=("video",))
    assert texts(FLYING, away, away, back, back) == [
        ("link", "warning", "Link cot is away: no route"),
        ("link", "good", "Link cot is back"),
        ("sink", "warning", "video has stopped: it writes nothing more"),
    ]


# ---- the map ----


def test_marks_are_told_once_and_again_where_they_changed() -> None:
    marks = Marks(("Person",))
    for seq in range(12):
        marks.note(result(seq))
    told = marks.since(0)
    (mark,) = told["marks"]
    assert (mark["track"], mark["class"], mark["colour"]) == (1, "Person", on_paper(0))
    assert (mark["lat"], mark["lon"]) == pytest.approx(HOME, abs=1e-6)
    assert mark["sigma_m"] > 0
    assert len(told["way"]) == 2  # at 0 and at 1 s
    assert marks.since(told["revision"]) == {"revision": told["revision"], "marks": [], "way": [], "left_out": 0}
    marks.note(result(13, tracks=[2]))
    assert [one["track"] for one in marks.since(told["revision"])["marks"]] == [2]


def test_no_position_no_mark() -> None:
    marks = Marks(("Person",))
    marks.note(result(0, pose=False))
    assert marks.since(0) == {"revision": 0, "marks": [], "way": [], "left_out": 0}


def test_marks_and_ways_are_bounded() -> None:
    marks = Marks(("Person",), most=3, most_way=4)
    for seq in range(0, 100, 10):
        marks.note(result(seq, tracks=[seq + 1]))
    told = marks.since(0)
    assert [one["track"] for one in told["marks"]] == [71, 81, 91]
    assert told["left_out"] == 7
    assert 2 < len(told["way"]) <= 4
    assert told["way"][0] == [HOME[0], HOME[1]]  # the whole way, with fewer points
