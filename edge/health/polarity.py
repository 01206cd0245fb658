"""Is white hot? The model itself is asked: now and then it also looks at the inverted picture.

Grey levels alone cannot tell: in 63 of 100 frames of HIT-UAV's validation part, all of them white-hot, the cold tail
of the histogram is the longer one (sun, roofs, water). What the model finds can: over 8 of these frames the inverse
never has more of it, and in 90 of 100 draws of 8 inverted frames it has (benchmarks/accuracy/health.py). That takes
looks, which take time: an inversion in flight is seen by the pictures themselves (`edge.health.inversion`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.health.conditions import CONDITIONS

Sums = npt.NDArray[np.float64]  # (2,) by all that counts, by what is sure
Look = Callable[[npt.NDArray[np.uint8]], RawDetections]

TIMES = 1.3  # so much more must be found in the inverse
MORE, MORE_AT_FIRST = 1.1, 0.9  # and so many bodies a look more; at a single look both, as one scene may mislead
SURE = 0.8  # score of what is counted a second time, alone: see `Polarity`
OF_NEWEST = 0.15  # weight of the newest look
MOST_BETWEEN = 64  # frames between two looks, which then take less than 2 % of the engine's time
IN_DOUBT = 16  # the same, where the newest look contradicts: denser ones would take one scene for many
AT_FIRST = 4  # frames, each of which is looked at
NOT_IN_EACH = f"white-hot or black-hot: the model looks at the inverse of the first {AT_FIRST}, then of ever fewer"


class Polarity:
    """What the model finds in the pictures as they are and in their inverse, summed up over a flight.

    Twice: all that counts, and what is sure alone. A picture with the wrong palette still gives boxes, but unsure ones,
    and where there are many they hide the others; a weak model is hardly ever sure.
    """

    def __init__(self) -> None:
        self._given = self._next = self._looks = 0
        self._found = np.zeros((2, 2))  # all, sure; sum of the scores a look: as it is, inverted; smoothed
        self._boxes = np.zeros((2, 2), int)
        self._inverted_at: int | None = None  # the frame since which it is black-hot, as it was inverted there

    def look(self, image: npt.NDArray[np.uint8], raw: RawDetections, threshold: float, again: Look) -> None:
        """Take one frame: ``image`` (H, W) uint8, the model's input, and what was found in it.

        ``threshold``: scores from here on count. ``again``: looks at another picture of the same size.
        """
        self._given += 1
        if self._given <= self._next:
            return
        self._looks += 1
        both = raw.scores, again(np.bitwise_not(image)).scores
        counted = [[s[s >= lowest] for s in both] for lowest in (threshold, max(threshold, SURE))]
        sums = np.array([[float(s.sum()) for s in pair] for pair in counted])
        self._found += (sums - self._found) * max(OF_NEWEST, 1 / self._looks)
        self._boxes += [[len(s) for s in pair] for pair in counted]
        if (self._more(*self._found.T) >= 1).all():
            self._inverted_at = None  # it was black-hot before, and nobody knew
        self._next = self._given + min(self._given // AT_FIRST, IN_DOUBT if self._doubts(*sums.T) else MOST_BETWEEN)

    def invert(self, seq: int, black_hot: bool) -> None:
        """With frame ``seq`` hot and cold have changed places; ``black_hot``: until then it was taken for black-hot.

        What was found in the pictures before goes on to count, the other way round, and looks come often again.
        """
        self._inverted_at = None if black_hot else seq
        self._found, self._boxes = self._found[:, ::-1].copy(), self._boxes[:, ::-1].copy()
        self._given = self._next = 0

    @property
    def figure(self) -> float:
        """1 and more: it looks black-hot."""
        evidence = float(self._figures.max())
        return evidence if self._inverted_at is None else max(evidence, 1.0)

    def _doubts(self, straight: Sums, inverted: Sums) -> bool:
        """Whether a look of which this is what was found says clearly other than all before."""
        black, white = ((self._more(*pair) >= 1).any() for pair in ((inverted, straight), (straight, inverted)))
        limits = CONDITIONS["black_hot"]
        return bool((black and self.figure < limits.begins) or (white and self.figure >= limits.ends))

    @property
    def _figures(self) -> Sums:
        straight, inverted = self._found.T
        return self._more(inverted, straight)

    def _more(self, here: Sums, there: Sums) -> Sums:
        """1 and more: clearly more was found ``here``."""
        figures: Sums = here / (TIMES * there + MORE + MORE_AT_FIRST / max(self._looks, 1))
        return figures

    @property
    def seen(self) -> str:
        """The evidence in words."""
        if self._inverted_at is not None:
            before = "taken for white-hot before; palette= would invert those frames, too"
            return f"inverted at frame {self._inverted_at}, {before}"
        sure = int(self._figures.argmax())
        straight, inverted = self._boxes[sure]
        frames = "1 frame" if self._looks == 1 else f"{self._looks} frames"
        kind = f"sure ones (from {SURE:g}) " if sure else ""
        return f"in {frames} {straight} {kind}found as it is, {inverted} in the inverse"
