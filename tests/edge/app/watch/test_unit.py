"""The unit that docs/service.md shows: systemd reads it as it is meant, and its times are those of the budget."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.system import budget
from tests.conftest import ROOT
from tests.support.children import run_child

PAGE = (ROOT / "docs/service.md").read_text()


def unit() -> str:
    found = re.search(r"^```ini\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_its_times_are_those_of_the_budget() -> None:
    service = configparser.ConfigParser(interpolation=None)
    service.read_string(unit())
    said = service["Service"]
    assert (said["Type"], float(said["WatchdogSec"])) == ("notify", budget.WATCHDOG_S)
    assert float(said["TimeoutStopSec"]) > budget.CLOSE_S + budget.KEEP_S  # else a manager cuts the closing off
    assert float(said["TimeoutStartSec"]) > budget.EXTEND_S
    assert said["RestartPreventExitStatus"] == "2"


def test_systemd_takes_it(tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not here")
    file = tmp_path / "thermal-edge.service"
    file.write_text(unit().replace("/opt/thermal-edge/bin/edge", sys.executable))
    done = run_child([analyze, "verify", "--man=no", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    of_ours = [line for line in done.stdout.splitlines() if "thermal-edge" in line]
    assert of_ours == []
    file.write_text(unit().replace("WatchdogSec=", "WatchdogSecs="))
    done = run_child([analyze, "verify", "--man=no", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "WatchdogSecs" in done.stdout  # it does look
