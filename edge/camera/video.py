"""Video files: every frame, and a clear word where a recording broke off."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import cv2

from edge.camera.capture import Capture
from edge.camera.decode.container import Promise, read_promise
from edge.camera.decode.grey import to_grey
from edge.camera.live.pacer import played_live
from edge.camera.options import Source
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import reason_of

# OpenCV's FFmpeg reader says "no frame" at the end, and also at each packet it cannot decode
LOOK_AHEAD = 64
BYTES_SLACK = 8  # writers differ in whether the header counts itself
FRAMES_SLACK = 1
SECONDS_SLACK = 1.0
FIX = "Copy the file again, or fix what is there with: ffmpeg -i IN -c copy OUT"


def open_source(source: Source) -> Camera:
    """``FILE?live=1``: a video; ``live=1`` plays it at its own speed."""
    path, options = source.split("live")
    live = options.flag("live")
    camera = VideoFile(Path(path))
    return played_live(camera, path) if live else camera


class VideoFile(Camera):
    """A video file as 8-bit grey, or uint16 counts where the video is 16-bit grey (FFV1 gray16le).

    A file that is damaged or cut off gives every frame that can be read, then CameraError. Rotation
    tags are not followed: boxes are in the sensor's pixels.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the file is missing, unreadable, or no video."""
        self._path = path
        self._promise = _read_promise(path)
        self._cut = _cut_off(self._promise, path.stat().st_size)
        api = cv2.CAP_FFMPEG if cv2.CAP_FFMPEG in cv2.videoio_registry.getBackends() else cv2.CAP_ANY
        self._capture = Capture(str(path), api)
        try:
            if not self._capture.opened:
                raise SourceError(f"{path}: {self._cut or 'OpenCV finds no video in it'}; expected a video. {FIX}")
            self._shape: tuple[int, ...] | None = None
            self._coloured = self._noted_end = False
            self._seq = self._given = self._lost = 0
            self._last_s = 0.0
            self.fps = self._capture.fps
            self._count = self._capture.count
            self.frames: int | None = self._count if self._promise.counted else None
            if self.frames and self.fps and self._promise.shown_s:  # an edit list hides frames
                self.frames = min(self.frames, round(self._promise.shown_s * self.fps))
            self.description = self._describe()
            self._first = self._decode()
            if self._first is None:
                raise SourceError(f"{path}: {self._cut or 'none of its frames can be decoded'}. {FIX}")
        except BaseException:
            self._capture.release()
            raise

    def read(self) -> Frame | None:
        """The next frame, ``t_capture`` = now; None after the last.

        Raises CameraError where the file broke off or frames were lost on the way (after the last
        readable one), and where the frame size changes.
        """
        if self._capture.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        pixels, self._first = self._first if self._first is not None else self._decode(), None
        if pixels is None:
            self._check_end()
            return None
        frame = Frame(pixels, self._seq, time.monotonic())
        self._seq += 1
        self._given += 1
        return frame

    def close(self) -> None:
        """Release the file. May be called twice."""
        self._capture.release()

    def _decode(self) -> Pixels | None:
        skipped = 0
        while not self._capture.grab() or (picture := self._capture.retrieve()) is None:
            skipped += 1
            if skipped == LOOK_AHEAD:
                return None
        self._seq += skipped
        if self._given or self._promise.counted:  # a stream cut from a longer one begins with parts of frames
            self._lost += skipped
        self._last_s = max(self._last_s, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        try:
            grey, coloured = to_grey(picture)
        except ValueError as error:
            raise CameraError(f"{self._path}: frame {self._seq} is {error}") from error
        if self._shape is not None and grey.shape != self._shape:
            raise CameraError(
                f"{self._path}: frame {self._seq} is {grey.shape[1]}x{grey.shape[0]}, those before it are "
                f"{self._shape[1]}x{self._shape[0]}: expected one size; split the file there"
            )
        self._shape = grey.shape
        if coloured and not self._coloured:
            self._coloured = True
            self.description += (
                f"; in colour from frame {self._seq} on, reduced to brightness, which in a colour "
                "palette is not heat: record white-hot"
            )
        return grey

    def _describe(self) -> str:
        get = self._capture.get
        depth, note = _depth(self._path, self._capture)
        if self._promise.counted or self._count is None:
            count = f"{self.frames} frames" if self.frames else "unknown length"
        else:
            count = f"about {self._count} frames"
        turned = get(cv2.CAP_PROP_ORIENTATION_META)
        if turned and self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0):
            note += f"; rotation tag {turned:g} deg not followed"
        return (
            f"{self._path}: video, {get(cv2.CAP_PROP_FRAME_WIDTH):g}x{get(cv2.CAP_PROP_FRAME_HEIGHT):g} "
            f"{depth}-bit grey, {f'{self.fps:.4g} fps' if self.fps else 'unknown rate'}, {count}, "
            f"{self._capture.fourcc}, {self._capture.backend}{note}" + (f"; {self._cut}" if self._cut else "")
        )

    def _check_end(self) -> None:
        """Was that the end, or did it break?"""
        n, total = self._given, self.frames
        of = f" of {total}" if total else ""
        missing = max(self._lost, total - n if total else 0)
        at_end = bool(total and self.fps and self._last_s * self.fps >= total - 1 - FRAMES_SLACK)
        # an AVI that lost just its index gives all its frames, and its description says that it is cut off
        why = "" if self._promise.counted and total and n >= total else self._cut
        if not why and (self._lost or (at_end and missing > FRAMES_SLACK)):
            raise CameraError(f"{self._path}: {missing}{of} frames are damaged and were left out. {FIX}")
        if not why and missing > FRAMES_SLACK:
            why = "the rest cannot be decoded"
        if not why and self._promise.timed and self.fps and self._count and self._last_s:
            # an estimated count is duration x rate: compare the times, the rate may be a guess too
            missing_s = (self._count - 1) / self.fps - self._last_s
            why = f"the last {missing_s:.0f} s cannot be decoded" if missing_s > SECONDS_SLACK else ""
        if why:
            raise CameraError(
                f"{self._path} broke off at frame {n}{of}: {why}. The frames before were read, the last "
                f"one may be damaged. {FIX}"
            )
        if not self._noted_end and total is None and self._count and n < 0.95 * self._count:
            # damage in the middle, or just a varying rate: not told apart in such a file
            self.description += f"; it gave {n} frames"
        self._noted_end = True


def _read_promise(path: Path) -> Promise:
    """Look at the file before OpenCV does: its answer to everything is "not opened"."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise SourceError(f"{path}: not a regular file; expected a video, an image or a folder of images")
        with path.open("rb") as file:
            head = file.read(512)
        promise = read_promise(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error
    if not head:
        raise SourceError(f"{path}: the file is empty; expected a video or an image")
    if b"\x00" not in head and _is_text(head):  # FFmpeg would play it as ANSI art
        raise SourceError(f"{path}: a text file; expected a video or an image")
    return promise


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == 512  # cut inside a character
    return True


def _cut_off(promise: Promise, size: int) -> str:
    if promise.size is None or promise.size - size <= BYTES_SLACK:
        return ""
    return f"the file is cut off: {size} bytes of the {promise.size} that its header announces"


def _depth(path: Path, capture: Capture) -> tuple[int, str]:
    """Bits a pixel that OpenCV will deliver, and a note; switches it to 16 bit where that loses nothing."""
    # FFmpeg's raw-video tags: "Y1" 0 bits for grey, the same backwards for big-endian, "Y3" for YUV
    tag = (int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) & 0xFFFFFFFF).to_bytes(4, "little")
    if tag == b"Y1\x00\x10" and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0):
        return 16, ""
    if tag[:3] == b"Y1\x00" or tag[1:] == b"\x001Y":
        bits = max(tag[0] if tag[3:] == b"Y" else tag[3], 9)
        raise SourceError(
            f"{path}: {bits}-bit grey video, of which OpenCV would keep 8 bits; expected 8-bit or gray16le: "
            "ffmpeg -i IN -c:v ffv1 -pix_fmt gray16le OUT.mkv"
        )
    deep = tag[:1] == b"Y" and 9 <= tag[3] <= 16
    return 8, f"; {tag[3]}-bit video reduced to 8 bits" if deep else ""
