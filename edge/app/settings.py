"""What to run, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.app.retention.keep_free import KeepFree
from edge.errors import InputError
from edge.geo.coverage.search import Search
from edge.health.strain import Limits
from edge.model.bundled import MODELS
from edge.model.thresholds import Filter
from edge.model.tiling import Tiling
from edge.system.text import repr_without_passwords
from edge.thermal.normalise import NormaliseSpec

MODEL = MODELS / "hituav-r18"  # the bundled one that flies unless another is named
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class MissionStamp:
    """Which mission a run flies: its name, its file, and the sha256 of that file's bytes."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What `run` does: ``RunSettings(out="flight", source="/dev/video0?format=Y16")``.

    ``out``: the folder for the results. ``source``: one or several, see `edge.open_camera`; where `run` is given a
    camera it only names it. ``model``: a bundle's folder, by default the bundled one; not used where `run` is given
    an engine. ``trusted_key``: who must have signed it, a key or its file, see `edge.model.signed.signature`.
    ``frames``, ``seconds``: stop after so many results or seconds, None = never.
    ``policy``, ``threshold``: see `edge.stream`. ``outputs``: what to write beside the detections: names of sinks,
    ``video``, ``pictures``.
    ``reconnect_s``: how long to look for a camera that is lost, seconds; None = for ever, 0 = not at all.
    ``lens``, ``ground``, ``mounting``: for positions, see `edge.geo.placing.PlacingSettings.parse`.
    ``coverage``: what is searched for, to map the ground that was searched: see `Search.parse`; "": as the model's
    classes say; None: no such map.
    ``pose``: where the aircraft was, see `edge.pose.open_pose`; None: frames keep what their source says.
    ``record``: every frame of the camera to ``out / "recording"``, of at most ``record_budget`` bytes.
    ``normalise``: how raw frames become grey, where not as the bundle says: see `Bundle.with_normaliser`.
    ``verify``: a flight's detections.jsonl, to compare a replay (``rec:``) with.
    ``tiles``: look at each frame in tiles: ``auto``, or columns and rows such as ``2x2``, see `edge.model.tiling`.
    ``status``: where to answer how the run goes, ``PORT`` of this machine alone or ``HOST:PORT``; None: nowhere.
    ``web``: where the page of the run is, see `edge.sinks.web.address.WebAddress`; None: nowhere.
    ``backend``, ``trust_engine``, ``zero_copy``, ``spin``: see `edge.open_engine`.
    ``spare``: a second folder, where detections go on if they cannot be written to ``out`` any more.
    ``keep_free``: so much of the disk of ``out`` stays free, such as ``5GB`` or ``10%``: where less is free, videos,
    pictures, recordings and crops of earlier runs are removed; None: nothing ever is. ``flights``: the pattern that
    ``out`` was made by, with which other folders are those of earlier runs, see `edge.app.retention.earlier`.
    ``limits``: of heat, memory and disk, from where on a run gives something up so that detections go on.
    ``mission``: which mission these settings are of, for the report; None: of none.

    Raises InputError where a number cannot be one, or an option needs another that is not given.
    """

    out: str | Path
    source: str | Sequence[str] | None = None
    model: str | Path = MODEL
    trusted_key: str | None = None
    frames: int | None = None
    seconds: float | None = None
    policy: str | None = None
    backend: str = "auto"
    tiles: str | None = None
    threshold: float | str | None = None
    normalise: NormaliseSpec | None = None
    override_normalise: bool = False
    outputs: tuple[str, ...] = ()
    record: bool = False
    record_budget: int | None = None
    verify: str | Path | None = None
    pose: str | None = None
    lens: str | None = None
    ground: str | None = None
    mounting: str | None = None
    coverage: str | None = None
    reconnect_s: float | None = None
    trust_engine: bool = False
    zero_copy: bool = False
    spin: bool = False
    spare: str | Path | None = None
    keep_free: str | None = None
    flights: str | None = None
    limits: Limits = DEFAULT_LIMITS
    status: str | None = None
    web: str | None = None
    mission: MissionStamp | None = None

    __repr__ = repr_without_passwords

    def __post_init__(self) -> None:
        if self.source is not None and not isinstance(self.source, str):
            several = tuple(self.source)
            object.__setattr__(self, "source", several[0] if len(several) == 1 else several)
        if self.frames is not None and self.frames < 1:
            raise InputError(f"frames {self.frames}: expected 1 or more")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds {self.seconds}: expected more than 0")
        Filter.of(self.threshold)  # raises for one that cannot be
        Search.parse(self.coverage or "")  # so does this
        if self.tiles is not None:
            Tiling.parse(self.tiles)
        if self.keep_free is not None:
            KeepFree.parse(self.keep_free)
        if self.record_budget and not self.record:
            raise InputError("--record-budget says how much --record may keep: give --record too")
        if self.trusted_key is not None and self.trust_engine:
            raise InputError(
                "--trust-engine runs an engine for which nobody vouches, and --trusted-key wants one that is signed: "
                "give one of them"
            )
        if self.override_normalise and not self.normalise:
            raise InputError("--override-normalise says that --normalise is meant: give --normalise too")

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source that was given, one at a time."""
        source = self.source
        return () if source is None else (source,) if isinstance(source, str) else tuple(source)

    @property
    def source_text(self) -> str | None:
        """The source in a few words; None where there is none."""
        first, *others = self.sources or (None,)
        return f"{first} and {len(others)} more" if others else first
