"""Tracks that go on from one unit of a flight to the next: numbers, and the lines of tracks.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.archive.merge.join import join_units
from edge.archive.merge.stitch import FARTHEST, edges_of, joined, numbers
from edge.errors import InputError
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import read_tracks

BEFORE_T = 100.0
Way = list[tuple[int, int, float, float]]


def frame(seq: int, *found: tuple[int, float, float]) -> FrameLine:
    """``found``: track, and left and top of a box of 10 px; ten frames a second."""
    detections = [
        {"box": [x, y, x + 10, y + 10], "score": 0.5, "label": 0, "class": "Animal", "track": track}
        for track, x, y in found
    ]
    line = {"seq": seq, "t": BEFORE_T + seq / 10, "utc": None, "flags": [], "detections": detections}
    return msgspec.convert(line, FrameLine)


def way(
    track: int, begin: int, end: int, x: float, speed: float, y: float = 50.0
) -> list[tuple[int, int, float, float]]:
    """``(seq, track, x, y)`` of an object that goes ``speed`` px a frame; at frame 0 it is at ``x``."""
    return [(seq, track, x + speed * seq, y) for seq in range(begin, end)]


def frames(begin: int, end: int, *ways: Way) -> list[FrameLine]:
    return [frame(seq, *(one[1:] for found in ways for one in found if one[0] == seq)) for seq in range(begin, end)]


def test_an_object_keeps_its_number_where_it_was_going() -> None:
    """Two cross: the nearest box at the border is the other's."""
    before = edges_of(frames(0, 20, way(1, 0, 20, 0, 8.0), way(2, 0, 20, 328, -8.0, 55.0)))
    after = edges_of(frames(20, 40, way(7, 21, 40, 0, 8.0), way(3, 20, 40, 328, -8.0, 55.0)))
    assert joined(before, after) == {7: 1, 3: 2}


def test_what_is_another_object_does_not() -> None:
    before = edges_of(frames(0, 20, way(1, 0, 20, 100, 0.0)))
    far = 10 * FARTHEST
    for x, same in ((100 + far - 1, True), (100 + far + 1, False)):
        assert bool(joined(before, edges_of(frames(20, 40, way(1, 20, 40, x, 0.0))))) is same
    assert joined(before, edges_of(frames(20, 60, way(1, 31, 60, 100, 0.0)))) == {}  # it began later than at the border
    assert (
        joined(edges_of(frames(0, 40, way(1, 0, 20, 100, 0.0))), edges_of(frames(40, 60, way(1, 40, 60, 100, 0.0))))
        == {}
    )
    assert joined(edges_of([]), before) == {}


def test_a_class_and_a_size_tell_two_apart() -> None:
    before = edges_of(frames(0, 20, way(1, 0, 20, 100, 0.0)))
    after = frames(20, 25, way(1, 20, 25, 100, 0.0))
    for change in ("label", "size"):
        for one in after:
            found = one.detections[0]
            found.label = 1 if change == "label" else 0
            found.box = (100.0, 50.0, 122.0, 72.0) if change == "size" else (100.0, 50.0, 110.0, 60.0)
        assert joined(before, edges_of(after)) == {}


def test_numbers_of_a_flight_are_given_once_over_three_units() -> None:
    still = [way(1, 0, 20, 100, 0.0), way(1, 20, 40, 100, 0.0), way(2, 40, 60, 100, 0.0)]
    others = [way(2, 0, 10, 300, 0.0), way(2, 30, 35, 300, 0.0), way(1, 50, 60, 400, 0.0)]
    edges = [edges_of(frames(20 * i, 20 * i + 20, still[i], others[i])) for i in range(3)]
    assert numbers(edges) == [{}, {1: 1}, {2: 1}]


def write(folder: Path, lines: list[FrameLine], tracks: list[dict[str, Any]], width: int = 640) -> Path:
    folder.mkdir()
    head = {"format": 1, "frame": {"width": width, "height": 512}, "crop": None, "classes": ["Animal"], "model": "m"}
    data = [msgspec.json.encode(head), *map(msgspec.json.encode, lines)]
    (folder / "detections.jsonl").write_bytes(b"\n".join(data) + b"\n")
    (folder / "crops").mkdir()
    for track in tracks:
        for name in track["crops"]:
            (folder / name).write_bytes(f"{folder.name} {name}".encode())
    (folder / "tracks.jsonl").write_bytes(b"".join(msgspec.json.encode(track) + b"\n" for track in tracks))
    return folder


def line(track: int, first: int, last: int, score: float, sigma: float, crops: int = 1) -> dict[str, Any]:
    return {
        "track": track,
        "label": 0,
        "class": "Animal",
        "first_seq": first,
        "last_seq": last,
        "first_t": BEFORE_T + first / 10,
        "last_t": BEFORE_T + last / 10,
        "first_utc": None,
        "last_utc": None,
        "frames": last - first + 1,
        "score": score,
        "best_seq": first,
        "box": [0, 0, 10, 10],
        "origin": None,
        "celsius": None,
        "position": {"lat": 51.0, "lon": sigma, "sigma_m": sigma},
        "crops": [f"crops/{track:06d}-{place}.png" for place in range(1, crops + 1)],
    }


def test_a_flight_is_one_folder(tmp_path: Path) -> None:
    one = write(
        tmp_path / "one",
        frames(0, 20, way(1, 0, 20, 100, 0.0), way(2, 0, 10, 300, 0.0)),
        [line(2, 0, 9, 0.4, 3.0), line(1, 0, 19, 0.5, 2.0, crops=4)],
    )
    two = write(tmp_path / "two", frames(20, 40, way(1, 20, 40, 100, 0.0)), [line(1, 20, 39, 0.9, 1.0, crops=4)])
    out = join_units([one, two], tmp_path / "flight")
    first, second = read_tracks(out / "tracks.jsonl")
    assert (first.track, first.frames, first.crops) == (2, 10, ["crops/000002-0-000002-1.png"])
    assert (second.track, second.frames, second.first_seq, second.last_seq) == (1, 40, 0, 39)
    assert (second.score, second.best_seq) == (0.9, 20)
    assert second.position is not None
    assert second.position.sigma_m == 1.0
    assert [(out / name).read_text().partition(" ")[0] for name in second.crops] == ["two"] * 4 + ["one"] * 2
    read = list(DetectionsFile(out / "detections.jsonl"))
    assert [frame.seq for frame in read] == list(range(40))
    assert {found.track for frame in read for found in frame.detections} == {1, 2}
    assert [found.track for found in read[39].detections] == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flight", "one", "two"]
    join_units([one, two], tmp_path / "flight")  # again, in its place


def test_units_of_two_flights_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one", frames(0, 2), [])
    two = write(tmp_path / "two", frames(0, 2), [], width=320)
    with pytest.raises(InputError, match="not of one flight"):
        join_units([one, two], tmp_path / "flight")
    assert not (tmp_path / "flight").exists()
