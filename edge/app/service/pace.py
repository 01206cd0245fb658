"""A pause before a start, where the last ones failed soon: systemd 249 of JetPack 6 has no delay that grows."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.recording.contents import BOOT_ID
from edge.system.budget import EXTEND_S
from edge.system.files import read_limited, read_text_or_none, write_whole
from edge.system.notify import Notify

STARTS = "starts.json"
SOON_S = 60.0  # a run that lasted longer did not fail at once
FIRST_S, LONGEST_S = 5.0, 60.0  # of the pauses, each twice the one before: nobody sees anything meanwhile
FREE = 2  # starts without a pause: the service manager waits 5 s itself
MOST_BYTES = 4096

log = logging.getLogger(__name__)


class Start(msgspec.Struct, frozen=True):
    """The last start. ``boot``: of which run of the machine. ``at``: seconds of its clock, sleep included, when the run
    itself began, after its pause. ``quick``: how many starts in a row before it ended soon.
    """

    boot: str
    at: float
    quick: int


class Starts:
    """The file of the starts of one service, in the folder that the service manager keeps for it."""

    def __init__(self, file: Path, clock: Callable[[], float], sleep: Callable[[float], None] = time.sleep) -> None:
        self._file, self._clock, self._sleep = file, clock, sleep

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Starts | None:
        """Those of the service that this process is; None where it is none, or has no folder."""
        folder = environment.get("STATE_DIRECTORY", "").split(":")[0]
        if not folder.startswith("/") or not environment.get("INVOCATION_ID"):
            return None
        return cls(Path(folder) / STARTS, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))

    def wait(self) -> None:
        """Wait as long as the last starts ask for, and note this one. A stop meanwhile is a KeyboardInterrupt.

        A file that cannot be read or written costs the pause, and nothing else.
        """
        boot, last = read_text_or_none(BOOT_ID) or "", self._last()
        quick = 0
        if last and last.boot == boot and 0 <= self._clock() - last.at < SOON_S:
            quick = last.quick + 1
        if pause_s := pause(quick):
            why = f"the last {quick} starts ended within {SOON_S:.0f} s"
            log.warning("%s: waiting for %.0f s before the next one", why, pause_s)
            if notify := Notify.from_environment():
                extended = f"{(pause_s + EXTEND_S) * 1e6:.0f}"
                notify.send(EXTEND_TIMEOUT_USEC=extended, STATUS=f"waiting for {pause_s:.0f} s: {why}")
                notify.close()
            self._sleep(pause_s)
        with suppress(OSError):
            write_whole(self._file, msgspec.json.encode(Start(boot, self._clock(), quick)))

    def forget(self) -> None:
        """The run ended as it should, or will not be started again: the next start is a new one."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _last(self) -> Start | None:
        try:
            return msgspec.json.decode(read_limited(self._file, MOST_BYTES), type=Start)
        except (OSError, ValueError, msgspec.DecodeError):
            return None


def pause(quick: int) -> float:
    """Seconds before a start that follows so many quick ends."""
    return 0.0 if quick < FREE else min(FIRST_S * 2.0 ** min(quick - FREE, 10), LONGEST_S)
