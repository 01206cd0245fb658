"""A model of the ground's height (DEM), and where a ray first meets it.

Between its posts the ground is the bilinear surface through the four around. Along a straight line over one such cell
the height above it is a parabola, so each cell that a ray crosses is looked at exactly: no ridge is stepped over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.geo.wgs84 import distance_down, geodetic, metres_a_degree, utm, wrapped

Float64 = npt.NDArray[np.float64]

SEGMENT_M = 250.0  # of a ray is taken for straight in the model's coordinates: 2 mm off
MOST_AT_ONCE = 200_000  # cells
FARTHEST, LEAST_STEP = 1e9, 1e-9  # degrees or metres: with others a place in the grid would be infinite
EDGE = 1e-8  # of a post: rounding at the border
_SLIVER = 1e-12  # of a segment: where a ray crosses a corner

HOLE = "the ray passes a hole of the ground model before it meets the ground"
OUTSIDE = "the ray leaves the ground model before it meets the ground"
PAST = "the ray does not meet the ground model"


@dataclass(frozen=True)
class Dem:
    """Heights of posts on a grid, WGS84 or UTM on WGS84.

    ``heights``: (rows, columns) float32 metres, row 0 in the north; NaN = a hole. ``x0``, ``y0``: the post of row and
    column 0, degrees of longitude and latitude, or metres east and north of UTM; ``dx``, ``dy``: from post to post
    eastwards and southwards, both positive. ``zone``: None = degrees, else the UTM zone's number and whether it is a
    southern one. ``vertical``: what the heights count from, ``EGM96``, ``EGM2008``, ``ellipsoid`` or ``unknown``: a
    pose's height counts from the ground below the camera, so that `locate` uses differences only and no two are
    mixed. ``sigma_m``: one standard deviation of the height of one place against another some hundred metres away.

    Raises InputError where a value cannot be one.
    """

    heights: npt.NDArray[np.float32]
    x0: float
    y0: float
    dx: float
    dy: float
    zone: tuple[int, bool] | None = None
    vertical: str = "unknown"
    sigma_m: float = 4.0
    name: str = "ground model"

    def __post_init__(self) -> None:
        if self.heights.ndim != 2 or min(self.heights.shape) < 2 or self.heights.dtype != np.float32:
            raise InputError(
                f"{self.name}: heights are {self.heights.dtype} {self.heights.shape}: expected (rows, columns) "
                "float32, two or more of each"
            )
        numbers = (self.x0, self.y0, self.dx, self.dy, self.sigma_m)
        in_range = all(abs(number) <= FARTHEST for number in numbers)
        if not in_range or min(self.dx, self.dy) < LEAST_STEP or self.sigma_m < 0:
            raise InputError(f"{self.name}: grid of {numbers}: expected finite numbers, steps of more than 0")
        if not np.isfinite(self.heights).any():
            raise InputError(f"{self.name}: it holds no height at all, only holes")

    @cached_property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest height, metres."""
        return float(np.nanmin(self.heights)), float(np.nanmax(self.heights))

    @cached_property
    def holes(self) -> int:
        """How many posts have no height."""
        return int(np.isnan(self.heights).sum())

    def __str__(self) -> str:
        rows, columns = self.heights.shape
        where = f"UTM {self.zone[0]}{'S' if self.zone[1] else 'N'}" if self.zone else "WGS84 degrees"
        low, high = self.range
        share = self.holes / self.heights.size
        holes = f"; {self.holes} of its posts ({share:.2%}) are holes: no positions there" if self.holes else ""
        return (
            f"{self.name}: {columns}x{rows} posts, {where}, {low:.0f} to {high:.0f} m above {self.vertical}, "
            f"assumed {self.sigma_m:g} m sure{holes}"
        )

    def altitude(self, latitude: float, longitude: float) -> float:
        """Metres of the ground at a place in degrees, above what `vertical` says; NaN outside and in holes."""
        column, row = self.grid(np.array([latitude]), np.array([longitude]))
        value, inside = self._surface(column, row)[:2]
        return float(value[0]) if inside[0] else math.nan

    def height_above_ground(self, latitude: float, longitude: float, altitude: float, vertical: str) -> float:
        """Metres above the ground of a place, of its ``altitude`` above what ``vertical`` says; NaN where no ground is.

        Raises InputError where the two count from something else: they differ by up to 100 m.
        """
        if vertical != self.vertical or vertical == "unknown":
            raise InputError(
                f"{self.name}: its heights are above {self.vertical}, the altitude is above {vertical}: expected the "
                "same, named; convert one of them, or use heights above the ground"
            )
        return altitude - self.altitude(latitude, longitude)

    def grid(self, latitude: Float64, longitude: Float64) -> tuple[Float64, Float64]:
        """Column and row, fractional, of places in degrees, each (N,)."""
        if self.zone:
            x, y = utm(latitude, longitude, *self.zone)
        else:
            middle = self.x0 + self.dx * (self.heights.shape[1] - 1) / 2
            x, y = middle + wrapped(longitude - middle), latitude
        return (x - self.x0) / self.dx, (self.y0 - y) / self.dy

    def cast(self, eye: Float64, rays: Float64) -> tuple[Float64, Float64, tuple[str, ...]]:
        """Where rays first meet the ground: lengths (N,) in units of the rays', the ground's slope there (N, 2), rise
        by metre east and north, and in words why not ("" = it does); NaN where not.

        ``eye``: (3,) and ``rays``: (N, 3), in ECEF as of `edge.geo.wgs84` at altitudes above what `vertical` says: the
        geoid's height is left out, which moves a place by a hundred-thousandth of its distance. The eye is above
        ground.
        """
        n = len(rays)
        found, slope = np.full(n, np.nan), np.full((n, 2), np.nan)
        words = np.full(n, PAST, dtype=object)
        low, high = self.range
        latitude, _, altitude = geodetic(eye[None])
        begin = np.zeros(n)
        if altitude[0] > high + 1:
            begin = distance_down(eye, rays, high + 1)
        end = distance_down(eye, rays, low - 1)
        length = np.sqrt((rays**2).sum(axis=1))
        with np.errstate(invalid="ignore"):
            todo = np.flatnonzero(np.isfinite(end - begin) & (end > begin))
        if not len(todo):
            return found, slope, tuple(words)
        segments = math.ceil(float(((end - begin) * length)[todo].max()) / SEGMENT_M)
        metres = self._metres(float(latitude[0]))
        cells = 3 + 2 * SEGMENT_M / min(metres)
        at_once = max(1, int(MOST_AT_ONCE / (len(todo) * cells)))
        for first in range(0, segments, at_once):
            steps = np.arange(first, min(first + at_once, segments) + 1) / segments
            t = begin[todo, None] + (end - begin)[todo, None] * steps
            knots = eye + t[:, :, None] * rays[todo, None]
            lat, lon, alt = (part.reshape(t.shape) for part in geodetic(knots.reshape(-1, 3)))
            column, row = (part.reshape(t.shape) for part in self.grid(lat.ravel(), lon.ravel()))
            at, event = self._first(column, row, alt)
            for i in np.flatnonzero(event):
                k = todo[i]
                whole = int(at[i])
                far = t[i, whole] + (t[i, whole + 1] - t[i, whole]) * (at[i] - whole)
                words[k] = ("", "", HOLE, OUTSIDE)[event[i]]
                if event[i] == 1:
                    found[k] = far
            todo = todo[event == 0]
            if not len(todo):
                break
        hit = np.flatnonzero(np.isfinite(found))
        if len(hit):
            lat, lon, _ = geodetic(eye + found[hit, None] * rays[hit])
            _, _, across, down = self._surface(*self.grid(lat, lon))
            slope[hit, 0], slope[hit, 1] = across / metres[0], -down / metres[1]
        return found, slope, tuple(words)

    def _metres(self, latitude: float) -> tuple[float, float]:
        """From post to post, eastwards and southwards."""
        if self.zone:
            return self.dx, self.dy
        a_latitude, a_longitude = metres_a_degree(latitude)
        return self.dx * a_longitude, self.dy * a_latitude

    def _surface(
        self, column: Float64, row: Float64, within: tuple[Float64, Float64] | None = None
    ) -> tuple[Float64, npt.NDArray[np.bool_], Float64, Float64]:
        """Height, whether that is inside the grid, and the rise by column and by row, of places on the grid.

        ``within``: places that say which cells are meant, where those themselves lie on edges.
        """
        rows, columns = self.heights.shape
        c, r = within or (column, row)
        inside = (c >= -EDGE) & (c <= columns - 1 + EDGE) & (r >= -EDGE) & (r <= rows - 1 + EDGE)
        i = np.clip(np.where(inside, c, 0).astype(np.intp), 0, columns - 2)
        j = np.clip(np.where(inside, r, 0).astype(np.intp), 0, rows - 2)
        z = self.heights.ravel()
        at = j * columns + i
        a, b, c00, d = (z[at + step].astype(np.float64) for step in (0, 1, columns, columns + 1))
        x, y = column - i, row - j
        twist = d - b - c00 + a
        across, down = b - a + twist * y, c00 - a + twist * x
        return a + (b - a) * x + down * y, inside, across, down

    def _first(self, column: Float64, row: Float64, alt: Float64) -> tuple[Float64, npt.NDArray[np.int8]]:
        """Of polylines (N, S + 1) the first event: where, in segments from the first knot, and 0 none, 1 ground, 2
        hole, 3 outside, (N,).
        """
        n, knots = column.shape
        s = np.sort(
            np.concatenate((_crossings(column), _crossings(row)), axis=2), axis=2
        )  # (N, S, K + 1): where each segment enters its cells
        c0, r0, h0 = (part[:, :-1, None] for part in (column, row, alt))
        dc, dr, dh = (np.diff(part, axis=1)[:, :, None] for part in (column, row, alt))
        low, size = s[:, :, :-1], np.diff(s, axis=2)
        middle = low + size / 2
        cell = c0 + dc * middle, r0 + dr * middle
        above = []
        for part in (low, middle, low + size):
            surface, inside = self._surface(c0 + dc * part, r0 + dr * part, cell)[:2]
            above.append(h0 + dh * part - surface)
        f0, fm, f1 = above
        a, b = 2 * (f0 + f1 - 2 * fm), 4 * fm - 3 * f0 - f1  # f0 + b x + a x^2, x from 0 to 1 in the cell
        with np.errstate(all="ignore"):
            root = np.sqrt(b * b - 4 * a * f0) - b
            x = np.where(f0 <= 0, 0.0, np.where(root > 0, 2 * f0 / root, np.inf))
        real = size > _SLIVER
        kind = np.zeros(f0.shape, np.int8)
        kind[(x <= 1) & real] = 1
        kind[np.isnan(fm) & real] = 2
        kind[~inside & real] = 3
        flat = kind.reshape(n, -1)
        first = (flat != 0).argmax(axis=1)
        i = np.arange(n)
        event = flat[i, first]
        where = (low + np.where(kind == 1, x, 0) * size).reshape(n, -1)[i, first]
        return np.minimum(first // (s.shape[2] - 1) + where, knots - 1 - _SLIVER), event


def _crossings(places: Float64) -> Float64:
    """(N, S, K): where, 0 to 1, segments between neighbours of (N, S + 1) cross whole numbers, with 0 and 1, filled up
    with 1.
    """
    begin, step = places[:, :-1], np.diff(places, axis=1)
    low, high = np.minimum(begin, begin + step), np.maximum(begin, begin + step)
    first, last = np.ceil(low), np.floor(high)
    most = int(max(0, (last - first).max(initial=-1) + 1))
    lines = first[:, :, None] + np.arange(most)
    with np.errstate(all="ignore"):
        at = (lines - begin[:, :, None]) / step[:, :, None]
    at = np.where((lines <= last[:, :, None]) & np.isfinite(at), np.clip(at, 0, 1), 1.0)
    return np.concatenate((np.zeros((*begin.shape, 1)), at, np.ones((*begin.shape, 1))), axis=2)
