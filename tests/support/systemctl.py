"""A stand-in for systemctl: it notes its calls and says what a real one, systemd 252, said in the same state."""

from __future__ import annotations

import stat
from pathlib import Path

# as `systemctl show` printed it: not in the order that was asked for
RUNNING = """StatusText=detecting; 176 frames, 21.0 frames/s, 0 dropped
Result=success
NRestarts=1
ExecMainCode=0
ExecMainStatus=0
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath={unit}
UnitFileState=enabled
ActiveEnterTimestampMonotonic=1000000
InactiveEnterTimestampMonotonic=0
"""
PAUSED = """StatusText=waiting for 20 s: the last 4 starts ended within 60 s
Result=success
NRestarts=4
ExecMainCode=0
ExecMainStatus=0
LoadState=loaded
ActiveState=activating
SubState=start
FragmentPath={unit}
UnitFileState=enabled
ActiveEnterTimestampMonotonic=85748424735
InactiveEnterTimestampMonotonic=85754704053
"""
KILLED = """StatusText=detecting; 176 frames, 21.0 frames/s, 0 dropped
Result=signal
NRestarts=0
ExecMainCode=2
ExecMainStatus=9
LoadState=loaded
ActiveState=activating
SubState=auto-restart
FragmentPath={unit}
UnitFileState=enabled
ActiveEnterTimestampMonotonic=1000000
InactiveEnterTimestampMonotonic=2000000
"""
ABSENT = """StatusText=
Result=success
NRestarts=0
ExecMainCode=0
ExecMainStatus=0
LoadState=not-found
ActiveState=inactive
SubState=dead
FragmentPath=
UnitFileState=
ActiveEnterTimestampMonotonic=0
InactiveEnterTimestampMonotonic=0
"""


class Systemctl:
    """In ``folder``, which is to stand in PATH. ``calls``: what it was called with, so far."""

    def __init__(self, folder: Path, shows: str = ABSENT, fails: str = "") -> None:
        """``shows``: what ``show`` prints. ``fails``: the word at which it fails, as without systemd."""
        folder.mkdir(exist_ok=True)
        self._log, self._shown = folder / "calls", folder / "shown"
        self._shown.write_text(shows)
        for name in ("systemctl", "useradd"):
            program = folder / name
            program.write_text(
                f"#!/bin/sh\necho {name} \"$@\" >>'{self._log}'\n"
                f'if [ "$1" = "{fails}" ]; then echo "Failed to connect to bus: Host is down" >&2; exit 1; fi\n'
                f"if [ \"$1\" = show ]; then cat '{self._shown}'; fi\n"
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def show(self, text: str, unit: Path) -> None:
        """From now on."""
        self._shown.write_text(text.format(unit=unit))
