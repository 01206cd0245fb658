"""Frames in memory, given again and again: what is measured is the pipeline, and no disk, decoder or simulator."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edge.camera.live.pacer import Paced, Pacer
from edge.data import Frame
from edge.errors import InputError
from edge.seams import Camera

HELD = 32  # frames: 21 MB of 640x512 counts


class Held(Camera):
    """``frames`` without an end, in their order. ``t_capture``: when a frame is asked for."""

    def __init__(self, frames: Sequence[Frame], camera: Camera) -> None:
        """``camera``: what they came from; it stays the caller's."""
        self._frames, self._next = frames, 0
        self.description = f"{camera.description}; the first {len(frames)} frames from memory"
        self.live, self.fps, self.independent = False, camera.fps, camera.independent
        self.crop, self.mask, self.intrinsics = camera.crop, camera.mask, camera.intrinsics

    def read(self) -> Frame:
        """The next one, as if it had been taken now."""
        now, n = time.monotonic(), self._next
        self._next += 1
        frame = self._frames[n % len(self._frames)]
        return replace(frame, seq=n, t_capture=now, t_arrival=now, replayed=False, origin=None)

    def at(self, rate: float, pause: Callable[[float], bool] | None = None) -> Camera:
        """The same frames as a live camera of ``rate`` frames a second gives them; ``t_capture`` is when one was due.

        ``pause``: see `Pacer`.
        """
        again = Held(self._frames, self)
        again.description = self.description
        return Paced(again, rate, Pacer(pause=pause), f"; at {rate:g} frames a second")


def hold(camera: Camera, source: str, most: int = HELD) -> list[Frame]:
    """The first frames of a file or simulation; one that repeats the one before, and is none for a live camera, is left
    out.

    Raises InputError where there are not two that differ.
    """
    kept: list[Frame] = []
    came = 0
    while len(kept) < most and came < 10 * most and (frame := camera.read()) is not None:
        came += 1
        if not kept or not _same(kept[-1], frame):
            kept.append(frame)
    while len(kept) > 1 and _same(kept[-1], kept[0]):  # they follow each other, too
        kept.pop()
    if len(kept) < 2:
        raise InputError(
            f"{source} ended after {came} frame{'s' * (came != 1)}, and no two differ: the bench needs 2 pictures or "
            "more"
        )
    if all(frame.shutter_closed for frame in kept):
        raise InputError(f"{source}: the shutter is closed in its first {len(kept)} frames: nothing would be detected")
    return kept


def hash_of(frames: Sequence[Frame]) -> str:
    """sha256 of sizes, types and pixels of the frames, in their order."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(f"{frame.height}x{frame.width} {frame.pixels.dtype.name};".encode())
        digest.update(np.ascontiguousarray(frame.pixels).data)
    return digest.hexdigest()


def _same(a: Frame, b: Frame) -> bool:
    return a.pixels.dtype == b.pixels.dtype and np.array_equal(a.pixels, b.pixels)
