"""What of a source will trouble the model: the conditions that a run would tell, without one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import Frame
from edge.health.conditions import CONDITIONS
from edge.health.scene import Health
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor
from edge.seams import Camera, Engine

# what `edge.app.source_check.problems` does not say already
TOLD = ("black_hot", "colour", "fixed_boxes", "overlay", "scale")
ASKED = 4  # frames at which the model looks


class ModelLook:
    """Judges the frames of a source for ``bundle``, as a run does; the model itself looks at some, afterwards."""

    def __init__(self, bundle: Bundle, camera: Camera) -> None:
        self._bundle = bundle
        self._health = Health(bundle, camera)
        self._warnings: dict[str, str] = {}
        self._kept: list[Frame] = []
        self._given, self._every = 0, 1

    def __call__(self, frame: Frame, picture: npt.NDArray[np.uint8]) -> None:
        """Take one frame, and its pixels normalised, (H, W) uint8."""
        if self._given % self._every == 0:
            self._kept.append(frame)
            if len(self._kept) > ASKED:  # they stay spread over all that came
                self._kept, self._every = self._kept[::2], 2 * self._every
        self._given += 1
        self._judge(frame, picture)

    @property
    def asks_the_model(self) -> bool:
        """Whether `ask` has anything to do: counts have no palette."""
        return any(frame.pixels.dtype == np.uint8 for frame in self._kept)

    def ask(self, engine: Engine) -> None:
        """Let the model look at some of the frames; not while they come, as it takes its time."""
        preprocess = Preprocessor(self._bundle)
        for frame in self._kept:
            picture, image, _ = preprocess.forward(frame)
            self._health.ask_inverted(frame, image, engine.infer(image), engine.infer)
            self._judge(frame, picture)

    def lines(self) -> list[str]:
        """What there is to say, a line each: what was seen, and what to do about it."""
        return [
            f"{CONDITIONS[name].meaning}" + (f" ({seen})" if seen else "")
            for name, seen in sorted(self._warnings.items())
            if name in TOLD
        ]

    def _judge(self, frame: Frame, picture: npt.NDArray[np.uint8]) -> None:
        for name in self._health.judge(frame, picture):
            self._warnings[name] = self._health.seen.get(name, "")
