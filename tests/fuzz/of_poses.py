"""Where the aircraft was: telemetry of every kind, from files and from a link; ground models; calibrations."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from tests.fuzz import repair
from tests.fuzz.folder import put
from tests.fuzz.target import SHARED, Target

TELEMETRY = SHARED / "data/telemetry"
BEGIN = 1_780_000_000.0


def _pose(name: str, prefix: str, options: str = "") -> Callable[[Path, bytes], None]:
    """Reads it as ``--pose`` does, and asks for a few moments."""

    def act(folder: Path, data: bytes) -> None:
        from edge.pose import Moment, open_pose

        put(folder / name, data)
        with open_pose(f"{prefix}:{folder / name}{options}") as source:
            for i in range(4):
                utc = datetime.fromtimestamp(BEGIN + i, timezone.utc)
                source.at(Moment(float(i), utc, float(i)))
            _ = source.counts, source.description, source.assumed

    return act


def tlogs() -> dict[str, bytes]:
    from tests.edge.pose.test_tlog import log

    real = TELEMETRY / "dronekit_flight.tlog"
    found = {"v2": b"".join(log(0.2)), "v1": b"".join(log(0.2, version=1))}
    return found | ({"real": real.read_bytes()[800_000:802_000]} if real.exists() else {})


def srts() -> dict[str, bytes]:
    found = {
        "made": b"1\n00:00:00,000 --> 00:00:00,033\nF/2.8, SS 206, ISO 150, EV 0, GPS (8.5000, 47.5000, 18), "
        b"D 24.20m, H 6.00m, "
        b"H.S 0.00m/s, V.S 0.00m/s\n\n2\n00:00:01,000 --> 00:00:01,033\n[latitude: 47.5] [longitude: 8.5] "
        b"[rel_alt: 60.1 abs_alt: 512.3] [gb_yaw: 1.0 gb_pitch: -90.0 gb_roll: 0.0]\n\n",
    }
    return found | {path.name: path.read_bytes()[:6000] for path in sorted(TELEMETRY.glob("*.[sS][rR][tT]"))}


def klvs() -> dict[str, bytes]:
    from tests.edge.pose.test_klv import FLIGHT, packet

    found = {"made": b"".join(packet(BEGIN + i, FLIGHT) for i in range(4))}
    body = found["made"]
    begin = b"\0\0\1\xfc" + (len(body) + 3).to_bytes(2, "big") + b"\x80\0\0"
    payload = begin + body
    packets = b""
    for i in range(0, len(payload), 184):
        part = payload[i : i + 184].ljust(184, b"\xff")
        packets += bytes((0x47, 0x41 if i == 0 else 0x01, 0x01, 0x10 | (i // 184) % 16)) + part
    found["stream"] = packets * 3
    return found | {path.name: path.read_bytes() for path in sorted(TELEMETRY.glob("*.bin"))}


def links() -> dict[str, bytes]:
    from tests.support.autopilot import Autopilot

    found = {}
    for version in (1, 2):
        autopilot = Autopilot(version)
        ticks = [(autopilot.heartbeat(), *autopilot.burst(tick / 10)) for tick in range(4)]
        found[f"v{version}"] = b"".join(message for tick in ticks for message in tick)
    return found


def hear(_folder: Path, data: bytes) -> None:
    """A link brings these bytes, in pieces, to the pose and to the camera component."""
    from edge.pose.clock import BootClock
    from edge.pose.dialect import Decoder
    from edge.pose.vehicle import Mounting, Vehicle
    from edge.sinks.live.camera_component import CameraComponent

    clock = BootClock()
    vehicle = Vehicle(Mounting(), clock, None, 30.0)
    component = CameraComponent(("Person",), "deer", dots=True)
    for key in (None, bytes(32)):
        decoder = Decoder(key)
        for i, at in enumerate(range(0, len(data), 97)):
            for message in decoder.feed(data[at : at + 97]):
                vehicle.take(message, i / 10)
            component.hear(data[at : at + 97], i / 10)
            if i % 50 == 0:
                vehicle.at(i / 10)
                list(component.due(i / 10))


def commands() -> dict[str, bytes]:
    from tests.support.ground_station import Station

    station = Station()
    return {"v2": b"".join(station.command(number, 1, 2, 3) for number in (511, 512, 521, 522, 2004, 2005, 2010))}


def exifs() -> dict[str, bytes]:
    from tests.edge.pose.test_exif import DJI, gps, jpeg, xmp

    exif = b"Exif\0\0"
    return {
        "xmp": jpeg(xmp(DJI)), "elements": jpeg(xmp(DJI, elements=True)), "gps": jpeg(exif + gps(error=2.5)),
        "big": jpeg(exif + gps(order=">", south=True)), "both": jpeg(exif + gps(), xmp(DJI)), "tiff": gps(),
    }  # fmt: skip


def read_exif(folder: Path, data: bytes) -> None:
    from edge.camera.images.exif import taken_at
    from edge.pose import Moment, open_pose

    name = folder / "a.jpg"
    put(name, data)
    taken_at(name)
    with open_pose("exif?ground=400&altitude=absolute", (str(folder),)) as source:
        source.at(Moment(0.0, None, "a.jpg"))


@functools.cache
def dems() -> dict[str, bytes]:
    from tests.edge.geo.test_dem import DEGREES, METRES, geotiff

    heights = np.add.outer(np.arange(8.0), np.arange(9.0)).astype(np.float32)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for what, keys, step, tie in (("degrees", DEGREES, 1e-3, (8.0, 47.0)), ("utm", METRES, 10.0, (4e5, 5.2e6))):
            path = geotiff(Path(name) / f"{what}.tif", heights, (step, step), tie, **keys, nodata=-9999)
            found[what] = path.read_bytes()
    return found


def read_dem(folder: Path, data: bytes) -> None:
    from edge.geo import read_dem as read

    put(folder / "d.tif", data)
    dem = read(folder / "d.tif")
    dem.altitude(47.0, 8.0)
    str(dem)


def calibrations() -> dict[str, bytes]:
    from tests.edge.geo.test_calibration import written

    found = {}
    with tempfile.TemporaryDirectory() as name:
        for ending in ("yml", "json"):
            found[ending] = written(Path(name) / f"c.{ending}").read_bytes()
    ros = io.StringIO()
    ros.write("image_width: 640\nimage_height: 512\ncamera_name: boson\ncamera_matrix:\n  rows: 3\n  cols: 3\n")
    ros.write("  data: [745.5, 0, 318.2, 0, 746.1, 255.9, 0, 0, 1]\ndistortion_model: plumb_bob\n")
    ros.write("distortion_coefficients:\n  rows: 1\n  cols: 5\n  data: [-0.31, 0.12, 0.001, -0.0005, -0.02]\n")
    return found | {"ros": ros.getvalue().encode()}


def read_calibration(folder: Path, data: bytes) -> None:
    from edge.geo import read_calibration as read

    put(folder / "c.yml", data)
    read(folder / "c.yml")


ROWS = (
    Target("tlog", tlogs, _pose("f.tlog", "tlog"), needs=("pymavlink",), repair=repair.mavlink),
    Target("srt", srts, _pose("f.SRT", "srt", "?camera=0,-90,0"), "text"),
    Target("klv", klvs, _pose("f.klv", "klv"), repair=repair.klv),
    Target("mavlink", links, hear, needs=("pymavlink",), repair=repair.mavlink),
    Target("mavlink-commands", commands, hear, needs=("pymavlink",), repair=repair.mavlink),
    Target("exif", exifs, read_exif),
    Target("dem", dems, read_dem),
    Target("calibration", calibrations, read_calibration, "text"),
)
