"""The unit: systemd reads it as it is meant, its times are those of the budget, and docs/service.md shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from edge.app.service.unit import GROUPS, UnitSettings, is_ours, mission_of, unit_text
from edge.system import budget
from tests.conftest import ROOT
from tests.support.children import run_child

PAGE = (ROOT / "docs/service.md").read_text()
SETTINGS = UnitSettings(
    mission=Path("/srv/deer/north.toml"),
    edge=Path("/opt/thermal-edge/bin/edge"),
    user="thermal-edge",
    groups=GROUPS,
    writable=[Path("/srv/deer/flights")],
)
MOST_EXPOSED = 20  # of 100, by systemd-analyze: the unit of docs/service.md has 19


def said(text: str) -> dict[str, list[str]]:
    """Each key of a unit with its values."""
    found = defaultdict[str, list[str]](list)
    for line in text.splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def test_the_page_shows_it() -> None:
    found = re.search(r"^```ini\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert found[1] == unit_text(SETTINGS)


def test_its_times_are_those_of_the_budget() -> None:
    unit = said(unit_text(SETTINGS))
    assert (unit["Type"], float(unit["WatchdogSec"][0])) == (["notify"], budget.WATCHDOG_S)
    assert float(unit["TimeoutStopSec"][0]) > budget.CLOSE_S + budget.KEEP_S  # else a manager cuts the closing off
    assert float(unit["TimeoutStartSec"][0]) > budget.EXTEND_S
    assert (unit["Restart"], unit["RestartPreventExitStatus"]) == (["always"], ["2"])
    assert unit["StartLimitIntervalSec"] == ["0"]  # it never gives up


def test_camera_and_gpu_are_reached_and_serial_lines_only_where_asked_for() -> None:
    unit, serial = said(unit_text(SETTINGS)), said(unit_text(replace(SETTINGS, serial=True)))
    assert {"char-81 rw", "char-nv* rw", "/dev/nvmap rw"} <= set(unit["DeviceAllow"])
    assert {"char-166 rw", "char-188 rw", "char-ttyTHS rw"} <= set(serial["DeviceAllow"]) - set(unit["DeviceAllow"])
    assert unit["SupplementaryGroups"] == ["video render dialout"]
    assert "SupplementaryGroups" not in said(unit_text(replace(SETTINGS, groups=())))
    assert "MemoryDenyWriteExecute" not in unit  # the CUDA driver makes code
    assert not {"Requires", "BindsTo", "Requisite"} & set(unit)


def test_homes_are_seen_only_where_needed_and_never_written() -> None:
    assert said(unit_text(SETTINGS))["ProtectHome"] == ["yes"]
    assert said(unit_text(replace(SETTINGS, home=True)))["ProtectHome"] == ["read-only"]
    assert said(unit_text(SETTINGS))["ReadWritePaths"] == ["/srv/deer/flights"]


def test_odd_names_are_one_word() -> None:
    odd = replace(SETTINGS, mission=Path('/srv/my "100%" $deer/n.toml'), writable=[Path("/srv/a b%")])
    unit = said(unit_text(odd))
    assert unit["ExecStart"] == [r'/opt/thermal-edge/bin/edge run --mission "/srv/my \"100%%\" $$deer/n.toml"']
    assert unit["ReadWritePaths"] == ['"/srv/a b%%"']


def test_ours_is_known_again() -> None:
    text = unit_text(SETTINGS)
    assert is_ours(text)
    assert mission_of(text) == SETTINGS.mission
    assert not is_ours("[Unit]\n" + text)
    assert mission_of("[Unit]\n") is None


@pytest.mark.parametrize("serial", [False, True])
def test_systemd_takes_it(tmp_path: Path, serial: bool) -> None:
    analyze = analyzer()
    file = tmp_path / "thermal-edge.service"
    text = unit_text(replace(SETTINGS, edge=Path(sys.executable), mission=Path('/srv/a "b" c%/m.toml'), serial=serial))
    file.write_text(text)
    done = run_child([analyze, "verify", "--man=no", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    of_ours = [line for line in done.stdout.splitlines() if "thermal-edge" in line]
    assert of_ours == []
    file.write_text(text.replace("WatchdogSec=", "WatchdogSecs="))
    done = run_child([analyze, "verify", "--man=no", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "WatchdogSecs" in done.stdout  # it does look


def test_systemd_finds_it_little_exposed(tmp_path: Path) -> None:
    analyze = analyzer()
    help = run_child([analyze, "--help"], stdout=subprocess.PIPE, text=True).stdout
    if "--offline" not in help or "--threshold" not in help:
        pytest.skip("this systemd-analyze looks at no file: it came with 250")
    file = tmp_path / "thermal-edge.service"
    file.write_text(unit_text(replace(SETTINGS, edge=Path(sys.executable))))
    looks = [analyze, "security", "--offline=yes", "--no-pager"]
    done = run_child([*looks, f"--threshold={MOST_EXPOSED}", file], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert run_child([*looks, "--threshold=5", file], stdout=subprocess.PIPE, text=True).returncode != 0  # it does look


def analyzer() -> str:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not here")
    return analyze
