"""``map.png``: the ground that was seen, the way of the aircraft, and where everything that was followed stands."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.geo.track_position import Float64
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.measure.thinned import Thinned
from edge.measure.track_lines import TrackLine
from edge.seams import Sink
from edge.sinks.colours import on_paper_bgr
from edge.sinks.draw import FONT
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of, write_private
from edge.track.book import Book, Track, line_of

SIDE_PX, MARGIN_PX, LEGEND_PX = 900, 30, 26
APART_S = 0.2  # between two places of the aircraft that are kept
MOST_SEEN = 20_000  # of them: an hour; of more every second one goes
PAPER, SEEN, WAY, INK = (255, 255, 255), (226, 232, 226), (150, 150, 150), (40, 40, 40)
SCALES_M = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MOST_TRACKS = 20_000  # that are drawn: nobody sees more
FINE = 16  # parts of a pixel that OpenCV draws in

log = logging.getLogger(__name__)

Picture = npt.NDArray[np.uint8]


class MapSink(Sink):
    """Gathers places, and draws them when it is closed; without any there is no picture.

    North is up. Ground that was seen is light green; each object is a dot in its class's colour with its track's
    number, and around it the circle of its error, 1 sigma.

    Raises SinkError where the file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self._path, self._classes, self._book = path, classes, Book(pictures=False)
        self._lines: list[TrackLine] = []
        self._more = 0
        self._seen = Thinned[Float64](APART_S, MOST_SEEN)
        self._way = Thinned[tuple[float, float]](APART_S, MOST_SEEN)
        self._closed = False

    def write(self, result: Result) -> None:
        """Note what one result says of places."""
        self._over(self._book.add(result))
        pose = result.frame.pose
        if pose is not None and math.isfinite(pose.latitude) and math.isfinite(pose.longitude):
            self._way.note(result.t_source, (pose.latitude, pose.longitude))  # else its sender did not know
        if pose is not None and result.footprint is not None:
            self._seen.note(result.t_source, result.footprint)

    def _over(self, tracks: Iterable[Track]) -> None:
        for track in tracks:
            if len(self._lines) < MOST_TRACKS:
                self._lines.append(line_of(track, self._classes, ()))
            else:
                self._more += 1

    def close(self) -> None:
        """Draw and write. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._over(self._book.end())
        if self._more:
            log.warning("%s: %d tracks more are not drawn", self._path.name, self._more)
        picture = draw_map(self._lines, self._seen.values, self._way.values, self._classes)
        if picture is None:
            return
        done, data = cv2.imencode(".png", picture)
        try:
            if not done:
                raise SinkError("OpenCV cannot encode the map")
            write_private(self._path, data.tobytes())
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {reason_of(error)}") from None


def draw_map(
    tracks: Sequence[TrackLine],
    seen: Sequence[Float64],
    way: Sequence[tuple[float, float]],
    classes: Sequence[str],
) -> Picture | None:
    """(H, W, 3) uint8 BGR; None where nothing has a place. ``seen``: footprints, (4, 2) latitude and longitude each;
    ``way``: latitude and longitude of the aircraft.
    """
    placed = [(track, track.position) for track in tracks if track.position is not None]
    points = [*(p for corners in seen for p in corners.tolist()), *map(list, way), *([p.lat, p.lon] for _, p in placed)]
    if not points:
        return None
    view = _View(np.array(points))
    picture = np.full((view.height, view.width, 3), PAPER, np.uint8)
    for corners in seen:
        cv2.fillPoly(picture, [view.pixels(corners, 1)], SEEN)
    if len(way) > 1:
        cv2.polylines(picture, [view.pixels(np.array(way), FINE)], False, WAY, 1, cv2.LINE_AA, 4)
    for track, place in placed:
        colour = on_paper_bgr(track.label)
        (at,) = view.pixels(np.array([(place.lat, place.lon)]), 1).tolist()
        cv2.circle(picture, at, max(round(place.sigma_m * view.px_per_m), 1), colour, 1, cv2.LINE_AA)
        cv2.circle(picture, at, 4, colour, cv2.FILLED, cv2.LINE_AA)
        _text(picture, str(track.track), (at[0] + 6, at[1] + 4))
    _legend(picture, view, [track for track, _ in placed], classes)
    return picture


class _View:
    """From latitude and longitude to pixels, north up, everything inside."""

    def __init__(self, points: Float64) -> None:
        self._home = points[0]
        self._a_latitude, self._a_longitude = metres_a_degree(float(self._home[0]))
        places = self._metres(points)
        self._west, self._north = places[:, 0].min(), places[:, 1].max()
        size = np.maximum(np.ptp(places, axis=0), 1.0)
        self.px_per_m = (SIDE_PX - 2 * MARGIN_PX) / float(size.max())
        width, height = np.ceil(size * self.px_per_m).astype(int).tolist()
        self.width, self.height = width + 2 * MARGIN_PX, height + 2 * MARGIN_PX + LEGEND_PX

    def _metres(self, points: Float64) -> Float64:
        east = wrapped(points[:, 1] - self._home[1]) * self._a_longitude
        return np.column_stack((east, (points[:, 0] - self._home[0]) * self._a_latitude))

    def pixels(self, points: Float64, fine: int) -> npt.NDArray[np.int32]:
        """(N, 2) int32, ``fine`` to a pixel."""
        places = (self._metres(points) - (self._west, self._north)) * (self.px_per_m, -self.px_per_m) + MARGIN_PX
        whole: npt.NDArray[np.int32] = np.rint(places * fine).astype(np.int32)
        return whole


def _legend(picture: Picture, view: _View, tracks: Sequence[TrackLine], classes: Sequence[str]) -> None:
    """A scale, an arrow to the north, and how many tracks of each class there are."""
    metres = max((m for m in SCALES_M if m * view.px_per_m <= picture.shape[1] / 4), default=SCALES_M[0])
    y, length = view.height - 12, round(metres * view.px_per_m)
    cv2.line(picture, (MARGIN_PX, y), (MARGIN_PX + length, y), INK, 2)
    _text(picture, f"{metres} m", (MARGIN_PX + length + 6, y + 4))
    cv2.arrowedLine(picture, (12, 34), (12, 10), INK, 1, cv2.LINE_AA, 0, 0.35)
    _text(picture, "N", (8, 48))
    x = MARGIN_PX + length + 80
    for label in sorted({track.label for track in tracks}):
        text = f"{class_name(classes, label)}: {sum(track.label == label for track in tracks)} tracks"
        cv2.circle(picture, (x, y), 4, on_paper_bgr(label), cv2.FILLED, cv2.LINE_AA)
        _text(picture, text, (x + 8, y + 4))
        x += 24 + cv2.getTextSize(text, FONT, 0.36, 1)[0][0]


def _text(picture: Picture, text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, FONT, 0.36, INK, 1, cv2.LINE_AA)


def _make(to: SinkContext) -> MapSink:
    return MapSink(to.path, to.classes)


SPEC = SinkSpec(
    "map",
    "map.png",
    _make,
    lossless=True,
    depth=1000,
    pixels=False,
    help="also draw a map of what was found: DIR/map.png",
)
