"""The height above the ground, of altitudes that say less than that."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.pose.options import Spec

MOST_M = 20_000.0
MEANINGS = ("relative", "absolute")


@dataclass(frozen=True)
class Altitudes:
    """``meaning``: of an altitude that does not say what it is from: ``relative`` (to the take-off) or ``absolute``.
    ``ground``: metres of the ground above the zero of absolute altitudes; where it is given they are used.
    """

    meaning: str | None = None
    ground: float | None = None
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, spec: Spec) -> Altitudes:
        """``altitude`` and ``ground``. Raises InputError."""
        meaning = spec.take("altitude", {word: word for word in MEANINGS}.__getitem__, " or ".join(MEANINGS))
        return cls(meaning, spec.number("ground", MOST_M, "metres"))

    def height(
        self, above_take_off: float | None, above_sea: float | None, either: float | None = None
    ) -> tuple[float | None, str]:
        """``(height, source)``, or None and why there is none. ``either``: an altitude of unknown meaning."""
        if either is not None:
            if self.meaning is None and above_take_off is None:
                return None, "what its altitude is from is not said: altitude=relative or absolute"
            above_take_off = either if self.meaning == "relative" else above_take_off
            above_sea = either if self.meaning == "absolute" else above_sea
        if self.ground is not None and above_sea is not None:
            return above_sea - self.ground, self._as_said("altitude less ground=")
        if above_take_off is not None:
            return above_take_off, self._as_said("above take-off")
        if above_sea is not None:
            return None, "it has absolute altitudes only: ground=METRES says how high the ground is"
        return None, "no height is in it"

    def _as_said(self, source: str) -> str:
        line = f"height: {source}, the ground taken as flat"
        if line not in self.said:
            self.said.append(line)
        return source
