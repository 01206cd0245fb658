"""What a training is told, and what a run that goes on must share with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.model.normalisers import Normalisers
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec
from export.training.augment import Augmentation


@dataclass(frozen=True)
class TrainSettings:
    """``steps`` of ``batch`` crops. ``minutes``: where more than 0, the schedule also ends by the clock,
    which makes a run depend on the machine's speed. ``frozen``: name prefixes of parameters that stay.
    ``ema``: weight of the past in the exponential moving average (EMA) of the weights, which is what is delivered.
    ``sampling_weights``: see `Sampler`. ``save_minutes``: between two checkpoints. ``normalise_8bit``,
    ``normalise_16bit``: as `NormaliseSpec.parse` reads them.
    """

    steps: int = 2000
    minutes: float = 0.0
    batch: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    ema: float = 0.99
    sampling_weights: tuple[float, ...] = ()
    seed: int = 1
    frozen: tuple[str, ...] = ("backbone.body.conv1", "backbone.body.layer1")
    save_minutes: float = 4.0
    normalise_8bit: str = str(DEFAULT_8BIT)
    normalise_16bit: str = str(DEFAULT_16BIT)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def normalisers(self) -> Normalisers:
        """How frames become grey. Raises InputError for an unknown method or parameter."""
        return Normalisers(NormaliseSpec.parse(self.normalise_8bit), NormaliseSpec.parse(self.normalise_16bit))
