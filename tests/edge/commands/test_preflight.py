"""edge doctor --mission: what it prints, what programs get, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import edge.app.preflight.clocks as clocks
import edge.app.preflight.preflight as module
import edge.commands.mission.preflight as command
from edge.app.mission.read import read_mission
from edge.app.preflight.preflight import BUDGET_S, BUNDLE_S
from edge.app.preflight.side_by_side import Check, Line, Looked
from edge.commands.main import main
from edge.commands.schemas import text_of

SIM = "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0,frames=3"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no failure, and nobody waits for a clock."""
    monkeypatch.setattr(module, "BUDGET_S", 100.0)
    monkeypatch.setattr(module, "BUNDLE_S", 50.0)
    monkeypatch.setattr(clocks, "LOOK_S", 0.0)


def put(folder: Path, bundle: Path, more: str = "") -> Path:
    path = folder / "north.toml"
    path.write_text(
        f'name = "deer north"\n[camera]\nsource = "{SIM}"\n[model]\nbundle = "{bundle}"\nbackend = "null"\n'
        f'[outputs]\nfolder = "flights/{{n}}"\n{more}'
    )
    return path


def test_all_is_looked_at_and_nothing_is_left(
    patient: None, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, tiny_bundle, '[links.mavlink]\nto = "udp:127.0.0.1:14550"\n')
    before = sorted(tmp_path.rglob("*"))
    assert main(["doctor", "--mission", str(path), "--height", "20", "--size", "0.8"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"mission deer north, {path}, sha256 ")
    states = {line[8:].split("  ")[0]: line[:8].strip() for line in said[1:-1] if line[0] != " "}
    assert {
        "camera",
        "frame size",
        "scale",
        "contrast",
        "model",
        "engine",
        "stored frame",
        "out folder",
        "disk",
    } <= states.keys()
    assert {"pose", "link mavlink", "clock", "clock jumps", "machine", "load"} <= states.keys()
    assert states["engine"] == "yellow"
    assert said[said.index(next(line for line in said if "null: nothing is detected" in line)) + 1].strip() == (
        "! leave model.backend out"
    )
    assert said[-1].startswith("yellow: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_programs_get_what_the_schema_says(
    patient: None, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    path = put(tmp_path, tiny_bundle, '[pose]\nsource = "tlog:none.tlog"\n')
    assert main(["doctor", "--mission", str(path), "--json"]) == 1
    shown = capsys.readouterr()
    found: dict[str, Any] = json.loads(shown.out)
    jsonschema.Draft202012Validator(json.loads(text_of("preflight"))).validate(found)
    assert (found["format"], found["state"], found["cut_off"]) == (1, "red", [])
    assert found["mission"]["name"] == "deer north"
    assert {line["check"] for line in found["lines"]} == {"camera", "engine", "disk", "pose", "clocks", "machine"}
    red = [line for line in found["lines"] if line["state"] == "red"]
    assert [line["name"] for line in red] == ["pose"]
    assert "none.tlog" in red[0]["value"]
    assert shown.err == f"edge: not ready: 1 of {len(found['lines'])} lines is red\n"


def test_a_model_that_is_not_there_is_red_and_the_rest_is_looked_at(
    patient: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, tmp_path / "none", '[links.mavlink]\nto = "udp:127.0.0.1:14550"\n')
    assert main(["doctor", "--mission", str(path)]) == 1
    said = capsys.readouterr().out
    assert "red     model" in said
    assert "green   link mavlink" in said


def test_a_check_that_hangs_ends_the_command_all_the_same(
    patient: None,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import threading

    over, left = threading.Event(), list[int]()

    def hangs(_plan: object) -> Any:
        over.wait(60)
        yield Line("camera", "green", "late")

    def give_up(code: int) -> None:
        left.append(code)
        over.set()

    monkeypatch.setattr(module, "camera_lines", hangs)
    monkeypatch.setattr(module, "_checks", lambda plan, _left: [Check("camera", lambda: hangs(plan), "unplug it")])
    monkeypatch.setattr(module, "BUDGET_S", 0.5)
    monkeypatch.setattr(command, "_give_up", give_up)
    path = put(tmp_path, tiny_bundle)
    assert main(["doctor", "--mission", str(path)]) == 1
    assert left == [1]
    shown = capsys.readouterr()
    assert "cut off" in shown.out
    assert "! unplug it" in shown.out
    assert "not ready: 1 of 1 lines is red" in shown.err


def test_bad_arguments(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, tiny_bundle)
    assert main(["doctor", "--mission", str(path), "--source", "sim:"]) == 2
    assert main(["doctor", "--mission", str(path), "--lens", "hfov=45"]) == 2
    assert main(["doctor", "--mission", str(path), "--seconds", "3"]) == 2
    assert main(["doctor", "--mission", str(path), "--out", str(tmp_path)]) == 2
    assert main(["doctor", "--json"]) == 2
    assert main(["doctor", "--mission", str(tmp_path / "none.toml")]) == 2
    path.write_text("[camera]\nsource = 3\n")
    assert main(["doctor", "--mission", str(path)]) == 2
    said = capsys.readouterr().err
    assert "leave --source and --lens out" in said
    assert said.count("--seconds and --out are of --source") == 2
    assert "give --mission too" in said
    assert f"{path}:2: camera.source = 3: expected" in said


@pytest.mark.parametrize(("load", "state"), [(3.0, "green"), (3.1, "yellow")])
def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch, load: float, state: str) -> None:
    monkeypatch.setattr(module.os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _process: {0, 1})
    line = next(module._machine())
    assert (line.name, line.state, bool(line.todo)) == ("load", state, state == "yellow")


def test_the_answer_comes_in_under_ten_seconds() -> None:
    assert BUNDLE_S < BUDGET_S <= 8.0, "two seconds are left for the start of the program"


def test_the_checks_share_what_the_model_has_left_of_the_time(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an injected clock: the model takes 3 s, so all others have 5 s together, whatever each of them takes."""
    now, given = [100.0], list[tuple[list[str], float]]()

    def side_by_side(checks: list[Check], budget_s: float) -> Looked:
        names = [check.name for check in checks]
        given.append((names, budget_s))
        if names == ["model"]:
            assert list(checks[0].run()) == []
            now[0] += 3.0
        return Looked((), (), dict.fromkeys(names, 1.0))

    monkeypatch.setattr(module, "side_by_side", side_by_side)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "BUDGET_S", 8.0)
    monkeypatch.setattr(module, "BUNDLE_S", 4.0)
    found = module.preflight(read_mission(put(tmp_path, tiny_bundle)))
    assert given[0] == (["model"], 4.0)
    assert given[1][1] == 5.0
    assert found.check_seconds.keys() == {"model", "camera", "engine", "disk", "pose", "clocks", "machine"}
