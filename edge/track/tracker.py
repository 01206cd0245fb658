"""Follows what is found from frame to frame, so that an object keeps its number: in seconds, not in frames."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Int32
from edge.errors import InputError
from edge.track.association import FAINT_LIMIT, Found, alone, candidates, choose, second_boxes
from edge.track.inputs import Limit, checked, checked_limits, checked_motion, reaching
from edge.track.kalman import (
    FIRST,
    HITS,
    ID,
    LABEL,
    LAST,
    ROWS,
    SCORES,
    SPEED,
    SPEED_UNKNOWN,
    VX,
    VY,
    Float64,
    H,
    Indices,
    W,
    X,
    Y,
    add_camera,
    born,
    correct,
    doubt_velocities,
    predict,
)  # fmt: skip
from edge.track.registration import LEAST_TRACKS, common_shift, shift_beside

EVIDENCE = 1.0  # sum of scores from which it is a track: two sure detections, or three that are not
NEW_S = 0.25  # seconds in which the next detection must come before it is a track
PATIENCE = 2.5  # usual intervals between frames for which a track is kept at least
MOST = 1000  # tracks at a time
COMMON = 4  # tracks that show what the picture does, where nobody says how the camera moves
MOST_LOST = 0.25  # part of the tracks with nothing near: from there on the whole picture may lie beside them
USUAL, LONGEST_USUAL_S = 0.1, 5.0  # weight of the newest interval between frames; the longest that is a rate at all

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Track:
    """An object that was followed. ``id``: its number, of this tracker only once. ``label``: the class with the most
    votes, weighed by their scores. ``score``: mean of its detections'. ``frames``: detections. ``first_t``, ``last_t``:
    seconds, of the first and the last of them. ``box``: xyxy px, smoothed, in the frame of the last update.
    ``velocity``: px / s, over the ground where the camera's motion is known.
    """

    id: int
    label: int
    score: float
    frames: int
    first_t: float
    last_t: float
    box: tuple[float, float, float, float]
    velocity: tuple[float, float]


class Tracker:
    """Gives the detections of frame after frame the numbers of the objects they belong to.

    ``high``: scores from which detections are matched first; the others, from ``low`` on, only continue tracks that
    those have left over, or begin one from ``begin`` on. Each is one score, or an array of one a label.
    ``lost_s``: seconds for which a track goes on unseen; with frames further apart than that, two and a half of their
    usual intervals.

    Raises InputError where a setting cannot be one.
    """

    def __init__(self, *, low: Limit = 0.1, high: Limit = 0.5, begin: Limit = 0.3, lost_s: float = 1.0) -> None:
        self.limit(low=low, high=high, begin=begin)
        if not 0 < lost_s < math.inf:
            raise InputError(f"tracker: lost_s={lost_s}: expected seconds, more than 0")
        self.lost_s = lost_s
        self.ended: tuple[Track, ...] = ()
        """Tracks that ended in the last update."""
        self.restarts = 0
        """How often time ran backwards."""
        self._s = np.zeros((ROWS, 0))
        self._next = 1
        self._forget()

    def limit(self, *, low: Limit, high: Limit, begin: Limit) -> None:
        """Other scores from the next update on. Raises InputError where one cannot be."""
        checked_limits(low, begin, high)
        self.low, self.high, self.begin = low, high, begin
        self._all_sure = float(np.max(high))  # from here on whatever the label

    def update(
        self,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        labels: npt.ArrayLike,
        t: float,
        motion: npt.ArrayLike | None = None,
    ) -> Int32:
        """The ids (N,) int32 of the detections of one frame, -1 = not (yet) a track.

        ``boxes``: (N, 4) xyxy px. ``scores``: (N,) 0..1. ``labels``: (N,) whole numbers from 0. ``t``: seconds, when
        the frame was taken, by any clock that runs on. ``motion``: (2, 3) affine that takes a point of the ground from
        its pixel in the frame of the update before to its pixel in this one, ``new = motion @ (x, y, 1)``; None: not
        known. At the same ``t`` as before nothing is taken to have moved; where ``t`` is earlier, all tracks end and
        it starts again, which `restarts` counts and the log says. Ids are never given twice.

        Raises ValueError, and changes nothing, where a shape or a value is not as said: NaN, empty boxes.
        """
        found = checked(boxes, scores, labels)
        if not math.isfinite(t):
            raise ValueError(f"t is {t}: expected seconds")
        self._advance(float(t), None if motion is None else checked_motion(motion))
        ids = np.full(found.s.shape[1], -1, np.int32)
        if len(ids):
            self._know_classes(found.classes)
            left = reaching(found, self.low)
            if self._s.shape[1]:
                self._continue(found, *self._matched(found, left), ids, left)
            self._begin(found, left)
        return ids

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Those that are followed now, seen or not, by their ids."""
        return self._told(self._s[ID] >= 0)

    def finish(self) -> tuple[Track, ...]:
        """End all tracks; returns them. Ids go on from there."""
        last = self.tracks
        self._forget()
        return last

    # ---- one frame ----

    def _forget(self) -> None:
        self._s = self._s[:, :0]
        self._t: float | None = None
        self._usual: float | None = None  # seconds between frames
        self._dt, self._before = 0.0, -math.inf  # from the update before to this one, and when that was
        self._known = True  # whether the camera's motion is
        self._camera: tuple[Float64, float] | None = None  # its last known one, and the seconds that it took

    def _advance(self, t: float, motion: Float64 | None) -> None:
        """To the time and the pixels of this frame; what was unseen for too long ends."""
        if self._t is not None and t < self._t:
            _log.warning("time went back from %.3f to %.3f s: all tracks end, new ones begin", self._t, t)
            self.restarts += 1
            self.ended = self.finish()
        elif self._t is not None:
            self.ended = ()
            self._dt, self._before = t - self._t, self._t
            self._move(self._dt, motion)
            self._end(t)
        self._t = t

    def _move(self, dt: float, motion: Float64 | None) -> None:
        s = self._s
        if dt > 0:
            self._usual = (
                min(dt, LONGEST_USUAL_S)
                if self._usual is None
                else self._usual + USUAL * (min(dt, 4 * self._usual) - self._usual)
            )
        if (motion is not None) != self._known and dt > 0:
            # velocities count over the ground, and in the picture where the camera's motion is not known
            if motion is not None:
                add_camera(s, motion, -dt, dt)
            elif self._camera is not None:
                add_camera(s, *self._camera, dt)
            else:
                doubt_velocities(s)
            self._known = motion is not None
        if motion is not None and dt > 0:
            self._camera = motion, dt
        predict(s, dt, motion)

    def _end(self, t: float) -> None:
        s, least = self._s, PATIENCE * (self._usual or 0.0)
        tracks, others = max(self.lost_s, least), max(NEW_S, least)
        unseen = t - s[LAST]
        if np.count_nonzero(unseen > min(tracks, others)):
            over = unseen > np.where(s[ID] >= 0, tracks, others)
            if np.count_nonzero(over):
                self.ended = self._told(over & (s[ID] >= 0))
                self._s = s.compress(~over, 1)

    def _know_classes(self, classes: int) -> None:
        """A row of votes for each class, as soon as there is more than one."""
        s, rows = self._s, ROWS + classes
        if rows > max(len(s), ROWS + 1):
            self._s = np.zeros((rows, s.shape[1]))
            self._s[: len(s)] = s
            if len(s) == ROWS:
                self._s[ROWS] = s[SCORES]  # till now all were of the first

    def _matched(self, found: Found, left: npt.NDArray[np.bool_]) -> tuple[Indices, Indices]:
        """Tracks, and what may become one, and the detections of those ``left`` that continue them."""
        s = self._s
        pairs = candidates(s, found)
        lost = s[LAST] == self._before
        lost &= s[HITS] >= 2
        seen = np.count_nonzero(lost)
        lost[pairs[0]] = False
        if np.count_nonzero(lost) > MOST_LOST * seen:
            shift = common_shift(s, found)
            if shift is not None:
                s[X : Y + 1] += shift[:, None]
                if not self._known and self._dt > 0:
                    s[VX : VY + 1] += shift[:, None] / self._dt  # the camera's, which goes on
                pairs = candidates(s, found)
        single = alone(pairs)
        beside = shift_beside(s, found, pairs, single) if self._known and len(single) >= LEAST_TRACKS else None
        if beside is not None:
            shift, sure_of = beside
            s[X : Y + 1] += shift[:, None]
            pairs = candidates(s, found)
            single = alone(pairs)
            s[X : Y + 1] += (sure_of - shift)[:, None]  # what is left tells of velocities
        tracks, which, cost = pairs
        if found.lowest >= self._all_sure or not len(tracks):
            return choose(pairs, single)
        sure = reaching(found, self.high).take(which)
        if np.count_nonzero(sure) == len(sure):
            return choose(pairs, single)
        first, theirs = choose((tracks[sure], which[sure], cost[sure]))
        # noise is faint, too: an object that was not seen a moment ago is to be where it must be
        near = (s[LAST].take(tracks) >= self._before) | (cost < FAINT_LIMIT)
        free = np.ones(s.shape[1], bool)
        free[first] = False
        then = (free[tracks] & left[which] & near & ~sure).nonzero()[0]
        if not len(then):
            return first, theirs
        second, others = choose((tracks[then], which[then], cost[then]))
        return np.concatenate((first, second)), np.concatenate((theirs, others))

    def _continue(
        self, found: Found, tracks: Indices, theirs: Indices, ids: Int32, left: npt.NDArray[np.bool_]
    ) -> None:
        """Each of these tracks by its detection, of the indices ``theirs``, which are ``left`` no more; what is proven
        now gets its id. Writes the ids.
        """
        if not len(tracks):
            return
        s = self._s
        correct(s, tracks, found.s.take(theirs, 1), self._t or 0.0)
        numbers = s[ID].take(tracks)
        if np.minimum.reduce(numbers) < 0:
            proven = ((numbers < 0) & (s[SCORES].take(tracks) >= EVIDENCE)).nonzero()[0]
            numbers[proven] = np.arange(self._next, self._next + len(proven))
            s[ID, tracks] = numbers
            self._next += len(proven)
        left[theirs] = False
        ids[theirs] = numbers

    def _begin(self, found: Found, left: npt.NDArray[np.bool_]) -> None:
        """What continued no track may be a new object."""
        s, scores = self._s, found.s[SCORES]
        new = (left & reaching(found, self.begin)).nonzero()[0]
        room = MOST - s.shape[1]
        if not len(new) or room <= 0:
            return
        if len(scores) > 1:
            if len(new) > 1:
                new = new.take((-scores.take(new)).argsort(kind="stable"))
            new = new[~second_boxes(found, new, left)][:room]
        speed, drift = SPEED if self._known else SPEED_UNKNOWN, np.zeros(2)
        settled = s[VX : VY + 1].compress(s[HITS] >= 3, 1)
        if settled.shape[1] >= COMMON:
            settled.sort(axis=1)
            speed, drift = SPEED, settled[:, settled.shape[1] // 2]
        fresh = born(found.s.take(new, 1), self._t or 0.0, speed, drift, len(s))
        self._s = np.concatenate((s, fresh), axis=1)

    def _told(self, which: npt.NDArray[np.bool_]) -> tuple[Track, ...]:
        if not np.count_nonzero(which):
            return ()
        s = self._s[:, which]
        return tuple(
            Track(
                id=int(a[ID]),
                label=int(a[LABEL]),
                score=float(a[SCORES] / a[HITS]),
                frames=int(a[HITS]),
                first_t=float(a[FIRST]),
                last_t=float(a[LAST]),
                box=(a[X] - a[W] / 2, a[Y] - a[H] / 2, a[X] + a[W] / 2, a[Y] + a[H] / 2),
                velocity=(a[VX], a[VY]),
            )
            for a in s[:ROWS, np.argsort(s[ID])].T.tolist()
        )
