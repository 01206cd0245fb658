"""``rec:``: a recorded flight, flown again."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from edge.camera.live.frozen import RepeatedFrames, as_resumed
from edge.camera.live.pacer import Pacer
from edge.camera.options import Source
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.recording import Recording
from edge.recording.contents import one_line
from edge.seams import Camera

LONGEST_WAIT_S = 5.0  # a camera that was away for an hour is not waited for


def open_source(source: Source) -> Camera:
    """``rec:FOLDER?live=1``: a recording; ``live=1`` flies it at its own pace. ``segments=4-7``: only these files."""
    path, options = source.split("live", "segments")
    live = options.flag("live")
    only = options.take("segments", _first_and_last, "two numbers of segments, such as 4-7")
    if not path:
        raise SourceError("source 'rec:' names no recording; expected rec:FOLDER, such as rec:out/recording")
    return Replay(Path(path), live=bool(live), only=only)


def _first_and_last(text: str) -> tuple[int, int]:
    first, last = (int(part) for part in text.split("-") if part.isdecimal() and len(part) <= 9)
    if first > last:
        raise ValueError(text)
    return first, last


class Replay(Camera):
    """The frames of a recording.

    Each has ``seq``, ``t_capture``, ``utc``, flags, scale and pose of the flight, so that whatever is computed
    from it comes out as in the flight. ``t_capture`` is on the clock of the machine that recorded: it can be
    compared with its like, not with now; ``t_arrival`` is on this machine's clock.

    ``live`` False: each frame as fast as it is read. ``live`` True: at the flight's own pace, like a camera;
    ``t_arrival`` is then the moment at which the frame was due.

    Repeated pictures of a live camera were left out in the flight, and are here (`RepeatedFrames`): a gap in ``seq``
    may be one of them.
    """

    def __init__(self, path: Path, live: bool = False, only: tuple[int, int] | None = None) -> None:
        """``path``: a folder that --record wrote, or one of its segments; ``only``: first and last number of those of
        its segments that are read. Raises SourceError for any other.
        """
        self.path = path
        self._recording = Recording(path, only)
        self._frames = iter(self._recording)
        origin = self._recording.header.origin
        self._once_live = origin.live
        self.crop, self.mask, self.intrinsics = origin.crop, origin.mask, origin.intrinsics
        self.whole = origin.whole
        self._repeats = RepeatedFrames(origin.live)
        self.seq_tells_losses = not origin.live
        self._resumed = False  # since the frame given last
        self._only: Collection[int] | None = None
        self._recorded: float | None = None  # when, on the recorded clock, the frame before was taken
        self._pacer = Pacer(LONGEST_WAIT_S)
        self._reading, self._closed = threading.Lock(), False
        self.live = live
        self.fps, self.independent = origin.fps, origin.independent
        self.frames = self._recording.frames
        first = next(self._frames, None)
        if first is None:
            why = "; ".join(self._recording.losses) or "nothing was recorded"
            raise SourceError(f"{path} holds no frame: {why}")
        self._next: Frame | None = first
        self._what = (
            f"{path}: recording of {self.frames} frames, {first.width}x{first.height} "
            f"{8 * first.pixels.itemsize}-bit, from {one_line(self._recording.header.started)}, "
            f"of [{one_line(origin.source)}]" + ("; played live" if live else "")
        )
        self.description = self._what
        self._told = 0  # of the losses
        self._describe()

    @property
    def once_live(self) -> bool:
        return self._once_live

    @property
    def losses(self) -> tuple[str, ...]:
        """One line on each part of the recording that is known, so far, to be missing or damaged."""
        return tuple(self._recording.losses)

    def select(self, seqs: Collection[int]) -> None:
        """Give only the frames with these ``seq``, such as those that the flight's detector took.

        The others are still read, as what is a repeat depends on them. To be called before the first `read`.
        """
        self._only = seqs
        self.frames, self.seq_tells_losses = len(seqs), False

    def read(self) -> Frame | None:
        """The next frame; None after the last that can be read: `losses` says what could not be.

        Raises CameraError where it is closed while a frame is waited for.
        """
        with self._reading:  # another thread may close while this one reads
            frame = None if self._closed else self._take()
        if frame is None:
            return None
        if self.mask is not None and self.mask.shape == frame.pixels.shape:
            frame = replace(frame, mask=self.mask)
        return self._when_due(frame) if self.live else replace(frame, t_arrival=time.monotonic(), replayed=True)

    def close(self) -> None:
        """Close the files and wake a waiting reader. May be called twice."""
        self._closed = True
        self._pacer.close()
        with self._reading:
            self._frames.close()

    def _take(self) -> Frame | None:
        """The next frame that the flight could have looked at."""
        while True:
            frame, self._next = self._next or next(self._frames, None), None
            self._describe()
            if frame is None:
                return None
            new = self._repeats.sift(frame)
            if new is None:
                continue
            self._resumed |= "resumed" in new.flags
            if self._only is None or new.seq in self._only:
                resumed, self._resumed = self._resumed, False
                return as_resumed(new) if resumed else new

    def _when_due(self, frame: Frame) -> Frame:
        before, self._recorded = self._recorded, frame.t_capture
        due = self._pacer.wait(0.0 if before is None else frame.t_capture - before)
        if due is None:
            raise CameraError("the recording was closed while a frame was waited for")
        return replace(frame, t_arrival=due, replayed=True)

    def _describe(self) -> None:
        if len(self._recording.losses) != self._told:
            self._told = len(self._recording.losses)
            self.description = "; ".join((self._what, *self._recording.losses))
