"""Which contrast a body of the searched kind would have in the pictures of a flight, if they are like the labelled."""

from __future__ import annotations

from collections import Counter

import numpy as np

from edge.data import Frame, Result
from edge.model.recall import Pictures
from edge.thermal.contrast import Float64, clutter
from edge.thermal.sharpness import grey_range, sharpness
from edge.thermal.windows import Grey

EVERY_S = 0.5  # a scene changes slowly: clutter and window are looked at so often
EVERY_PX = 4  # of rows and columns, for the line from counts to grey
LEAST_PIXELS = 100  # that are neither black nor white, for that line
CURVED = frozenset({"clahe", "plateau"})  # methods of normalising of which grey is no straight line of counts


class BodyContrast:
    """Asked once a frame by one thread.

    ``kelvin``: so much warmer than the ground is the body, 0 = not said. ``grey``: by so many grey levels the labelled
    bodies stood out (median). ``stills``: frames do not follow each other: each is looked at. ``like``: what the
    labelled frames were like, None: not known.
    """

    def __init__(self, kelvin: float, grey: float, stills: bool, like: Pictures | None = None) -> None:
        self._kelvin, self._grey, self._stills, self._like = kelvin, grey, stills, like
        self._at: float | None = None
        self._said = np.zeros(0), False
        self._by = Counter[bool]()  # frames, by whether the kelvins could be used
        self._why = ""
        self.unlike = Counter[str]()
        """Frames that are not like the labelled ones, by how, in words."""

    def of(self, result: Result, side: float, t: float, scale: float = 1.0) -> Float64:
        """(P,) contrasts, see `edge.thermal.contrast`, that a body of ``side`` pixels of the picture would have at
        places all over it, at ``t`` seconds; none where such a body does not fit into it, and where the picture is not
        like those on which recall was measured. ``scale``: the model's pixels to one of the picture.
        """
        if self._stills or self._at is None or not 0 <= t - self._at < EVERY_S:
            self._at, self._why = t, self._differs(result, scale)
            self._said = (np.zeros(0), False) if self._why else self._look(result, side)
        contrasts, by_kelvin = self._said
        if self._why:
            self.unlike[self._why] += 1
        else:
            self._by[by_kelvin] += 1
        return contrasts

    def _differs(self, result: Result, scale: float) -> str:
        """How the picture is unlike the labelled ones; "" = it is not, or nobody knows."""
        if self._like is None:
            return ""
        picture, mask = result.picture, result.frame.mask
        return self._like.unlike(grey_range(picture, mask), sharpness(picture, scale, mask))

    def _look(self, result: Result, side: float) -> tuple[Float64, bool]:
        levels = grey_of(self._kelvin, result.frame, result.picture) if self._kelvin else None
        around = clutter(result.picture, side, result.frame.mask)
        return (self._grey if levels is None else levels) / around, levels is not None

    @property
    def assumed(self) -> str:
        """What the contrasts so far rest on, in words; "" before the first."""
        usual = f"a body stands out by {self._grey:.0f} grey levels, as the labelled ones did (median)"
        known, others = self._by[True], self._by[False]
        if not known + others:
            return ""
        if not self._kelvin:
            return usual
        by_kelvin = f"a body is {self._kelvin:g} K warmer than the ground"
        return by_kelvin + (f"; in {others} frames whose kelvins are not known {usual}" if others else "")


def grey_of(kelvin: float, frame: Frame, picture: Grey) -> float | None:
    """Grey levels of ``picture``, the frame after normalising, between the middle of its counts (median) and what is so
    many kelvin warmer, held to white.

    Its grey is taken for a straight line of its counts. None where the frame has no temperature scale, or too few
    pixels between black and white.
    """
    if frame.temperature is None:
        return None
    counts, grey = (pixels[::EVERY_PX, ::EVERY_PX].astype(np.float64) for pixels in (frame.pixels, picture))
    usable = counts > 0  # 0 is a pixel without a value
    if frame.mask is not None:
        usable &= ~frame.mask[::EVERY_PX, ::EVERY_PX]
    inner = usable & (grey > 0) & (grey < 255)
    if np.count_nonzero(inner) < LEAST_PIXELS:
        return None
    ground = float(np.median(counts[usable]))
    x, y = counts[inner] - ground, grey[inner]
    spread = x - x.mean()
    if not (square := float(spread @ spread)):
        return None
    slope = float(spread @ y) / square
    level = float(y.mean() - slope * x.mean())
    body = float(frame.temperature.counts(frame.temperature.celsius(ground) + kelvin)) - ground
    return min(level + slope * body, 255.0) - min(max(level, 0.0), 255.0)
