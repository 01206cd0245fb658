"""The camera's lens: from a pixel to a ray and back. Pinhole, and Brown's distortion as OpenCV has it.

Pixels: x to the right, y down, pixel i covers [i, i + 1), so the middle of a picture of 640 columns is at 320.0. Boxes
of this package are in the same pixels. OpenCV counts from the middle of the first pixel: its cx is half a pixel less.
Camera frame: x to the right of the picture, y down, z along the optical axis.

Distortion: D. C. Brown, "Close-range camera calibration", Photogrammetric Engineering 37(8), 1971.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edge.errors import InputError

Float64 = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

EDGE_PX = 1.0  # a point may lie so far outside the picture: edges of boxes are rounded
MOST_STEPS = 25  # of Newton's method; a usual lens takes four
CLOSE = 1e-6  # of the image plane at distance 1, before the last step of Newton's method, which squares it
WIDEST_DEG = 175.0  # a pinhole camera sees less than 180 degrees
NARROWEST_DEG = 0.3  # what is narrower was given in another unit
FOCAL_MM = 1.0, 2000.0  # what is outside was given in metres, or in micrometres
PITCH_UM = 1.0, 100.0  # what is outside was given in millimetres, or in nanometres


@dataclass(frozen=True)
class CameraModel:
    """A camera without its pose.

    ``width``, ``height``: the picture, pixels. ``fx``, ``fy``: focal length, pixels. ``cx``, ``cy``: where the optical
    axis meets the picture, pixels (see the module for where they count from). ``distortion``: k1, k2, p1, p2, k3 of
    Brown's model, in OpenCV's order; fewer are filled with 0. ``name``: where it comes from, for messages.

    Raises InputError where a number cannot be one.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    name: str = ""

    def __post_init__(self) -> None:
        what = f"camera model {self.name}".rstrip()
        numbers = (self.width, self.height, self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(math.isfinite(number) for number in numbers):
            raise InputError(f"{what}: {numbers}: expected finite numbers")
        if min(self.width, self.height) < 1 or min(self.fx, self.fy) <= 0:
            raise InputError(
                f"{what}: picture {self.width}x{self.height}, focal length {self.fx:g}, {self.fy:g} px: expected "
                "positive ones"
            )
        if len(self.distortion) > 5:
            raise InputError(
                f"{what}: {len(self.distortion)} distortion coefficients: expected up to 5: k1, k2, p1, p2, k3; "
                "calibrate without the rational, thin-prism, tilted and fisheye models"
            )
        filled = (*(float(k) for k in self.distortion), *(0.0,) * (5 - len(self.distortion)))
        object.__setattr__(self, "distortion", filled)

    # ---- other ways to make one ----

    @classmethod
    def from_lens(cls, width: int, height: int, focal_mm: float, pitch_um: float, name: str = "") -> CameraModel:
        """Of a data sheet: focal length and pixel pitch; the axis in the middle, no distortion.

        Raises InputError where one of the two cannot be meant in its unit (`FOCAL_MM`, `PITCH_UM`).
        """
        given = (("focal length", focal_mm, FOCAL_MM, "mm"), ("pitch", pitch_um, PITCH_UM, "um"))
        for what, value, (least, most), unit in given:
            if not least <= value <= most:
                raise InputError(
                    f"lens of {focal_mm:g} mm on pixels of {pitch_um:g} um: expected a {what} of {least:g} to "
                    f"{most:g} {unit}"
                )
        focal = focal_mm * 1e3 / pitch_um
        return cls(width, height, focal, focal, width / 2, height / 2, name=name)

    @classmethod
    def from_fov(
        cls,
        width: int,
        height: int,
        horizontal_deg: float | None = None,
        *,
        vertical_deg: float | None = None,
        diagonal_deg: float | None = None,
        name: str = "",
    ) -> CameraModel:
        """Of a field of view: horizontal, or diagonal; with a vertical one beside the horizontal one pixels need not be
        square. The axis in the middle, no distortion: a field of view that a data sheet tells of a lens with strong
        distortion is not that of a pinhole, and a calibration is better. Raises InputError.
        """
        given = {"horizontal": horizontal_deg, "vertical": vertical_deg, "diagonal": diagonal_deg}
        for which, angle in given.items():
            if angle is not None and not NARROWEST_DEG <= angle < WIDEST_DEG:
                raise InputError(
                    f"{which} field of view {angle} deg: expected {NARROWEST_DEG:g} or more, less than {WIDEST_DEG:g}"
                )
        if (horizontal_deg is None) == (diagonal_deg is None) or (
            diagonal_deg is not None and vertical_deg is not None
        ):
            raise InputError(
                f"field of view {given}: expected the horizontal one, perhaps with the vertical one, or the diagonal"
            )

        def focal(size: float, angle: float) -> float:
            return size / 2 / math.tan(math.radians(angle) / 2)

        if horizontal_deg is None:
            assert diagonal_deg is not None
            fx = fy = focal(math.hypot(width, height), diagonal_deg)
        else:
            fx = focal(width, horizontal_deg)
            fy = fx if vertical_deg is None else focal(height, vertical_deg)
        return cls(width, height, fx, fy, width / 2, height / 2, name=name)

    def cropped(self, crop: tuple[int, int, int, int]) -> CameraModel:
        """The camera of the part ``x, y, width, height`` of the picture, as a source's ``crop=`` cuts it out.

        Raises InputError where the part reaches out of the picture.
        """
        x, y, width, height = crop
        if x < 0 or y < 0 or min(width, height) < 1 or x + width > self.width or y + height > self.height:
            raise InputError(f"crop {crop} reaches out of the picture, which is {self.width}x{self.height}")
        return replace(self, width=width, height=height, cx=self.cx - x, cy=self.cy - y)

    def scaled(self, width: int, height: int) -> CameraModel:
        """The camera of the whole picture delivered in another size, pixels merged or enlarged. Raises InputError."""
        if min(width, height) < 1:
            raise InputError(f"picture of {width}x{height}: expected a pixel or more")
        sx, sy = width / self.width, height / self.height
        return replace(
            self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy, cx=self.cx * sx, cy=self.cy * sy
        )

    # ---- pixels and rays ----

    def rays(self, uv: npt.ArrayLike) -> Float64:
        """Directions (N, 3) in the camera frame, z = 1, of image points (N, 2) in pixels.

        NaN where a point lies more than a pixel outside the picture, and where the distortion model folds: there two
        directions fall on one pixel, and what a calibration says of it means nothing.
        """
        points = np.asarray(uv, np.float64)
        rays = np.ones((len(points), 3))
        plane = rays[:, :2]
        np.subtract(points, (self.cx, self.cy), out=plane)
        plane /= (self.fx, self.fy)
        if any(self.distortion):
            found = self._undistorted(plane[:, 0] + 1j * plane[:, 1])
            plane[:, 0], plane[:, 1] = found.real, found.imag
        # as a distance from the middle of the picture: a NaN is not inside
        off = np.abs(points - (self.width / 2, self.height / 2))
        inside = (off[:, 0] <= self.width / 2 + EDGE_PX) & (off[:, 1] <= self.height / 2 + EDGE_PX)
        if not inside.all():
            rays[~inside] = np.nan
        return rays

    def project(self, points: npt.ArrayLike) -> Float64:
        """Image points (N, 2) in pixels of points (N, 3) in the camera frame, any unit.

        NaN behind the camera, and where the distortion model folds. A point may fall outside the picture.
        """
        camera = np.asarray(points, np.float64)
        z = np.where(camera[:, 2] > 0, camera[:, 2], np.nan)
        plane = camera[:, :2] / z[:, None]
        if any(self.distortion):
            plane = np.where((plane**2).sum(axis=1, keepdims=True) < self.fold_radius**2, plane, np.nan)
            moved = self._distorted(plane[:, 0] + 1j * plane[:, 1])[0]
            plane = np.column_stack((moved.real, moved.imag))
        return plane * (self.fx, self.fy) + (self.cx, self.cy)

    @cached_property
    def fold_radius(self) -> float:
        """How far from the axis, on the image plane at distance 1, the radial distortion turns back; inf = nowhere."""
        k1, k2, _, _, k3 = self.distortion
        slopes = [k if abs(k) > 1e-12 else 0.0 for k in (7 * k3, 5 * k2, 3 * k1)]
        roots = np.roots([*slopes, 1.0])  # of the derivative of r (1 + k1 r^2 + k2 r^4 + k3 r^6)
        real = roots.real[(np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots.real))) & (roots.real > 0)]
        return math.sqrt(real.min()) if len(real) else math.inf

    @cached_property
    def usable(self) -> float:
        """Part of the picture, 0 to 1, in which a pixel has one direction; looked at on a grid of 33 x 33 points."""
        x, y = np.meshgrid(np.linspace(0, self.width, 33), np.linspace(0, self.height, 33))
        return float(np.isfinite(self.rays(np.column_stack((x.ravel(), y.ravel())))[:, 0]).mean())

    @property
    def fov_deg(self) -> tuple[float, float]:
        """Horizontal and vertical field of view, degrees, without distortion and with the axis in the middle."""
        h, v = (2 * math.degrees(math.atan(n / 2 / f)) for n, f in ((self.width, self.fx), (self.height, self.fy)))
        return h, v

    def __str__(self) -> str:
        h, v = self.fov_deg
        words = f"{self.width}x{self.height}, focal length {self.fx:.1f}, {self.fy:.1f} px, about {h:.1f} x {v:.1f} deg"
        if any(self.distortion):
            words += ", distortion " + ", ".join(f"{k:g}" for k in self.distortion)
            if self.usable < 1:
                words += (
                    f"; the distortion model folds in {1 - self.usable:.1%} of the picture: no positions from there"
                )
        return f"{self.name}: {words}" if self.name else words

    def _distorted(self, z: Complex) -> tuple[Complex, Float64, Complex]:
        """Points x + iy (N,) of the image plane as the lens moves them, and the derivatives by z, real, and by its
        conjugate.

        With s = |z|^2, R(s) = 1 + k1 s + k2 s^2 + k3 s^3 and q = p2 + i p1 Brown's formula is z R + 2 q s + q* z^2.
        """
        k1, k2, p1, p2, k3 = self.distortion
        s = z.real**2 + z.imag**2
        radial = 1 + s * (k1 + s * (k2 + s * k3))
        slope = k1 + s * (2 * k2 + s * 3 * k3)
        square = z * z
        moved, by_z, by_conjugate = z * radial, radial + s * slope, square * slope
        if p1 or p2:
            q = complex(p2, p1)
            moved += 2 * q * s + q.conjugate() * square
            by_z += 4 * (p2 * z.real + p1 * z.imag)
            by_conjugate += 2 * q * z
        return moved, by_z, by_conjugate

    def _undistorted(self, plane: Complex) -> Complex:
        """The inverse of `_distorted` by Newton's method, NaN where there is none before the fold."""
        largest, powers = self._start
        square = np.minimum(plane.real**2 + plane.imag**2, largest)
        shrunk = np.full(len(plane), powers[-1])
        for k in powers[-2::-1]:
            shrunk = shrunk * square + k
        found: Complex = plane * shrunk
        with np.errstate(all="ignore"):
            for _ in range(MOST_STEPS):
                moved, by_z, by_conjugate = self._distorted(found)
                off = plane - moved
                determinant = by_z * by_z - (by_conjugate * by_conjugate.conj()).real
                found += (by_z * off - by_conjugate * off.conj()) / determinant
                size = np.abs(off)
                if size.max(initial=0.0) < CLOSE:  # the step just made leaves its square
                    break
            good = (size < CLOSE) & (determinant > 0) & (by_z > 0) & (np.abs(found) < self.fold_radius)
        if not good.all():
            found[~good] = complex(np.nan, np.nan)
        return found

    @cached_property
    def _start(self) -> tuple[float, list[float]]:
        """Where Newton's method begins: a polynomial of the square of the distance from the axis, by which a point of
        the radial distortion is moved, lowest power first, and the largest square that it is good for.
        """
        k1, k2, _, _, k3 = self.distortion
        x, y = max(self.cx, self.width - self.cx) / self.fx, max(self.cy, self.height - self.cy) / self.fy
        farthest = min(0.97 * self.fold_radius, 1.5 * math.hypot(x, y))
        r = np.linspace(0, farthest, 200)
        moved = 1 + k1 * r**2 + k2 * r**4 + k3 * r**6
        s = (r * moved) ** 2
        fitted = np.polynomial.Polynomial.fit(s, 1 / moved, 5).convert().coef
        return float(s[-1]), [float(k) for k in np.pad(fitted, (0, 6 - len(fitted)))]
