"""``report.json``, declared: its fields, their types and units, and the JSON Schema of it.

What writes it is `edge.app.loop`. A later version may add fields; none goes, none changes its meaning.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from edge.app.clock.clock_json import ClockReport
from edge.app.degrade.report_json import Degraded, SpareReport
from edge.app.retention.report_json import KeepFreeReport
from edge.geo.report_json import CoverageReport, PositionReport
from edge.measure.counts_json import ClassCount
from edge.recording.report_json import RecordingReport, VerifyReport
from edge.thermal.spec import StoredSpec

Count = Annotated[int, Meta(ge=0)]
Ms = Annotated[float, Meta(description="milliseconds")]
Seconds = Annotated[float, Meta(ge=0, description="seconds")]
Part = Annotated[float, Meta(ge=0, le=1)]


class Step(Struct):
    """``doing``: what the loop was at, in words."""

    doing: str
    seconds: Seconds


class Percentiles(Struct):
    """Half, 95 and 99 of 100 values are no longer than this. Left out: a percentile that too few results carry (p95
    needs 130, p99 662).
    """

    p50: Ms | UnsetType = UNSET
    p95: Ms | UnsetType = UNSET
    p99: Ms | UnsetType = UNSET


class Moment(Struct):
    """Of a frame: its number, capture by the machine's monotonic clock in seconds, and by the wall clock."""

    seq: int
    t: float
    utc: str | None


class Held(Struct):
    """A condition of the picture that held. ``seen``: what of it was seen when it began."""

    frames: Count
    times: Count
    first: Moment
    seen: str | UnsetType = UNSET


class Gap(Struct):
    """Time without the camera. ``after_seq``: the last frame before it, -1 = none; ``t``: when that one was given,
    seconds of the monotonic clock; ``back``: whether another frame came.
    """

    after_seq: int
    t: float
    seconds: Seconds
    why: str
    back: bool


class Reconnects(Struct):
    """How often the camera was lost, and the newest 100 times of it."""

    outages: Count
    lost_seconds: Seconds
    away: bool
    gaps: list[Gap]


class SinkReport(Struct):
    """What became of the results that a sink was given."""

    file: str | None
    written: Count
    skipped: Count
    error: str | None


class LinkReport(Struct):
    """What became of the messages of a sink that sends. ``to``: the address, as it was given. ``sent``: went out,
    repeats included; by UDP nobody knows what came. ``waiting``: had not gone out when the run ended. ``dropped``:
    never went out: newer ones pushed them out of the queue, or of MAVLink, the line was full or nobody listened.
    ``refused``: the server did not want them. ``reconnects``: how often the link was there again after it was away.
    ``away``: at the end. ``error``: why it was away last. ``unread_bytes``: of MAVLink: of a flood, not looked at.
    """

    to: str
    sent: Count
    waiting: Count
    dropped: Count
    refused: Count
    reconnects: Count
    away: bool
    error: str | None
    unread_bytes: Count | UnsetType = UNSET


class VideoReport(Struct):
    """The same of ``video.mkv``, in short."""

    file: str | None
    skipped: Count
    error: str | None


class PoseReport(Struct):
    """Where the poses came from. ``frames_with``, ``frames_without``: every frame that came from the camera, the latter
    by why there was no pose. ``heights``: poses by what their height was measured with. ``assumed``: what was taken for
    granted, a line each. ``counts``: samples that were taken, and those that were refused, by reason.
    """

    source: str
    description: str
    frames_with: Count
    frames_without: dict[str, Count]
    heights: dict[str, Count]
    assumed: list[str]
    counts: dict[str, Count]


class MissionReport(Struct):
    """Which mission was flown. ``sha256``: of its file, as it was when the run began."""

    name: str
    file: str
    sha256: str


class Host(Struct):
    """The machine; null where it does not tell."""

    board: str | None
    cpu: str
    cores: Count
    memory_mib: Count
    system: str
    l4t: str | None


class Power(Struct):
    """Power mode of a Jetson, clocks and temperatures at the end of the run; null where the machine does not tell.
    ``gpu_max_mhz``: the highest clock that the GPU is allowed; ``over_current_events``: since the board was started.
    """

    mode: str | None
    governor: str | None
    cpu_mhz: Count | None
    celsius: dict[str, float]
    gpu_mhz: Count | UnsetType | None = UNSET
    gpu_max_mhz: Count | UnsetType | None = UNSET
    over_current_events: Count | UnsetType | None = UNSET


class TilePlanReport(Struct):
    """How frames of one size, ``width`` x ``height``, are looked at. ``tile``: width and height of one; ``overlap``:
    what neighbours have in common, across and down, 0 = no neighbour; ``scale``: pixels of the model for one of the
    frame, in a tile; ``engine_calls``: a frame, the whole of it included.
    """

    width: Count
    height: Count
    columns: Count
    rows: Count
    tile: tuple[Count, Count]
    overlap: tuple[Count, Count]
    scale: float
    engine_calls: Count


class TilingReport(Struct):
    """``asked``: ``--tiles``; ``frames``: by the sizes of frames that came."""

    asked: str
    frames: list[TilePlanReport]


class OneBodyReport(Struct):
    """``classes``: that the model mistakes for each other. ``boxes``: shown, and not followed: on a surer one."""

    classes: list[list[str]]
    boxes: Count


class ModelSignature(Struct):
    """``key``: id of the key that signed. ``checked``: with ``--trusted-key``; false: a name that anybody can write."""

    key: str
    checked: bool


class Normalise(Struct):
    """How frames of either depth became grey."""

    eight_bit: StoredSpec = msgspec.field(name="8bit")
    sixteen_bit: StoredSpec = msgspec.field(name="16bit")


class Score(Struct):
    """Of one class, or of ``all``: against what the simulator knows; IoU 0.5."""

    found: Count
    missed: Count
    false: Count
    recall: Part | None
    precision: Part | None


class Counted(ClassCount, frozen=True, kw_only=True):
    """A count beside the truth. ``really``: bodies that could be seen in two frames or more."""

    really: Count


class Report(Struct, kw_only=True):
    """The whole file."""

    frames: Annotated[int, Meta(ge=0, description="results")]
    fps: Annotated[
        float | None,
        Meta(description="(N - 1) / (t_last - t_first) over results, the first one left out; null below two"),
    ]
    dropped: Annotated[int, Meta(ge=0, description="frames that came and were not looked at, as newer ones came")]
    duplicates: Annotated[int, Meta(ge=0, description="frames that only repeated the one before")]
    lost: Annotated[int, Meta(ge=0, description="frames that never came; an outage counts as one")]
    frozen_seconds: Seconds
    latency_ms: Annotated[Percentiles, Meta(description="from capture to detections; in a replay from arrival")]
    stages_ms: Annotated[dict[str, Percentiles], Meta(description="by stage, see Result.stages_ms")]
    percentiles: Annotated[str, Meta(description="the method, with its largest error")]
    detections: Annotated[dict[str, Count], Meta(description="boxes in all frames, by class: not animals or people")]
    shutter_frames: Annotated[int, Meta(ge=0, description="frames in which the shutter was closed, not looked at")]
    shutter_inferred: Annotated[int, Meta(ge=0, description="of these, those that the camera did not flag")]
    health: Annotated[dict[str, Held], Meta(description="conditions that held, by name")]
    unconverged: Annotated[int, Meta(ge=0, description="frames whose suppression of double boxes needed more steps")]
    overflowed: Annotated[int, Meta(ge=0, description="frames in which numbers of the network overflowed")]
    ended: Literal["end of source", "frame limit", "time limit", "stopped", "interrupted", "failed"]
    error: str | None
    backend: str
    engine: str
    engine_chosen: Annotated[str, Meta(description="why it is this engine")]
    engine_notes: list[str]
    tiling: Annotated[TilingReport | None, Meta(description="null: without --tiles")]
    model: Annotated[str, Meta(description="name of the bundle")]
    model_files: Annotated[dict[str, str], Meta(description="sha256 by file")]
    model_signature: Annotated[ModelSignature | None, Meta(description="of model.json; null: it has none")]
    normalise: Normalise
    source: str
    camera: Annotated[str, Meta(description="what was opened and what it delivers, in words")]
    threshold: Annotated[float, Meta(ge=0, le=1, description="lowest score shown, of all classes")]
    thresholds: Annotated[dict[str, Part], Meta(description="lowest score shown, by class; versions of before: none")]
    one_body: Annotated[OneBodyReport | None, Meta(description="null: the bundle names no such classes")]
    waiting_seconds: Annotated[dict[str, Seconds], Meta(description="the loop's time in each waiting state, in words")]
    longest_step: Annotated[Step | None, Meta(description="the longest that the loop was at one thing but waiting")]
    reconnects: Annotated[Reconnects | None, Meta(description="null: a source that is not opened again")]
    policy: Literal["latest", "every"]
    video: VideoReport | None
    sinks: dict[str, SinkReport]
    links: Annotated[dict[str, LinkReport], Meta(description="by the name of the sink that sends over it")]
    pose: Annotated[PoseReport | None, Meta(description="of --pose; null: frames keep what their source says")]
    position: PositionReport
    coverage: Annotated[CoverageReport | None, Meta(description="of --coverage; null: it was not asked for")]
    recording: RecordingReport | None
    verify: VerifyReport | None
    spare: Annotated[SpareReport | None, Meta(description="of --spare; null: detections were not moved there")]
    keep_free: Annotated[KeepFreeReport | None, Meta(description="of --keep-free; null: nothing is ever removed")]
    degraded: Annotated[Degraded, Meta(description="what was given up as the board was hot, weak, full or late")]
    mission: Annotated[MissionReport | None, Meta(description="of --mission; null: the options were given one by one")]
    started: Annotated[str, Meta(description="ISO 8601, UTC, by the machine's clock, right or wrong")]
    clock: Annotated[ClockReport | None, Meta(description="of a live camera; null: other times mean nothing")]
    seconds: Seconds
    host: Host
    power: Power
    versions: dict[str, str]
    score: Annotated[dict[str, Score], Meta(description="of edge demo only")] | UnsetType = UNSET
    counted: (
        Annotated[dict[str, Counted], Meta(description="of edge demo only: counts.json beside the truth")] | UnsetType
    ) = UNSET
    unknown: (
        Annotated[dict[str, Count], Meta(description="of edge demo only: bodies that the model has no class for")]
        | UnsetType
    ) = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``report.json``."""
    return msgspec.json.schema(Report)
