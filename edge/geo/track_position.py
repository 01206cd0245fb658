"""One place of one object from its positions in many frames, and how sure that is.

Each frame errs twice: by its own noise (the box, the shake), which a mean lessens, and by what all frames of one pass
share (where the receiver thinks it is, the compass, the height), which it does not. So the variance of the mean is

    sum of A_i R_i A_i'  +  (sum of A_i F_i) (sum of A_i F_i)'

with the weights A_i, the noise R_i of a frame and the factors F_i of `edge.geo.locate.Located`. Seen on another heading
another pass is its own: its errors are taken for independent of the first one's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.geo.budget import ellipse_of, sigma_of
from edge.geo.wgs84 import metres_a_degree, wrapped

Float64 = npt.NDArray[np.float64]

LEAST_NOISE_M = 0.01  # a frame is never surer


@dataclass(frozen=True, slots=True)
class TrackPosition:
    """``latitude``, ``longitude``: WGS84 degrees. ``sigma_m``: radius that holds the true place in 68 of 100 cases.
    ``covariance``: (2, 2) m^2, east and north. ``frames``: how many positions are in it. ``scatter``: how many times
    as far from the mean the positions lie as their errors explain, 1 where they do; well above it the object moved,
    or the pose is worse than it says, and the noise was taken to be so much more.
    """

    latitude: float
    longitude: float
    sigma_m: float
    covariance: Float64
    frames: int
    scatter: float

    @property
    def ellipse(self) -> tuple[float, float, float]:
        """Semi-axes a >= b, metres, of one standard deviation, and the heading of a, 0..180 degrees from north."""
        a, b, heading = ellipse_of(self.covariance[None])[0].tolist()
        return a, b, heading


def track_position(
    positions: Float64, covariance: Float64, factors: Float64, passes: npt.ArrayLike | None = None
) -> TrackPosition | None:
    """The mean place of one object that stands still, weighted by how sure each position is.

    ``positions``: (N, 3) latitude, longitude, sigma; ``covariance``: (N, 2, 2); ``factors``: (N, 2, K): rows of one or
    many frames' `edge.geo.locate.Located`; rows with NaN are left out. ``passes``: (N,) the number of the pass that
    each is of; None: all are of one. None comes back where no position is left.

    Raises ValueError where the numbers of rows differ.
    """
    n = len(positions)
    group = np.zeros(n, np.int64) if passes is None else np.asarray(passes)
    if not (len(covariance) == len(factors) == len(group) == n):
        raise ValueError(
            f"{n} positions, {len(covariance)} covariances, {len(factors)} factors, {len(group)} passes: "
            "expected as many"
        )
    good = np.isfinite(positions).all(axis=1)
    if not good.any():
        return None
    latitude, longitude = positions[good, 0], positions[good, 1]
    total, shared, group = covariance[good], factors[good], group[good]
    a_latitude, a_longitude = metres_a_degree(float(latitude[0]))
    places = np.column_stack((wrapped(longitude - longitude[0]) * a_longitude, (latitude - latitude[0]) * a_latitude))

    noise = total - shared @ shared.transpose(0, 2, 1) + LEAST_NOISE_M**2 * np.eye(2)
    weights = np.linalg.inv(total)
    share = np.linalg.inv(weights.sum(axis=0)) @ weights  # (N, 2, 2), together the identity
    mean = np.einsum("nij,nj->i", share, places)

    off = places - mean
    freedom = 2 * (len(off) - 1)
    # the shared errors move frames of one pass a little differently, and passes altogether
    expected = noise.copy()
    lines = np.unique(group)
    for each in lines:
        rows = group == each
        middle = shared[rows].mean(axis=0)
        apart = shared[rows] - middle
        expected[rows] += apart @ apart.transpose(0, 2, 1) + (1 - 1 / len(lines)) * (middle @ middle.T)
    square = float(np.einsum("ni,nij,nj->", off, np.linalg.inv(expected), off))
    scatter = math.sqrt(square / freedom) if freedom else 1.0
    found = np.einsum("nij,njk,nlk->il", share, noise, share) * max(1.0, scatter) ** 2
    for each in lines:
        common = np.einsum("nij,njk->ik", share[group == each], shared[group == each])
        found += common @ common.T
    east, north = mean.tolist()
    return TrackPosition(
        float(latitude[0]) + north / a_latitude,
        float(wrapped(longitude[0] + east / a_longitude)),
        float(sigma_of(found[None])[0]),
        found,
        len(off),
        scatter,
    )
