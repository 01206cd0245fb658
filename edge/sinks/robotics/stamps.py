"""When a frame was taken by the wall clock, as viewers and ROS 2 want it: nanoseconds since 1970."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.data import Frame

NS = 1_000_000_000


def capture_ns(
    frame: Frame, wall_ns: Callable[[], int] = time.time_ns, monotonic: Callable[[], float] = time.monotonic
) -> int:
    """By the frame's own UTC; where it has none, by the machine's clock, right or wrong: so long ago as it was
    captured, in a replay as it was read. The same frame is to be asked once: the machine's clock may be set in between.
    """
    if frame.utc is not None:
        return round(frame.utc.timestamp() * 1e6) * 1000
    since = frame.t_arrival if frame.replayed else frame.t_capture
    return wall_ns() - round((monotonic() - since) * NS)
