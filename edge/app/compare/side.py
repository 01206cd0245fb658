"""One of the two runs: what its folder says of it, as far as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from edge.app.output import REPORT
from edge.app.start.start import FILE as START
from edge.errors import InputError
from edge.measure.counts_json import ClassCount
from edge.measure.detections_lines import FirstLine
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import TrackLine, read_tracks
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.sinks.tracks.jsonl import SPEC as TRACKS
from edge.system.declared import MOST_JSON, decoded
from edge.system.files import read_limited, reason_of
from edge.thermal.spec import StoredSpec

T = TypeVar("T")


class _Tiling(Struct):
    asked: str


class _Spare(Struct):
    file: str


class _Normalise(Struct):
    eight_bit: StoredSpec = msgspec.field(name="8bit")
    sixteen_bit: StoredSpec = msgspec.field(name="16bit")


class Facts(Struct):
    """What is read of ``report.json``, and where a run has none, of ``run.json``; None: it does not say it."""

    source: str | None = None
    backend: str | None = None
    engine: str | None = None
    model_files: dict[str, str] = {}
    fps: float | None = None
    latency_ms: dict[str, float] = {}
    stages_ms: dict[str, dict[str, float]] = {}
    ended: str | None = None
    tiling: _Tiling | None = None
    normalise: _Normalise | None = None
    policy: str | None = None
    spare: _Spare | None = None
    versions: dict[str, str] = {}


@dataclass(frozen=True)
class Side:
    """``letter``: A or B, as it is called wherever the two are shown. ``tracks``: by number, of tracks.jsonl.
    ``missing``: what the folder lacks, a line each.
    """

    letter: str
    folder: Path
    detections: DetectionsFile
    facts: Facts
    tracks: Mapping[int, TrackLine]
    counts: Mapping[str, ClassCount] | None
    missing: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, letter: str, folder: Path) -> Side:
        """The run in this folder. Its report, tracks and counts may be missing, as where it was cut off.

        Raises InputError where there are no detections, or a file is none of a run.
        """
        detections = DetectionsFile(DETECTIONS.path(folder))
        missing = []
        facts = _read(folder / REPORT, Facts)
        if facts is None:
            missing.append(f"{letter} has no {REPORT}: it was cut off, and its speed is not known")
            facts = _read(folder / START, Facts) or Facts()
        if facts.spare:
            missing.append(f"{letter} went on in {facts.spare.file}: what is there is not compared")
        path = TRACKS.path(folder)
        tracks = read_tracks(path) if path.exists() else []
        counts = _read(folder / COUNTS, dict[str, ClassCount])
        if counts is None:
            missing.append(f"{letter} has no {COUNTS}: nothing was counted")
        return cls(letter, folder, detections, facts, {track.track: track for track in tracks}, counts, missing)

    @property
    def first(self) -> FirstLine:
        """The first line of its detections."""
        return self.detections.first

    @property
    def thresholds(self) -> dict[str, float]:
        """Lowest score that was written, by class; empty: a file of before, which does not say it."""
        return {} if isinstance(self.first.thresholds, msgspec.UnsetType) else self.first.thresholds


def key_of(name: str) -> str:
    """By which classes are compared: their names, whatever their case."""
    return name.strip().casefold()


def _read(path: Path, kind: type[T]) -> T | None:
    """None where it is not there."""
    try:
        return decoded(read_limited(path, MOST_JSON), kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {reason_of(error)}: expected the folder of a run") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}: expected it as edge run writes it") from None
