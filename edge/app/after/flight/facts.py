"""What report.json and run.json say, of this version or an earlier one: every field may be missing."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from edge.app.after.flight.lines import FileState, whole
from edge.app.clock.clock_json import ClockMoment, ClockReport
from edge.app.degrade.report_json import Degraded, SpareReport
from edge.app.output import REPORT
from edge.app.report_json import Held, Host, MissionReport, Percentiles, PoseReport, Power, Reconnects, SinkReport, Step
from edge.app.start.start import FILE as START
from edge.errors import InputError
from edge.geo.attitude import Mounting
from edge.geo.camera import CameraModel
from edge.geo.placing import PlacingSettings
from edge.geo.report_json import CoverageReport, PositionReport
from edge.measure.detections_lines import MOST_PX, Size
from edge.recording.report_json import RecordingReport
from edge.system.text import without_passwords

MOST = 8 << 20  # bytes of report.json: one in which everything happened has 60 kB


class ReportFacts(Struct, kw_only=True):
    """Of ``report.json``; the meanings stand in `edge.app.report_json.Report`."""

    frames: int | None = None
    fps: float | None = None
    dropped: int | None = None
    duplicates: int | None = None
    lost: int | None = None
    frozen_seconds: float | None = None
    latency_ms: Percentiles | None = None
    stages_ms: dict[str, Percentiles] = msgspec.field(default_factory=dict)
    percentiles: str | None = None
    shutter_frames: int | None = None
    health: dict[str, Held] = msgspec.field(default_factory=dict)
    unconverged: int | None = None
    overflowed: int | None = None
    ended: str | None = None
    error: str | None = None
    backend: str | None = None
    engine: str | None = None
    engine_chosen: str | None = None
    engine_notes: list[str] = msgspec.field(default_factory=list)
    model: str | None = None
    model_files: dict[str, str] = msgspec.field(default_factory=dict)
    source: str | None = None
    camera: str | None = None
    thresholds: dict[str, float] = msgspec.field(default_factory=dict)
    longest_step: Step | None = None
    reconnects: Reconnects | None = None
    policy: str | None = None
    sinks: dict[str, SinkReport] = msgspec.field(default_factory=dict)
    pose: PoseReport | None = None
    position: PositionReport | None = None
    coverage: CoverageReport | None = None
    recording: RecordingReport | None = None
    spare: SpareReport | None = None
    degraded: Degraded | None = None
    mission: MissionReport | None = None
    started: str | None = None
    clock: ClockReport | None = None
    seconds: float | None = None
    host: Host | None = None
    power: Power | None = None
    versions: dict[str, str] = msgspec.field(default_factory=dict)


class StartFacts(Struct, kw_only=True):
    """Of ``run.json``; the meanings stand in `edge.app.start.start.RunStart`."""

    run: int | None = None
    boot_id: str | None = None
    pid: int | None = None
    clock: ClockMoment | None = None
    backend: str | None = None
    engine: str | None = None
    model: str | None = None
    model_files: dict[str, str] = msgspec.field(default_factory=dict)
    thresholds: dict[str, float] = msgspec.field(default_factory=dict)
    source: str | None = None
    camera: str | None = None
    mission: MissionReport | None = None
    versions: dict[str, str] = msgspec.field(default_factory=dict)


class Facts(Struct, frozen=True):
    """What both files say. ``ended``: report.json is there, so the run came to its end."""

    report: ReportFacts
    start: StartFacts
    states: tuple[FileState, FileState]

    @property
    def ended(self) -> bool:
        return self.states[0].state != "not there"

    def both(self, name: str) -> object:
        """A field that either file tells; None: neither does."""
        return getattr(self.report, name) or getattr(self.start, name) or None


def read_facts(folder: Path) -> Facts:
    """Both files; passwords in them are hidden, by whatever version they were written."""
    report, of_report = whole(folder / REPORT, ReportFacts, MOST)
    start, of_start = whole(folder / START, StartFacts, MOST)
    return Facts(_hidden(report or ReportFacts()), _hidden(start or StartFacts()), (of_report, of_start))


def _hidden(facts: ReportFacts | StartFacts):  # type: ignore[no-untyped-def]
    return msgspec.convert(without_passwords(msgspec.to_builtins(facts)), type(facts))


def lens_of(position: PositionReport | None, size: Size | None) -> tuple[CameraModel, Mounting, float] | str:
    """The camera, the mounting and the level of the ground that a run had, for the ground in its pictures; in words why
    they are not known.
    """
    if position is None:
        return "no lens is known: only report.json names it, and it is not there or does not"
    if size is None:
        return "the size of the frames is not known"
    numbers = position.intrinsics
    if numbers is None:
        return "nobody said what the lens is: run with --lens"
    if min(numbers[:2]) < 1 or max(map(abs, numbers)) > MOST_PX or max(size.width, size.height) > MOST_PX:
        return f"the lens in {REPORT} is none: {', '.join(f'{n:g}' for n in numbers)} pixels"
    try:
        camera = CameraModel(size.width, size.height, *numbers, name="of the run")
        mounting = PlacingSettings.parse(mounting=position.mounting).mounting
    except (InputError, ValueError) as error:
        return f"the lens or mounting in {REPORT} is none: {error}"
    words = position.ground.split(" m above")[0].removeprefix("level, ")
    try:
        level = float(words)
    except ValueError:
        level = 0.0  # a ground model, which is not in the folder
    return camera, mounting, level if abs(level) <= MOST_PX else 0.0
