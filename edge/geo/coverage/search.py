"""What is searched for, and when ground counts as searched for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edge.errors import InputError
from edge.measure.kinds import kind_of

SIZES_M = {"person": 0.8, "animal": 0.9, "vehicle": 2.8}  # square root of the area seen from above; chosen
UNKNOWN_M = 0.8  # of a class of which nobody knows what it is
NUMBERS = ("size", "px", "frames", "kelvin")  # keys of --coverage
LEAST_PX = 8.0
LEAST_FRAMES, LEAST_OF_STILLS = 3, 1  # a track needs two; stills are not followed


@dataclass(frozen=True, slots=True)
class Search:
    """``name``: class of the model that is searched for; "" = its first person or animal, else its first class.
    ``size_m``: side of the square that such an object fills, seen from above, metres; 0 = by the kind of the class.
    ``least_px``: on how many pixels of the model's input a side it must fill; ``least_frames``: in how many frames the
    ground must be seen, 0 = 3, of stills 1. ``kelvin``: so much warmer than the ground it is; 0 = nobody knows.
    """

    name: str = ""
    size_m: float = 0.0
    least_px: float = LEAST_PX
    least_frames: int = 0
    kelvin: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Search:
        """Of the text of ``--coverage``: ``class=Person,size=0.8,px=8,frames=3,kelvin=2``, each once or not at all;
        "": none.

        Raises InputError.
        """
        found: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            key, _, value = (word.strip() for word in part.partition("="))
            if key not in ("class", *NUMBERS) or key in found or not value:
                raise InputError(
                    f"coverage {text!r}: {part!r}; expected class=, size=, px=, frames=, kelvin=, once each"
                )
            found[key] = value
        numbers = {key: _number(text, key, found[key]) for key in NUMBERS if key in found}
        frames = numbers.get("frames", 0.0)
        if frames != int(frames):
            raise InputError(f"coverage {text!r}: frames={found['frames']}; expected a whole number")
        return cls(
            found.get("class", ""),
            numbers.get("size", 0.0),
            numbers.get("px", LEAST_PX),
            int(frames),
            numbers.get("kelvin", 0.0),
        )

    def of(self, classes: tuple[str, ...], stills: bool) -> Search:
        """This search by a model of these classes, with what is left open filled in.

        Raises InputError where the model has no such class.
        """
        name = next((one for one in classes if one.casefold() == self.name.casefold()), None)
        if self.name and name is None:
            raise InputError(f"coverage class={self.name}: the model has no such class: expected {', '.join(classes)}")
        if name is None:
            name = next((one for one in classes if kind_of(one) in ("person", "animal")), classes[0])
        size = self.size_m or SIZES_M.get(kind_of(name) or "", UNKNOWN_M)
        frames = self.least_frames or (LEAST_OF_STILLS if stills else LEAST_FRAMES)
        return replace(self, name=name, size_m=size, least_frames=frames)

    @property
    def in_words(self) -> str:
        """What counts as searched."""
        return (
            f"for {self.name} of {self.size_m:g} m: at least {self.least_px:g} px a side in at least "
            f"{self.least_frames} frame{'s' * (self.least_frames != 1)}"
        )


def _number(text: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e4:
        raise InputError(f"coverage {text!r}: {key}={value}; expected a number over 0")
    return number
