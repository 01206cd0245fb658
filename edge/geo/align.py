"""Alignment: what the camera is mounted off by, and what the height is off by, from objects that stand still.

Seen on one heading, a camera that is tilted shows every object as far off to the same side; on the opposite heading to
the other side. So objects seen on two headings or more tell the tilt, with no mark on the ground. Objects that walk do
not: they are found by what they leave over, and left out; where too much is left over, nothing is given out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.errors import InputError
from edge.geo.align_fit import Fit, Seen, fit, noise_weights
from edge.geo.attitude import Mounting, camera_axes
from edge.geo.camera import CameraModel
from edge.geo.locate import STEEPEST_DEG, refused_pose
from edge.geo.wgs84 import metres_a_degree, wrapped

Float64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_OBJECTS = 4
APART_DEG = 60.0  # headings on which an object must have been seen
GAP_S, TURN_DEG = 10.0, 30.0  # a longer pause, a larger turn: another pass
MOST_OF_A_PASS = 16  # sightings of one object in one pass that are used, evenly spread
WANDER_M = 1.0  # of a GNSS receiver from pass to pass; chosen
WALKS_M_S, SURE = 0.25, 4.0  # slower is not told from standing; standard deviations
STRAYS, LEAST_STRAY_M = 3.0, 1.0  # times as far as the others, m
BEST = 0.6  # of the objects, to which the first fits are made
MOST_REJECTED = 0.5  # of the objects
MOST_LEFT = 0.6  # of the distances between passes that was there before
GOOD_LEFT_M = 0.75  # less is a good fit, whatever was there before
DRIFT_M_S = 0.08  # of all objects together, less may be the receiver's
MOST_UNSURE = 0.5  # of what the fit moves
TRIES = 6
NOSE = "where poses are those of the aircraft's nose, run it again with --mounting pitch_deg=-90, or as it is fixed"


@dataclass(frozen=True, slots=True)
class Sightings:
    """N sightings of objects on level ground. ``objects``: (N,) whole numbers, the same for one object in all passes.
    ``uv``: (N, 2) where it touches the ground, pixels, see `edge.geo.positions.foot_points`. ``t``: (N,) seconds.
    ``poses``: N of them, as they were told, without a mounting.

    Raises ValueError where the numbers of rows differ.
    """

    objects: npt.NDArray[np.integer]
    uv: Float64
    t: Float64
    poses: Sequence[Pose]

    def __post_init__(self) -> None:
        n = len(self.objects)
        if not (np.shape(self.uv) == (n, 2) and np.shape(self.t) == (n,) and len(self.poses) == n):
            raise ValueError(
                f"{n} objects, uv {np.shape(self.uv)}, t {np.shape(self.t)}, {len(self.poses)} poses: expected as many"
            )


@dataclass(frozen=True, slots=True)
class Alignment:
    """``mounting``: to be applied to the poses. ``sigma_deg``: one standard deviation of its yaw, pitch and roll,
    ``sigma_height_m`` of its height; they hang together: ``unsure_m`` is what they make of a place on the ground.
    ``before_m``, ``after_m``: root mean square distance between where one object is seen on one pass and on average.
    ``objects``: used; ``moving``: left out, because they move.
    """

    mounting: Mounting
    sigma_deg: tuple[float, float, float]
    sigma_height_m: float
    unsure_m: float
    before_m: float
    after_m: float
    objects: int
    moving: int

    def __str__(self) -> str:
        m, s = self.mounting, self.sigma_deg
        return (
            f"the camera is off by yaw {m.yaw_deg:.2f} ± {s[0]:.2f}, pitch {m.pitch_deg:.2f} ± {s[1]:.2f}, roll "
            f"{m.roll_deg:.2f} ± {s[2]:.2f} deg, the height by {m.height_offset_m:.1f} ± {self.sigma_height_m:.1f} m: "
            f"{self.objects} objects, seen {self.before_m:.1f} m apart on different passes before, {self.after_m:.1f}"
            f" m after; {self.moving} that move were left out"
        )


def align(sightings: Sightings, camera: CameraModel, ground: float = 0.0) -> Alignment:
    """The mounting under which objects that were seen on different headings stand still.

    ``ground``: metres of the objects' ground above that below the camera; it is taken for level.
    Raises InputError, which says why, where the flight does not tell it: too few objects, one heading only, objects
    that move, or a fit that leaves too much over or is not sure enough.
    """
    seen, yaw = _seen(sightings, camera, ground)
    keep = _check_headings(seen, yaw)
    seen, yaw = seen.where(keep), yaw[keep]
    found = int(seen.objects.max()) + 1
    before = _between_passes(seen, _as_told(seen))
    result, moving = _fit_to_most(seen, found)
    if len(moving) > MOST_REJECTED * found:
        raise InputError(
            f"alignment: {len(moving)} of {found} objects seem to move: expected most to stand still; take objects "
            "that do, such as parked cars or warm stones, or a flight over animals at rest"
        )
    keep = ~np.isin(seen.objects, moving)
    part = seen.where(keep)
    _check_headings(part, yaw[keep])
    result = fit(part)
    after = _between_passes(part, result.left(part))
    if after > max(MOST_LEFT * before, GOOD_LEFT_M):
        raise InputError(
            f"alignment: objects are seen {before:.1f} m apart on different passes, and still {after:.1f} m after the "
            "best fit: expected much less; they move, or the poses err otherwise than by mounting and height"
        )
    speed = math.hypot(*result.drift)
    if speed > max(DRIFT_M_S, SURE * float(result.drift_sigma.max())):
        raise InputError(
            f"alignment: the objects drift by {speed:.2f} m/s together: expected objects that stand still, and this is "
            "a herd that walks, or the receiver's drift"
        )
    shift = float(np.sqrt(((part.places(result.correction) - part.places(np.zeros(4))) ** 2).sum(axis=1).mean()))
    if result.unsure_m > max(MOST_UNSURE * shift, GOOD_LEFT_M):
        raise InputError(
            f"alignment: the fit would move places by {shift:.1f} m and is sure to {result.unsure_m:.1f} m: expected "
            "half of it or better; fly over the same objects on more headings, at opposite ones best"
        )
    yaw_deg, pitch_deg, roll_deg = np.degrees(result.correction[:3]).tolist()
    sigma = np.sqrt(np.diag(result.covariance))
    s1, s2, s3 = np.degrees(sigma[:3]).tolist()
    return Alignment(
        Mounting(yaw_deg, pitch_deg, roll_deg, height_offset_m=float(result.correction[3])),
        (s1, s2, s3),
        float(sigma[3]),
        result.unsure_m,
        before,
        after,
        found - len(moving),
        len(moving),
    )


def _fit_to_most(seen: Seen, found: int) -> tuple[Fit, list[int]]:
    """The fit to those objects that it fits best, so that the others do not pull, and who then does not fit."""
    result, best = fit(seen), list(range(found))
    for _ in range(TRIES):
        chosen = sorted(np.argsort(_score(seen, result))[: max(LEAST_OBJECTS, math.ceil(BEST * found))].tolist())
        if chosen == best:
            break
        best = chosen
        result = fit(seen.where(np.isin(seen.objects, best)))
    return result, _movers(seen, result)


def _seen(sightings: Sightings, camera: CameraModel, ground: float) -> tuple[Seen, Float64]:
    """Sightings that can be used, by time, and their headings (degrees)."""
    rays = camera.rays(sightings.uv)
    poses = sightings.poses
    good = (
        np.isfinite(rays).all(axis=1) & np.isfinite(sightings.t) & np.array([not refused_pose(p) for p in poses], bool)
    )
    order = np.flatnonzero(good)[np.argsort(np.asarray(sightings.t)[good], kind="stable")]
    if not len(order):
        raise InputError("alignment: no sighting has a usable pose and pixel: expected some")
    axes = np.array([camera_axes(poses[i].yaw, poses[i].pitch, poses[i].roll) for i in order])
    world = np.einsum("ni,nij->nj", rays[order], axes)
    heights = np.array([poses[i].height - ground for i in order])
    steep = -world[:, 2] > math.cos(math.radians(STEEPEST_DEG)) * np.sqrt((world**2).sum(axis=1))
    t = np.asarray(sightings.t, np.float64)[order]
    ahead = axes[:, 2] - axes[:, 1]  # of the axis, of the image's up where it looks straight down; what a yaw jumps at
    yaw = np.degrees(np.arctan2(ahead[:, 0], ahead[:, 1]))
    passes = _passes(t, yaw)
    ids = np.asarray(sightings.objects, np.int64)[order]
    keep = _spread(ids, passes, steep & (heights > 0))
    if not keep.any():
        raise InputError(f"alignment: no sighting is within {STEEPEST_DEG:g} degrees of nadir, above ground; {NOSE}")
    order, axes, heights, t, yaw, ids = order[keep], axes[keep], heights[keep], t[keep], yaw[keep], ids[keep]
    first = poses[int(order[0])]
    a_latitude, a_longitude = metres_a_degree(first.latitude)
    eyes = np.array(
        [
            (
                float(wrapped(poses[i].longitude - first.longitude)) * a_longitude,
                (poses[i].latitude - first.latitude) * a_latitude,
            )
            for i in order
        ]
    )
    told = [p.sigma_position_m for p in (poses[i] for i in order) if p.sigma_position_m is not None]
    wander = max(0.01, min([WANDER_M, *told]))
    _, objects = np.unique(ids, return_inverse=True)
    _, numbers = np.unique(passes[keep], return_inverse=True)
    weights = noise_weights(rays[order], axes, heights, math.sqrt(camera.fx * camera.fy))
    whose, which = objects.astype(np.int64), numbers.astype(np.int64)
    lines = int(which.max()) + 1
    return Seen(rays[order], axes, eyes, heights, t, whose, which, weights, wander, lines), yaw


def _passes(t: Float64, yaw: Float64) -> Ints:
    """The number of the pass of each sighting, by time: a pause or a turn begins another."""
    found = np.zeros(len(t), np.int64)
    number, heading = 0, yaw[0]
    for i in range(1, len(t)):
        if t[i] - t[i - 1] > GAP_S or abs(float(wrapped(yaw[i] - heading))) > TURN_DEG:
            number, heading = number + 1, yaw[i]
        found[i] = number
    return found


def _spread(ids: Ints, passes: Ints, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """At most so many sightings of an object in a pass, evenly spread."""
    keep = np.zeros(len(ids), bool)
    for pair in np.unique(np.column_stack((ids, passes))[usable], axis=0):
        rows = np.flatnonzero(usable & (ids == pair[0]) & (passes == pair[1]))
        keep[rows[np.unique(np.linspace(0, len(rows) - 1, MOST_OF_A_PASS).round().astype(int))]] = True
    return keep


def _check_headings(seen: Seen, yaw: Float64) -> npt.NDArray[np.bool_]:
    """Which sightings are of objects that were seen on headings far enough apart. Raises InputError for too few."""
    objects = int(seen.objects.max()) + 1
    apart = [
        bool(np.abs(wrapped(yaw[seen.objects == j] - yaw[seen.objects == j][:, None])).max() >= APART_DEG)
        for j in range(objects)
    ]
    if sum(apart) < LEAST_OBJECTS:
        raise InputError(
            f"alignment: {sum(apart)} of {objects} objects were seen on headings {APART_DEG:g} degrees apart or more "
            f"and stand still: expected {LEAST_OBJECTS}; on one heading a tilt of the camera looks like another "
            "place: fly over the same objects again, back along the line or across it"
        )
    return np.array(apart)[seen.objects]


def _as_told(seen: Seen) -> Float64:
    """(N, 2) m: each sighting as it is, less its object's mean."""
    places = seen.places(np.zeros(4))
    count = np.bincount(seen.objects).astype(np.float64)
    mean = np.column_stack([np.bincount(seen.objects, places[:, axis]) / count for axis in (0, 1)])
    return np.asarray(places - mean[seen.objects])


def _pass_means(seen: Seen, off: Float64) -> tuple[Float64, Ints]:
    """(P, 2) mean of each object in each of its passes, and whose it is, (P,)."""
    pairs, which, count = np.unique(
        np.column_stack((seen.objects, seen.passes)), axis=0, return_inverse=True, return_counts=True
    )
    which = which.ravel()
    means = np.column_stack([np.bincount(which, off[:, axis]) / count for axis in (0, 1)])
    return means, pairs[:, 0]


def _between_passes(seen: Seen, off: Float64) -> float:
    means, _ = _pass_means(seen, off)
    return float(np.sqrt((means**2).sum(axis=1).mean()))


def _velocities(seen: Seen, off: Float64) -> tuple[Float64, Float64, Ints]:
    """(K, 2) m/s of objects within a pass, their standard deviations (K,), whose, (K,): where there are 5 in a
    second.
    """
    found, sigmas, whose = [], [], []
    for pair in np.unique(np.column_stack((seen.objects, seen.passes)), axis=0):
        rows = np.flatnonzero((seen.objects == pair[0]) & (seen.passes == pair[1]))
        since = seen.t[rows] - seen.t[rows].mean()
        square = float(since @ since)
        if len(rows) < 5 or np.ptp(since) < 1.0:
            continue
        velocity = since @ off[rows] / square
        left = off[rows] - off[rows].mean(axis=0) - since[:, None] * velocity
        noise = float((left**2).sum()) / (2 * (len(rows) - 2))
        found.append(velocity)
        sigmas.append(math.sqrt(noise / square))
        whose.append(pair[0])
    return np.array(found).reshape(-1, 2), np.array(sigmas), np.array(whose, np.int64)


def _score(seen: Seen, result: Fit) -> Float64:
    """(objects,) m: how far each strays from its place on its worst pass."""
    means, of = _pass_means(seen, result.left(seen))
    found = np.zeros(int(seen.objects.max()) + 1)
    np.maximum.at(found, of, np.hypot(*means.T))
    return found


def _movers(seen: Seen, result: Fit) -> list[int]:
    """Objects that move within a pass, or stray from pass to pass farther than those that fit best."""
    off = result.left(seen)
    velocity, sigma, whose = _velocities(seen, off)
    moved = np.hypot(*velocity.T) > np.maximum(WALKS_M_S, SURE * sigma)
    score = _score(seen, result)
    usual = float(np.quantile(score, BEST / 2))  # the median of the best
    strays = np.flatnonzero(score > max(STRAYS * usual, LEAST_STRAY_M))
    return sorted({*whose[moved].tolist(), *strays.tolist()})
