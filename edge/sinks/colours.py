"""The colour of a class, the same in pictures, maps, files and pages: by its number in the model's list of classes.

Seven hues of Okabe and Ito (jfly.uni-koeln.de/color), which colour-blind eyes tell apart; the eighth class has the
first one again. Two shades of each: a bright one on thermal pictures, which are mostly dark, and one for paper and
maps, whose contrast is at least 3 to white paper and to a dark page (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

ON_PICTURES = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2")
ON_PAPER = ("#C67A00", "#1E88C8", "#009E73", "#998E00", "#B8578F", "#D55E00", "#4169D0")


def on_picture(label: int) -> tuple[int, int, int]:
    """Of the class with this number, on a thermal picture; blue, green, red, 0 to 255."""
    return _bgr(ON_PICTURES[label % len(ON_PICTURES)])


def on_paper(label: int) -> str:
    """Of the class with this number, on a page or map, light or dark; ``#RRGGBB``."""
    return ON_PAPER[label % len(ON_PAPER)]


def on_paper_bgr(label: int) -> tuple[int, int, int]:
    """The same as blue, green, red, 0 to 255."""
    return _bgr(on_paper(label))


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red
