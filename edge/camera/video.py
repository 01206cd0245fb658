"""Video files: every frame with the file's own time, and a clear word where a recording broke off or has holes."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import cv2
import numpy as np

from edge.camera.decode.grey import to_grey
from edge.camera.decode.kinds import TRANSPORT
from edge.camera.decode.pictures import FIX, Decoded, Pictures
from edge.camera.decode.timeline import Timeline, clock
from edge.camera.live.pacer import played_live
from edge.camera.options import Source
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera

AHEAD = 8  # pictures decoded when a file is opened: their times tell its rate
FRAMES_SLACK = 1
SECONDS_SLACK = 1.0
SAME_RATE = 0.1  # by how much frames a second may differ and be one rate


def open_source(source: Source) -> Camera:
    """``FILE?live=1``: a video; ``live=1`` plays it at its own speed."""
    path, options = source.split("live")
    live = options.flag("live")
    camera = VideoFile(Path(path))
    return played_live(camera, path) if live else camera


class VideoFile(Camera):
    """A video file as 8-bit grey, or uint16 counts where the video is 16-bit grey (FFV1 gray16le).

    ``origin`` of a frame is its media time: seconds since the beginning of the file, rounded to microseconds; None in
    bare streams (H.264, H.265, MJPEG), which have no times. ``seq`` jumps over frames that were lost (see
    `edge.camera.decode.timeline`). A file that is damaged or cut off gives every frame that can be read, then
    CameraError. Rotation tags are not followed: boxes are in the sensor's pixels.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the file is missing, unreadable, or no video that is read."""
        self._path = path
        self._pictures = pictures = Pictures(path)
        try:
            self._promise, self._cut = pictures.promise, pictures.cut
            self._shape: tuple[int, ...] | None = None
            self._coloured = self._noted_end = False
            self._seq = self._given = self._lost = 0
            counted = self._promise.shown or pictures.count
            self.frames: int | None = counted if self._promise.counted else None
            self._ahead = self._begin()
            self.fps = self._rate()
            link = self._promise.container in TRANSPORT
            self._timeline = Timeline(1 / self.fps if self.fps else None, link, self._promise.varies)
            for decoded in self._ahead:
                self._learn(decoded)
            self._said = self.description = self._describe()
        except BaseException:
            pictures.close()
            raise

    def read(self) -> Frame | None:
        """The next frame, ``t_capture`` = now; None after the last.

        Raises CameraError where the file broke off or frames were lost on the way (after the last
        readable one), and where the frame size changes.
        """
        if self._pictures.capture.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        if self._ahead:
            decoded: Decoded | None = self._ahead.popleft()
        elif (decoded := self._pictures.next()) is not None:
            self._learn(decoded)
        if decoded is None:
            self._check_end()
            return None
        t = decoded.t
        step = 1 if t is None or t > self._promise.whole_s else self._timeline.place(t)
        if self._given or self._promise.counted:  # a stream cut from a longer one begins with parts of frames
            self._lost += decoded.skipped
            step = max(step, decoded.skipped + 1)
        seq = self._seq + step - 1
        grey = self._grey(decoded, seq)
        self._seq = seq + 1
        self._given += 1
        self.description = self._said + self._timeline.notes
        return Frame(grey, seq, time.monotonic(), origin=None if t is None else round(t + self._promise.starts_s, 6))

    def close(self) -> None:
        """Release the file. May be called twice."""
        self._pictures.close()

    def _begin(self) -> deque[Decoded]:
        """The first pictures."""
        try:
            first = self._pictures.next()
        except ValueError as error:
            raise SourceError(f"{self._path}: {error}") from None
        if first is None and self._promise.shown == 0:
            raise SourceError(
                f"{self._path}: its edit list shows none of its frames; expected a video: ffmpeg -ignore_editlist 1 "
                "-i IN -c copy OUT"
            )
        if first is None:
            raise SourceError(f"{self._path}: {self._cut or 'none of its frames can be decoded'}. {FIX}")
        ahead = deque([first])
        while len(ahead) < AHEAD and (decoded := self._pictures.next()) is not None:
            ahead.append(decoded)
        if len(ahead) > 1 and len({decoded.t for decoded in ahead}) == 1:  # the reader has no times
            self._pictures.timed = False
            ahead = deque(decoded._replace(t=None) for decoded in ahead)
        # frames after a cut that are built on frames before it: no decoder shows them
        self._lead = round((first.t or 0.0) * (self._pictures.fps or 0.0))
        if self._promise.counted and (first.skipped or self._promise.container != "MP4"):
            self._lead = 0  # damaged, or dropped by the recorder
        self.frames = max(self.frames - self._lead, len(ahead)) if self.frames else None
        return ahead

    def _rate(self) -> float | None:
        """Frames a second: those of the first frames, where a pause later on makes the file's average another."""
        fps = self._pictures.fps
        steps = np.diff([decoded.t for decoded in self._ahead if decoded.t is not None])
        if fps is None or len(steps) < AHEAD - 1 or steps.min() <= 0:
            return fps
        usual = 1 / float(np.median(steps))
        constant = np.abs(steps * usual - 1).max() < SAME_RATE
        return usual if constant and usual > (1 + SAME_RATE) * fps else fps

    def _learn(self, decoded: Decoded) -> None:
        if decoded.t is not None:
            self._timeline.learn(decoded.t)

    def _grey(self, decoded: Decoded, seq: int) -> Pixels:
        try:
            grey, colour = to_grey(decoded.picture)
        except ValueError as error:
            raise CameraError(f"{self._path}: frame {seq} is {error}") from error
        if self._shape is not None and grey.shape != self._shape:
            raise CameraError(
                f"{self._path}: frame {seq} is {grey.shape[1]}x{grey.shape[0]}, those before it are "
                f"{self._shape[1]}x{self._shape[0]}: expected one size; split the file there"
            )
        self._shape = grey.shape
        if colour and not self._coloured:
            self._coloured = True
            self._said += (
                f"; in colour from frame {seq} on ({colour:.1%} of it), reduced to brightness, which in a colour "
                "palette is not heat: record white-hot"
            )
        return grey

    def _describe(self) -> str:
        pictures, capture, promise = self._pictures, self._pictures.capture, self._promise
        width, height = (capture.get(what) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        rate = f"{self.fps:.4g} fps" if self.fps else "unknown rate"
        if self.fps and pictures.fps and self.fps != pictures.fps:
            rate += f" ({pictures.fps:.4g} on average)"
        if promise.counted or pictures.count is None:
            count = f"{self.frames} frames" if self.frames else "unknown length"
        else:
            count = f"about {pictures.count} frames"
        said = (
            f"{self._path}: video, {width:g}x{height:g} {pictures.bits}-bit grey, {rate}, {count}, "
            f"{capture.fourcc}, {capture.backend}{pictures.note}"
        )
        if promise.hidden:
            said += f"; its edit list hides {promise.hidden} more frames"
        if promise.varies:
            said += "; its rate varies"
        if promise.tracks > 1:
            said += f"; {promise.tracks} video streams in it, the first is read"
        if not pictures.timed:
            said += "; a bare stream: it holds no times"
        first = self._ahead[0]
        if self._lead:
            said += f"; its first picture is at {clock(first.t or 0.0)}: what is before it cannot be decoded"
        return said + (f"; {self._cut}" if self._cut else "")

    def _check_end(self) -> None:
        """Was that the end, or did it break?"""
        n, total, fps, last_s = self._given, self.frames, self._pictures.fps, self._pictures.last_s
        of = f" of {total}" if total else ""
        # an AVI's count has the frames that its recorder dropped, an MP4's has not
        avi = self._promise.container == "AVI"
        accounted = max(self._seq, round(last_s * (fps or 0)) + 1) - self._lost if avi else n
        link = self._promise.container in TRANSPORT
        missing = max(0 if link else self._lost, total - accounted if total else 0)
        at_end = bool(total and fps and last_s * fps >= total - 1 - FRAMES_SLACK)
        # an AVI that lost just its index gives all its frames, and its description says that it is cut off
        why = "" if self._promise.counted and total and accounted >= total else self._cut
        if link and not why and self._lost:  # its time stamps have told what was lost
            self._said += "" if self._noted_end else f"; {self._lost} of its packets could not be decoded"
        elif not why and (self._lost or (at_end and missing > FRAMES_SLACK)):
            raise CameraError(f"{self._path}: {missing}{of} frames are damaged and were left out. {FIX}")
        if not why and missing > FRAMES_SLACK:
            why = "the rest cannot be decoded"
            if avi and fps:  # its frames have no times of their own
                why += f", or {missing} frames on the way: then all behind are up to {missing / fps:.2g} s too early"
        count = self._pictures.count
        if not why and self._promise.timed and fps and count and last_s:
            # an estimated count is duration x rate: compare the times, the rate may be a guess too
            missing_s = (count - 1) / fps - last_s
            why = f"the last {missing_s:.0f} s cannot be decoded" if missing_s > SECONDS_SLACK else ""
        if why:
            raise CameraError(
                f"{self._path} broke off at frame {n}{of}: {why}. The frames before were read, the last "
                f"one may be damaged. {FIX}"
            )
        if not self._noted_end and total is None and count and self._lead + self._seq < 0.95 * count:
            # damage in the middle, or just a varying rate: not told apart in such a file
            self._said += f"; it gave {n} frames"
        self._noted_end = True
        self.description = self._said + self._timeline.notes
