"""Faults that are in the process of a flight before its first word: of the camera, of the engine, of what hangs."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

import edge.camera.devices.held
import edge.camera.live.reconnect
import edge.camera.live.timeout
import edge.camera.v4l2
import edge.commands.console
import edge.commands.live_table
from edge.engine.null import NullEngine
from edge.errors import EngineError
from edge.sim.camera import Simulator
from tests.support import hung
from tests.support.fake_v4l2 import FakeV4l2

SIZE = 80, 64
PERIOD_S = 0.01
AT = 12  # the call in which it happens


class Camera(FakeV4l2):
    """A V4L2 camera of 100 frames a second that has a fault from its ``AT``-th frame on, ``for_s`` seconds long."""

    def __init__(self, fault: str, for_s: float) -> None:
        super().__init__(size=SIZE)
        self.fault, self.for_s, self.frames, self.began = fault, for_s, 0, 0.0

    @property
    def faulty(self) -> bool:
        return self.began > 0 and time.monotonic() < self.began + self.for_s

    def isOpened(self) -> bool:
        return not (self.fault in ("lost", "gone") and self.faulty)

    def grab(self) -> bool:
        threading.Event().wait(PERIOD_S)
        self.frames += 1
        if self.frames == AT:
            self.began = time.monotonic()
        if self.faulty and self.fault in ("lost", "gone"):
            return False
        if self.fault == "silent" and self.frames == AT:
            threading.Event().wait(self.for_s)
        self.moods = {"frozen": "s", "torn": "c", "wrong size": "h", "garbage": "g"}[self.fault] if self.bad else "."
        self.mood = self.moods
        return super().grab()

    @property
    def bad(self) -> bool:
        return self.faulty and self.fault in ("frozen", "torn", "wrong size", "garbage")


def camera(fault: str) -> Callable[[float], None]:
    def plug(for_s: float) -> None:
        setattr(cv2, "VideoCapture", Camera(fault, for_s))  # noqa: B010 - a class of a library
        for module, name, seconds in (
            (edge.camera.live.timeout, "STALL_S", 0.6),
            (edge.camera.v4l2, "STALL_S", 0.3),
            (edge.camera.v4l2, "FIRST_FRAME_S", 0.3),
            (edge.camera.live.reconnect, "FIRST_DELAY_S", 0.05),
            (edge.camera.live.reconnect, "LONGEST_DELAY_S", 0.2),
        ):
            setattr(module, name, seconds)

    return plug


def shared(_number: float) -> None:
    """A camera without a fault; /dev/null counts as a V4L2 device, whose lock it has."""
    camera("none")(0.0)
    edge.camera.devices.held.V4L2 = os.major(os.stat("/dev/null").st_rdev)


def engine(instead: Callable[[Any], Any]) -> Callable[[float], None]:
    """The null engine with another answer from its ``AT``-th call on; the number of the fault: for how many calls."""

    def build(most: float) -> None:
        plain, calls = NullEngine._infer, [0]

        def infer(self: NullEngine, image: npt.NDArray[np.uint8]) -> Any:
            calls[0] += 1
            found = plain(self, image)
            return instead(found) if AT <= calls[0] < AT + most else found

        NullEngine._infer = infer  # type: ignore[method-assign]

    return build


def _raises(_found: Any) -> Any:
    raise EngineError("CUDA: cuGraphLaunch failed: unknown error (999): start the program anew")


def _bug(_found: Any) -> Any:
    raise ZeroDivisionError("division by zero")


def _no_memory(_found: Any) -> Any:
    raise MemoryError


def _nan(found: Any) -> Any:
    for array in (found.boxes, found.scores):
        array[:] = np.nan
    return found


def impatient(seconds: float) -> None:
    """The watchdog waits for so many seconds, not 30; a line of rates comes often."""
    hung.impatient(seconds)
    edge.commands.live_table.LINE_S = 0.1
    edge.commands.console.HUNG_S = seconds


def fails_impatiently(seconds: float) -> None:
    impatient(seconds)
    engine(_raises)(math.inf)


def from_memory(_number: float) -> None:
    """A simulated camera draws 32 frames, and gives them again and again."""
    plain, kept = Simulator._look, {}

    def look(self: Simulator, view: Any, t: float) -> Any:
        place = self._seq % 32
        if place not in kept:
            kept[place] = plain(self, view, t)
        pixels, truth, _ = kept[place]
        return pixels.copy(), truth, False

    setattr(Simulator, "_look", look)  # noqa: B010


FAULTS: dict[str, Callable[[float], None]] = {
    **{
        f"camera {name}": camera(name) for name in ("lost", "gone", "frozen", "silent", "torn", "wrong size", "garbage")
    },
    "camera shared": shared,
    "engine raises": engine(_raises),
    "engine has a fault of its own": engine(_bug),
    "no memory": engine(_no_memory),
    "engine gives NaN": engine(_nan),
    "impatient": impatient,
    "engine raises, impatient": fails_impatiently,
    "frames from memory": from_memory,
    **{f"hangs: {name}": (lambda seconds, name=name: hung.inject(name, seconds)) for name in hung.FAULTS},
}


def inject(fault: str, number: float) -> None:
    """Make it happen in this process; ``number`` is a time or a count, as it says there."""
    FAULTS[fault](number)
