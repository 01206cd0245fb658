"""A camera that follows a script, on a clock in the test's hand."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.camera.live.reconnect import Reconnecting
from edge.data import Frame
from edge.errors import CameraError
from edge.seams import Camera

WAIT_S = 10.0  # far more than any of it takes: a hang becomes a failure
PERIOD_S = 0.125
numbers = itertools.count(1)


def picture(value: int | None = None, shape: tuple[int, int] = (4, 6), dtype: Any = np.uint16) -> npt.NDArray[Any]:
    return np.full(shape, next(numbers) % 200 if value is None else value, dtype)


Item = npt.NDArray[Any] | Exception | None


class Scripted(Camera):
    """A camera that gives ``items``, one each 1/8 s of the test's clock, and then fails."""

    live, fps, frames, description = True, 8.0, None, "scripted camera"

    def __init__(self, items: list[Item], world: World) -> None:
        self.items, self.world, self.seq, self.closed = list(items), world, 0, False

    def read(self) -> Frame | None:
        assert not self.closed
        self.world.now += PERIOD_S
        item = self.items.pop(0) if self.items else CameraError("unplugged")
        if isinstance(item, Exception):
            raise item
        if item is None:
            return None
        self.seq += 1
        return Frame(item, self.seq - 1, self.world.now)

    def close(self) -> None:
        self.closed = True


class World:
    """A clock, and what each opening brings: a camera's items, or an error."""

    def __init__(self, *openings: list[Item] | Exception) -> None:
        self.now, self.openings = 1000.0, list(openings)
        self.pauses: list[float] = []
        self.cameras: list[Scripted] = []

    def open(self) -> Scripted:
        opening = self.openings.pop(0)
        if isinstance(opening, Exception):
            raise opening
        assert all(camera.closed for camera in self.cameras)
        self.cameras.append(Scripted(opening, self))
        return self.cameras[-1]

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return False

    def camera(self, limit_s: float | None = None) -> Reconnecting:
        return Reconnecting(self.open, "cam", limit_s, clock=lambda: self.now, pause=self.pause)


def frame_of(camera: Any) -> Frame:
    """The next frame, which must be one."""
    frame: Frame | None = camera.read()
    assert frame is not None
    return frame


@contextmanager
def hearing(listen: Callable[[str], None]) -> Iterator[None]:
    """``listen`` gets each line on losses and returns in the moment in which it is logged."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            listen(record.getMessage())

    logger, ear = logging.getLogger("edge.camera"), Ear(logging.WARNING)
    logger.addHandler(ear)
    try:
        yield
    finally:
        logger.removeHandler(ear)


def outages_of(camera: Camera) -> int:
    """How often it was lost."""
    outages = camera.outages()
    assert outages is not None
    return int(outages["outages"])
