"""Is what the camera gives now something that the model can work with? A few cheap figures of each frame.

    stream --Result.warnings--> HealthLog --> one line when a condition begins, one when it ends, report.json

A warning stops nothing: it tells whoever reads the detections how far to trust them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import Frame, Result
from edge.model.bundle import Bundle
from edge.thermal.byteorder import looks_swapped


@dataclass(frozen=True)
class Condition:
    """``begins`` and ``ends``: the figure must reach one to begin and fall below the other to end.

    The limits are of figures that grow with the trouble.
    """

    begins: float
    ends: float
    meaning: str


# Limits: of the 290 frames of HIT-UAV's validation part the grey levels' std is 0.35 to 1.75 times, and the mean
# within 0.2 of, what they are over its training part; `anchored` makes raw frames of even ground up to 0.36 darker.
CONDITIONS = {
    "byte_order": Condition(
        1.0, 1.0, "the two bytes of each count are swapped: add endian=big to the /dev source, or fix the file"
    ),
    "drift": Condition(
        1.0, 0.9, "grey levels are far from those in training: check the palette (white = hot) and the camera's gain"
    ),
    "frozen": Condition(
        1.0, 1.0, "the camera gave one picture again and again for over a second: nothing was seen meanwhile"
    ),
    "low_contrast": Condition(
        3.3, 2.8, "the scene is nearly of one temperature (thermal crossover, fog): bodies may be missed"
    ),
    "saturated": Condition(1.0, 0.8, "much of the picture is plain black or white: what lies there is not seen"),
    "shutter": Condition(0.3, 0.2, "the shutter is closed for much of the time: is it stuck, or set to fall often?"),
    "warm_ground": Condition(
        28.0, 27.0, "the ground is as warm as people and animals: they may be missed, or be darker than the ground"
    ),
}
MEAN_OFF, STD_TIMES = 0.4, 2.2  # drift: of the mean, 0..1, and of the std over that in training
WHITE, BLACK = 0.1, 0.5  # saturated: parts of the picture
SMOOTH = 1 / 16  # weight of the newest frame
SMOOTH_SHUTTER = 1 / 384  # of the camera's frames, also those that nobody took: a closed shutter costs no time
SETTLE = 16  # frames before the first judgement
SWAP_EVERY = 32  # frames


class Health:
    """Judges the frames of one flight, in their order."""

    def __init__(self, bundle: Bundle) -> None:
        self.use(bundle)
        self._picture = np.zeros(5)  # mean, std (0..1), black, white (parts), ground (deg C), smoothed
        self._judged = self._frames = 0
        self._seq = -1
        self._frozen_s, self._thawed = 0.0, SETTLE  # results since it last stood still
        self._shutter = 0.0
        self._swapped = False
        self._warnings: frozenset[str] = frozenset()

    def use(self, bundle: Bundle) -> None:
        """Judge by this bundle's training frames from now on."""
        self._trained_mean, self._trained_std = bundle.trained_mean, max(bundle.trained_std, 1e-6)

    def judge(self, frame: Frame, picture: npt.NDArray[np.uint8], frozen_s: float = 0.0) -> frozenset[str]:
        """The names of the `CONDITIONS` that hold now.

        ``frame``: after repair. ``picture``: (H, W) uint8, the frame as normalised. ``frozen_s``: seconds
        so far in which the camera stood still.
        """
        shut = frame.shutter_closed
        came, self._seq = max(frame.seq - self._seq, 1) if self._seq >= 0 else 1, frame.seq
        self._shutter += (shut - self._shutter) * (1 - (1 - SMOOTH_SHUTTER) ** came)
        self._thawed = 0 if frozen_s > self._frozen_s else self._thawed + 1
        self._frozen_s = frozen_s
        if not shut:
            if self._frames % SWAP_EVERY == 0:
                self._swapped = looks_swapped(frame.pixels)
            self._frames += 1
            self._judged += 1
            self._picture += (_figures(frame, picture) - self._picture) * max(SMOOTH, 1 / self._judged)
        figures = self._against_limits()
        self._warnings = frozenset(
            name
            for name, condition in CONDITIONS.items()
            if figures.get(name, -np.inf) >= (condition.ends if name in self._warnings else condition.begins)
        )
        return self._warnings

    def _against_limits(self) -> dict[str, float]:
        figures = {"byte_order": float(self._swapped), "frozen": float(self._thawed < SETTLE), "shutter": self._shutter}
        if self._judged < SETTLE:
            return figures
        mean, std, black, white, ground = (float(v) for v in self._picture)
        times = std / self._trained_std
        figures["drift"] = max(abs(mean - self._trained_mean) / MEAN_OFF, times / STD_TIMES)
        figures["low_contrast"] = 1 / max(times, 1e-6)
        figures["saturated"] = max(black / BLACK, white / WHITE)
        figures["warm_ground"] = ground
        return figures


def _figures(frame: Frame, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Mean and std (0..1), parts of black and white, of every 8th pixel of every 8th row; median deg C of the frame.

    Without a temperature scale the latter is far below any limit.
    """
    some = picture[::8, ::8]
    scale = frame.temperature
    ground = -300.0 if scale is None else float(scale.celsius(np.median(frame.pixels[::16, ::16])))
    return np.array([some.mean() / 255, some.std() / 255, (some == 0).mean(), (some == 255).mean(), ground])


class HealthLog:
    """What a run remembers of its warnings."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}
        self._open: dict[str, int] = {}  # results since each present condition began

    def add(self, result: Result) -> list[str]:
        """Book one result; returns a line for each condition that began or ended with it."""
        frame, lines = result.frame, []
        for name in sorted(result.warnings - self._open.keys()):
            self._open[name] = 0
            utc = None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds")
            first = {"seq": frame.seq, "t": round(frame.t_capture, 6), "utc": utc}
            self._seen.setdefault(name, {"frames": 0, "times": 0, "first": first})["times"] += 1
            lines.append(f"health: {name.replace('_', ' ')} from frame {frame.seq} on: {CONDITIONS[name].meaning}")
        for name in sorted(self._open.keys() - result.warnings):
            lines.append(f"health: {name.replace('_', ' ')} ended at frame {frame.seq}, {self._open.pop(name)} frames")
        for name in self._open:
            self._open[name] += 1
            self._seen[name]["frames"] += 1
        return lines

    def report(self) -> dict[str, Any]:
        """``{condition: {"frames", "times", "first": {"seq", "t", "utc"}}}`` of those that held; {} = none did."""
        return {name: self._seen[name] for name in sorted(self._seen)}
