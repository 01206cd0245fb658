"""``exif``: the pose that a still holds itself: XMP of DJI's cameras, else the position in its EXIF (FLIR, phones).

DJI writes position, altitude above take-off and the gimbal's angles from north and the horizon. An EXIF position comes
without a height above the ground and without angles: those are the user's to say. The MAVYaw, MAVPitch, MAVRoll of
FLIR are not read: their unit is written nowhere.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.camera.images.exif import EXIF_IFD, entries
from edge.camera.images.files import Choice, find_stills
from edge.camera.images.filetype import IMAGES, kind_of_file
from edge.camera.images.jpeg import APP1, jpeg_segments
from edge.camera.options import split_query
from edge.data import Pose
from edge.errors import InputError, SourceError
from edge.pose.heights import Altitudes
from edge.pose.options import Spec
from edge.pose.rotation import Rotation, of_angles
from edge.pose.series import Place, place_error, zoom_error
from edge.pose.source import Moment, PoseSource
from edge.system.files import open_regular, reason_of

HEAD = 1 << 20  # bytes of a file in which its metadata stand
MOST_TIFF = 64 << 20  # bytes more of a TIFF, whose directories may stand at its end
XMP = b"http://ns.adobe.com/xap/1.0/\0"
TIFF = (b"II*\0", b"MM\0*")
GPS_IFD, XMP_TAG = 0x8825, 700
DIGITAL_ZOOM = 0xA404
NUMBERS = {3: "H", 4: "I", 5: "2I", 10: "2i", 11: "f", 12: "d"}  # by TIFF's types; a ratio is of 5, Pillow writes 12
LATITUDE, LONGITUDE, ALTITUDE, ERROR = (1, 2), (3, 4), (5, 6), 31  # of the GPS directory: reference and value
DJI = re.compile(r"drone-dji:(\w{1,40})(?:\s*=\s*[\"']|>)\s*([+-]?\d{1,7}(?:\.\d{1,12})?)\s*[\"'<]")
XMP_ZOOM = re.compile(r"[<\s][\w-]{1,40}:DigitalZoom(?:Ratio)?(?:\s*=\s*[\"']|>)([^\"'<]{0,40})")
GIMBAL = ("GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree")
FLIGHT = ("FlightYawDegree", "FlightPitchDegree", "FlightRollDegree")
NO_POSITION, NO_FILE = "no position in the image", "the image is not among those of --source"


@dataclass(frozen=True, slots=True)
class Written:
    """What one image says. Angles in degrees, metres; None where it does not say it. ``zoom``: digital, 1 where it does
    not say it, NaN where what it says is not understood.
    """

    place: Place
    above_take_off: float | None = None
    above_sea: float | None = None
    gimbal: Rotation | None = None
    aircraft: Rotation | None = None
    zoom: float = 1.0


def open_source(spec: Spec) -> PoseSource:
    """``exif?camera=YAW,PITCH,ROLL&mount=YAW,PITCH,ROLL&altitude=relative|absolute&ground=M``."""
    return Exif(spec.sources, Altitudes.of(spec), spec.rotation("mount"), spec.rotation("camera"))


class Exif(PoseSource):
    """The poses of stills, each read when its frame comes."""

    description = "EXIF and XMP of the images"

    def __init__(
        self,
        sources: Sequence[str],
        altitudes: Altitudes,
        mount: Rotation | None = None,
        camera: Rotation | None = None,
    ) -> None:
        """``sources``: as --source has them. ``mount``: the camera's angles to the aircraft, whatever a gimbal says.
        ``camera``: those to north and horizon, for images that do not say them.

        Raises InputError where they are no stills.
        """
        super().__init__()
        self._files = _files(sources)
        self._altitudes, self._mount, self._fixed = altitudes, mount, camera
        self._counts: Counter[str] = Counter()

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        path = self._files.get(re.sub(r"#\d+$", "", moment.origin)) if isinstance(moment.origin, str) else None
        if path is None:
            return None, NO_FILE
        try:
            with open_regular(path) as file:
                head = file.read(HEAD)
                written = read(head + file.read(MOST_TIFF) if head[:4] in TIFF else head)
        except OSError as error:
            return None, f"the image cannot be read ({reason_of(error)})"
        pose, why = (None, NO_POSITION) if written is None else self._pose(written)
        self._counts[f"image: {why}" if why else "image"] += 1
        self.assumed += [line for line in self._altitudes.said if line not in self.assumed]
        return pose, why

    @property
    def counts(self) -> Mapping[str, int]:
        return self._counts

    def _pose(self, written: Written) -> tuple[Pose | None, str]:
        place = written.place
        if why := place_error(place) or zoom_error(written.zoom):
            return None, why
        height, source = self._altitudes.height(written.above_take_off, written.above_sea, place=place)
        if height is None:
            return None, source
        camera, why = self._camera(written)
        if camera is None:
            return None, why
        return Pose(
            place.latitude,
            place.longitude,
            height,
            *camera.angles,
            sigma_position_m=None if math.isnan(place.sigma) else place.sigma,
            speed_m_s=None if math.isnan(place.speed) else place.speed,
            height_source=source,
            sigma_height_m=self._altitudes.sigma(source),
        ), ""

    def _camera(self, written: Written) -> tuple[Rotation | None, str]:
        if self._mount is not None and written.aircraft is not None:
            if written.gimbal is not None:
                self.assume("mount= is used, not the gimbal's angles in the images")
            if self._fixed is not None:
                self.assume("camera= is not used in images to which mount= applies")
            return written.aircraft @ self._mount, ""
        if self._mount is not None and (written.gimbal is not None or self._fixed is None):
            todo = "leave it out" if written.gimbal is not None else "camera=YAW,PITCH,ROLL says where the camera looks"
            return None, f"mount= turns with the aircraft, whose attitude the image does not say: {todo}"
        if written.gimbal is not None:
            if self._fixed is not None:
                self.assume("camera= is not used in images that say where the camera looks")
            return written.gimbal, ""
        if self._fixed is not None:
            self.assume("the camera looks as camera= says in images without angles")
            return self._fixed, ""
        return None, "the image does not say where the camera looks: add ?camera=YAW,PITCH,ROLL to --pose"


def read(head: bytes) -> Written | None:
    """What the beginning of a JPEG or TIFF says; None without a position. A damaged file raises nothing."""
    dji = exif = None
    zooms: list[float] = []
    for tiff, xmp in _metadata(head):
        if xmp:
            dji = dji or _of_dji(xmp)
            zooms += map(_ratio, XMP_ZOOM.findall(xmp))
        if tiff:
            exif = exif or _of_exif(tiff)
            zooms.append(_zoom_of_exif(tiff))
    found = dji or exif
    return found and replace(found, zoom=next(filter(zoom_error, zooms), 1.0))


def _metadata(head: bytes) -> Iterator[tuple[bytes, str]]:
    """``(TIFF directory with EXIF, XMP)``, whatever there is."""
    if head[:4] in TIFF:
        yield head, ""
        try:
            order = {b"II": "<", b"MM": ">"}[head[:2]]
            count, at, _ = entries(head, order, struct.unpack_from(order + "I", head, 4)[0])[XMP_TAG]
            yield b"", head[at : at + count].decode("utf-8", "replace")
        except (KeyError, struct.error):
            return
    for kind, body in jpeg_segments(head):
        if kind == APP1 and body[:6] == b"Exif\0\0":
            yield body[6:], ""
        elif kind == APP1 and body.startswith(XMP):
            yield b"", body[len(XMP) :].decode("utf-8", "replace")


def _of_dji(xmp: str) -> Written | None:
    said: dict[str, float] = {}
    for name, value in DJI.findall(xmp):
        said.setdefault(name, float(value))
    longitude = said.get("GpsLongitude", said.get("GpsLongtitude"))  # some models misspell it
    if "GpsLatitude" not in said or longitude is None:
        return None
    sigma = max(said.get("RtkStdLat", 0.0), said.get("RtkStdLon", 0.0))
    speeds = [said[name] for name in ("FlightXSpeed", "FlightYSpeed") if name in said]
    place = Place(
        said["GpsLatitude"], longitude, math.hypot(*speeds) if len(speeds) == 2 else math.nan, sigma or math.nan
    )
    gimbal, flight = (
        of_angles(*(said[name] for name in names)) if all(name in said for name in names) else None
        for names in (GIMBAL, FLIGHT)
    )
    return Written(place, said.get("RelativeAltitude"), said.get("AbsoluteAltitude"), gimbal, flight)


def _of_exif(tiff: bytes) -> Written | None:
    """The position in the GPS directory."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        first = entries(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
        gps = entries(tiff, order, first[GPS_IFD][1])
        latitude = _degrees(tiff, order, gps, LATITUDE, {"N": 1, "S": -1})
        longitude = _degrees(tiff, order, gps, LONGITUDE, {"E": 1, "W": -1})
        sigma = _rationals(tiff, order, gps[ERROR])[0] if ERROR in gps else math.nan
        altitude = None
        reference = tiff[gps[ALTITUDE[0]][2]] if ALTITUDE[0] in gps else 0
        if ALTITUDE[1] in gps and reference in (0, 1):  # above and below the sea; 2 and 3: the ellipsoid
            altitude = _rationals(tiff, order, gps[ALTITUDE[1]])[0] * (-1 if reference == 1 else 1)
        return Written(Place(latitude, longitude, sigma=sigma or math.nan), None, altitude)
    except (KeyError, IndexError, ValueError, ZeroDivisionError, struct.error):
        return None


def _zoom_of_exif(tiff: bytes) -> float:
    """DigitalZoomRatio: a numerator of 0 says that it was not used."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        first = entries(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
        count, at, here = entries(tiff, order, first[EXIF_IFD][1])[DIGITAL_ZOOM]
    except (KeyError, struct.error):
        return 1.0  # it is not there
    try:
        form = order + NUMBERS[struct.unpack_from(order + "H", tiff, here - 6)[0]]
        number = struct.unpack_from(form, tiff, at if struct.calcsize(form) > 4 else here)
        return _over(*number) if count == 1 else math.nan
    except (KeyError, struct.error):
        return math.nan


def _ratio(text: str) -> float:
    """``200/100`` or ``2.0``; NaN for another text."""
    found = re.fullmatch(r"\s*\+?(\d{1,9}(?:\.\d{1,12})?)(?:/(\d{1,9}))?\s*", text)
    return _over(float(found[1]), int(found[2] or 1)) if found else math.nan


def _over(over: float, under: int = 1) -> float:
    return 1.0 if over == 0 else over / under if under else math.nan


def _degrees(
    tiff: bytes, order: str, gps: Mapping[int, tuple[int, int, int]], tags: tuple[int, int], signs: Mapping[str, int]
) -> float:
    sign = signs[chr(tiff[gps[tags[0]][2]])]
    degrees, minutes, seconds = _rationals(tiff, order, gps[tags[1]])
    return sign * (degrees + minutes / 60 + seconds / 3600)


def _rationals(tiff: bytes, order: str, entry: tuple[int, int, int]) -> list[float]:
    numbers = struct.unpack_from(f"{order}{2 * min(entry[0], 3)}I", tiff, entry[1])
    return [over / under for over, under in zip(numbers[::2], numbers[1::2], strict=True)]


def _files(sources: Sequence[str]) -> dict[str, Path]:
    """The stills of ``sources`` by the ``origin`` of their frames."""
    first, *others = sources or ("",)
    query = others.pop() if others and others[-1].startswith("?") else ""
    try:
        text = first + query
        path, options = (text, {}) if Path(text).exists() else split_query(text)
        recursive = options.get("recursive") == "1"
        choice = Choice(options.get("match"), recursive, options.get("order"))
        found = find_stills([Path(name) for name in (path, *others)], choice)
    except SourceError as error:
        raise InputError(f"pose exif: expected stills as the source: {error}") from None
    if not Path(path).is_dir() and kind_of_file(path) not in IMAGES:
        raise InputError(f"pose exif: the source {first!r} is no image and no folder of images: poses are read there")
    return dict(zip(found.origins, found.files, strict=True))
