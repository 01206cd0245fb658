"""Putting the service in and out: what is planned, what is refused, and which calls a stand-in systemctl gets."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from edge.app.service import install as module
from edge.app.service import needs
from edge.app.service.install import NOT_THERE, Plan, plan, uninstall
from edge.app.service.install import install as put_in
from edge.app.service.needs import Someone
from edge.app.service.pace import STARTS
from edge.app.service.unit import MARK, UNIT
from edge.errors import EdgeError, InputError
from tests.support.systemctl import ABSENT, KILLED, RUNNING, Systemctl

MISSION = """name = "deer"
[camera]
source = "sim:seed=3"
[outputs]
folder = "flights/{date}-{time}"
"""
ME = getpass.getuser()


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for units, a mission beside it, a command edge, and root's rights."""
    for name in ("units", "state", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/edge").write_text("")
    (tmp_path / "bin/edge").chmod(0o755)
    (tmp_path / "m.toml").write_text(MISSION)
    monkeypatch.setattr(module, "UNITS", tmp_path / "units")
    monkeypatch.setattr(module, "STATE", tmp_path / "state")
    monkeypatch.setattr(module, "SETTLED_S", 0.0)
    monkeypatch.setattr(module, "TEMPORARY", ())
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _: str(tmp_path / "bin"))
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    return tmp_path / "units"


def ready(units: Path, shows: str, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> Systemctl:
    made = Systemctl(units.parent / "path", shows.format(unit=units / UNIT), fails)
    monkeypatch.setenv("PATH", f"{units.parent / 'path'}:/usr/bin:/bin")
    return made


def planned(units: Path) -> Plan:
    return plan(units.parent / "m.toml", ME, units)


# ---- what is planned


def test_nothing_is_changed_by_a_plan(units: Path) -> None:
    found = planned(units)
    assert found.make == units.parent / "flights"
    assert f"ExecStart={units.parent}/bin/edge run --mission {units.parent}/m.toml\n" in found.text
    assert f"ReadWritePaths={units.parent}/flights\n" in found.text
    assert f"User={ME}\n" in found.text
    assert list(found.steps[-4:]) == [
        f"write {units / UNIT}",
        "systemctl daemon-reload",
        f"systemctl enable {UNIT}",
        f"systemctl restart {UNIT}",
    ]
    assert list(units.iterdir()) == []
    assert not (units.parent / "flights").exists()


def test_a_folder_for_all_runs_is_the_folder_itself(units: Path) -> None:
    (units.parent / "m.toml").write_text(MISSION.replace("flights/{date}-{time}", "out/here"))
    assert planned(units).make == units.parent / "out/here"
    (units.parent / "out/here").mkdir(parents=True)
    assert planned(units).make is None


@pytest.mark.parametrize(
    ("extra", "serial"),
    [
        ("", False),
        ('[pose]\nsource = "mavlink:/dev/ttyTHS1"\n', True),
        ('[pose]\nsource = "mavlink:udp:0.0.0.0:14550"\n', False),
        ('[links.mavlink]\nto = "/dev/ttyACM0"\n', True),
        ('[pose]\nsource = "mavlink:/dev/serial/by-id/usb-Holybro"\n', True),
    ],
)
def test_serial_lines_are_those_of_the_mission(units: Path, extra: str, serial: bool) -> None:
    (units.parent / "m.toml").write_text(MISSION + extra)
    assert ("DeviceAllow=char-166 rw" in planned(units).text) == serial


def test_the_home_is_that_of_the_user(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units.parent / "m.toml").write_text(MISSION.replace("flights/", "~/flights/"))
    monkeypatch.setenv("HOME", "/of/root")
    assert planned(units).make == Path(os.path.expanduser(f"~{ME}")) / "flights"
    assert os.environ["HOME"] == "/of/root"


# ---- what is refused


def refused(units: Path, name: str = ME) -> str:
    with pytest.raises(InputError) as caught:
        plan(units.parent / "m.toml", name, units)
    assert list(units.glob("*.new")) == []
    return str(caught.value)


def test_a_mission_with_a_fault(units: Path) -> None:
    (units.parent / "m.toml").write_text(MISSION.replace("source", "sorce"))
    assert "camera.sorce is unknown" in refused(units)


def test_users_that_cannot_be(units: Path) -> None:
    assert "no such user" in refused(units, "nobody-of-that-name")
    assert "expected the name of a user" in refused(units, "a b\nExecStart=/bin/sh")


def test_a_mission_that_is_gone_after_a_restart(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEMPORARY", (units.parent,))
    assert "gone after a restart" in refused(units)


def test_flights_straight_below_the_root(units: Path) -> None:
    (units.parent / "m.toml").write_text(MISSION.replace("flights/", "/"))
    assert "a folder of their own" in refused(units)


def test_names_that_would_be_lines_of_the_unit(units: Path) -> None:
    odd = units.parent / "a\nExecStartPre=x.toml"
    odd.write_text(MISSION)
    with pytest.raises(InputError, match="cannot name it"):
        plan(odd, ME, units)


def test_a_unit_of_somebody_else(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units / UNIT).write_text("[Unit]\nDescription=mine\n")
    assert "was not written by edge service install" in refused(units)
    with pytest.raises(InputError, match="was not written by"):
        uninstall(units)
    assert (units / UNIT).read_text() == "[Unit]\nDescription=mine\n"
    (units / UNIT).unlink()
    (units / UNIT).symlink_to("/dev/null")  # masked
    assert "was not written by edge service install" in refused(units)


def test_rights_are_those_of_the_whole_path(tmp_path: Path) -> None:
    file = tmp_path / "a/b.toml"
    file.parent.mkdir()
    file.write_text("")
    other = Someone("other", NOT_THERE, frozenset(), Path("/"))
    file.parent.chmod(0o700)
    assert other.refused(file) is not None
    owner = Someone("me", tmp_path.stat().st_uid, frozenset(), Path("/"))
    if owner.uid:
        assert owner.refused(file) is None
        file.chmod(0o200)
        assert owner.refused(file) == file
    assert Someone("root", 0, frozenset(), Path("/")).refused(Path("/nowhere")) is None


def test_rights_by_owner_group_and_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    file.write_text("")
    found = file.stat()
    monkeypatch.setattr(needs.os.path, "realpath", lambda path: path)
    someone = Someone("x", 4711, frozenset({found.st_gid}), Path("/"))
    others = Someone("y", 4711, frozenset(), Path("/"))
    for mode, group, other in ((0o640, True, False), (0o604, False, True), (0o600, False, False)):
        file.chmod(mode)
        assert someone._may(file, 0o4) is group
        assert others._may(file, 0o4) is other
    assert not others._may(tmp_path / "none", 0o4)


def test_a_mission_that_the_user_cannot_read(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Someone, "refused", lambda self, path, write=False: path if path.suffix == ".toml" else None)
    assert "cannot read" in refused(units)


def test_flights_that_the_user_cannot_write(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units.parent / "flights").mkdir()
    monkeypatch.setattr(Someone, "refused", lambda self, path, write=False: path if write else None)
    assert f"chown {ME} {units.parent}/flights" in refused(units)


# ---- what is done


def test_it_is_written_enabled_and_started(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl = ready(units, RUNNING, monkeypatch)
    (units.parent / "state" / STARTS).write_text("{}")
    found = planned(units)
    assert put_in(found) == f"{UNIT} is enabled and active: detecting; 176 frames, 21.0 frames/s, 0 dropped"
    assert (units / UNIT).read_text() == found.text
    assert found.text.startswith(MARK)
    assert (units.parent / "flights").stat().st_mode & 0o7777 == 0o2750  # who joins the user's group may read
    assert not (units.parent / "state" / STARTS).exists()
    assert [call.partition(" --property")[0] for call in systemctl.calls] == [
        "systemctl --version",
        "systemctl daemon-reload",
        f"systemctl enable {UNIT}",
        f"systemctl restart --no-block {UNIT}",
        f"systemctl show {UNIT} --no-pager",
    ]
    again = planned(units)  # what is ours is replaced
    assert f"replace {units / UNIT}" in again.steps
    put_in(again)


def test_a_start_that_fails_is_told(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(units, KILLED, monkeypatch)
    with pytest.raises(EdgeError, match=r"enabled, but has failed \(signal\): see journalctl") as caught:
        put_in(planned(units))
    assert caught.value.exit_code == 1


def test_what_systemctl_says_is_told(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(units, ABSENT, monkeypatch, fails="daemon-reload")
    with pytest.raises(EdgeError, match="systemctl daemon-reload: Failed to connect to bus: Host is down"):
        put_in(planned(units))


def test_without_systemd_or_root_nothing_is_written(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(units)
    monkeypatch.setenv("PATH", str(units))
    with pytest.raises(InputError, match="systemctl is not on this machine: a service needs systemd"):
        put_in(found)
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    with pytest.raises(InputError, match="which only root may: run it with sudo"):
        put_in(found)
    assert list(units.iterdir()) == []
    assert not (units.parent / "flights").exists()


def test_it_is_taken_out_and_flights_stay(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl = ready(units, RUNNING, monkeypatch)
    put_in(planned(units))
    before = len(systemctl.calls)
    said = uninstall(units)
    assert "removed" in said[0]
    assert systemctl.calls[before:] == [
        f"systemctl disable --now {UNIT}", "systemctl daemon-reload", f"systemctl reset-failed {UNIT}",
    ]  # fmt: skip
    assert list(units.iterdir()) == []
    assert (units.parent / "flights").is_dir()
    with pytest.raises(InputError, match="nothing to uninstall"):
        uninstall(units)
