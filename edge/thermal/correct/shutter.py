"""The closed shutter of a camera that says nothing of it.

For its flat-field correction (FFC) a microbolometer looks at a flap for a second or two: the picture is
suddenly even, and when the flap opens the counts have stepped. Cameras that repeat their last picture instead
are seen by that (edge/camera).
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.thermal.correct.motion import Counts16, fine_noise, median

COLLAPSE = 3.0  # how much less spread than before
EVEN = 3.0  # spread of a flap, in sigma of the frame's fine noise: the housing's glow is in it
OUTSTANDING = 8.0  # sigma
BLOB = 4  # px: so many that stand out are something in the scene
LONGEST_S = 3.0
SETTLE = 1 / 16


class Shutter:
    """Finds the frames in which the shutter is closed.

    A clear sky or the sea can be as even as a flap. So only a sudden collapse of the spread counts, a frame in
    which anything stands out (a swimmer) is no flap, and after 3 s it is taken for what the camera sees.
    """

    def __init__(self) -> None:
        self._usual: float | None = None  # spread of the scene, counts
        self._since: float | None = None  # time of the first closed frame

    def closed(self, pixels: Counts16, t: float) -> bool:
        """Whether the shutter is closed in this frame, (H, W) uint16, taken at ``t`` seconds.

        ``t`` is of the camera's clock, or counted in frames, but not the time of the call: a replay must agree.
        """
        spread = _spread(pixels)
        usual = self._usual
        if usual is not None and spread * COLLAPSE < usual and _is_flap(pixels, spread):
            self._since = t if self._since is None else self._since
            if t - self._since <= LONGEST_S:
                return True
            usual = None
        self._since = None
        if usual is None:
            self._usual = spread
        elif spread <= 2 * usual:
            self._usual = usual + SETTLE * (spread - usual)
        else:
            # a wider scene is believed at once: start-up may begin with the flap; a frame of garbage is no scene
            self._usual = spread if spread > EVEN * fine_noise(pixels) else usual + SETTLE * usual
        return False


def _spread(pixels: Counts16) -> float:
    """Median absolute deviation times 1.4826, counts, of every 8th pixel of every 8th row."""
    some = pixels[::8, ::8].astype(np.int32)
    return 1.4826 * median(np.abs(some - int(median(some))))


def _is_flap(pixels: Counts16, spread: float) -> bool:
    noise = fine_noise(pixels)
    if spread > EVEN * noise:
        return False
    smooth = cv2.medianBlur(pixels, 3).astype(np.float32)  # dead pixels stand out of a flap, too
    away = np.abs(smooth - cv2.blur(smooth, (31, 31)))
    return int(np.count_nonzero(away > OUTSTANDING * noise)) < BLOB
