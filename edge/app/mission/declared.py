"""The mission file, declared: its tables, their keys, what each takes, and which option of ``edge run`` it stands for.

Reading, the commented file of ``edge run --write-mission``, and the tables of docs/mission.md are made of this.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from edge.app.mission.keys import (
    Degrees,
    Key,
    Margin,
    Metres,
    Pixels,
    Positive,
    Score,
    Seconds,
    Setting,
    Table,
    Text,
    Three,
    Utc,
    Whole,
    Word,
)
from edge.app.mission.links import LinksTable

FORMAT = 1


class CameraTable(Table, frozen=True, kw_only=True):
    """Where frames come from, and how their picture is looked at."""

    source: Annotated[
        Text | Annotated[list[Text], Meta(min_length=1, max_length=10_000)],
        Key(
            "a device, URL, file, folder, sim: or rec:, without its options; several stills or folders as a list",
            "/dev/video0",
            "source",
            file=True,
        ),
    ]
    options: Annotated[
        dict[Word, Setting] | None,
        Key("what this kind of source takes behind a ?", {"format": "Y16", "width": 640, "height": 512}, "source"),
    ] = None
    login: Annotated[
        Text | None,
        Key(
            "of a URL: a file with the user's name in its first line, the password in its second",
            "camera.login",
            "source",
            file=True,
        ),
    ] = None
    profile: Annotated[Word | None, Key("camera= of the source: boson, lepton or infiray", "boson", "source")] = None
    endian: Annotated[Literal["big", "little"] | None, Key("byte order of raw counts", "big", "source")] = None
    kelvin: Annotated[Annotated[float, Meta(gt=0, le=10)] | None, Key("kelvin of one raw count", 0.01, "source")] = None
    crop: Annotated[
        tuple[Pixels, Pixels, Whole, Whole] | None,
        Key("the part that is looked at: x, y, width, height, pixels", [0, 0, 640, 512], "source"),
    ] = None
    palette: Annotated[Literal["black-hot", "white-hot"] | None, Key("of an 8-bit picture", "black-hot", "source")] = (
        None
    )
    mask: Annotated[Text | None, Key("a PNG file, black where not to look", "mask.png", "source", file=True)] = None
    policy: Annotated[
        Literal["latest", "every"] | None,
        Key("latest: the newest frame, older ones are dropped; every: no frame is left out", "latest", "policy"),
    ] = None
    reconnect_s: Annotated[
        Seconds | None,
        Key("how long to look for a camera that is lost, seconds; without it until it is back", 60, "reconnect_s"),
    ] = None
    verify: Annotated[
        Text | None,
        Key("with a rec: source: compare with this detections.jsonl", "detections.jsonl", "verify", file=True),
    ] = None


class LensTable(Table, frozen=True, kw_only=True):
    """For positions: the lens, from its data sheet, a field of view, or a calibration."""

    focal_mm: Annotated[Positive | None, Key("focal length, mm; with pitch_um or camera", 9.1, "lens")] = None
    pitch_um: Annotated[Positive | None, Key("distance of two pixels on the sensor, micrometres", 12, "lens")] = None
    camera: Annotated[Word | None, Key("a camera whose pitch is known, instead of pitch_um", "boson", "lens")] = None
    hfov_deg: Annotated[Positive | None, Key("horizontal field of view, degrees", 45, "lens")] = None
    vfov_deg: Annotated[Positive | None, Key("vertical field of view, beside hfov_deg", 37, "lens")] = None
    dfov_deg: Annotated[Positive | None, Key("diagonal field of view, degrees", 57, "lens")] = None
    size: Annotated[
        tuple[Whole, Whole] | None,
        Key("width and height of the whole picture, pixels, where frames are a part of it", [640, 512], "lens"),
    ] = None
    calibration: Annotated[
        Text | None, Key("a calibration file, instead of all others", "lens.yml", "lens", file=True)
    ] = None


class MountingTable(Table, frozen=True, kw_only=True):
    """For positions: what the poses are off by, as edge align finds it."""

    yaw_offset_deg: Annotated[Degrees | None, Key("added to every heading, degrees", 3.0, "mounting")] = None
    yaw_deg: Annotated[Degrees | None, Key("the camera is turned to the right, degrees", 1.5, "mounting")] = None
    pitch_deg: Annotated[Degrees | None, Key("the camera is turned up, degrees", -0.8, "mounting")] = None
    roll_deg: Annotated[Degrees | None, Key("the camera's right side is down, degrees", 0.5, "mounting")] = None
    height_offset_m: Annotated[Metres | None, Key("added to every height, metres", -2.0, "mounting")] = None


class GroundTable(Table, frozen=True, kw_only=True):
    """For positions: the ground, one of the two. Without this table: level, at the height below the camera."""

    model: Annotated[Text | None, Key("a ground model, .hgt or .tif", "N50E008.hgt", "ground", file=True)] = None
    level_m: Annotated[Metres | None, Key("level ground, metres above that right below the camera", 0.0, "ground")] = (
        None
    )


class PoseTable(Table, frozen=True, kw_only=True):
    """Where the aircraft was and where the camera looked."""

    source: Annotated[
        Text,
        Key(
            "mavlink:udp:HOST:PORT, mavlink:/dev/ttyN, tlog:FILE, srt:FILE, klv:FILE or exif, without options",
            "mavlink:udp:0.0.0.0:14550",
            "pose",
            file=True,
        ),
    ]
    mount: Annotated[Three | None, Key("a camera without a gimbal: yaw, pitch, roll, degrees", [0, -90, 0], "pose")] = (
        None
    )
    gimbal: Annotated[
        Literal["earth", "vehicle", "body"] | None, Key("what the gimbal's angles count from", "earth", "pose")
    ] = None
    offset_s: Annotated[
        Annotated[float, Meta(ge=-100_000, le=100_000)] | None,
        Key("added to a frame's time before its pose is looked for, seconds", 0.25, "pose"),
    ] = None
    start: Annotated[Utc | None, Key("UTC of a video's first picture", "2026-05-01T20:15:30Z", "pose")] = None
    camera: Annotated[
        Three | None, Key("srt, exif: where the camera looked, yaw, pitch, roll, degrees", [0, -90, 0], "pose")
    ] = None
    altitude: Annotated[
        Literal["relative", "absolute"] | None, Key("srt, exif: what an altitude counts from", "relative", "pose")
    ] = None
    ground_m: Annotated[Metres | None, Key("srt, exif: altitude of the ground, metres", 120, "pose")] = None
    system: Annotated[
        Annotated[int, Meta(ge=1, le=255)] | None, Key("MAVLink, tlog: number of the autopilot", 1, "pose")
    ] = None
    baud: Annotated[Whole | None, Key("MAVLink: rate of a serial line", 921600, "pose")] = None
    signing: Annotated[
        Text | None, Key("MAVLink: file with the key of a signed link", "signing.key", "pose", file=True)
    ] = None


class ModelTable(Table, frozen=True, kw_only=True):
    """What is looked for, and by which engine."""

    bundle: Annotated[
        Text | None,
        Key(
            "the model's folder or a bundled model's name; without it hituav-r18",
            "models/deer",
            "model",
            file=True,
        ),
    ] = None
    trusted_key: Annotated[
        Text | None,
        Key(
            "who must have signed the model: a public key of minisign, or its file",
            "team.pub",
            "trusted_key",
            file=True,
        ),
    ] = None
    threshold: Annotated[
        Score | None, Key("score from which detections are written; without it the model's", 0.5, "threshold")
    ] = None
    thresholds: Annotated[
        dict[Word, Score] | None,
        Key("the same for single classes, in place of threshold", {"Animal": 0.2, "Person": 0.6}, "threshold"),
    ] = None
    tiles: Annotated[Word | None, Key("look at frames in tiles: auto, or columns x rows", "2x2", "tiles")] = None
    normalise: Annotated[
        Text | None, Key("how raw counts become grey", "window:low=5,high=25,unit=celsius", "normalise")
    ] = None
    override_normalise: Annotated[
        bool | None, Key("use normalise although the model was trained with another", True, "override_normalise")
    ] = None
    backend: Annotated[
        Literal["auto", "ort", "ort-float", "ort-int8", "openvino", "trt", "null"] | None,
        Key("what computes; without it auto", "trt", "backend"),
    ] = None
    trust_engine: Annotated[
        bool | None, Key("TensorRT: run an engine although it has no passport", True, "trust_engine")
    ] = None
    zero_copy: Annotated[bool | None, Key("TensorRT: CPU and GPU share buffers", True, "zero_copy")] = None
    spin: Annotated[bool | None, Key("TensorRT: keep a CPU core busy, to answer sooner", True, "spin")] = None


class OutputsTable(Table, frozen=True, kw_only=True):
    """What is written, beside detections, tracks, their crops, counts and the report."""

    folder: Annotated[
        Text,
        Key(
            "where to; {date} and {time} (UTC), {n} (the next free number) and {name} make a new folder for each run",
            "flights/{date}-{time}",
            "out",
            file=True,
        ),
    ]
    spare: Annotated[
        Text | None,
        Key(
            "a second folder, where detections go on if folder cannot be written any more",
            "/media/usb",
            "spare",
            file=True,
        ),
    ] = None
    video: Annotated[bool | None, Key("the pictures with boxes as a video", True, "outputs")] = None
    pictures: Annotated[bool | None, Key("each picture with boxes", True, "outputs")] = None
    map: Annotated[bool | None, Key("map.png", True, "outputs")] = None
    geojson: Annotated[bool | None, Key("tracks for CalTopo and QGIS", True, "outputs")] = None
    kmz: Annotated[bool | None, Key("tracks for Google Earth", True, "outputs")] = None
    csv: Annotated[bool | None, Key("tracks for a spreadsheet", True, "outputs")] = None
    faint: Annotated[bool | None, Key("what stayed below the threshold, to review", True, "outputs")] = None
    trace: Annotated[bool | None, Key("the times of every frame", True, "outputs")] = None
    record: Annotated[bool | None, Key("every raw frame, to replay the flight", True, "record")] = None


class CoverageTable(Table, frozen=True, kw_only=True):
    """Map the ground that is searched, and the gaps. The table alone, empty, asks for it."""

    name: Annotated[
        Word | None, Key("the class that is searched for; without it the first person or animal", "Person", "coverage")
    ] = field(default=None, name="class")
    size_m: Annotated[Positive | None, Key("its side seen from above, metres", 0.8, "coverage")] = None
    px: Annotated[Positive | None, Key("pixels a side that it must fill; without it 8", 8, "coverage")] = None
    frames: Annotated[
        Annotated[int, Meta(ge=1, le=9999)] | None,
        Key("frames in which the ground must be seen; without it 3, of stills 1", 3, "coverage"),
    ] = None
    kelvin: Annotated[Positive | None, Key("it is so much warmer than the ground", 2, "coverage")] = None


class LimitsTable(Table, frozen=True, kw_only=True):
    """When the run ends by itself, how much disk it may use, and from where on it gives something up."""

    frames: Annotated[Whole | None, Key("stop after so many frames", 1000, "frames")] = None
    seconds: Annotated[Positive | None, Key("stop after so many seconds", 1800, "seconds")] = None
    record_budget: Annotated[
        Word | None, Key("with outputs.record: most disk space for it; the oldest frames go", "20GB", "record_budget")
    ] = None
    keep_free: Annotated[
        Word | None,
        Key("so much of the disk stays free: bulky files of earlier runs go, the oldest first", "5GB", "keep_free"),
    ] = None
    degrade: Annotated[
        bool | None, Key("false: nothing is given up where the board is hot, weak, full or late", False)
    ] = None
    heat_margin_k: Annotated[
        Margin | None, Key("kelvin below a zone's trip point, from where on it is too hot; without it 5", 8)
    ] = None
    memory_left: Annotated[Word | None, Key("so much memory is to be left; without it 256MiB", "300MB")] = None
    disk_left: Annotated[Word | None, Key("so much of the folder's disk is to be left; without it 1GB", "2GB")] = None


class MissionTable(Table, frozen=True, kw_only=True):
    """What stands before the first table."""

    format: Annotated[Literal[1] | None, Key("version of this file's form", FORMAT)] = None
    name: Annotated[Word | None, Key("of the mission; without it the file's", "deer north")] = None
    camera: CameraTable
    lens: LensTable | None = None
    mounting: MountingTable | None = None
    ground: GroundTable | None = None
    pose: PoseTable | None = None
    model: ModelTable | None = None
    outputs: OutputsTable
    coverage: CoverageTable | None = None
    links: LinksTable | None = None
    limits: LimitsTable | None = None


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a mission, as an editor of TOML takes it."""
    return msgspec.json.schema(MissionTable)
