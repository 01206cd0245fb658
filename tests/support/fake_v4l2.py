"""cv2.VideoCapture as OpenCV's cap_v4l.cpp behaves, version by version, on a camera that can fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

DEVICE = "/dev/null"  # a character device that everyone may open
W, H = 80, 60


def code(name: str) -> int:
    return cv2.VideoWriter.fourcc(*name.ljust(4))


def counts(i: int, width: int = W, height: int = H) -> npt.NDArray[np.uint16]:
    """What the camera sees in its i-th frame."""
    return np.random.default_rng(i).integers(29000, 31000, (height, width), dtype=np.uint16)


class FakeV4l2:
    """cv2.VideoCapture on a Boson-like camera: YUYV and Y16, one size.

    ``moods``, one for each grab: ``.`` a frame, ``t`` time-out, ``s`` the old buffer again and True; a buffer
    that is ``c`` cut off, ``p`` padded, ``h`` half as high, ``g`` garbage that no decoder takes. ``clock``: the
    driver's, forced to go on unless ``free``. ``path``: the node it is at; None: unplugged.
    """

    def __init__(
        self,
        handover: str = "4.12",
        formats: tuple[str, ...] = ("YUYV", "Y16"),
        refusal: str = "reverts",
        keeps_converting: bool = False,
        size: tuple[int, int] = (W, H),
        driver_fps: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        moods: str = "",
        free: bool = False,
        path: str | None = DEVICE,
    ) -> None:
        self.handover, self.formats, self.refusal = handover, formats, refusal
        self.keeps_converting, self.size, self.driver_fps = keeps_converting, size, driver_fps
        self.clock, self.moods, self.free, self.path = clock, moods, free, path
        self.palette, self.converts = formats[0], True
        self.calls: list[tuple[int, float]] = []
        self.made, self.taken_ms, self.released = 0, 0.0, False
        self.mood = "."

    def __call__(self, source: str, api: int, parameters: list[int]) -> FakeV4l2:
        assert (api, parameters) == (cv2.CAP_V4L2, [])
        self.asked_path, self.palette, self.converts, self.released = source, self.formats[0], True, False
        return self

    def isOpened(self) -> bool:
        return self.path == self.asked_path

    def getBackendName(self) -> str:
        return "V4L2"

    def release(self) -> None:
        self.released = True

    def get(self, what: int) -> float:
        return {
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FOURCC: code(self.palette),
            cv2.CAP_PROP_CONVERT_RGB: float(self.converts),
            cv2.CAP_PROP_FPS: self.driver_fps,
            cv2.CAP_PROP_POS_MSEC: self.taken_ms,
        }.get(what, -1.0)

    def set(self, what: int, value: float) -> bool:
        self.calls.append((what, value))
        if what == cv2.CAP_PROP_FOURCC:
            for name in self.formats:
                if code(name) == value:
                    self.palette = name
                    return True
            return self.refusal == "lies"  # it fell back to a format of its own and said yes
        if what == cv2.CAP_PROP_CONVERT_RGB:
            self.converts = bool(value) or self.keeps_converting
            return True
        return True  # the driver takes the nearest size and rate, and says yes

    def grab(self) -> bool:
        mood, self.moods = (self.moods[:1] or "."), self.moods[1:]
        if self.path != self.asked_path:
            mood = "s"  # unplugged, and OpenCV does not say so (opencv/opencv#14044)
        if mood not in "ts":
            self.mood = mood
        if mood == "t":  # select timeout
            return False
        if mood == "s":  # an old buffer again, with True
            return True
        self.made += 1
        now_ms = self.clock() * 1000
        self.taken_ms = max(now_ms, self.taken_ms + 0.001) if now_ms and not self.free else now_ms
        return True

    def retrieve(self) -> tuple[bool, Any]:
        if self.mood == "g":
            return False, None
        raw = counts(self.made, *self.size)
        if self.palette != "Y16" or self.converts:
            high = (raw >> 8).astype(np.uint8)  # what OpenCV makes of Y16 when it converts
            return True, cv2.merge([high] * 3)
        flat = raw.astype("<u2").view(np.uint8).reshape(1, -1)
        if self.mood == "c":  # cut-off buffer
            return True, flat[:, :-100]
        if self.mood == "p":
            return True, np.pad(flat, ((0, 0), (0, 100)))
        if self.mood == "h":
            return True, raw[: raw.shape[0] // 2]
        return True, {"4.10": raw, "4.11": flat, "4.12": raw}[self.handover]
