"""Where on the ground a pixel is: the ray of the camera, turned by the pose, down to level ground or to a model of it.

Level ground: the surface parallel to the ellipsoid through the point right below the camera, ``ground`` metres higher.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.geo.attitude import camera_axes
from edge.geo.budget import ASSUMED, FACTORS, Assumed, Hit, Sigmas, ellipse_of, sigma_of, what_was_assumed
from edge.geo.camera import CameraModel
from edge.geo.dem import Dem
from edge.geo.wgs84 import distance_down, east_north_up, ecef, geodetic, on_ellipsoid

Float64 = npt.NDArray[np.float64]

STEEPEST_DEG = 75.0  # off nadir; beyond it an error of 1 deg at 60 m of height is over 16 m
HIGHEST_LATITUDE = 89.0  # nearer to a pole a heading means little
HIGHEST_M = 20_000.0  # a pose above it is in other units
_LEAST_DOWN = math.cos(math.radians(STEEPEST_DEG))

UNSEEN = "the pixel has no direction: outside the picture, or where the distortion model folds"
STEEP = f"the ray is more than {STEEPEST_DEG:g} degrees off nadir"


@dataclass(frozen=True, slots=True)
class Located:
    """Places of N image points, and how sure they are.

    ``positions``: (N, 3) float64: latitude, longitude (WGS84 degrees, longitude -180..180), and the radius in metres
    that holds the true place in 68 of 100 cases; NaN where refused. ``covariance``: (N, 2, 2) m^2, east and north.
    ``factors``: (N, 2, FACTORS) m: what of it all frames of one pass share, see `edge.geo.track_position`. ``refused``:
    N texts: why there is no position; "" = there is one. ``assumed``: standard deviations that the pose did not tell
    and that were taken from `edge.geo.budget.Assumed`.
    """

    positions: Float64
    covariance: Float64
    factors: Float64
    refused: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def ellipses(self) -> Float64:
        """(N, 3): semi-axes a >= b, metres, of one standard deviation, and the heading of a, 0..180 degrees."""
        return ellipse_of(self.covariance)


def locate(uv: npt.ArrayLike, camera: CameraModel, pose: Pose, ground: float | Dem = 0.0) -> Float64:
    """(N, 3) float64: latitude, longitude (WGS84 degrees) and 1-sigma error (m) of image points (N, 2) in pixels.

    ``ground``: metres of the ground, which is taken for level, above that right below the camera; or a model of it,
    over whose height right below the camera ``pose.height`` then counts. The error is the radius that holds the true
    place in 68 of 100 cases. NaN where the ray is refused: more than 75 degrees off nadir, past the ground, through a
    hole of the model, and all of them where the pose cannot be worked with. `located` says which, and gives the
    ellipse.

    Raises ValueError for another shape of ``uv``.
    """
    points = _points(uv)
    found = np.full((len(points), 3), np.nan)
    met = _meet(points, camera, pose, ground)
    if not isinstance(met, str):
        found[met.which, :2] = met.places
        found[met.which, 2] = met.hit.sigma(Sigmas.of(pose, ASSUMED), met.ground_m)
    return found


def located(
    uv: npt.ArrayLike, camera: CameraModel, pose: Pose, ground: float | Dem = 0.0, assumed: Assumed = ASSUMED
) -> Located:
    """`locate` with the covariance of each place, and the reason where there is none. Raises ValueError as `locate`."""
    points = _points(uv)
    n = len(points)
    positions, covariance = np.full((n, 3), np.nan), np.full((n, 2, 2), np.nan)
    factors = np.full((n, 2, FACTORS), np.nan)
    met = _meet(points, camera, pose, ground)
    if isinstance(met, str):
        return Located(positions, covariance, factors, (met,) * n, ())
    sigmas = Sigmas.of(pose, assumed)
    covariance[met.which] = met.hit.covariance(sigmas, met.ground_m)
    factors[met.which] = met.hit.factors(sigmas)
    positions[met.which, :2] = met.places
    positions[met.which, 2] = sigma_of(covariance[met.which])
    return Located(positions, covariance, factors, _reasons(n, met), what_was_assumed(pose, assumed))


def refused_pose(pose: Pose) -> str:
    """Why a pose cannot be worked with, in words; "" = it can."""
    # a NaN or an infinity in one is one in the sum, which else is finite
    if not math.isfinite(pose.latitude + pose.longitude + pose.height + pose.yaw + pose.pitch + pose.roll):
        return "the pose holds a value that is not a number"
    if abs(pose.latitude) > 90:
        return f"the pose's latitude is {pose.latitude:g}: expected -90 to 90 degrees"
    if abs(pose.longitude) > 360:
        return f"the pose's longitude is {pose.longitude:g}: expected -180 to 180 degrees"
    if abs(pose.latitude) > HIGHEST_LATITUDE:
        return f"the camera is within {90 - HIGHEST_LATITUDE:g} degree of a pole, where headings mean little"
    if pose.height > HIGHEST_M:
        return f"the pose's height is {pose.height:g}: expected metres, up to {HIGHEST_M:g}"
    for told in (
        pose.sigma_position_m,
        pose.sigma_height_m,
        pose.sigma_attitude_deg,
        pose.sigma_time_s,
        pose.speed_m_s,
    ):
        if told is None or 0 <= told < math.inf:
            continue
        return "the pose tells a standard deviation or a speed that is negative or not a number"
    return ""


@dataclass(frozen=True, slots=True)
class _Met:
    """Which rays met the ground, (M,) indices of N, at which ``places`` (M, 2) degrees; for the others why not."""

    which: npt.NDArray[np.intp]
    places: Float64
    hit: Hit
    ground_m: float
    unseen: npt.NDArray[np.bool_]
    steep: npt.NDArray[np.bool_]
    cast: tuple[str, ...]  # of the rays that are neither


def _points(uv: npt.ArrayLike) -> Float64:
    points = np.asarray(uv, np.float64)
    if points.size == 0:
        return points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"image points are {points.shape}: expected (N, 2), pixels")
    return points


def _meet(points: Float64, camera: CameraModel, pose: Pose, ground: float | Dem) -> _Met | str:
    """The rays on the ground, or why no ray of this pose is followed."""
    if words := refused_pose(pose):
        return words
    axes = camera_axes(pose.yaw, pose.pitch, pose.roll)
    rays = camera.rays(points) @ axes  # east, north, up
    x, y, up = rays.T
    with np.errstate(invalid="ignore"):
        steep = ~(-up >= _LEAST_DOWN * np.sqrt(x * x + y * y + up * up))
    unseen = np.isnan(up)
    which = np.flatnonzero(~steep)
    if len(which) < len(rays):
        rays = rays[which]
    focal = math.sqrt(camera.fx * camera.fy)
    basis = east_north_up(pose.latitude, pose.longitude)
    if isinstance(ground, Dem):
        below = ground.altitude(pose.latitude, pose.longitude)
        if math.isnan(below):
            return f"the ground model {ground.name} has no height below the camera"
        if not pose.height > 0:
            return f"the camera is {pose.height:g} m above the ground: expected more than 0"
        eye = ecef(pose.latitude, pose.longitude, below + pose.height)
        far, slope, words_of = ground.cast(eye, rays @ basis)
        good = np.isfinite(far)
        which, rays, far, slope = which[good], rays[good], far[good], slope[good]
        latitude, longitude, _ = geodetic(eye + far[:, None] * (rays @ basis))
        hit = Hit(rays, far * -rays[:, 2], axes, focal, slope)
        return _Met(which, np.column_stack((latitude, longitude)), hit, ground.sigma_m, unseen, steep, words_of)
    height = pose.height - ground
    if not 0 < height <= HIGHEST_M:
        return f"the camera is {height:g} m above the ground: expected more than 0, up to {HIGHEST_M:g}"
    eye = ecef(pose.latitude, pose.longitude, height)
    turned = rays @ basis
    far = distance_down(eye, turned)
    latitude, longitude = on_ellipsoid(eye + far[:, None] * turned)
    places = np.empty((len(which), 2))
    places[:, 0], places[:, 1] = latitude, longitude
    hit = Hit(rays, far * -rays[:, 2], axes, focal)
    return _Met(which, places, hit, 0.0, unseen, steep, ("",) * len(which))


def _reasons(n: int, met: _Met) -> tuple[str, ...]:
    words = [""] * n
    for i in np.flatnonzero(met.steep):
        words[i] = UNSEEN if met.unseen[i] else STEEP
    for i, text in zip(np.flatnonzero(~met.steep), met.cast, strict=True):
        words[i] = text
    return tuple(words)
