"""How the service is, of what a real systemctl printed, and the last flight of its mission."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge.app.mission.read import read_mission
from edge.app.service.status import last_flight, look
from edge.app.service.unit import MARK, UNIT
from edge.commands.service.service import duration, in_words
from edge.errors import EdgeError, InputError
from tests.support.systemctl import ABSENT, KILLED, PAUSED, RUNNING, Systemctl

MISSION = '[camera]\nsource = "sim:"\n[outputs]\nfolder = "flights/{date}-{n}"\n'


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m.toml").write_text(MISSION)
    (tmp_path / UNIT).write_text(f"{MARK}\n# Mission: {tmp_path}/m.toml\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path / UNIT


def shows(unit: Path, text: str, fails: str = "") -> None:
    Systemctl(unit.parent / "path", text.format(unit=unit), fails)


def flight(tmp_path: Path, name: str, at: float, lines: str, report: object = None) -> Path:
    folder = tmp_path / "flights" / name
    folder.mkdir(parents=True)
    (folder / "detections.jsonl").write_text(lines)
    os.utime(folder / "detections.jsonl", (at, at))
    if report is not None:
        (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_one_that_runs(unit: Path) -> None:
    shows(unit, RUNNING)
    status = look()
    assert status.running
    assert (status.restarts, status.enabled, status.last_exit) == (1, True, None)
    lines = in_words(status)
    assert lines[0].startswith(f"{UNIT}: running for ")
    assert lines[0].endswith("; restarted once; starts at power-on")
    assert lines[1:] == [
        "it says: detecting; 176 frames, 21.0 frames/s, 0 dropped", f"mission: {unit.parent}/m.toml", "no flight yet",
    ]  # fmt: skip


def test_one_in_its_pause(unit: Path) -> None:
    shows(unit, PAUSED)
    status = look()
    assert (status.state, status.running, status.restarts) == ("starting", False, 4)
    assert "it says: waiting for 20 s: the last 4 starts ended within 60 s" in in_words(status)


def test_one_that_was_killed_does_not_say_what_it_said_before(unit: Path) -> None:
    shows(unit, KILLED)
    status = look()
    assert (status.state, status.status, status.last_exit) == ("waiting to be started again", "", "signal 9")
    assert not any(line.startswith("it says") for line in in_words(status))


def test_none_is_installed(unit: Path) -> None:
    shows(unit, ABSENT)
    with pytest.raises(InputError, match="is not installed: edge service install --mission FILE"):
        look()


def test_systemd_that_does_not_answer(unit: Path) -> None:
    shows(unit, RUNNING, fails="show")
    with pytest.raises(EdgeError, match="Host is down"):
        look()


def test_a_mission_that_is_broken_by_now(unit: Path) -> None:
    shows(unit, RUNNING)
    (unit.parent / "m.toml").write_text("[camera")
    status = look()
    assert status.running
    assert any(line.startswith("! the mission cannot be read: ") for line in in_words(status))


def test_the_last_flight_is_the_one_written_last(unit: Path) -> None:
    frames = "".join(f'{{"seq": {n}, "utc": null, "detections": []}}\n' for n in range(5))
    flight(unit.parent, "2026-01-02-0001", 2e9, "{}\n")
    flight(unit.parent, "2026-01-01-0002", 2e9 + 5, '{"format": 1}\n' + frames + '{"seq": 5, "cut', {"ended": "failed"})
    (unit.parent / "flights/2026-01-03-0009").mkdir()  # nothing in it
    found = last_flight(read_mission(unit.parent / "m.toml"))
    assert found is not None
    assert found.folder.endswith("2026-01-01-0002")
    assert [line["seq"] for line in found.lines] == [2, 3, 4]
    assert (found.ended, found.error) == ("failed", None)


def test_flights_that_this_user_may_not_see_are_not_called_none(unit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shows(unit, RUNNING)
    closed = flight(unit.parent, "2026-01-02-0001", 1.0, "{}\n")
    assert not any(line.startswith("! you may not") for line in in_words(look()))
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != closed)  # root may look everywhere
    (closed / "detections.jsonl").unlink()  # as glob sees it
    lines = in_words(look())
    assert lines[-1] == f"! you may not look into {closed}: be of its group, or ask with sudo"
    assert "no flight yet" not in lines


def test_a_flight_in_words(unit: Path) -> None:
    shows(unit, RUNNING)
    box = '{"label": "Animal", "score": 0.71}'
    line = f'{{"seq": 7, "utc": "2026-05-01T20:00:00+00:00", "detections": [{", ".join([box] * 7)}]}}\n'
    flight(unit.parent, "2026-01-02-0001", 1.0, line, {"ended": "failed", "error": "disk full"})
    lines = in_words(look())
    assert lines[-3].endswith("; ended: failed")
    assert lines[-2] == "! disk full"
    assert lines[-1] == f"  frame 7, 2026-05-01T20:00:00+00:00: {', '.join(['Animal 0.71'] * 5)} and 2 more"


@pytest.mark.parametrize("text", ["", "null\n", '{"seq": 1, "detections": 7}\n', '{"seq": 1}\n', "[" * 5000, "\xff\0"])
def test_broken_files_of_a_flight_are_no_fault(unit: Path, text: str) -> None:
    shows(unit, RUNNING)
    flight(unit.parent, "2026-01-02-0001", 1.0, text, ["no report"])
    assert "no report: it goes on, or was cut off" in "".join(in_words(look()))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (11100, "3 h 05 min"), (187200, "2 days 4 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
