"""edge service: what it says, its exit codes, and the pause that `edge run` makes as a service."""

from __future__ import annotations

import getpass
import json
from contextlib import suppress
from pathlib import Path

import pytest

from edge.app.service import install as module
from edge.app.service.pace import STARTS
from edge.app.service.unit import MARK, UNIT
from edge.commands import run as run_command
from edge.commands.main import main
from edge.errors import EngineError, InputError
from tests.support.systemctl import ABSENT, KILLED, RUNNING, Systemctl

MISSION = '[camera]\nsource = "sim:seed=3"\n[outputs]\nfolder = "flights/{n}"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/edge").write_text("")
    (tmp_path / "bin/edge").chmod(0o755)
    (tmp_path / "m.toml").write_text(MISSION)
    (tmp_path / UNIT).write_text(f"{MARK}\n# Mission: {tmp_path}/m.toml\n")
    monkeypatch.setattr(module, "TEMPORARY", ())
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _: str(tmp_path / "bin"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path


def test_a_dry_run_prints_the_unit_and_calls_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    systemctl = Systemctl(folder / "path")
    words = ["service", "install", "--mission", str(folder / "m.toml"), "--user", getpass.getuser(), "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert f"would: make the folder {folder}/flights, of {getpass.getuser()}\n" in said
    assert f"\n{MARK}\n# Mission: {folder}/m.toml\n" in said
    assert f"\nExecStart={folder}/bin/edge run --mission {folder}/m.toml\n" in said
    assert systemctl.calls == []
    assert not (folder / "flights").exists()


def test_without_root_it_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    assert main(["service", "install", "--mission", str(folder / "m.toml"), "--user", getpass.getuser()]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "edge: edge service install changes /etc/systemd/system, which only root may: run it with sudo\n"
    )


def test_every_fault_of_the_mission_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "m.toml").write_text(MISSION.replace("source", "sorce") + "video = 1\n")
    words = ["service", "install", "--mission", str(folder / "m.toml"), "--user", getpass.getuser(), "--dry-run"]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[2].partition(":")[2].split(":")[0] for line in said] == ["2", "5"]


@pytest.mark.parametrize(("shows", "code", "state"), [(RUNNING, 0, "running"), (KILLED, 1, "waiting"), (ABSENT, 2, "")])
def test_its_exit_code_is_how_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], shows: str, code: int, state: str
) -> None:
    Systemctl(folder / "path", shows.format(unit=folder / UNIT))
    assert main(["service", "status"]) == code
    assert capsys.readouterr().out.startswith(f"{UNIT}: {state}" if state else "")


def test_json_has_what_the_page_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Systemctl(folder / "path", RUNNING.format(unit=folder / UNIT))
    (folder / "flights/0001").mkdir(parents=True)
    (folder / "flights/0001/detections.jsonl").write_text('{"seq": 3}\n')
    assert main(["service", "status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == [
        "unit", "state", "status", "since_s", "enabled", "restarts", "last_exit", "mission", "mission_error", "flight",
    ]  # fmt: skip
    assert list(said["flight"]) == ["folder", "lines", "written_s", "ended", "error"]
    assert said["flight"]["lines"] == [{"seq": 3}]


# ---- edge run as a service


class Runs:
    """In place of a run: what each one does, and how long the pauses before them were."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.slept = folder / STARTS, list[float]()
        monkeypatch.setenv("STATE_DIRECTORY", str(folder))
        monkeypatch.setenv("INVOCATION_ID", "1")
        monkeypatch.setattr(run_command.Starts.__init__, "__defaults__", (self.slept.append,))
        self._monkeypatch = monkeypatch

    def __call__(self, ends: object) -> None:
        def run(*_: object, **__: object) -> dict[str, object]:
            if isinstance(ends, Exception):
                raise ends
            return {"ended": ends}

        self._monkeypatch.setattr(run_command, "run", run)
        arguments = run_command.argparse.Namespace(write_mission=None, mission=None, quiet=True, own_process=True)
        self._monkeypatch.setattr(run_command, "settings_of", lambda *_: None)
        self._monkeypatch.setattr(run_command, "link_specs", lambda *_: [])
        with suppress(EngineError, InputError):
            run_command.execute(arguments, None)  # type: ignore[arg-type]


def test_runs_that_end_soon_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Runs(tmp_path, monkeypatch)
    for ends in (EngineError("broken"), "end of source", EngineError("broken"), "frame limit"):
        run(ends)
    assert run.slept == [5, 10]


@pytest.mark.parametrize("ends", ["interrupted", "stopped", InputError("no such option")])
def test_a_stop_and_what_is_not_started_again_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: object
) -> None:
    run = Runs(tmp_path, monkeypatch)
    for _ in range(5):
        run(ends)
    assert run.slept == []
    assert not run.file.exists()


def test_a_stop_in_the_pause_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Runs(tmp_path, monkeypatch)
    for _ in range(2):
        run(EngineError("broken"))

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command.Starts.__init__, "__defaults__", (stop,))
    run("never comes to it")
    assert not run.file.exists()


def test_elsewhere_nothing_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Runs(tmp_path, monkeypatch)
    monkeypatch.delenv("INVOCATION_ID")
    for _ in range(4):
        run(EngineError("broken"))
    assert run.slept == []
    assert not run.file.exists()
