"""Which normaliser a frame gets: one choice, by the depth of its pixels, for training, evaluation and flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.data import Pixels, Scale
from edge.errors import BundleError
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec, normalise
from edge.thermal.windows import Grey


@dataclass(frozen=True)
class Normalisers:
    """How 8-bit and 16-bit frames become grey."""

    spec_8bit: NormaliseSpec = DEFAULT_8BIT
    spec_16bit: NormaliseSpec = DEFAULT_16BIT

    def pick(self, pixels: Pixels) -> NormaliseSpec:
        """The one for such pixels: (H, W) uint8 or uint16."""
        return self.spec_8bit if pixels.dtype == np.uint8 else self.spec_16bit

    def grey(self, pixels: Pixels, temperature: Scale | None = None) -> Grey:
        """(H, W) uint8 of a single frame, as the first of a flight.

        ``pixels``: (H, W) uint8 or uint16 counts. ``temperature``: scale of the counts, or None.

        Raises InputError where the normaliser does not take such pixels.
        """
        return normalise(pixels, self.pick(pixels), temperature)

    def to_json(self) -> dict[str, Any]:
        """``{"8bit": ..., "16bit": ...}``, as in model.json."""
        return {"8bit": self.spec_8bit.to_json(), "16bit": self.spec_16bit.to_json()}

    @classmethod
    def from_json(cls, values: object) -> Normalisers:
        """What `to_json` wrote. Raises BundleError for anything this build would not do exactly."""
        if not isinstance(values, Mapping) or not {"8bit", "16bit"} <= set(values):
            raise BundleError(f"normalise entry is {values!r}: expected an object with 8bit and 16bit")
        return cls(NormaliseSpec.from_json(values["8bit"]), NormaliseSpec.from_json(values["16bit"]))
