"""Has the picture been inverted in flight, from white-hot to black-hot or back? Each against the ones just before.

A scene that is seen again, from a little further on, is like itself; seen with the other palette it is like its own
negative. Gain and offset do not change that, and no warm body is needed: what the model finds plays no part.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Small = npt.NDArray[np.float32]

PX, LEAST_PX, LEAST_SIDE = 3264, 1800, 20  # px of the small picture: 64x51, of one of 640x512; the least of others
SHADE = 9  # px there: what changes over more than that is a slow shade, no ground
FAINT = 0.05  # levels, the mean of what is left: with less there is nothing to compare
MOVED = 0.2  # of a side: so far it may have moved in between
ALIKE, RATHER = 0.65, 0.2  # correlation with the negative, and so much more than with the picture itself
BACK = 3  # pictures before, of which the last that is like it counts: one in between may be blank or a mixture


class Inversion:
    """Watches the 8-bit pictures of one flight."""

    def __init__(self) -> None:
        self._before: deque[tuple[Small, bool]] = deque(maxlen=BACK)
        self._inverted = False  # against the first picture

    def look(self, pixels: Grey) -> bool:
        """Whether hot and cold have changed places since the picture before. ``pixels``: (H, W) uint8."""
        small = _small(pixels)
        if small is None:
            return False
        was = self._inverted
        for before, inverted in reversed(self._before):
            if sign := _sign(before, small):
                self._inverted = inverted != (sign < 0)
                break
        self._before.append((small, self._inverted))
        return self._inverted != was


def _small(pixels: Grey) -> Small | None:
    """A small picture without slow shades; None where there is nothing in it."""
    height, width = pixels.shape
    block = max(round((height * width / PX) ** 0.5), 1)
    size = width // block, height // block
    if size[0] * size[1] < LEAST_PX or min(size) < LEAST_SIDE:
        return None
    whole = pixels[: size[1] * block, : size[0] * block]  # blocks of whole pixels take a third of the time
    if block % 2 == 0:  # and the mean of 2x2 first a half of that
        half = size[0] * block // 2, size[1] * block // 2
        whole = np.asarray(cv2.resize(whole, half, interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = small - cv2.blur(small, (SHADE, SHADE))
    mean = float(np.abs(fine).mean())
    # what is drawn into a picture keeps its white: it must not outweigh the ground
    return np.clip(fine, -2 * mean, 2 * mean) if mean >= FAINT else None


def _sign(before: Small, now: Small) -> int:
    """1: the same ground; -1: its negative; 0: neither, it moved too far or is another one."""
    if before.shape != now.shape:
        return 0
    y, x = (int(MOVED * n) for n in now.shape)
    found = cv2.matchTemplate(before, now[y:-y, x:-x], cv2.TM_CCOEFF_NORMED)
    same, negative = float(found.max()), -float(found.min())
    if max(same, negative) < ALIKE or abs(same - negative) < RATHER:
        return 0
    return 1 if same > negative else -1
