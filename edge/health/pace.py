"""A lower rate on purpose: how long to rest before the next frame is taken."""

from __future__ import annotations

NEWEST = 1 / 16  # weight of the newest interval
LONGEST = 4.0  # times the usual: a camera that was away says nothing of the usual
MOST_S = 2.0  # a rest at most: a pause is no failure


class Pace:
    """Knows the usual interval of frames, as long as nothing is slowed down."""

    def __init__(self) -> None:
        self._usual: float | None = None
        self._last: float | None = None

    def took(self, t: float, times: float) -> None:
        """A frame was taken at ``t``, seconds, with intervals to be ``times`` as long as usual."""
        usual = self._usual
        if self._last is not None and (times <= 1 or usual is None):  # as long as that is not known nothing rests
            passed = t - self._last
            self._usual = passed if usual is None else usual + NEWEST * (min(passed, LONGEST * usual) - usual)
        self._last = t

    def rest_s(self, t: float, times: float) -> float:
        """Seconds from ``t`` on until the next frame is due; 0 = at once."""
        if times <= 1 or self._usual is None or self._last is None:
            return 0.0
        return min(max(self._last + times * self._usual - t, 0.0), MOST_S)
