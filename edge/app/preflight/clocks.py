"""Do the clocks say the truth: is UTC set and kept, and does it run as the monotonic clock does?"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from edge.app.preflight.side_by_side import Line

EARLIEST = datetime(2026, 1, 1, tzinfo=timezone.utc)  # this program is not older: a clock before it was never set
JUMP_S = 0.05  # in a second: more is no slewing
LOOK_S = 1.0
TIME_ERROR = 5  # of adjtimex(2): not synchronised
SYNC = "sudo timedatectl set-ntp true, and a network or a GPS receiver until it says synchronised: timedatectl"


def clock_lines(
    sleep: Callable[[float], None] = time.sleep, synchronised: Callable[[], bool | None] | None = None
) -> Iterator[Line]:
    """``synchronised``: None = nobody knows."""
    now = datetime.now(timezone.utc)
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < EARLIEST:
        yield Line("clock", "red", f"{told}: it was never set", "sudo date -u -s 'YYYY-MM-DD HH:MM:SS', or " + SYNC)
    else:
        kept = (synchronised or _synchronised)()
        state = {True: "synchronised", False: "not synchronised", None: "nobody knows whether it is synchronised"}[kept]
        yield Line("clock", "green" if kept else "yellow", f"{told}, {state}", "" if kept else SYNC)
    wall, steady = time.time(), time.monotonic()
    sleep(LOOK_S)
    off = (time.time() - wall) - (time.monotonic() - steady)
    jumped = abs(off) > JUMP_S
    value = f"UTC moved by {off:+.3f} s against the monotonic clock in {LOOK_S:g} s"
    yield Line("clock jumps", "yellow" if jumped else "green", value, "wait until the clock is set" if jumped else "")


def _synchronised() -> bool | None:
    """What the kernel says of its clock; None where it cannot be asked."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state = int(call(ctypes.create_string_buffer(512)))  # a struct timex of zeros asks and sets nothing
    return None if state < 0 else state != TIME_ERROR
