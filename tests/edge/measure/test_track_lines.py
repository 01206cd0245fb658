"""tracks.jsonl and counts.json read again: what is whole, what was cut, what is none; and their schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.errors import InputError
from edge.measure import counts_json, track_lines
from edge.measure.counts_json import ClassCount
from edge.measure.track_lines import GroundPosition, read_tracks
from tests.support.track_lines import line


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    tracks = [line(1), line(2, position=None, celsius=None, first_utc=None, origin=1.5, crops=[]), line(3, origin="a")]
    path = tmp_path / "tracks.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(track) + b"\n" for track in tracks))
    assert read_tracks(path) == tracks
    assert b'"class":"Person"' in path.read_bytes()
    path.write_bytes(b"")
    assert read_tracks(path) == []


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_last_line_that_was_cut_is_passed_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "tracks.jsonl"
    path.write_bytes((msgspec.json.encode(line(1)) + b"\n" + msgspec.json.encode(line(2)) + b"\n")[:-cut])
    assert [track.track for track in read_tracks(path)] == [1]


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "tracks.jsonl"
    path.write_bytes(msgspec.json.encode({**msgspec.to_builtins(line(1)), "colour": "red"}) + b"\n")
    assert read_tracks(path) == [line(1)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"track": 0}, "`int` >= 1"),
        ({"score": 1.5}, "`float` <= 1"),
        ({"position": {"lat": 91, "lon": 0, "sigma_m": 1}}, r"`float` <= 90.0 - at `\$.position.lat`"),
        ({"position": {"lat": 9, "lon": 0}}, "missing required field `sigma_m`"),
        ({"box": [1, 2, 3]}, r"at `\$.box`"),
        ({"crops": None}, r"at `\$.crops`"),
        ({"celsius": [1, 2]}, r"at `\$.celsius`"),
        ({"frames": 0}, r"at `\$.frames`"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "tracks.jsonl"
    wrong = msgspec.json.encode({**msgspec.to_builtins(line(2)), **change})
    path.write_bytes(msgspec.json.encode(line(1)) + b"\n" + wrong + b"\n")
    with pytest.raises(InputError, match=f"tracks.jsonl, line 2: .*{said}.*: expected a track as edge run writes it"):
        read_tracks(path)


@pytest.mark.parametrize("wrong", [b"\n", b"{}\n", b"\xff\xfe\n", b"[1]\n", b"null\n", b"\x00\n"])
def test_what_is_no_line(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / "tracks.jsonl"
    path.write_bytes(wrong)
    with pytest.raises(InputError, match="tracks.jsonl, line 1: .*: expected a track as edge run writes it"):
        read_tracks(path)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tracks.jsonl"
    data = msgspec.json.encode(line(1)) + b"\n"
    path.write_bytes(data)
    monkeypatch.setattr(track_lines, "MAX_BYTES", len(data))
    assert len(read_tracks(path)) == 1
    monkeypatch.setattr(track_lines, "MAX_BYTES", len(data) - 1)
    with pytest.raises(InputError, match="is larger than 0 MiB: expected the tracks of one flight"):
        read_tracks(path)
    monkeypatch.undo()
    for other in (tmp_path / "no", tmp_path):
        with pytest.raises(InputError, match=f"cannot read {other}: "):
            read_tracks(other)


def test_a_count_is_null_or_a_whole_number() -> None:
    said = {"tracks": 3, "count": 2, "low": 1, "high": None, "level": 0.9, "method": "m", "animals": [[1, 2], [3]]}
    count = msgspec.convert(said, ClassCount)
    assert msgspec.to_builtins(count) == said
    for name, wrong in (("count", -1), ("count", 1.5), ("tracks", None), ("level", 0), ("level", 1), ("animals", [1])):
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert({**said, name: wrong}, ClassCount)
    with pytest.raises(msgspec.ValidationError, match="missing required field `method`"):
        msgspec.convert({key: value for key, value in said.items() if key != "method"}, ClassCount)


def test_what_is_told_of_each_field_stands_in_the_schemas() -> None:
    track = track_lines.schema()["$defs"]["TrackLine"]
    assert {"track", "class", "position", "crops"} <= set(track["required"])
    assert "name" not in track["properties"]
    position = track_lines.schema()["$defs"]["GroundPosition"]["properties"]
    assert list(position) == list(GroundPosition.__struct_fields__)
    assert position["lon"]["minimum"] == -180
    counted = counts_json.schema()
    assert counted["additionalProperties"] == {"$ref": "#/$defs/ClassCount"}
    assert set(counted["$defs"]["ClassCount"]["required"]) == set(ClassCount.__struct_fields__)
