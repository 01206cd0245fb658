"""``srt:FILE``: the subtitles that DJI's aircraft write beside a video, in the dialects of many models and years.

What a number means is told by how it is written, and said in ``assumed``; what is not told is not guessed:

    GPS(149.0251,-20.2533,16) BAROMETER:1.9         longitude, latitude, satellites; height above take-off
    GPS(36.6146,-6.1120,0.0M) BAROMETER:0.3M        latitude, longitude, altitude (an M behind it)
    GPS (-58.851745, -34.237922, 15), H 85.80m      longitude, latitude, satellites; height above take-off
    F.PRY (2.7°, -7.0°, 110.1°)                     the aircraft's pitch, roll, yaw
    G.PRY (-24.4°, 0.0°, 110.4°)                    the gimbal's
    [latitude: 41.4] [longitude: 2.2]               as they are named (also ``longtitude``)
    [rel_alt: 1.3 abs_alt: 45.6]                    above take-off, above the sea
    [altitude: 117.0]                               of which it is said nowhere: ?altitude=relative or absolute
    [gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]      the gimbal's
    [dzoom_ratio: 1.00]  DZOOM 1.000                digital zoom
    [dzoom_ratio: 10000, delta:0]                   the same in ten-thousandths
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.data import Pose
from edge.errors import InputError
from edge.pose.heights import Altitudes
from edge.pose.options import Spec
from edge.pose.rotation import Rotation, of_angles
from edge.pose.series import Place, heights, place_error, places, rotations, zoom_error, zooms
from edge.pose.source import Alignment, Moment, PoseSource, nothing_usable
from edge.system.files import read_limited, reason_of

MOST_BYTES = 64 << 20  # an hour of subtitles for every frame, at 60 a second, is 50 MB
MOST_CUE = 4096  # characters
N = r"\s*([+-]?\d{1,7}(?:\.\d{1,30})?)\s*"
WHOLE = r"\s*([+-]?\d{1,7}(?:\.\d{1,30})?)(?![.,eE]?[+-]?\d)"  # never the first digits of 47,123 or 4.7e1
CUE = re.compile(r"(\d{1,4}):(\d\d):(\d\d)[,.](\d{1,3})\s*-->")
GPS = re.compile(rf"GPS\s*\({N},{N},{N}(M?)\)")
NAMES = r"\b(latitude|longi?t?itude|rel_alt|abs_alt|altitude|gb_yaw|gb_pitch|gb_roll)\s*:"
NAMED = re.compile(NAMES + WHOLE)
HEIGHT = re.compile(rf"(?:\bH {N}m\b|BAROMETER:{WHOLE}|\bHb:{WHOLE})")
PRY = r"\.PRY\s*\(" + ",".join([rf"{N}°?\s*"] * 3) + r"\)"
GIMBAL, AIRCRAFT = re.compile("G" + PRY), re.compile("F" + PRY)
GOES_ON = re.compile(rf"(?:{NAMES}|BAROMETER:|\bHb:|\bH )\s*[+-]?\d[\d.]*[,eE][+-]?\d")
LIST = re.compile(r"(?:GPS|[FG]\.PRY)\s*\(\s*[+-]?\d")
ZOOM = re.compile(r"\b(?:dzoom|digital[_ ]?zoom)(?:_ratio)?(?:\s*:|\s)\s*((?:[^\s,\]<]|,(?=\d))*)", re.IGNORECASE)
RATIO = re.compile(r"(\d{1,7}(?:\.\d{1,12})?)x?")
TEN_THOUSANDTHS = 10_000  # the lowest zoom of those that are written in them
NO_POSITION, NO_TIME, UNREADABLE = "no position", "no time", "cannot be read"
NO_NUMBER = "a number that is not written like 47.123"


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle. ``t``: seconds since the first picture. ``digits``: behind the point of its positions."""

    t: float
    place: Place
    digits: int
    above_take_off: float | None
    above_sea: float | None
    either: float | None
    gimbal: Rotation | None
    aircraft: Rotation | None


def open_source(spec: Spec) -> PoseSource:
    """``FILE?offset=S&camera=YAW,PITCH,ROLL&mount=YAW,PITCH,ROLL&altitude=relative|absolute&ground=M``."""
    return Subtitles(
        Path(spec.path()), spec.alignment(), Altitudes.of(spec), spec.rotation("mount"), spec.rotation("camera")
    )


class Subtitles(PoseSource):
    """The poses of a subtitle file, read once."""

    def __init__(
        self,
        path: Path,
        alignment: Alignment,
        altitudes: Altitudes,
        mount: Rotation | None = None,
        camera: Rotation | None = None,
    ) -> None:
        """``mount``: the camera's angles to the aircraft, whatever a gimbal says. ``camera``: those to north and
        horizon, where the file does not say them.

        Raises InputError where the file cannot be read, or has no position, or ``mount`` needs what is not in it.
        """
        super().__init__()
        self._alignment, self._counts = alignment, Counter[str]()
        self._mount, self._fixed = mount, camera
        self._place, self._height = places(), heights("height")
        self._gimbal, self._aircraft = rotations("gimbal attitude"), rotations("attitude of the aircraft")
        self._zoom, self._most, self._zoomed = zooms(), 1.0, False
        self._newest_zoom = 1.0  # holds until another is stated
        self._source = ""
        digits = 12
        for cue in self._cues(_text(path)):
            why = place_error(cue.place) or self._place.add(cue.t, cue.place)
            self._counts[f"subtitle: {why}" if why else "subtitle"] += 1
            if why:
                continue
            digits = min(digits, cue.digits)
            for rotation, series in ((cue.gimbal, self._gimbal), (cue.aircraft, self._aircraft)):
                if rotation is not None and (why := series.add(cue.t, rotation)):
                    self._counts[f"{series.name}: {why}"] += 1
            height, source = altitudes.height(cue.above_take_off, cue.above_sea, cue.either, cue.place)
            if height is None or (len(self._height) and source != self._source):
                self._counts[f"height: {source}"] += 1
                self._source = self._source or source
                continue
            self._source = source
            if why := self._height.add(cue.t, height):
                self._counts[f"height: {why}"] += 1
        if not len(self._place):
            raise nothing_usable(str(path), f"no position is in it ({_told(self._counts)})")
        if mount is not None and not len(self._aircraft):
            looks = "" if len(self._gimbal) else ", and say by camera=YAW,PITCH,ROLL where it looks"
            raise InputError(
                f"pose {path}: mount= turns with the aircraft, whose attitude (F.PRY) is not in it: leave mount= "
                f"out{looks}"
            )
        self._sigma = 10.0**-digits * 111_195 / math.sqrt(12) if digits <= 5 else None
        self.assumed += altitudes.said
        self._say(digits)
        self.description = f"{path}: DJI subtitles, {len(self._place)} positions"

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        t, why = self._alignment.media(moment)
        if t is None:
            return None, why
        place, why = self._place.at(t)
        if place is None:
            return None, why
        if why := self._zoom_error(t):
            return None, why
        if not len(self._height):
            return None, self._source
        height, why = self._height.at(t)
        if height is None:
            return None, why
        camera, why = self._camera(t)
        if camera is None:
            return None, why
        return Pose(
            place.latitude, place.longitude, height, *camera.angles,
            sigma_position_m=self._sigma, sigma_height_m=Altitudes.sigma(self._source), height_source=self._source,
        ), ""  # fmt: skip

    @property
    def counts(self) -> Mapping[str, int]:
        return self._counts

    def _zoom_error(self, t: float) -> str:
        zoom, why = self._zoom.at(t) if self._zoomed else (1.0, "")
        return why if zoom is None else zoom_error(zoom, f"up to {self._most:.4g}")

    def _camera(self, t: float) -> tuple[Rotation | None, str]:
        if self._mount is not None:
            attitude, why = self._aircraft.at(t)
            return (None, why) if attitude is None else (attitude @ self._mount, "")
        if len(self._gimbal):
            return self._gimbal.at(t)
        if self._fixed is not None:
            return self._fixed, ""
        return None, "the file does not say where the camera looks: add ?camera=YAW,PITCH,ROLL to --pose"

    def _say(self, digits: int) -> None:
        mounted, turned = self._mount is not None, len(self._gimbal) > 0
        if turned:
            frame = "gimbal angles are from north and the horizon"
            self.assume("mount= is used, not the gimbal's angles in the file" if mounted else frame)
        if self._fixed is not None and (mounted or turned):
            self.assume(f"camera= is not used: {'mount=' if mounted else 'the file'} says where the camera looks")
        elif self._fixed is not None:
            self.assume("the camera looks as camera= says, all the time")
        if digits <= 5:
            self.assume(f"positions have {digits} digits: steps of {10.0**-digits * 111_195:.3g} m")
        if self._order:
            self.assume(self._order)

    _order = ""

    def _cues(self, text: str) -> Iterator[Cue]:
        """The subtitles that have a position, in their order."""
        marks = list(CUE.finditer(text))
        if not marks and text.strip():
            self._counts[UNREADABLE] += 1
        for i, mark in enumerate(marks):
            hours, minutes, seconds, fraction = mark.groups()
            t = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction) / 10 ** len(fraction)
            body = text[mark.end() : marks[i + 1].start() if i + 1 < len(marks) else len(text)][:MOST_CUE]
            self._take_zoom(t, body)
            cue = self._cue(t, body)
            if isinstance(cue, str):
                self._counts[f"subtitle: {cue}"] += 1
            else:
                yield cue

    def _take_zoom(self, t: float, body: str) -> None:
        """Also of a subtitle without a position: those around it are mixed to one."""
        if found := ZOOM.search(body):
            number = RATIO.fullmatch(found[1])
            value = float(number[1]) if number else math.nan
            self._newest_zoom = value / TEN_THOUSANDTHS if value >= TEN_THOUSANDTHS else value
            self._most = max(self._most, self._newest_zoom)
            self._zoomed = self._zoomed or zoom_error(self._newest_zoom) != ""
        self._zoom.add(t, self._newest_zoom)

    def _cue(self, t: float, body: str) -> Cue | str:
        """What a subtitle says, or why it has no position."""
        lists = sum(len(said.findall(body)) for said in (GPS, GIMBAL, AIRCRAFT))
        if GOES_ON.search(body) or len(LIST.findall(body)) > lists:
            return NO_NUMBER
        named = {key: float(value) for key, value in NAMED.findall(body)}
        longitude = next((named[key] for key in ("longitude", "longtitude") if key in named), None)
        digits = [
            len(value.partition(".")[2]) for key, value in NAMED.findall(body) if "itude" in key and key[0] == "l"
        ]
        above_sea, latitude = named.get("abs_alt"), named.get("latitude")
        if gps := GPS.search(body):
            first, second, third, metres = gps.groups()
            latitude_first = bool(metres) and abs(float(first)) <= 90
            latitude, longitude = (float(n) for n in ((first, second) if latitude_first else (second, first)))
            digits = [len(number.partition(".")[2]) for number in (first, second)]
            self._order = f"GPS(..) is {'latitude, longitude' if latitude_first else 'longitude, latitude'}"
            above_sea = float(third) if metres and float(third) else None
        if latitude is None or longitude is None:
            return NO_POSITION
        height = HEIGHT.search(body)
        above = named.get("rel_alt", float(next(filter(None, height.groups()))) if height else None)
        gimbal, aircraft = _pry(GIMBAL.search(body)), _pry(AIRCRAFT.search(body))
        if {"gb_yaw", "gb_pitch", "gb_roll"} <= named.keys():
            gimbal = of_angles(named["gb_yaw"], named["gb_pitch"], named["gb_roll"])
        return Cue(
            t, Place(latitude, longitude), max(digits), above, above_sea, named.get("altitude"), gimbal, aircraft
        )


def _pry(found: re.Match[str] | None) -> Rotation | None:
    if found is None:
        return None
    pitch, roll, yaw = map(float, found.groups())
    return of_angles(yaw, pitch, roll)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items()) or "it is empty"


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"pose {path}: {size} bytes; expected subtitles of at most {MOST_BYTES >> 20} MiB")
        return read_limited(path, MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"pose {path}: {reason_of(error)}; expected subtitles (.SRT)") from None
