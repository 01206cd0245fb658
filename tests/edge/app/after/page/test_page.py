"""The page: it holds what it says, nothing in it is obeyed, nothing is fetched, and it stays within its budget."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.app.after.page import rows as rows_module
from edge.app.after.page.rows import TYPES
from edge.app.after.page.write import write_page
from edge.app.after.reviewed import Reviewed, reviewed
from edge.app.after.survey.survey import Survey, read_survey
from edge.app.review.store import Review
from tests.support.survey_flights import fly, png

SPOTS = [(50.0, 2.0, 0), (90.0, -3.0, 1), (120.0, 4.0, 1)]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def page_of(survey: Survey, **more: Any) -> str:
    told = [reviewed(flight) for flight in survey.flights]
    states = [(*flight.states, state) for flight, (_, state) in zip(survey.flights, told, strict=True)]
    out = io.BytesIO()
    write_page(out, survey, [one for one, _ in told], states, **more)
    return out.getvalue().decode()


def page(*folders: Path, **more: Any) -> str:
    return page_of(read_survey(folders), **more)


class Parts(HTMLParser):
    """Elements with their attributes, texts of scripts by id, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self.scripts: list[str] = []
        self.said = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag in ("script", "style"):
            self._in = given.get("id") or tag
            if self._in == "script":
                self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in:
            self.data[self._in] = self.data.get(self._in, "") + data
        else:
            self.said += data

    def column(self, name: str) -> Any:
        return np.frombuffer(base64.b64decode(self.data.get(f"col-{name}", "")), np.dtype(TYPES[name].lower()))


def test_the_answer_stands_first_with_its_interval_and_every_individual_has_its_pictures(tmp_path: Path) -> None:
    parts = Parts(page(fly(tmp_path / "f", SPOTS)))
    said = " ".join(parts.said.split())
    assert said.rindex("How many there are") < said.index("Each counted individual with") < said.index("North is up")
    assert re.search(r"deer\s*2\s*2 to 3, 90 % interval\s*from 2 tracks", said)
    facts = json.loads(parts.data["facts"])
    assert facts["classes"] == ["Car", "deer"]
    assert facts["counted"] is True
    assert parts.column("track").tolist() == [1, 2, 3]
    assert parts.column("animal").tolist() == [1, 2, 3]
    assert parts.column("label").tolist() == [0, 1, 1]
    chunk = json.loads(parts.data["c1"])
    assert {row: len(found) for row, found in chunk.items()} == {"0": 2, "1": 2, "2": 2}
    assert base64.b64decode(chunk["0"][0]) == png(100)
    assert parts.column("chunk").tolist() == [1, 1, 1]
    east, north = parts.column("east"), parts.column("north")
    assert (east[1] - east[0], north[1] - north[0]) == (pytest.approx(40, abs=0.1), pytest.approx(-5, abs=0.1))
    assert np.allclose(parts.column("sigma"), 1.0)


def test_nothing_is_loaded_and_only_its_own_script_and_style_are_allowed(tmp_path: Path) -> None:
    text = page(fly(tmp_path / "f", SPOTS))
    parts = Parts(text)
    policy = next(given["content"] or "" for tag, given in parts.elements if given.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    (script,) = parts.scripts
    for kind, source in (("script", script), ("style", parts.data["style"])):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    for tag, given in parts.elements:
        assert not {"src", "srcset", "style", "action"} & given.keys(), (tag, given)
        assert not [name for name in given if name.startswith("on")]
        assert (given.get("href") or "#").startswith("#")
    assert not re.search(r"https?://", text.replace("http-equiv", ""))
    assert "innerHTML" not in script
    assert "eval(" not in script


def test_a_name_from_outside_is_text_and_nothing_else(tmp_path: Path) -> None:
    clean = Parts(page(fly(tmp_path / "clean", SPOTS)))
    folder = fly(
        tmp_path / "f",
        SPOTS,
        classes=("Car", EVIL),
        model=EVIL,
        source=EVIL,
        camera=EVIL,
        engine_notes=[EVIL],
        mission={"name": EVIL, "file": EVIL, "sha256": EVIL},
        health={"low_contrast": {"frames": 1, "times": 1, "first": {"seq": 1, "t": 501, "utc": None}, "seen": EVIL}},
        versions={EVIL: EVIL},
        ended="failed",
        error=EVIL,
    )
    text = page(folder)
    parts = Parts(text)
    assert len(parts.scripts) == 1
    assert not [tag for tag, _ in parts.elements if tag == "img" and "id" not in dict(_)]
    assert "<script>alert" not in text
    assert EVIL in parts.said
    assert json.loads(parts.data["facts"])["classes"][1] == EVIL
    assert not {tag for tag, _ in parts.elements} - {tag for tag, _ in clean.elements} - {"ul", "li", "details"}


def test_bytes_that_turn_text_around_and_control_characters_are_shown_as_such(tmp_path: Path) -> None:
    text = page(fly(tmp_path / "f", SPOTS, model="a\u202eb\x1b[31m", source="x" * 5000))
    assert "a\\u202eb\\x1b[31m" in text
    assert "\u202e" not in text
    assert "x" * 501 not in text
    assert "(4500 more characters)" in text


def test_pictures_within_a_budget_the_best_of_each_individual_first_and_the_rest_counted(tmp_path: Path) -> None:
    survey = read_survey([fly(tmp_path / "f", SPOTS)])
    first, second = (-(-len(png(value)) // 3) * 4 for value in (100, 110))
    parts = Parts(page_of(survey, budget=3 * first + second))
    assert {row: len(found) for row, found in json.loads(parts.data["c1"]).items()} == {"0": 2, "1": 1, "2": 1}
    said = parts.said.replace("\xa0", " ")
    assert "4 pictures of 6 that the flight kept of these tracks. 2 are left out" in said
    none = Parts(page_of(survey, budget=0))
    assert "c1" not in none.data
    assert none.column("chunk").tolist() == [0, 0, 0]


def test_pictures_that_are_gone_damaged_or_elsewhere(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    (folder / "crops/000001-1.png").unlink()
    (folder / "crops/000002-1.png").write_bytes(b"no picture")
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(77))
    (folder / "crops/000003-1.png").unlink()
    (folder / "crops/000003-1.png").symlink_to(secret)
    parts = Parts(page(folder))
    assert "2 are not where tracks.jsonl says; 1 are damaged" in parts.said.replace("\xa0", " ")
    assert base64.b64encode(png(77)).decode() not in parts.data["c1"]
    assert {row: len(found) for row, found in json.loads(parts.data["c1"]).items()} == {"0": 1, "1": 1, "2": 1}


def test_more_tracks_than_a_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    counts = json.loads((folder / "counts.json").read_text())
    counts["deer"]["animals"] = [[3]]
    (folder / "counts.json").write_text(json.dumps(counts))
    monkeypatch.setattr(rows_module, "MOST_ROWS", 2)
    monkeypatch.setattr(rows_module.rows_of, "__defaults__", (2,))
    parts = Parts(page(folder))
    assert parts.column("track").tolist() == [1, 3]  # those that are counted
    assert "1 track with the lowest scores are not on this page" in parts.said.replace("\xa0", " ")


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    for name in ("report.json", "clock.jsonl", "counts.json"):
        (folder / name).unlink()
    (folder / "earlier-1").mkdir()
    for name in ("detections.jsonl", "tracks.jsonl"):
        lines = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for line in lines:
            line.pop("pose", None)
            if "position" in line:
                line["position"] = None
            for found in line.get("detections", ()):
                found.pop("position", None)
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines) + "{")
    said = Parts(page(folder)).said.replace("\xa0", " ")
    for words in (
        "no report.json: the run did not end (power was cut, or it still runs). Everything here is read from "
        "detections.jsonl and tracks.jsonl, up to 20 s",
        "detections.jsonl: read, 21 lines; the last line was not finished",
        "Nobody counted: counts.json not there",
        "no poses: nobody knows where the aircraft was, so there is no map and nothing is counted on the ground. Run "
        "again with --pose",
        "the time of day is not known",
        "an earlier run stands in earlier-1",
    ):
        assert words in said
    assert json.loads(Parts(page(folder)).data["facts"])["map"] is None


def test_a_count_that_is_older_than_the_tracks(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    (folder / "report.json").unlink()
    counts = json.loads((folder / "counts.json").read_text())
    del counts["Car"]
    (folder / "counts.json").write_text(json.dumps(counts))
    said = Parts(page(folder)).said.replace("\xa0", " ")
    assert "counts.json knows 2 of 3 tracks: it was written up to a minute before the run was cut off" in said


def test_what_happened_over_time_stands_in_the_chart_and_in_words(tmp_path: Path) -> None:
    steps = [
        {"t": 505.0, "utc": "", "step": "lower rate", "begins": True, "because": "heat", "value": 96, "limit": 95},
        {"t": 515.0, "utc": "", "step": "lower rate", "begins": False, "because": "heat", "value": 90, "limit": 95},
    ]
    gap = {"after_seq": 3, "t": 503.0, "seconds": 2.0, "why": "unplugged", "back": True}
    folder = fly(
        tmp_path / "f",
        SPOTS,
        degraded={"steps": steps, "more": 0, "seconds": {"lower rate": 10}, "frames_between": 0},
        reconnects={"outages": 1, "lost_seconds": 2.0, "away": False, "gaps": [gap]},
        health={"low_contrast": {"frames": 7, "times": 2, "first": {"seq": 9, "t": 509.0, "utc": None}}},
    )
    (folder / "trace.jsonl").write_text('{"seq": 1, "t": 501, "latency_ms": 250}\n')
    said = Parts(page(folder)).said.replace("\xa0", " ")
    assert "given up: lower rate: 0:05 lower rate given up: heat 96, limit 95" in said
    assert "camera away: 0:03 camera away: unplugged" in said
    assert "first seen: 0:09 low contrast from here on, 2 times, 7 frames in all" in said
    assert "latency, mean" in said
    assert "250 ms" in said


def test_verdicts_of_a_reviewer_stand_beside_tracks_and_counts(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    review = Review.read(folder)
    review.add("right", [1])
    review.add("wrong", [3])
    review.add("unsure", [99])
    review.add_missed(5)
    parts = Parts(page(folder))
    assert parts.column("verdict").tolist() == [1, 0, 2]
    said = parts.said.replace("\xa0", " ")
    assert "A person looked at 3 tracks of 3: 1 right, 1 wrong, 1 unsure; 1 marked as missed" in said
    assert "1 counted individual has a track called wrong" in said
    (folder / "review.jsonl").write_text('{"n": 1}\n')
    said = Parts(page(folder)).said
    assert "review.jsonl: damaged: " in said
    found, state = reviewed(read_survey([folder]).flights[0])
    assert found is None
    assert state.state == "damaged"
    assert Reviewed.WRONG == 2


def test_several_flights_stand_beside_their_common_count(tmp_path: Path) -> None:
    folders = [fly(tmp_path / "a", SPOTS), fly(tmp_path / "b", SPOTS, after_s=30)]
    parts = Parts(page(*folders))
    assert sorted(parts.column("flight").tolist()) == [0, 0, 0, 1, 1, 1]
    assert parts.column("animal").tolist() == [1, 1, 2, 2, 3, 3]
    said = " ".join(parts.said.replace("\xa0", " ").split())
    assert "all flights" in said
    assert json.loads(parts.data["facts"])["flights"] == ["a", "b"]


def test_a_flight_in_which_nothing_was_found(tmp_path: Path) -> None:
    parts = Parts(page(fly(tmp_path / "f", [])))
    assert "Nothing was followed. How many were missed is not known." in parts.said
    assert parts.column("track").tolist() == []
    assert "No track was kept." in parts.said
