"""A flight's folder: whole, cut by power, of an earlier version, with damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.app.after.flight import tracks as tracks_module
from edge.app.after.flight.flight import read_flight, thresholds_of
from edge.errors import InputError
from tests.support.flight_folder import flight as four_frames
from tests.support.survey_flights import BEGAN, CLASSES, T0, fly, write

SPOTS = [(50.0, 2.0, 0), (120.0, -3.0, 1)]


def state_of(folder: Path, name: str) -> str:
    return next(state.in_words for state in read_flight(folder).states if state.name == name)


def test_a_whole_flight(tmp_path: Path) -> None:
    flight = read_flight(fly(tmp_path / "f", SPOTS))
    assert flight.name == "f"
    assert flight.classes == CLASSES
    assert flight.facts.ended
    assert flight.frames.frames == 21
    assert flight.frames.boxes == {"Car": 1, "deer": 1}
    assert flight.tracks.column("track").tolist() == [1, 2]
    assert flight.tracks.column("first").tolist() == [4.5, 11.5]
    assert flight.tracks.column("first_epoch").tolist() == [BEGAN.timestamp() + 4.5, BEGAN.timestamp() + 11.5]
    assert flight.tracks.column("pictures").tolist() == [2, 2]
    assert flight.counts is not None
    assert flight.counts["deer"].animals == [[2]]
    assert flight.frames.first_epoch == BEGAN.timestamp()
    assert len(flight.frames.way.at) == len(flight.frames.seen.at) == 21
    # 38.4 m across the line, 30.7 m along it
    corners = flight.frames.seen.values[0]
    assert np.ptp(corners[:, 0]) * 111_195 == pytest.approx(38.4, abs=0.2)
    assert {state.state for state in flight.states} == {"read", "not there"}


def test_a_flight_that_was_cut_off(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    (folder / "report.json").unlink()
    data = (folder / "tracks.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "tracks.jsonl").write_bytes(data[0] + data[1][:50])
    with (folder / "detections.jsonl").open("a") as file:
        file.write('{"seq": 21, "t":')
    flight = read_flight(folder)
    assert not flight.facts.ended
    assert state_of(folder, "report.json") == "not there"
    assert "the last line was not finished" in state_of(folder, "detections.jsonl")
    assert "the last line was not finished" in state_of(folder, "tracks.jsonl")
    assert flight.tracks.column("track").tolist() == [1, 2]
    (opened,) = flight.tracks.open
    assert (opened.track, opened.name, opened.frames, opened.crops) == (2, "deer", 1, [])
    assert opened.position is not None
    assert opened.position.sigma_m == 1.0
    assert flight.counts is not None  # it knows track 2, which the detections do
    assert "no lens is known" in flight.no_lens
    assert flight.frames.seen.at == []


def test_an_open_track_is_made_of_its_best_look_and_its_surest_place(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", [])
    box = {"label": 1, "class": "deer", "track": 9}
    rows = [
        (T0, [1, 1, 5, 5], 0.6, [47.0, 8.0, 9.0]),
        (T0 + 1, [2, 2, 6, 9], 0.9, [47.1, 8.0, 2.0]),
        (T0 + 2, [3, 3, 7, 7], 0.7, [47.2, 8.0, 5.0]),
    ]
    lines = [json.loads(line) for line in (folder / "detections.jsonl").read_text().splitlines()[:1]]
    for seq, (t, where, score, position) in enumerate(rows):
        found = [{**box, "box": where, "score": score, "position": position}]
        lines.append({"seq": seq, "t": t, "utc": None, "flags": [], "detections": found})
    write(folder / "detections.jsonl", lines)
    (track,) = read_flight(folder).tracks.open
    assert (track.first_t, track.last_t, track.frames) == (T0, T0 + 2, 3)
    assert (track.score, track.best_seq, track.box) == (0.9, 1, (2, 2, 6, 9))
    assert track.position is not None
    assert (track.position.lat, track.position.sigma_m) == (47.1, 2.0)


def test_open_tracks_without_end_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks_module, "MOST_OPEN", 1)
    folder = fly(tmp_path / "f", SPOTS)
    (folder / "tracks.jsonl").unlink()
    flight = read_flight(folder)
    assert len(flight.tracks.open) == 1
    assert flight.tracks.over == 1
    assert flight.counts is None  # it counts a track that is not there now


def test_version_0_1_0_has_no_first_line_and_report_json_fewer_fields(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    rest = (folder / "detections.jsonl").read_text().splitlines(keepends=True)[1:]
    (folder / "detections.jsonl").write_text("".join(rest))
    (folder / "report.json").write_text('{"frames": 21, "thresholds": {"Car": 0.4, "deer": 0.5}}')
    flight = read_flight(folder)
    assert flight.frames.first is None
    assert flight.frames.frames == 21
    assert flight.classes == CLASSES
    assert thresholds_of(flight) == {"Car": 0.4, "deer": 0.5}
    (folder / "report.json").write_text("{}")
    assert read_flight(folder).classes == CLASSES  # by what the tracks are


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("report.json", '{"frames": "many"}', "damaged: Expected `int | null`"),
        ("report.json", '{"a":' * 90_000, "damaged"),
        ("counts.json", '{"deer": {}}', "damaged: Object missing required field"),
        ("coverage.geojson", '{"features": 5}', "damaged"),
        ("run.json", "\x00", "damaged"),
        ("clock.jsonl", '{"t": 1}\n', "read, 0 lines; 1 left out"),
    ],
)
def test_damaged_files_are_told_and_the_rest_is_read(tmp_path: Path, name: str, content: str, said: str) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    (folder / name).write_text(content)
    assert state_of(folder, name).startswith(said)
    assert len(read_flight(folder).tracks) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"animals": [[1], [7]]}, "counts tracks that tracks.jsonl does not have"),
        ({"animals": [[1], [1]]}, "counted twice"),
        ({"animals": [[]]}, "counts tracks"),
        ({"count": 9}, "1 to 2 does not hold 9"),
    ],
)
def test_a_count_whose_proof_is_none_is_not_taken(tmp_path: Path, change: dict[str, object], said: str) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    counts = json.loads((folder / "counts.json").read_text())
    counts["Car"] |= change
    (folder / "counts.json").write_text(json.dumps(counts))
    assert read_flight(folder).counts is None
    assert said in state_of(folder, "counts.json")


def test_a_track_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    data = (folder / "tracks.jsonl").read_bytes()
    (folder / "tracks.jsonl").write_bytes(data + data)
    assert len(read_flight(folder).tracks) == 2
    assert "2 left out that cannot be read (track 1 is there twice)" in state_of(folder, "tracks.jsonl")


def test_ground_that_is_not_on_the_earth_is_refused(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    ring = [[8, 47], [8, 47.1], [8.1, 47], [8, 47]]
    said = {"kind": "gap", "title": "Gap 1", "area_m2": 5.0}
    piece = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": said}
    (folder / "coverage.geojson").write_text(json.dumps({"features": [piece], "search": "for deer"}))
    ground = read_flight(folder).ground
    assert ground is not None
    assert ground.features[0].rings == [ring]
    ring[0][1] = 91
    (folder / "coverage.geojson").write_text(json.dumps({"features": [piece]}))
    assert read_flight(folder).ground is None


def test_stills_and_films_have_their_own_times(tmp_path: Path) -> None:
    flight = read_flight(four_frames(tmp_path / "f"))
    assert flight.times.kind == "utc"
    assert flight.frames.stills == 3
    assert flight.frames.seconds == 0.0  # the last frame has no time of day: as the one before it
    folder = fly(tmp_path / "film", SPOTS)
    (folder / "clock.jsonl").unlink()
    lines = [json.loads(line) for line in (folder / "detections.jsonl").read_text().splitlines()]
    for i, one in enumerate(lines[1:]):
        one["origin"] = 100.0 + i / 4
    write(folder / "detections.jsonl", lines)
    film = read_flight(folder)
    assert film.times.kind == "film"
    assert film.frames.seconds == 5.0
    assert film.times.by == ""
    assert np.isnan(film.frames.first_epoch)


def test_what_is_no_flight(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder: expected what edge run --out wrote"):
        read_flight(tmp_path / "no")
    with pytest.raises(InputError, match=r"holds none of detections\.jsonl, tracks\.jsonl, counts\.json"):
        read_flight(tmp_path)
