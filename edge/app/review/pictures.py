"""Whole frames for a reviewer: during a flight the newest ones, after it those of the recording or of ``pictures/``."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import cv2

from edge.app.review.flight import inside
from edge.data import Frame, Pixels, Result
from edge.errors import SourceError
from edge.model.normalisers import Normalisers
from edge.recording.seek import Frames
from edge.seams import Sink

LOOKED_AT = 8  # frames that somebody was shown: drawing a box takes longer than five seconds
RECENT, APART_S = 20, 0.25  # frames that a flight holds for who marks one: 13 MB of 640x512 counts, five seconds
NOTHING = "this flight keeps no frames: there is no picture to keep; edge run --record keeps them"


class Shown(NamedTuple):
    """``picture``: a PNG or JPEG for the eye. ``drawn``: boxes are drawn into it, so that it is of no use to train."""

    picture: bytes
    kind: str
    drawn: bool


class WholeFrames(ABC):
    """Where whole frames come from. ``live``: new ones come. ``why_not``: why there are none at all; "": there are."""

    live: bool = False
    why_not: str = ""

    @abstractmethod
    def frame(self, seq: int) -> Frame | None:
        """As the camera gave it; None where it is not kept."""

    @abstractmethod
    def shown(self, seq: int) -> Shown | None:
        """The same for the eye."""

    @abstractmethod
    def beside(self, seq: int | None, step: int) -> int | None:
        """The frame so many places further; of None the newest. None where there is none."""


class RecentFrames(WholeFrames, Sink):
    """The newest frames of a flight that goes on: whoever takes the results hands them to `write`."""

    live = True

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: OrderedDict[int, Result] = OrderedDict()
        self._looked_at: OrderedDict[int, Result] = OrderedDict()
        self._newest: Result | None = None
        self._last_s = float("-inf")

    def write(self, result: Result) -> None:
        """Note one result; its arrays are only read."""
        with self._mutex:
            self._newest = result
            if not self._last_s <= result.t_result < self._last_s + APART_S:
                self._last_s = result.t_result
                self._held[result.frame.seq] = result
                while len(self._held) > RECENT:
                    self._held.popitem(last=False)

    def _result(self, seq: int) -> Result | None:
        with self._mutex:
            if self._newest is not None and self._newest.frame.seq == seq:
                return self._newest
            return self._held.get(seq) or self._looked_at.get(seq)

    def frame(self, seq: int) -> Frame | None:
        result = self._result(seq)
        return None if result is None else result.frame

    def shown(self, seq: int) -> Shown | None:
        result = self._result(seq)
        if result is None:
            return None
        with self._mutex:  # whoever sees it may mark it a while later
            self._looked_at[seq] = result
            self._looked_at.move_to_end(seq)
            while len(self._looked_at) > LOOKED_AT:
                self._looked_at.popitem(last=False)
        return _png(result.picture)

    def beside(self, seq: int | None, step: int) -> int | None:
        with self._mutex:
            there = sorted({*self._held, *([self._newest.frame.seq] if self._newest else [])})
        if seq is None:
            return there[-1] if there else None
        later = [one for one in there if one > seq] if step > 0 else [one for one in reversed(there) if one < seq]
        return seq if step == 0 and seq in there else later[abs(step) - 1] if 0 < abs(step) <= len(later) else None


class KeptFrames(WholeFrames):
    """Those of a flight that has ended: of its recording, else of its ``pictures/``, which are of no use to train, else
    none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._frames: Frames | None = None
        self.why_not = NOTHING
        if (folder / "recording").is_dir():
            try:
                self._frames = Frames(folder / "recording")
                self.why_not = ""
            except SourceError as error:
                self.why_not = f"{error}: there is no picture to keep"

    def frame(self, seq: int) -> Frame | None:
        """Raises SourceError for one that is damaged."""
        return self._frames[seq] if self._frames is not None and seq in self._frames else None

    def shown(self, seq: int) -> Shown | None:
        frame = self.frame(seq)
        if frame is not None:
            return _png(Normalisers().grey(frame.pixels, frame.temperature))
        drawn = inside(self._folder, f"pictures/frame-{seq:06d}.png")
        return None if drawn is None else Shown(drawn, "image/png", drawn=True)

    def beside(self, seq: int | None, step: int) -> int | None:
        if self._frames is None or not self._frames.seqs:
            return None
        return self._frames.seqs[-1] if seq is None else self._frames.beside(seq, step)


def _png(picture: Pixels) -> Shown:
    return Shown(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes(), "image/png", drawn=False)
