"""systemctl and the other programs of the system, called with a time-out; what they say goes into the error."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from edge.errors import EdgeError, InputError
from edge.system.files import reason_of

SECONDS = 60.0  # a daemon-reload of a busy board takes some; a stop of the unit 30 at most


def systemctl(*words: str, check: bool = True) -> str:
    """What it printed. Raises InputError where there is none, EdgeError where it fails and ``check`` is set."""
    return call(("systemctl", *words), check)


def call(words: Sequence[str], check: bool = True) -> str:
    """What a program printed. Raises InputError where there is none, EdgeError as above."""
    if shutil.which(words[0]) is None:
        why = "a service needs systemd" if words[0] == "systemctl" else "the system's own programs are needed"
        raise InputError(f"{words[0]} is not on this machine: {why}")
    said = " ".join(words)
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EdgeError(f"{said} has not answered for {SECONDS:.0f} s") from None
    except OSError as error:
        raise EdgeError(f"{said}: {reason_of(error)}") from None
    if check and done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        why = lines[-1] if lines else f"exit code {done.returncode}"
        raise EdgeError(f"{said}: {why}")
    return done.stdout


def properties(unit: str, names: Sequence[str]) -> Mapping[str, str]:
    """What ``systemctl show`` says of a unit; "" for what it does not know. Raises as `systemctl`."""
    text = systemctl("show", unit, "--no-pager", f"--property={','.join(names)}")
    said = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    return {name: said.get(name, "") for name in names}
