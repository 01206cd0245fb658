"""The service put in and taken out: what will be done is planned first, so that it can be shown without being done."""

from __future__ import annotations

import grp
import os
import pwd
import re
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.app.mission.mission import Mission
from edge.app.mission.read import read_mission
from edge.app.service.needs import HOMES, TEMPORARY, Someone, below, files_of, flights_of, has_serial
from edge.app.service.pace import STARTS
from edge.app.service.systemctl import call, properties, systemctl
from edge.app.service.unit import GROUPS, NAME, UNIT, UnitSettings, is_ours, unit_text
from edge.errors import EdgeError, InputError
from edge.system.files import read_text_or_none, reason_of, write_whole

UNITS = Path("/etc/systemd/system")
STATE = Path("/var/lib") / NAME
USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
SETTLED_S = 10.0  # to see whether it has started: a camera that is missing holds nothing up
NOT_THERE = 0xFFFF_FFFF  # the number of a user who is still to be made: nobody's


@dataclass(frozen=True)
class Plan:
    """What an installation does. ``steps``: in words. ``make``: the folder of the flights, where it is not there."""

    unit: Path
    text: str
    user: Someone
    make: Path | None
    steps: Sequence[str]

    @property
    def new_user(self) -> bool:
        """Whether the user is to be made."""
        return self.user.uid == NOT_THERE


def plan(mission_file: Path, name: str = NAME, units: Path = UNITS) -> Plan:
    """Read and check the mission, as the service's user will see it. Nothing is changed.

    Raises InputError (of the mission MissionError): what is wrong, and what to do.
    """
    user = _someone(name)
    mission_file = Path(os.path.abspath(mission_file))
    with _home(user.home):
        mission = read_mission(mission_file)
        flights = flights_of(mission)
        files = list(dict.fromkeys(files_of(mission)))
    edge = _command()
    _check_names(mission_file, edge, flights)
    _check_rights(user, [edge, Path(sys.executable), *files], mission_file)
    make = _flights_to_make(user, flights)
    groups = [group for group in GROUPS if _group(group) is not None]
    home = any(below(path, HOMES) for path in (*files, flights, edge, Path(sys.prefix), Path(sys.base_prefix)))
    unit = units / UNIT
    _check_ours(unit)
    text = unit_text(UnitSettings(mission_file, edge, name, groups, [flights], has_serial(mission), home))
    return Plan(unit, text, user, make, _steps(unit, user, make, mission))


def install(planned: Plan) -> str:
    """Do it; returns how the service is then. Raises InputError without root or systemd, EdgeError where a step fails:
    what was done before stays, and installing again goes on from there.
    """
    require_root("install")
    systemctl("--version")
    if planned.new_user:
        call(("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", planned.user.name))
    try:
        if planned.make:
            entry = pwd.getpwnam(planned.user.name)
            planned.make.mkdir(parents=True)
            os.chown(planned.make, entry.pw_uid, entry.pw_gid)
            planned.make.chmod(0o2750)  # after chown, which takes the bit away: whoever joins the group may read
        write_whole(planned.unit, planned.text.encode())
        (STATE / STARTS).unlink(missing_ok=True)  # failures of before count no more
    except (OSError, KeyError) as error:
        why = reason_of(error) if isinstance(error, OSError) else str(error)
        raise EdgeError(f"cannot install {planned.unit}: {why}") from None
    systemctl("daemon-reload")
    systemctl("enable", UNIT)
    systemctl("restart", "--no-block", UNIT)
    return _settled()


def uninstall(units: Path = UNITS) -> Sequence[str]:
    """Stop the service, and take out what `install` wrote; returns what was done. Raises InputError where the unit is
    not there or not ours, and as `install`.
    """
    unit = units / UNIT
    if read_text_or_none(unit) is None:
        raise InputError(f"{unit} is not there: nothing to uninstall")
    _check_ours(unit)
    require_root("uninstall")
    systemctl("disable", "--now", UNIT)
    try:
        unit.unlink()
    except OSError as error:
        raise EdgeError(f"cannot remove {unit}: {reason_of(error)}") from None
    systemctl("daemon-reload")
    systemctl("reset-failed", UNIT, check=False)
    return (
        f"{UNIT} is stopped and disabled, {unit} is removed",
        f"flights, mission, the user and {STATE} are left as they are",
    )


def require_root(what: str) -> None:
    """Raises InputError for anybody else."""
    if os.geteuid() != 0:
        raise InputError(f"edge service {what} changes {UNITS}, which only root may: run it with sudo")


def _settled() -> str:
    """How the service is when its state holds for a moment, or after some seconds."""
    until = time.monotonic() + SETTLED_S
    while True:
        time.sleep(0.5)
        said = properties(UNIT, ("ActiveState", "SubState", "StatusText", "Result"))
        if said["ActiveState"] == "failed" or said["SubState"] == "auto-restart":
            raise EdgeError(f"{UNIT} is enabled, but has failed ({said['Result']}): see journalctl -u {NAME} -e")
        if said["ActiveState"] == "active" or time.monotonic() > until:
            words = f"{UNIT} is enabled and {said['ActiveState']}"
            return f"{words}: {said['StatusText']}" if said["StatusText"] else words


def _steps(unit: Path, user: Someone, make: Path | None, mission: Mission) -> list[str]:
    steps = [f"mission {mission.name}, {mission.path}, is right; it is used where it is"]
    if user.uid == NOT_THERE:
        steps.append(f"make the system user {user.name}")
    missing = [group for group in GROUPS if _group(group) is None]
    if missing:
        steps.append(f"no group {', '.join(missing)} on this machine: left out")
    if make:
        steps.append(f"make the folder {make}, of {user.name}")
    steps.append(f"{'replace' if unit.exists() else 'write'} {unit}")
    return [*steps, "systemctl daemon-reload", f"systemctl enable {UNIT}", f"systemctl restart {UNIT}"]


def _command() -> Path:
    """This environment's ``edge``."""
    folders = [Path(sysconfig.get_path("scripts")), Path(sys.argv[0]).absolute().parent]
    for folder in folders:
        if os.access(folder / "edge", os.X_OK):
            return folder / "edge"
    raise InputError(f"{folders[0]}/edge is not there: install the package there, pip install thermal-edge")


def _someone(name: str) -> Someone:
    if not USER.fullmatch(name):
        raise InputError(f"--user {name!r}: expected the name of a user, such as {NAME}")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        if name != NAME:
            raise InputError(f"--user {name}: there is no such user: leave it out, and {NAME} is made") from None
        return Someone(name, NOT_THERE, frozenset(filter(None, map(_group, GROUPS))), Path("/nonexistent"))
    groups = {*os.getgrouplist(name, entry.pw_gid), *filter(None, map(_group, GROUPS))}
    return Someone(name, entry.pw_uid, frozenset(groups), Path(entry.pw_dir))


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Inside, ~ is the home of the service's user."""
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


def _check_names(mission: Path, edge: Path, flights: Path) -> None:
    for path in (mission, edge, flights):
        if not str(path).isprintable():
            raise InputError(f"{str(path)!r}: a unit of systemd cannot name it: give it another name")
    for path in (mission, flights):
        if below(path, TEMPORARY):
            raise InputError(f"{path} is gone after a restart, and a service has a /tmp of its own: put it elsewhere")
    if flights == Path("/") or flights in HOMES:
        raise InputError(f"outputs.folder: flights straight below {flights}: give them a folder of their own")


def _check_rights(user: Someone, files: Sequence[Path], mission: Path) -> None:
    for path in files:
        if (at := user.refused(path)) is not None:
            place = "" if at == Path(os.path.realpath(path)) else f" (it may not enter {at})"
            other = f"--user {owner}" if (owner := _owner(mission)) not in (user.name, "root") else "another --user"
            raise InputError(f"the user {user.name} cannot read {path}{place}: give {other}, or put it elsewhere")


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError):
        return "root"


def _flights_to_make(user: Someone, flights: Path) -> Path | None:
    """The folder itself, where it is to be made. Raises InputError where it is there and may not be written."""
    if not flights.exists():
        return flights
    if not flights.is_dir():
        raise InputError(f"outputs.folder: {flights} is no folder")
    if user.refused(flights, write=True) is not None:
        raise InputError(
            f"the user {user.name} cannot write to {flights}: chown {user.name} {flights}, or give another --user"
        )
    return None


def _check_ours(unit: Path) -> None:
    text = read_text_or_none(unit)
    if (text is not None and not is_ours(text)) or (text is None and os.path.lexists(unit)):
        raise InputError(f"{unit} was not written by edge service install: move it away first")
