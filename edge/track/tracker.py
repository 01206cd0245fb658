"""Follows what is found from frame to frame, so that an object keeps its number: in seconds, not in frames."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Int32
from edge.errors import InputError
from edge.track.association import FAINT_LIMIT, Found, candidates, choose, second_boxes
from edge.track.inputs import checked, checked_motion
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
    carry,
    correct,
    doubt_velocities,
    predict,
)  # fmt: skip
from edge.track.registration import common_shift

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
    those have left over, or begin one from ``begin`` on. ``lost_s``: seconds for which a track goes on unseen; with
    frames further apart than that, two and a half of their usual intervals.

    Raises InputError where a setting cannot be one.
    """

    def __init__(self, *, low: float = 0.1, high: float = 0.5, begin: float = 0.3, lost_s: float = 1.0) -> None:
        if not 0 <= low <= begin <= 1 or not low <= high <= 1:
            raise InputError(
                f"tracker: low={low}, begin={begin}, high={high}: expected scores from 0 to 1, low the least of them"
            )
        if not 0 < lost_s < math.inf:
            raise InputError(f"tracker: lost_s={lost_s}: expected seconds, more than 0")
        self.low, self.high, self.begin, self.lost_s = low, high, begin, lost_s
        self.ended: tuple[Track, ...] = ()
        """Tracks that ended in the last update."""
        self.restarts = 0
        """How often time ran backwards."""
        self._s = np.zeros((ROWS, 0))
        self._next = 1
        self._forget()

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
        ids = np.full(len(found.scores), -1, np.int32)
        if len(ids):
            self._know_classes(found)
            left = found.scores >= self.low
            self._match(found, ids, left)
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
        predict(s, dt)
        if motion is not None:
            carry(s, motion)

    def _end(self, t: float) -> None:
        s, least = self._s, PATIENCE * (self._usual or 0.0)
        shortest, longest = max(NEW_S, least), max(self.lost_s, least)
        unseen = t - s[LAST]
        if unseen.max(initial=0.0) > shortest:
            numbered = s[ID] >= 0
            over = unseen > np.where(numbered, longest, shortest)
            self.ended = self._told(over & numbered)
            self._s = s.compress(~over, 1)

    def _know_classes(self, found: Found) -> None:
        more = int(found.labels.max()) + 1 - (len(self._s) - ROWS)
        if more > 0:
            self._s = np.pad(self._s, ((0, more), (0, 0)))

    def _match(self, found: Found, ids: Int32, left: npt.NDArray[np.bool_]) -> None:
        """Continue tracks, and what may become one; writes their ids, and takes those detections from ``left``."""
        s = self._s
        if not s.shape[1]:
            return
        tracks, which, cost = candidates(s, found)
        lost = (s[HITS] >= 2) & (s[LAST] == self._before)
        seen = np.count_nonzero(lost)
        lost[tracks] = False
        if np.count_nonzero(lost) > MOST_LOST * seen:
            shift = common_shift(s, found)
            if shift is not None:
                s[X : Y + 1] += shift[:, None]
                if not self._known and self._dt > 0:
                    s[VX : VY + 1] += shift[:, None] / self._dt  # the camera's, which goes on
                tracks, which, cost = candidates(s, found)
        if found.scores.min() >= self.high:
            self._continue(found, *choose((tracks, which, cost)), ids, left)
            return
        free = np.ones(s.shape[1], bool)
        sure = found.scores >= self.high
        # noise is faint, too: an object that was not seen a moment ago is to be where it must be
        near = (s[LAST, tracks] >= self._before) | (cost < FAINT_LIMIT)
        for possible in (sure[which], (left & ~sure)[which] & near):
            now = (possible & free[tracks]).nonzero()[0]
            chosen, theirs = choose((tracks[now], which[now], cost[now]))
            free[chosen] = False
            self._continue(found, chosen, theirs, ids, left)

    def _continue(
        self, found: Found, tracks: Indices, theirs: Indices, ids: Int32, left: npt.NDArray[np.bool_]
    ) -> None:
        """Each of these tracks by its detection, of the indices ``theirs``; what is proven now gets its id."""
        if not len(tracks):
            return
        s, t = self._s, self._t or 0.0
        middle, sides = found.middle.take(theirs, 1), found.sides.take(theirs, 1)
        correct(s, tracks, middle, sides, found.scores[theirs], found.labels[theirs], t)
        proven = tracks[(s[ID, tracks] < 0) & (s[SCORES, tracks] >= EVIDENCE)]
        if len(proven):
            s[ID, proven] = np.arange(self._next, self._next + len(proven))
            self._next += len(proven)
        left[theirs] = False
        ids[theirs] = s[ID, tracks]

    def _begin(self, found: Found, left: npt.NDArray[np.bool_]) -> None:
        """What continued no track may be a new object."""
        s, scores = self._s, found.scores
        new = (left & (scores >= self.begin)).nonzero()[0]
        room = MOST - s.shape[1]
        if not len(new) or room <= 0:
            return
        if len(scores) > 1:
            new = new[np.argsort(-scores[new], kind="stable")]
            new = new[~second_boxes(found, new, left)][:room]
        speed, drift = SPEED if self._known else SPEED_UNKNOWN, np.zeros(2)
        settled = s[VX : VY + 1].compress(s[HITS] >= 3, 1)
        if settled.shape[1] >= COMMON:
            speed, drift = SPEED, np.sort(settled, axis=1)[:, settled.shape[1] // 2]
        fresh = born(
            found.middle.take(new, 1),
            found.sides.take(new, 1),
            scores[new],
            found.labels[new],
            self._t or 0.0,
            speed,
            drift,
            len(s),
        )
        self._s = np.concatenate((s, fresh), axis=1)

    def _told(self, which: npt.NDArray[np.bool_]) -> tuple[Track, ...]:
        if not which.any():
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
