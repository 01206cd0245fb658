"""Do the clocks say the truth: is UTC set and kept, and does it run as the monotonic clock does?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from edge.app.preflight.side_by_side import Line
from edge.system.wall_clock import EARLIEST, JUMP_S
from edge.system.wall_clock import synchronised as _synchronised

LOOK_S = 1.0
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
