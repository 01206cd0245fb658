"""From the times that a file gives its frames to their numbers: where frames were lost, and where nothing was recorded.

A hole in the time stamps is either. The rule:

1. Where most frames follow each other in equal steps (the rate is constant), a step of several periods is a loss of the
   frames between, and ``seq`` jumps over them. What comes over a link may lose most of them: there some steps of the
   rate that it names are enough.
2. A hole that is longer than a loss explains is a pause: nothing is counted. That is `LINK_S` in what comes over a link
   (MPEG-TS, MPEG-PS, FLV), `FILE_S` or ten frames elsewhere: a recorder that writes a file drops some frames.
3. Where the steps differ (the rate varies), no frame is expected at any time, and none is missed.

Pauses and losses are both said, with the file's time.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

LINK_S, FILE_S, FEW = 60.0, 2.0, 10
WINDOW = 64  # steps that are remembered
ENOUGH = 3  # steps that make a rate; before, the rate that the file names counts
NEAR = 0.25  # of a period: as far as time stamps are off by rounding and by a camera's own clock
MOST, SOME, NEARLY_ALL = 0.6, 0.2, 0.9
DRIFT = 0.01  # of a hole: how well the period is known


class Timeline:
    """The frames of one video. `learn` sees the time of every frame as it is decoded, `place` as it is given."""

    def __init__(self, period_s: float | None, over_a_link: bool = False, varies: bool = False) -> None:
        """``period_s``: what the file names, or None. ``over_a_link``: frames may be lost for longer. ``varies``: its
        rate is known to.
        """
        self._named, self._varies = period_s, varies
        self._longest_s = LINK_S if over_a_link else FILE_S
        self._steps: deque[float] = deque(maxlen=WINDOW)
        self._learnt: float | None = None
        self._at: float | None = None  # time of the latest frame
        self._due: float | None = None  # when the frame before was due, where the rate is constant
        self._known: float | None = None  # the period as it was worked out last
        self._lost = self._holes = self._repeated = 0
        self._first_hole_s = 0.0
        self._pauses = 0
        self._pause_s = self._paused_at_s = 0.0  # of the longest one

    def learn(self, t: float) -> None:
        """The next frame in the file is shown at ``t``, seconds."""
        if self._learnt is not None and t > self._learnt:
            self._steps.append(t - self._learnt)
        self._learnt = t if self._learnt is None else max(self._learnt, t)

    def place(self, t: float) -> int:
        """By how much ``seq`` moves on to the frame shown at ``t``: 1, and 1 for each that was lost before it."""
        before, self._at = self._at, t if self._at is None else max(self._at, t)
        if before is None or self._due is None:
            self._due = t
            return 1
        if t <= before:
            self._repeated += 1
        gap, period, n = t - before, self._known, 1
        if period and abs(gap - period) < NEAR * period and abs(t - self._due - period) < NEAR * period:
            self._due = t  # as expected
            return 1
        period = self._known = None if self._varies else self._period()
        if period is None:
            self._due = t
        else:
            since = t - self._due  # the frame before may have come too early or too late
            n = max(round(since / period), 1)
            lost = n > 1 and abs(since / period - n) <= NEAR + DRIFT * n and gap <= max(self._longest_s, FEW * period)
            self._due = t if since > NEAR * period else min(self._due, max(t, before) + period) + period
            if not lost:
                n = 1
        if n == 1:
            self._see_pause(gap, before)
            return 1
        if not self._lost:
            self._first_hole_s = before
        self._lost += n - 1
        self._holes += 1
        return n

    @property
    def notes(self) -> str:
        """What was found, for the description of the video; "" where nothing was."""
        notes = ""
        if self._lost:
            where = "one hole" if self._holes == 1 else f"{self._holes} holes"
            first = clock(self._first_hole_s)
            notes += f"; {_frames(self._lost)} lost in {where} of its time stamps, from {first} on"
        if self._pauses:
            more = f" and {self._pauses - 1} shorter ones" if self._pauses > 1 else ""
            notes += (
                f"; a gap of {self._pause_s:.3g} s at {clock(self._paused_at_s)}{more}, taken as "
                f"pause{'s' if more else ''}: no frame is counted as lost there"
            )
        if self._repeated:
            notes += f"; {_frames(self._repeated)} with a time that is not after that of the one before"
        return notes

    def _period(self) -> float | None:
        """Seconds between frames, where the rate is constant; None where it varies, or is not known yet."""
        steps = np.fromiter(self._steps, np.float64)
        named = self._named
        if len(steps) < ENOUGH:
            known = named is not None and bool((np.abs(steps - named) < NEAR * named).any())
            return named if known else None
        period = constant_period(steps)
        if period is None and named is not None and self._longest_s == LINK_S:
            period = constant_period(steps, named, SOME)  # a link that loses most of it
        return period

    def _see_pause(self, gap: float, began: float) -> None:
        usual = float(np.median(np.fromiter(self._steps, np.float64))) if self._steps else gap
        if gap <= max(FILE_S, 5 * usual):
            return
        self._pauses += 1
        if gap > self._pause_s:
            self._pause_s, self._paused_at_s = gap, began


def constant_period(steps: npt.NDArray[np.float64], usual: float | None = None, part: float = MOST) -> float | None:
    """The period of frames that follow each other in these steps, (N,) above 0; None where their rate varies.

    ``part`` of the steps must be the ``usual`` one, by default that in their middle.
    """
    usual = float(np.median(steps)) if usual is None else usual
    one = np.abs(steps - usual) < NEAR * usual
    if one.mean() < part:
        return None
    period = float(steps[one].mean())
    whole = np.abs(steps / period - np.round(steps / period)) < NEAR
    return period if whole.mean() >= NEARLY_ALL else None


def clock(seconds: float) -> str:
    """A media time as players show it: 1:02:03.400, or 2:03.400."""
    minutes, rest = divmod(round(max(seconds, 0.0), 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:06.3f}" if hours else f"{minutes}:{rest:06.3f}"


def _frames(n: int) -> str:
    return "1 frame" if n == 1 else f"{n} frames"
