"""A camera of which only a part is looked at, or otherwise than it is delivered.

    delivered -> the camera's profile (telemetry rows, byte order, scale) -> crop -> palette -> mask -> Frame

All that comes after it, boxes, videos and recordings, is in the pixels of the part that is looked at.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace

import numpy as np

from edge.camera.devices.profiles import View
from edge.camera.view.mask import Filler, read_mask
from edge.camera.view.options import BLACK_HOT, ViewOptions
from edge.data import Frame, Pixels
from edge.errors import CameraError, InputError, SourceError
from edge.seams import Camera, CameraWrapper

BLACK_TO_WHITE = np.arange(255, -1, -1).astype(np.uint8)


class LookedAt(CameraWrapper):
    """The frames of ``camera`` as ``options`` say. Its description says what was done."""

    def __init__(self, camera: Camera, options: ViewOptions) -> None:
        """Takes over ``camera`` and closes it, also where this raises. Its first frame is read, now.

        Raises SourceError where the options do not fit what the camera delivers.
        """
        super().__init__(camera)
        self._first: Frame | None = None
        try:
            self._prepare(options)
        except BaseException:
            camera.close()
            raise
        self.description = camera.description + self._note

    def read(self) -> Frame | None:
        """As the camera's. Raises CameraError where a frame has another size or depth than the first."""
        first, self._first = self._first, None
        if first is not None:
            now = time.monotonic()
            kept = first if first.replayed or self.live else replace(first, t_capture=now, t_arrival=now)
            return self._look(kept)
        frame = super().read()
        self.description += self._note
        return frame and self._look(frame)

    def select(self, seqs: object) -> None:  # noqa: ARG002
        """Raises InputError: what a flight looked at is in its recording."""
        raise InputError(
            "a replay that is compared with its flight is looked at as the flight was: leave crop=, mask=, "
            "palette=, camera=, endian= and kelvin= out"
        )

    def _prepare(self, options: ViewOptions) -> None:
        name, first = options.name, self._first_frame(options.name)
        self._kind = first.pixels.shape, first.pixels.dtype
        words = []
        self._view = self._fit(options, first)
        if self._view:
            words.append(self._view.words or "read as it came")
            first = self._view.of(first)
        width, height = first.width, first.height
        x, y, w, h = self._part = options.crop or (0, 0, width, height)
        if x + w > width or y + h > height:
            raise SourceError(
                f"source {name!r}: crop={x},{y},{w},{h} reaches out of the picture, which is {width}x{height}; "
                "expected x,y,w,h inside it"
            )
        if options.crop:
            if self.crop is None:
                self.whole = width, height
            outer = self.crop or (0, 0, 0, 0)
            self.crop = outer[0] + x, outer[1] + y, w, h
            if self.intrinsics is not None:
                fx, fy, cx, cy = self.intrinsics
                self.intrinsics = fx, fy, cx - x, cy - y
            words.append(f"looked at: {w}x{h} from {x},{y} of {width}x{height}, boxes are in pixels of that part")
        if options.palette and first.pixels.dtype != np.uint8:
            raise SourceError(
                f"source {name!r}: palette={options.palette}, and its pixels are raw counts, in which hotter is more: "
                "they have no palette; leave palette= out"
            )
        self._inverted = options.palette == BLACK_HOT
        if self._inverted:
            words.append("black-hot, turned to white-hot")
        self._filler: Filler | None = None
        if self.mask is not None:  # of a recording
            self.mask = self.mask[y : y + h, x : x + w]
        if options.mask:
            self._filler = Filler(read_mask(options.mask, self._part, (width, height)))
            self.mask = self._filler.hidden if self.mask is None else self.mask | self._filler.hidden
            words.append(f"mask {options.mask}: {self._filler.hidden.mean():.1%} of it is not looked at")
        self._note = "".join(f"; {word}" for word in words)

    def _first_frame(self, name: str) -> Frame:
        try:
            frame = self._camera.read()
        except CameraError as error:
            raise SourceError(str(error)) from error
        if frame is None:
            raise SourceError(f"source {name!r}: it holds no frame")
        # a camera's first one is old by the time it is asked for
        self._first = None if self.waits_for_return else frame
        return frame

    def _fit(self, options: ViewOptions, first: Frame) -> View | None:
        profile = options.profile
        if profile is None:
            return None
        if first.temperature is not None:
            if options.kelvin:
                raise SourceError(
                    f"source {options.name!r}: kelvin= says what a count is worth, and the source says it itself; "
                    "leave kelvin= out"
                )
            profile = replace(profile, temperature=None)
        if first.pixels.dtype == np.uint8:
            if options.kelvin:
                raise SourceError(f"source {options.name!r}: it is 8-bit grey; kelvin= is of raw counts of 16 bit")
            return profile.fit_grey(f"source {options.name!r}", first.pixels)
        return profile.fit(f"source {options.name!r}", first.pixels)

    def _look(self, frame: Frame) -> Frame:
        if (frame.pixels.shape, frame.pixels.dtype) != self._kind:
            (height, width), depth = self._kind
            raise CameraError(
                f"{self.description}: frame {frame.seq} is {frame.width}x{frame.height} {frame.pixels.dtype}, the "
                f"first was {width}x{height} {depth}: expected one size and depth"
            )
        if type(frame) is not Frame:  # a simulator's: where its bodies are is in pixels of the whole
            frame = Frame(**{field.name: getattr(frame, field.name) for field in fields(Frame)})
        if self._view:
            frame = self._view.of(frame)
        x, y, w, h = self._part
        pixels: Pixels = frame.pixels[y : y + h, x : x + w].copy()  # in one piece
        if self._inverted:
            pixels = BLACK_TO_WHITE[np.asarray(pixels, np.uint8)]
        if self._filler:
            pixels = self._filler(pixels)
        return replace(frame, pixels=pixels, mask=self.mask)
