"""Metres east and north of a place, and back: the frame of one flight's map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.geo.wgs84 import metres_a_degree, wrapped

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Local:
    """``latitude``, ``longitude``: of its zero, degrees. A degree is as long everywhere as there: 10 km to the north of
    60 degrees its east is 0.3 % too long.
    """

    latitude: float
    longitude: float

    def metres(self, places: npt.ArrayLike) -> Float64:
        """(N, 2) east and north of ``places`` (N, 2), latitude and longitude; the shorter way around the Earth."""
        given = np.asarray(places, np.float64)
        a_latitude, a_longitude = metres_a_degree(self.latitude)
        east = wrapped(given[:, 1] - self.longitude) * a_longitude
        return np.column_stack((east, (given[:, 0] - self.latitude) * a_latitude))

    def places(self, metres: npt.ArrayLike) -> Float64:
        """(N, 2) latitude and longitude, -180..180, of ``metres`` (N, 2), east and north."""
        found = self.unwrapped(metres)
        found[:, 1] = wrapped(found[:, 1])
        return found

    def unwrapped(self, metres: npt.ArrayLike) -> Float64:
        """`places` with longitudes that go on beyond 180 degrees."""
        given = np.asarray(metres, np.float64)
        a_latitude, a_longitude = metres_a_degree(self.latitude)
        return np.column_stack((self.latitude + given[:, 1] / a_latitude, self.longitude + given[:, 0] / a_longitude))

    @property
    def date_line(self) -> float:
        """Metres to the east of the nearer side of the 180th meridian."""
        _, a_longitude = metres_a_degree(self.latitude)
        return float(wrapped(180.0 - self.longitude)) * a_longitude
