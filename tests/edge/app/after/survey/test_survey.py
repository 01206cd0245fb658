"""Several flights over the same ground: an animal counts once; what cannot be counted together is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.app.after.flight.flight import read_flight
from edge.app.after.survey import merged as module
from edge.app.after.survey.agree import check_agree
from edge.app.after.survey.merged import key_of, row_of
from edge.app.after.survey.survey import read_survey
from edge.errors import InputError
from tests.support.survey_flights import fly, write

CARS = [(30.0, 5.0, 0), (70.0, -8.0, 0), (110.0, 2.0, 0), (150.0, 9.0, 0)]
DEER = [(50.0, 0.0, 1), (130.0, 4.0, 1)]


def test_two_flights_over_the_same_ground_count_what_stands_there_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    near = [(e + rng.normal(0, 0.7), n + rng.normal(0, 0.7), label) for e, n, label in CARS + DEER]
    folders = [fly(tmp_path / "a", CARS + DEER), fly(tmp_path / "b", near, after_s=60)]
    survey = read_survey(folders)
    assert survey.counts is not None
    cars, deer = survey.counts["Car"], survey.counts["deer"]
    assert (cars.tracks, cars.count, deer.tracks, deer.count) == (8, 4, 4, 2)
    assert cars.low is not None
    assert cars.high is not None
    assert cars.low <= 4 <= cars.high <= 6
    pairs = {tuple(sorted(map(row_of, animal))) for animal in cars.animals}
    assert pairs == {((0, i), (1, i)) for i in range(4)}
    assert survey.passes == (1, 1)
    assert survey.animals[0].tolist() == survey.animals[1].tolist() == [1, 2, 3, 4, 5, 6]
    assert [flight.counts and flight.counts["Car"].count for flight in survey.flights] == [4, 4]


def test_what_only_one_flight_saw_counts_too_and_two_of_one_pass_never_are_one(tmp_path: Path) -> None:
    there = [(100.0, 0.0, 0), (100.4, 0.3, 0)]  # half a metre apart, in one picture
    folders = [fly(tmp_path / "a", there), fly(tmp_path / "b", [(100.2, 0.1, 0)], after_s=300)]
    survey = read_survey(folders)
    assert survey.counts is not None
    animals = survey.counts["Car"].animals
    assert sorted(map(len, animals)) == [1, 2]
    assert all(len({row_of(key)[0] for key in animal}) == len(animal) for animal in animals)


def test_ground_that_the_other_flight_did_not_see_adds_up(tmp_path: Path) -> None:
    east = [(e + 1000, n, label) for e, n, label in CARS]
    other = fly(tmp_path / "c", east, after_s=600, begin=1000, length=1200)
    survey = read_survey([fly(tmp_path / "a", CARS), other])
    assert survey.counts is not None
    assert survey.counts["Car"].count == 8


def test_an_animal_that_another_flight_looked_at_and_did_not_see_is_less_sure(tmp_path: Path) -> None:
    survey = read_survey([fly(tmp_path / "a", CARS), fly(tmp_path / "b", [(190.0, 0.0, 0)], after_s=300)])
    assert survey.counts is not None
    assert survey.counts["Car"].tracks == 5
    number = survey.counts["Car"].count
    assert number is not None
    assert number < 5


def test_flights_are_taken_in_the_order_in_which_they_were_flown(tmp_path: Path) -> None:
    late, early = fly(tmp_path / "late", CARS, after_s=900), fly(tmp_path / "early", CARS)
    survey = read_survey([late, early])
    assert [flight.name for flight in survey.flights] == ["early", "late"]
    assert survey.counts is not None
    assert survey.counts["Car"].count == 4
    assert survey.title == "early, late"


def test_the_common_error_and_a_tracks_own_make_up_what_its_line_says(tmp_path: Path) -> None:
    """Two flights, an error of 3 m (68 of 100): at 30 m from each other nothing is one, at 1 m it is."""
    apart = read_survey(
        [fly(tmp_path / "a", [(50.0, 0.0, 0)], sigma=3.0), fly(tmp_path / "b", [(80.0, 0.0, 0)], 300, sigma=3.0)]
    )
    together = read_survey(
        [fly(tmp_path / "c", [(50.0, 0.0, 0)], sigma=3.0), fly(tmp_path / "d", [(51.0, 0.0, 0)], 300, sigma=3.0)]
    )
    assert [len(one.counts["Car"].animals) for one in (apart, together) if one.counts] == [2, 1]
    assert pytest.approx(0.6827) == 1 - np.exp(-(module.RADIUS**2) / 2)


def test_one_flight_keeps_the_count_that_it_made(tmp_path: Path) -> None:
    survey = read_survey([fly(tmp_path / "a", CARS + DEER)])
    assert survey.counts is not None
    assert survey.counts["Car"].method == "by hand"
    assert survey.animals[0].tolist() == [1, 2, 3, 4, 5, 6]
    assert not survey.many


def test_what_cannot_be_counted_together(tmp_path: Path) -> None:
    one, other = fly(tmp_path / "a", CARS), fly(tmp_path / "b", CARS, 300, classes=("Car", "boar"))
    with pytest.raises(InputError, match="has the classes Car, deer, .* has Car, boar: flights of other models"):
        read_survey([one, other])
    with pytest.raises(InputError, match="are the same flight: give each of them once"):
        read_survey([one, one])
    timeless = fly(tmp_path / "c", CARS, 300)
    (timeless / "clock.jsonl").unlink()
    with pytest.raises(InputError, match="nobody knows when it was flown.*write a report of each flight alone"):
        read_survey([one, timeless])
    start = {"format": 1, "run": 1, "boot_id": "b", "pid": 4, "clock": {"t": 1.5, "utc": None, "state": "unset"}}
    start["clock"]["by"] = "system"  # type: ignore[index]
    copies = [fly(tmp_path / name, CARS, 300) for name in ("d", "e")]
    for copy in copies:
        (copy / "run.json").write_text(json.dumps(start))
    with pytest.raises(InputError, match="are the same flight"):
        read_survey(copies)


def test_too_many_tracks_and_other_places_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [fly(tmp_path / "a", CARS), fly(tmp_path / "b", CARS, 300)]
    monkeypatch.setattr(module, "MOST_OF_A_CLASS", 7)
    with pytest.raises(InputError, match="8 tracks of Car in all flights: expected up to 7"):
        read_survey(folders)
    monkeypatch.setattr(module, "MOST_APART_M", 100.0)
    with pytest.raises(InputError, match="km from those of the first flight"):
        read_survey(folders)


def test_what_a_reader_must_know(tmp_path: Path) -> None:
    flights = [
        read_flight(fly(tmp_path / "a", CARS)),
        read_flight(fly(tmp_path / "b", CARS, 9 * 3600, model_files={"model.onnx": "cd"}, thresholds={"Car": 0.7})),
        read_flight(fly(tmp_path / "c", CARS, 600, position=None)),
    ]
    said = "\n".join(check_agree(flights))
    assert "not all flown with the same model" in said
    assert "other thresholds" in said
    assert "up to 9 hours lie between two flights" in said
    assert "c: the ground in its pictures is not known (no lens is known" in said
    assert check_agree([flights[0], read_flight(fly(tmp_path / "d", CARS, 600))]) == []


def test_without_positions_nothing_is_counted(tmp_path: Path) -> None:
    folders = [fly(tmp_path / name, CARS, 300 * i) for i, name in enumerate("ab")]
    for folder in folders:
        lines = [json.loads(line) for line in (folder / "tracks.jsonl").read_text().splitlines()]
        write(folder / "tracks.jsonl", [{**line, "position": None} for line in lines])
    survey = read_survey(folders)
    assert survey.counts is not None
    assert survey.counts["Car"].count is None
    assert survey.counts["Car"].tracks == 8
    assert "no positions" in survey.counts["Car"].method
    assert survey.counts["deer"].count == 0


def test_keys() -> None:
    assert row_of(key_of(3, 77)) == (3, 77)
