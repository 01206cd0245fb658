"""The species: lengths in metres, from the public descriptions that docs/simulator.md names, and how warm a coat is
seen.

A coat's surface lies between the air and the body: ``air + share * (38 C - air)``. Trunks of deer in winter were
measured 6 to 8 K above the air (Moen 1968, J. Wildl. Manage. 32:338), at frost that is a share of 0.15 to 0.2; legs,
head and ears are less insulated and warmer. Shares of single species are round figures in that order, not measurements.
Widths of deer are those of the real flight in docs/simulator.md; the others' are round figures that follow them.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Species:
    """``length``: head and body along the back, nose to rump, adults and half-grown, m. ``shoulder``: height, m at the
    longest. ``width``: of the trunk seen from above, ``trunk``, ``neck``, ``head``, ``tail``, ``ear``: all as parts of
    the length. ``coat``: share on the back; ``bare``: on the legs; head and belly
    lie between the two. ``herd``: fewest and most together.
    ``spacing``: m between neighbours. ``lies``: part of them that lies down, ``curled`` when it does or not.
    """

    name: str
    length: Range
    shoulder: float
    width: float
    trunk: float = 0.58
    neck: float = 0.20
    head: float = 0.19
    tail: float = 0.07
    ear: float = 0.07
    depth: float = 1.15  # of the trunk, as part of its width
    coat: float = 0.20
    bare: float = 0.34
    herd: tuple[int, int] = (1, 1)
    spacing: float = 3.0
    lies: float = 0.3
    curled: bool = False
    antlers: float = 0.0  # length as part of the body's, on some
    swims: bool = False


SPECIES = (
    Species("red deer", (1.3, 2.2), 1.20, 0.27, herd=(1, 14), spacing=4.5, antlers=0.35),
    Species("fallow deer", (1.0, 1.6), 0.95, 0.27, herd=(1, 16), spacing=3.2, antlers=0.3, tail=0.11),
    Species("roe deer", (0.8, 1.3), 0.68, 0.27, herd=(1, 5), spacing=4.0, tail=0.02, curled=True, antlers=0.14),
    Species(
        "wild boar",
        (0.6, 1.7),
        0.90,
        0.30,
        trunk=0.66,
        neck=0.09,
        head=0.26,
        depth=1.35,
        coat=0.18,
        herd=(1, 14),
        spacing=1.8,
        tail=0.12,
        ear=0.06,
    ),
    Species(
        "fox", (0.55, 0.85), 0.42, 0.20, trunk=0.62, neck=0.12, head=0.22, tail=0.55, ear=0.12, coat=0.16, curled=True
    ),
    Species(
        "hare",
        (0.45, 0.70),
        0.28,
        0.26,
        trunk=0.72,
        neck=0.08,
        head=0.2,
        tail=0.12,
        ear=0.18,
        herd=(1, 4),
        spacing=8.0,
        lies=0.6,
    ),
    Species(
        "cattle",
        (1.4, 2.6),
        1.40,
        0.30,
        neck=0.17,
        head=0.2,
        tail=0.3,
        depth=1.1,
        coat=0.30,
        bare=0.42,
        herd=(1, 20),
        spacing=5.0,
        lies=0.4,
    ),
    Species(
        "sheep",
        (0.7, 1.3),
        0.75,
        0.36,
        trunk=0.66,
        neck=0.13,
        head=0.2,
        coat=0.14,
        bare=0.40,
        herd=(2, 30),
        spacing=2.0,
        lies=0.35,
    ),
    Species(
        "dog",
        (0.5, 1.1),
        0.62,
        0.22,
        trunk=0.62,
        neck=0.13,
        head=0.22,
        tail=0.3,
        coat=0.26,
        bare=0.42,
        herd=(1, 2),
        curled=True,
        lies=0.15,
    ),
    Species(
        "duck",
        (0.45, 0.60),
        0.16,
        0.36,
        trunk=0.72,
        neck=0.14,
        head=0.14,
        coat=0.12,
        bare=0.35,
        herd=(1, 25),
        spacing=1.4,
        ear=0.0,
        swims=True,
        depth=0.8,
    ),
    Species(
        "swan",
        (1.0, 1.5),
        0.35,
        0.28,
        trunk=0.62,
        neck=0.26,
        head=0.12,
        coat=0.10,
        bare=0.30,
        herd=(1, 6),
        spacing=3.0,
        ear=0.0,
        swims=True,
        depth=0.8,
    ),
)
BY_NAME = {species.name: species for species in SPECIES}
# how often each is met: deer and boar are what is counted most
OFTEN = {
    "red deer": 5,
    "fallow deer": 3,
    "roe deer": 3,
    "wild boar": 4,
    "fox": 1,
    "hare": 1,
    "cattle": 1.5,
    "sheep": 1.5,
    "dog": 1,
    "duck": 0,
    "swan": 0,
}
