"""Where the detections of a frame stand: which point of a box is taken, and its place.

A box is the outline of a body that stands up from the ground; its place is where it touches the ground. Seen from right
above that is the box's middle; seen obliquely it is near the side of the box that looks towards the point below the
camera (the bottom, where the horizon is level). In between, a body as high as it is long, 1 : 1 (a deer), seen t off
nadir, stands 0.5 / (1 + tan t) of the box's extent from that side: that is what is taken for every box. A standing
person is higher, a car lower: the error is a part of the body's own height, see docs/position.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import Detections, Frame, Pose
from edge.geo.attitude import Mounting, camera_axes
from edge.geo.budget import ASSUMED, FACTORS, Assumed
from edge.geo.camera import CameraModel
from edge.geo.dem import Dem
from edge.geo.locate import Located, located, refused_pose

Float64 = npt.NDArray[np.float64]

HIGH_BY_LONG = 1.0  # of a body; a person stands 3.5, a deer 0.9 to 1.2, a car 0.35
NO_MOUNTING = Mounting()
NO_POSE = "the frame has no pose"


def positions_of(
    detections: Detections,
    frame: Frame,
    camera: CameraModel,
    ground: float | Dem = 0.0,
    mounting: Mounting = NO_MOUNTING,
) -> Float64:
    """(N, 3) float64 for ``Detections.positions``: latitude, longitude, 1-sigma error (m); NaN where refused.

    ``camera``: of the frame as it is looked at, see `CameraModel.cropped`. ``ground``: see `edge.geo.locate.locate`.
    Raises ValueError where the camera's picture has another size than the frame.
    """
    return located_of(detections, frame, camera, ground, mounting).positions


def located_of(
    detections: Detections,
    frame: Frame,
    camera: CameraModel,
    ground: float | Dem = 0.0,
    mounting: Mounting = NO_MOUNTING,
    assumed: Assumed = ASSUMED,
) -> Located:
    """`positions_of` with covariances, and with the reason where there is no position."""
    if (camera.width, camera.height) != (frame.width, frame.height):
        raise ValueError(
            f"the camera model is of {camera.width}x{camera.height}, the frame is {frame.width}x{frame.height}: "
            "expected the same; CameraModel.cropped and CameraModel.scaled make it so"
        )
    if frame.pose is None:
        n = len(detections)
        empty = np.full((n, 3), np.nan), np.full((n, 2, 2), np.nan), np.full((n, 2, FACTORS), np.nan)
        return Located(*empty, (NO_POSE,) * n, ())
    pose = mounting.apply(frame.pose)
    return located(foot_points(detections.boxes, camera, pose), camera, pose, ground, assumed)


def foot_points(boxes: npt.ArrayLike, camera: CameraModel, pose: Pose) -> Float64:
    """(N, 2) image points, pixels, where the bodies in boxes (N, 4) xyxy touch the ground, as the module says.

    The middle of the box where the pose or the lens does not say which way down is.
    """
    found = np.asarray(boxes, np.float64).reshape(-1, 4)
    middle = (found[:, :2] + found[:, 2:]) / 2
    if refused_pose(pose):
        return middle
    down = camera_axes(pose.yaw, pose.pitch, pose.roll) @ (0.0, 0.0, -1.0)  # in the camera frame
    rays = camera.rays(np.clip(middle, 0, (camera.width, camera.height)))
    # a body that is so much lower is seen so much further on: the direction of down in the image
    towards = (down[:2] - rays[:, :2] * down[2]) * (camera.fx, camera.fy)
    length = np.sqrt((rays**2).sum(axis=1))
    cosine = np.clip((rays @ down) / length, 0, 1)
    tangent = np.sqrt(1 - cosine**2) / np.maximum(cosine, 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        # how far the box reaches that way from its middle
        half = (found[:, 2:] - found[:, :2]) / 2
        reach = np.min(half / np.abs(towards), axis=1)
        shift = towards * (reach * (1 - 1 / (1 + HIGH_BY_LONG * tangent)))[:, None]
    moved: Float64 = middle + np.where(np.isfinite(shift), shift, 0.0)
    return moved
