"""The server that Foxglove and Lichtblick connect to (foxglove-sdk, MIT; pip install 'thermal-edge[foxglove]').

It listens at one address and connects to none: of the SDK only its WebSocket server is started, neither its gateway to
Foxglove's own service nor anything else. What clients send is not listened to.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2

from edge.system.host import install_line

try:
    from foxglove import Channel, Context, start_server
    from foxglove.channels import (
        CompressedImageChannel,
        GeoJsonChannel,
        ImageAnnotationsChannel,
        LocationFixChannel,
        LogChannel,
    )
    from foxglove.messages import (
        Color,
        CompressedImage,
        GeoJson,
        ImageAnnotations,
        KeyValuePair,
        LocationFix,
        Log,
        LogLevel,
        Point2,
        PointsAnnotation,
        PointsAnnotationType,
        TextAnnotation,
        Timestamp,
    )
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "foxglove":
        raise
    raise ModuleNotFoundError(
        f"Foxglove needs the package foxglove-sdk, which is not installed: {install_line('foxglove')}",
        name="foxglove",
    ) from error

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.seams import Sink
from edge.sinks.colours import on_picture
from edge.sinks.live.known import Known, Sightings
from edge.sinks.live.link import Address
from edge.sinks.robotics.stamps import NS, capture_ns
from edge.system.text import printable

CAMERA = "thermal_camera"  # frame_id of pictures
IMAGE_S, STATS_S = 0.2, 1.0  # between two pictures, two messages of figures
QUALITY = 80  # of JPEG, 0 to 100
BACKLOG = 16  # messages that wait for one client: of more the oldest goes, nobody waits for it
MOST_TRACKS = 1000  # on the map: the newest
STATS = {"title": "thermal_edge.Stats", "type": "object"}

log = logging.getLogger(__name__)
logging.getLogger("foxglove").addHandler(logging.NullHandler())  # a client that has gone is no news for a terminal


class FoxgloveSink(Sink):
    """Serves topics: ``/image``, ``/detections``, ``/aircraft``, ``/tracks``, ``/log``, ``/stats``.

    A message is made only while somebody watches its topic, a picture at most every 0.2 s. Each client has a short
    queue in the SDK's threads: a slow one loses messages, and nobody waits for it.
    """

    def __init__(
        self,
        to: Address,
        classes: Sequence[str],
        model: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Listens at ``to``. Raises SinkError where that cannot be."""
        self._classes, self._clock = classes, clock
        self._context = Context()  # its own: nothing of a program around it is shown, and nothing of ours elsewhere
        try:
            self._server = start_server(
                name=f"thermal-edge {model or ''}".strip(),
                host=to.host,
                port=to.port,
                context=self._context,
                message_backlog_size=BACKLOG,
            )
        except RuntimeError as error:
            raise SinkError(f"foxglove {to}: {printable(str(error))}: give another port") from None
        self._image = CompressedImageChannel("/image", context=self._context)
        self._boxes = ImageAnnotationsChannel("/detections", context=self._context)
        self._aircraft = LocationFixChannel("/aircraft", context=self._context)
        self._tracks = GeoJsonChannel("/tracks", context=self._context)
        self._log = LogChannel("/log", context=self._context)
        self._stats = Channel("/stats", schema=STATS, message_encoding="json", context=self._context)
        self._sightings, self._known = Sightings(), dict[int, dict[str, Any]]()
        self._next_image = self._next_stats = float("-inf")
        self._map_told = self._map_watched = False
        self._lines = _Lines(self._say)
        logging.getLogger("edge").addHandler(self._lines)
        log.info("foxglove: open ws://%s in Foxglove or Lichtblick", str(to).removeprefix("tcp:"))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.port)

    def write(self, result: Result) -> None:
        """Say what is new, to those who watch."""
        ns, now = capture_ns(result.frame), self._clock()
        stamp = Timestamp(ns // NS, ns % NS)
        if self._image.has_sinks() and now >= self._next_image:
            self._next_image = now + IMAGE_S
            done, data = cv2.imencode(".jpg", result.picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            if done:
                picture = CompressedImage(timestamp=stamp, frame_id=CAMERA, data=data.tobytes(), format="jpeg")
                self._image.log(picture, log_time=ns)
        if result.inferred and self._boxes.has_sinks():  # an empty message means: looked at, and nothing found
            self._boxes.log(annotated(result, self._classes, stamp), log_time=ns)
        if result.frame.pose is not None and self._aircraft.has_sinks():
            self._aircraft.log(_fix(result, stamp), log_time=ns)
        self._map(result, ns)
        if now >= self._next_stats and self._stats.has_sinks():
            self._next_stats = now + STATS_S
            self._stats.log(stats(result), log_time=ns)

    def notice(self, text: str) -> None:
        """Say it on ``/log``: the run gives something up."""
        self._say(logging.WARNING, text)

    def close(self) -> None:
        """End the server; clients see the connection close. May be called twice."""
        logging.getLogger("edge").removeHandler(self._lines)
        self._server.stop()

    def _map(self, result: Result, ns: int) -> None:
        """All tracks that have a position, when one is new or known better, and to who begins to watch."""
        changed = False
        for known in self._sightings.add(result):
            self._known.pop(known.number, None)
            self._known[known.number] = _feature(known, self._classes)
            changed = True
        while len(self._known) > MOST_TRACKS:
            del self._known[next(iter(self._known))]
        watched, before = self._tracks.has_sinks(), self._map_watched
        self._map_watched = watched
        if watched and self._known and (changed or not before):
            whole = {"type": "FeatureCollection", "features": list(self._known.values())}
            self._tracks.log(GeoJson(geojson=json.dumps(whole)), log_time=ns)

    def _say(self, level: int, text: str) -> None:
        ns = time.time_ns()
        kind = (
            LogLevel.Info if level < logging.WARNING else LogLevel.Warning if level < logging.ERROR else LogLevel.Error
        )
        line = Log(timestamp=Timestamp(ns // NS, ns % NS), level=kind, message=printable(text), name="thermal-edge")
        self._log.log(line, log_time=ns)


class _Lines(logging.Handler):
    """What the library logs, from any thread, handed to ``say``."""

    def __init__(self, say: Callable[[int, str], None]) -> None:
        super().__init__(logging.INFO)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._say(record.levelno, record.getMessage())
        except Exception:
            self.handleError(record)


def annotated(result: Result, classes: Sequence[str], stamp: Timestamp) -> ImageAnnotations:
    """The boxes over the picture of the same ``stamp``, pixels of the frame: class, number of the track and score."""
    found = result.detections
    numbers = [-1] * len(found) if found.track_ids is None else found.track_ids.tolist()
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), numbers, strict=True)
    points, texts = [], []
    for (x1, y1, x2, y2), score, label, number in rows:
        name = class_name(classes, label)
        blue, green, red = on_picture(label)
        colour = Color(r=red / 255, g=green / 255, b=blue / 255, a=1.0)
        said = {"class": name, "score": f"{score:.4f}", **({"track": str(number)} if number > 0 else {})}
        points.append(
            PointsAnnotation(
                timestamp=stamp,
                type=PointsAnnotationType.LineLoop,
                points=[Point2(x=x, y=y) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))],
                outline_color=colour,
                thickness=1.0,
                metadata=[KeyValuePair(key=key, value=value) for key, value in said.items()],
            )
        )
        text = f"{name} {number} {score:.2f}" if number > 0 else f"{name} {score:.2f}"
        texts.append(
            TextAnnotation(timestamp=stamp, position=Point2(x=x1, y=y1), text=text, font_size=10.0, text_color=colour)
        )
    return ImageAnnotations(timestamp=stamp, points=points, texts=texts)


def stats(result: Result) -> dict[str, Any]:
    """How the run goes, of one result."""
    return {
        "seq": result.frame.seq,
        "latency_ms": round(result.latency_ms, 2),
        "stages_ms": {name: round(ms, 2) for name, ms in result.stages_ms.items()},
        "boxes": len(result.detections),
        "inferred": result.inferred,
        "flags": sorted(result.frame.flags),
        "dropped": result.dropped,
        "duplicates": result.duplicates,
        "lost": result.lost,
    }


def _fix(result: Result, stamp: Timestamp) -> LocationFix:
    """Where the camera was. Its height is above the ground, not the sea: it is told beside it."""
    pose = result.frame.pose
    assert pose is not None
    said = {"height_above_ground_m": pose.height, "yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    return LocationFix(
        timestamp=stamp,
        frame_id="aircraft",
        latitude=pose.latitude,
        longitude=pose.longitude,
        heading=math.radians(pose.yaw % 360),
        metadata=[KeyValuePair(key=key, value=f"{value:.2f}") for key, value in said.items()],
    )


def _feature(known: Known, classes: Sequence[str]) -> dict[str, Any]:
    assert known.position
    latitude, longitude = known.position
    name = class_name(classes, known.label)
    said = {"name": f"{name} {known.number}", "score": round(known.score, 4), "sigma_m": round(known.sigma, 1)}
    point = {"type": "Point", "coordinates": [round(longitude, 7), round(latitude, 7)]}
    return {"type": "Feature", "id": known.number, "geometry": point, "properties": said}
