"""Animals of one herd go together: what that makes of a count's interval.

Whether a pass looked at an animal that a later pass sees hangs on where it went in between. Animals that go on their
own differ in that, and much of the error cancels out; a herd was looked at as a whole, or not at all. So the ways that
are redrawn for the interval are common to animals of one herd, as far as the animals stand in herds: as in a bootstrap
that draws clusters instead of animals, and as an overdispersion factor widens the variance of animals that stand in
groups (Buckland et al. 2001, Introduction to Distance Sampling; Fewster et al. 2009, Biometrics 65, 225-236). Nobody
says which animals are of one herd, and herds that walk scatter: neighbours tell it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edge.track.kalman import Float64

HERD_M = 20.0  # neighbours within this may be of one herd
ROWS = 256  # of a table of distances that are computed at a time
WAVES = 16  # of which a draw of a herd's way is made


def together(at: Float64, passes: npt.NDArray[np.integer], hulls: Mapping[int, npt.NDArray[np.float32]]) -> float:
    """How likely two animals within `HERD_M` of one another are of one herd, 0..1.

    That is the part of the pairs so near, in all passes, which is more than as many animals anywhere on the ground that
    the pass looked at would make. ``at``: (N, 2) m. ``passes``: (N,). ``hulls``: by pass number its corners (M, 2) m,
    anticlockwise; passes without are left out.
    """
    near = by_chance = 0.0
    for number, hull in hulls.items():
        here = at[passes == number]
        pairs = len(here) * (len(here) - 1)
        after = np.roll(hull, -1, axis=0)
        area = float((hull[:, 0] * after[:, 1] - hull[:, 1] * after[:, 0]).sum()) / 2
        if pairs and area > 0:
            near -= len(here)
            for begin in range(0, len(here), ROWS):
                off = here[begin : begin + ROWS, None] - here
                near += np.count_nonzero((off**2).sum(-1) < HERD_M**2)
            by_chance += pairs * min(math.pi * HERD_M**2 / area, 1.0)
    return max(1 - float(by_chance / near), 0.0) if near else 0.0


def velocities(at: Float64, speed: float, herd: float, reach: float, rng: np.random.Generator) -> Float64:
    """A draw of each animal's velocity, (N, 2) m/s, east and north; 1 sigma of each axis is ``speed`` / sqrt(2).

    ``herd``: 0..1, how much of it is common to neighbours, see `together`: 0, each goes on its own; 1, all within about
    ``reach`` metres go alike. ``reach`` is at least as far as a herd comes in a flight, so that it goes on as it went.
    """
    waves = rng.normal(0, 1 / reach, (WAVES, 2))  # a smooth field with a Gaussian covariance, by random waves
    field = np.cos(at @ waves.T + rng.uniform(0, 2 * np.pi, WAVES)) @ rng.normal(0, 1, (WAVES, 2)) * (2 / WAVES) ** 0.5
    own = rng.normal(0, 1, at.shape)
    return np.asarray((herd**0.5 * field + (1 - herd) ** 0.5 * own) * (speed / 2**0.5))
