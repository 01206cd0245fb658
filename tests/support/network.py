"""What a command says to the network: seen by Python's own sockets, and by the system, which sees every library's."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[2]
CALLS = "connect,sendto,sendmsg,sendmmsg,bind,listen"
TRACER = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none")
ALONE = ("unshare", "-r", "-n")  # a network namespace of its own: not even a loopback
_ADDRESS = re.compile(r'(\w+)\(.*port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]*)"')
_CLIENT = "bind 0.0.0.0:0"  # any port of one's own to connect from: who listens there calls listen, too


@dataclass(frozen=True)
class Heard:
    """``python``: a line for each address that Python's sockets were asked for. ``system``: the same of all code, as
    ``connect 192.0.2.1:9``; None where there is no strace that may look. ``counted``: what the namespace was asked to
    send; None where it was not one of its own. ``left``: files below HOME: ONNX Runtime's telemetry leaves one at once,
    and speaks to its maker some ten seconds later.
    """

    python: list[str]
    system: list[str] | None
    counted: int | None
    left: list[str]


@lru_cache
def works(*words: str) -> bool:
    """Whether a tool is here and may do what it is for."""
    return shutil.which(words[0]) is not None and run_child([*words, "true"], capture_output=True).returncode == 0


def heard(folder: Path, commands: Sequence[Sequence[object]], alone: bool = True) -> Heard:
    """Run commands, see `tests.support.network_guard`, in one process. ``alone``: where no network is."""
    trace, log = folder / "trace.txt", folder / "log.txt"
    traced, alone = works(*TRACER, "-o", str(trace)), alone and works(*ALONE)
    words = [[str(word) for word in command] for command in commands]
    guard = [sys.executable, "-m", "tests.support.network_guard", log, json.dumps(words)]
    before = [*((*TRACER, "-o", trace) if traced else ()), *(ALONE if alone else ())]
    (home := folder / "home").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment["HOME"] = str(home)
    done = run_child([*before, *guard], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, counted = log.read_text().splitlines()
    system = _addresses(trace.read_text()) if traced else None
    left = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
    return Heard(lines, system, int(counted.split()[1]) if alone else None, left)


def silent(found: Heard) -> None:
    """Nobody was spoken to, as far as this machine lets it be seen."""
    assert found.python == []
    assert found.system in ([], None)
    assert found.counted in (0, None)
    assert found.left == []


def _addresses(trace: str) -> list[str]:
    found = set()
    for line in trace.splitlines():
        if match := _ADDRESS.search(line):
            call, port, host = match.groups()
            found.add(f"{call} {host}:{port}")
        elif "AF_INET" in line or " listen(" in line:
            found.add(line)
    return sorted(found - {_CLIENT})
