"""The table of everything that can be set in a ``sim:`` source, and how the source string is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any

from edge.errors import SourceError

MIN_GSD_M, MAX_GSD_M = 0.005, 2.0
MIN_DEPRESSION_DEG = 15.0  # of the frame's top edge: near the horizon a flat ground fills the picture with haze


def _setting(default: float, low: float, high: float, unit: str, meaning: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """One row a setting: default, lowest, highest, unit, meaning. All are checked when it is made.

    The default camera is a 640x512, 17 um, 19 mm thermal core (field of view 32 x 26 deg) at 60 m: 6.2 cm a
    pixel in the middle of the frame, so a person stands about 18 px tall and a deer is 20 to 30 px long.

    Raises SourceError naming the setting, what came and its range.
    """

    # the stream
    width: int = _setting(640, 32, 2048, "px", "columns of the detector")
    height: int = _setting(512, 32, 2048, "px", "rows of the detector")
    fps: float = _setting(30.0, 0.1, 1000.0, "frames/s", "frame rate; simulated time is seq / fps")
    live: int = _setting(1, 0, 1, "0 or 1", "1: frames come paced by the clock, 0: as fast as they are made")
    frames: int = _setting(0, 0, 10**9, "frames", "the source ends after so many; 0: it never ends")
    seed: int = _setting(1, 0, 2**32 - 1, "", "another seed is another ground, flight and noise")
    # the flight
    altitude: float = _setting(60.0, 5.0, 500.0, "m", "height above ground")
    speed: float = _setting(5.0, 0.0, 50.0, "m/s", "speed over ground; 0: hover")
    pitch: float = _setting(-60.0, -90.0, -30.0, "deg", "gimbal: -90 looks straight down")
    jitter: float = _setting(0.15, 0.0, 5.0, "deg", "amplitude of the gimbal's shake on each axis")
    # the ground and what lives on it (totals over the flown ground, about 30 frame footprints)
    people: int = _setting(90, 0, 500, "bodies", "people walking, standing, some lying")
    deer: int = _setting(50, 0, 500, "bodies", "deer in small herds")
    cars: int = _setting(40, 0, 500, "bodies", "cars, parked or on the road")
    air: float = _setting(10.0, -40.0, 60.0, "deg C", "air temperature: sets the surface of bodies")
    ground: float = _setting(11.0, -40.0, 70.0, "deg C", "mean temperature of open grass at the start")
    cooling: float = _setting(0.02, -2.0, 2.0, "K/min", "how fast the ground cools")
    # the lens and the detector
    focal: float = _setting(19.0, 1.0, 500.0, "mm", "focal length")
    pixel: float = _setting(17.0, 1.0, 100.0, "um", "pixel pitch")
    blur: float = _setting(0.7, 0.0, 5.0, "px", "sigma of the optics' point spread")
    netd: float = _setting(0.05, 0.0, 5.0, "K", "temporal noise of a pixel, 1 sigma")
    column_noise: float = _setting(0.03, 0.0, 5.0, "K", "fixed offset of each column, 1 sigma")
    drift: float = _setting(0.1, 0.0, 10.0, "K/min", "growth of the housing's glow since the last shutter")
    dead: float = _setting(0.00005, 0.0, 0.2, "fraction", "pixels stuck at a wrong value")
    ffc_interval: float = _setting(180.0, 0.0, 86400.0, "s", "time between shutters; 0: no shutter")
    ffc_duration: float = _setting(0.9, 0.0, 60.0, "s", "the last picture is repeated for so long")
    ffc_flag: int = _setting(1, 0, 1, "0 or 1", "1: the camera flags its shutter, 0: it says nothing")

    def __post_init__(self) -> None:
        for row in fields(self):
            value = getattr(self, row.name)
            if not row.metadata["low"] <= value <= row.metadata["high"]:  # a NaN fails too
                far = isinstance(value, int) and abs(value) > 1e300  # too large for a float
                said = f"{str(value)[:12]}..." if far else f"{value:g}"
                raise SourceError(f"sim: {row.name}={said}: expected {_range(row)}")
        if self.ffc_interval and self.ffc_duration >= self.ffc_interval:
            raise SourceError(
                f"sim: ffc_duration={self.ffc_duration:g} with ffc_interval={self.ffc_interval:g}: the "
                "shutter would never open; expected a shorter duration"
            )
        lens = f"focal={self.focal:g}, pixel={self.pixel:g}"
        if not MIN_GSD_M <= self.gsd <= MAX_GSD_M:
            raise SourceError(
                f"sim: altitude={self.altitude:g} with {lens}: {self.gsd:.3g} m a pixel, expected "
                f"{MIN_GSD_M:g} to {MAX_GSD_M:g}; change the altitude or the lens"
            )
        top = -self.pitch - math.degrees(math.atan(self.height / 2 / self.focal_px))
        if top < MIN_DEPRESSION_DEG:
            raise SourceError(
                f"sim: pitch={self.pitch:g} with {lens}, height={self.height}: the top of the frame looks "
                f"{top:.0f} deg below the horizon, expected {MIN_DEPRESSION_DEG:.0f} or more; use a pitch "
                "nearer to -90 or a longer focal length"
            )

    @property
    def focal_px(self) -> float:
        """Focal length in pixels; the optical axis meets the sensor at (width / 2, height / 2)."""
        return self.focal * 1e3 / self.pixel

    @property
    def slant(self) -> float:
        """Metres from the camera to the ground along the optical axis."""
        return self.altitude / math.sin(math.radians(-self.pitch))

    @property
    def gsd(self) -> float:
        """Ground sample distance in the middle of the frame, across the line of sight: metres a pixel."""
        return self.slant / self.focal_px


def parse_settings(source: str) -> SimulatorSettings:
    """Settings of ``sim:``, ``sim:key=value,key=value`` or ``sim:?key=value&key=value``.

    Raises SourceError naming the key, what came and what is valid.
    """
    if source[:4].lower() != "sim:":
        raise SourceError(f"source {source!r}: expected sim:, sim:key=value,key=value or sim:?key=value&key=value")
    table = {row.name: row for row in fields(SimulatorSettings)}
    values: dict[str, float] = {}
    for key, text in _pairs(source):
        if key not in table:
            raise SourceError(f"{source}: no setting is called {key!r}; the settings are {', '.join(table)}")
        if key in values:
            raise SourceError(f"{source}: {key} is given twice")
        try:
            # an annotation is a string here
            values[key] = int(text) if table[key].type == "int" else float(text)
        except ValueError:
            raise SourceError(f"{source}: {key}={text!r}: expected {_range(table[key])}") from None
    return SimulatorSettings(**values)  # type: ignore[arg-type]


def _pairs(source: str) -> Iterator[tuple[str, str]]:
    body = source[4:].removeprefix("?")
    for item in body.replace("&", ",").split(",") if body else ():
        key, equals, text = item.partition("=")
        if not equals:
            raise SourceError(f"{source}: {item!r} is not of the form key=value")
        yield key.strip(), text.strip()


def _range(row: Field[Any]) -> str:
    low, high, unit = row.metadata["low"], row.metadata["high"], str(row.metadata["unit"])
    if unit == "0 or 1":
        return str(unit)
    kind = "a whole number" if row.type == "int" else "a number"
    return f"{kind} from {low:.12g} to {high:.12g} {unit}".rstrip()
