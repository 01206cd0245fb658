"""Is what the camera gives now something that the model can work with? A few cheap figures of each frame.

    stream --Result.warnings--> HealthLog --> one line when a condition begins, one when it ends, report.json

A warning stops nothing: it tells whoever reads the detections how far to trust them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edge.camera.decode.grey import NOT_HEAT
from edge.camera.devices.profiles import PROFILES
from edge.data import Detections, Frame, RawDetections
from edge.health.conditions import CONDITIONS
from edge.health.fixed import Fixed
from edge.health.inversion import Inversion
from edge.health.polarity import Look, Polarity
from edge.model.bundle import Bundle
from edge.model.tiling import TilePlan, Tiling, whole
from edge.seams import Camera
from edge.thermal.byteorder import looks_swapped
from edge.thermal.correct.motion import median

MEAN_OFF, STD_TIMES = 0.4, 2.2  # drift: of the mean, 0..1, and of the std over that in training
SETTLE, BLANK = 16, 1.5  # low contrast: frames, and how much less of it than the limit before
WHITE, BLACK = 0.1, 0.5  # saturated: parts of the picture
SMOOTH = 1 / 16  # weight of the newest frame
SMOOTH_SHUTTER = 1 / 384  # of the camera's frames, also those that nobody took: a closed shutter costs no time
THAW = 16  # frames for which it is told that the camera stood still
SWAP_EVERY, SWAP_AT = 32, 5  # frames: the first, the 6th, the 38th: none with a look of `Motion` or `Fixed`

LEVELS = np.arange(256)
SQUARES = LEVELS**2


class Health:
    """Judges the frames of one flight, in their order."""

    def __init__(self, bundle: Bundle, camera: Camera | None = None, tiling: Tiling | None = None) -> None:
        """``camera``: whose description tells what its decoder saw. ``tiling``: how frames are cut into tiles."""
        self.use(bundle, tiling)
        self._camera = camera
        self._picture = np.zeros(5)  # mean, std (0..1), black, white (parts), ground (deg C), smoothed
        self._judged = self._frames = 0
        self._seq = -1
        self._frozen_s, self._thawed = 0.0, THAW  # results since it last stood still
        self._shutter = 0.0
        self._swapped = False
        self._polarity, self._inversion, self._fixed = Polarity(), Inversion(), Fixed()
        self._compared = -1  # the newest frame of which `_inversion` knows
        self._warnings: frozenset[str] = frozenset()
        self.seen: Mapping[str, str] = {}
        """What was seen, by the name of a condition that holds now, where there is more to say than its name."""

    def use(self, bundle: Bundle, tiling: Tiling | None = None) -> None:
        """Judge by this bundle's training frames and size, and by the size of tiles, from now on."""
        self._trained_mean, self._trained_std = bundle.trained_mean, max(bundle.trained_std, 1e-6)
        self._size, self._tiling = (bundle.width, bundle.height), tiling
        self._threshold = bundle.score_threshold  # one for all classes: the limits of `Polarity` were found with one

    def ask_inverted(self, frame: Frame, image: npt.NDArray[np.uint8], raw: RawDetections | None, again: Look) -> None:
        """Let the model now and then look at the inverted picture too. Counts have no palette. The next `judge` knows.

        ``image``: (H, W) uint8, the model's input, and ``raw`` what was found in it; ``again`` looks at another one.
        """
        if raw is not None and frame.pixels.dtype == np.uint8:
            self._compare(frame)
            self._polarity.look(image, raw, self._threshold, again)

    def judge(
        self,
        frame: Frame,
        picture: npt.NDArray[np.uint8],
        frozen_s: float = 0.0,
        found: Detections | None = None,
    ) -> frozenset[str]:
        """The names of the `CONDITIONS` that hold now.

        ``frame``: after repair. ``picture``: (H, W) uint8, the frame as normalised. ``frozen_s``: seconds
        so far in which the camera stood still. ``found``: in this frame.
        """
        shut = frame.shutter_closed
        came, self._seq = max(frame.seq - self._seq, 1) if self._seq >= 0 else 1, frame.seq
        self._shutter += (shut - self._shutter) * (1 - (1 - SMOOTH_SHUTTER) ** came)
        self._thawed = 0 if frozen_s > self._frozen_s else self._thawed + 1
        self._frozen_s = frozen_s
        if not shut:
            if self._frames == 0 or self._frames % SWAP_EVERY == SWAP_AT:
                self._swapped = looks_swapped(frame.pixels)
            self._frames += 1
            self._judged += 1
            self._picture += (_figures(frame, picture) - self._picture) * max(SMOOTH, 1 / self._judged)
            self._fixed.look(picture, frame.pixels.dtype == np.uint8, found)
            self._compare(frame)
        figures = self._against_limits()
        said = self._of_the_picture(frame)
        figures.update(dict.fromkeys(said, 1.0), scale=self._times(frame))
        camera = self._camera
        figures["colour"] = float(camera is not None and NOT_HEAT in camera.description)
        # a colour palette may well look better inverted, and is not to be
        figures["black_hot"] = 0.0 if figures["colour"] else self._polarity.figure
        if camera is not None and (camera.crop or camera.mask is not None):
            said["colour"] = "somewhere in the whole of it; what is looked at may be free of it"
        self._warnings = frozenset(
            name
            for name, condition in CONDITIONS.items()
            if figures.get(name, -np.inf) >= (condition.ends if name in self._warnings else condition.begins)
        )
        if "black_hot" in self._warnings:
            said["black_hot"] = self._polarity.seen
        if "scale" in self._warnings:
            said["scale"] = self._plan(frame).in_words()
        self.seen = {name: said[name] for name in said if name in self._warnings}
        return self._warnings

    def _compare(self, frame: Frame) -> None:
        """Has the palette changed with this frame? Asked once a frame, before it is judged or the model looks at it."""
        if frame.pixels.dtype != np.uint8 or frame.seq == self._compared:
            return
        self._compared = frame.seq
        if self._inversion.look(np.asarray(frame.pixels, np.uint8)):
            self._polarity.invert(frame.seq, "black_hot" in self._warnings)
            self._warnings -= {"black_hot"}  # it begins anew, or is over

    def _of_the_picture(self, frame: Frame) -> dict[str, str]:
        """What is in the picture that should not be, in words, by the name of its condition."""
        said = {"overlay": self._fixed.overlay, "fixed_boxes": self._fixed.fixed_boxes}
        said["rows"] = rows_beside(frame.width, frame.height)
        return {name: text for name, text in said.items() if text}

    def _times(self, frame: Frame) -> float:
        """How many times it is enlarged or shrunk for the model."""
        scale = self._plan(frame).scale
        return max(scale, 1 / scale)

    def _plan(self, frame: Frame) -> TilePlan:
        cut = self._tiling.plan if self._tiling else whole
        return cut(frame.width, frame.height, *self._size)

    def _against_limits(self) -> dict[str, float]:
        figures = {"byte_order": float(self._swapped), "frozen": float(self._thawed < THAW), "shutter": self._shutter}
        if not self._judged:
            return figures
        mean, std, black, white, ground = self._picture.tolist()
        times = std / self._trained_std
        figures["drift"] = max(abs(mean - self._trained_mean) / MEAN_OFF, times / STD_TIMES)
        # a flight may begin over even ground: of a few frames only what is nearly blank is told
        figures["low_contrast"] = 1 / max(times, 1e-6) / (1 if self._judged >= SETTLE else BLANK)
        figures["saturated"] = max(black / BLACK, white / WHITE)
        figures["warm_ground"] = ground
        return figures


@lru_cache(maxsize=16)  # asked for every frame
def rows_beside(width: int, height: int) -> str:
    """What a frame of this size holds beside the picture, if it is as a known camera delivers it; "" = nothing."""
    for profile in PROFILES.values():
        if extra := profile.beside_the_picture(width, height):
            return f"{width}x{height} is what {profile.name} delivers, with {extra}: add camera={profile.name}"
    return ""


def _figures(frame: Frame, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Mean and std (0..1), parts of black and white, of every 8th pixel of every 8th row; median deg C of the frame.

    Without a temperature scale the latter is far below any limit. Where nobody wants to look does not count.
    """
    some = picture[::8, ::8]
    if frame.mask is not None and not (hidden := frame.mask[::8, ::8]).all():
        some = some[~hidden]
    # one pass for all four, a quarter of the time: how many pixels have each grey level, then whole numbers only
    counts = np.bincount(some.ravel(), minlength=256)
    n, total, squares = some.size, int(counts @ LEVELS), int(counts @ SQUARES)
    std = math.sqrt(n * squares - total**2) / n
    scale = frame.temperature
    ground = -300.0 if scale is None else float(scale.celsius(median(frame.pixels[::16, ::16].astype(np.int32))))
    return np.array([total / n / 255, std / 255, counts[0] / n, counts[255] / n, ground])
