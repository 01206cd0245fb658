"""The height above the ground, of altitudes that say less than that."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edge.pose.options import Spec
from edge.pose.series import Place
from edge.pose.source import GroundModel

MOST_M = 20_000.0
SEA = ("EGM96", "EGM2008")  # what "above the sea" may mean; the two differ by a metre or so
BY_MODEL = "altitude less ground model"
ABSOLUTE_SIGMA_M = 10.0  # receivers and barometers were seen 50 m off
MEANINGS = ("relative", "absolute")


@dataclass(frozen=True)
class Altitudes:
    """``meaning``: of an altitude that does not say what it is from: ``relative`` (to the take-off) or ``absolute``.
    ``ground``: metres of the ground above the zero of absolute altitudes; where it is given they are used. ``model``:
    the ground, used for an altitude above the sea where there is no other height.
    """

    meaning: str | None = None
    ground: float | None = None
    model: GroundModel | None = None
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, spec: Spec) -> Altitudes:
        """``altitude`` and ``ground``. Raises InputError."""
        meaning = spec.take("altitude", {word: word for word in MEANINGS}.__getitem__, " or ".join(MEANINGS))
        return cls(meaning, spec.number("ground", MOST_M, "metres"), spec.model)

    @staticmethod
    def sigma(source: str) -> float | None:
        """1 sigma of a height with this source, metres; None = nobody says it."""
        return ABSOLUTE_SIGMA_M if source == BY_MODEL else None

    def height(
        self,
        above_take_off: float | None,
        above_sea: float | None,
        either: float | None = None,
        place: Place | None = None,
    ) -> tuple[float | None, str]:
        """``(height, source)``, or None and why there is none. ``either``: an altitude of unknown meaning. ``place``:
        where that is, for the ground model.
        """
        if either is not None:
            if self.meaning is None and above_take_off is None:
                return None, "what its altitude is from is not said: add ?altitude=relative or =absolute to --pose"
            above_take_off = either if self.meaning == "relative" else above_take_off
            above_sea = either if self.meaning == "absolute" else above_sea
        elif self.meaning is not None and (above_take_off is not None or above_sea is not None):
            self._say("altitude= is not used where an altitude says what it is from")
        if self.ground is not None and above_sea is None and above_take_off is not None:
            self._say("ground= is not used where there is no altitude above the sea")
        if self.ground is not None and above_sea is not None:
            return above_sea - self.ground, self._as_said("altitude less ground=")
        if above_take_off is not None:
            return above_take_off, self._as_said("above take-off")
        if above_sea is not None and self.model is not None and place is not None:
            return self._above_model(place, above_sea, self.model)
        if above_sea is not None:
            return None, "it has absolute altitudes only: ground=METRES says how high the ground is"
        return None, "no height is in it"

    def _above_model(self, place: Place, above_sea: float, model: GroundModel) -> tuple[float | None, str]:
        if model.vertical not in SEA:
            return None, (
                f"its altitudes are above the sea, the ground model's heights above {model.vertical}: expected "
                f"{' or '.join(SEA)}; or ground=METRES"
            )
        ground = model.altitude(place.latitude, place.longitude)
        if math.isnan(ground):
            return None, "the ground model does not know the ground below it"
        self._say(
            f"height: altitude above the sea (taken as {model.vertical}) less {model.name}; 1 sigma "
            f"{ABSOLUTE_SIGMA_M:g} m"
        )
        return above_sea - ground, BY_MODEL

    def _as_said(self, source: str) -> str:
        self._say(f"height: {source}, the ground taken as flat")
        return source

    def _say(self, line: str) -> None:
        if line not in self.said:
            self.said.append(line)
