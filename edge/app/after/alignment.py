"""How the camera was mounted, from a run's own tracks: ``edge align``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from edge.app.output import REPORT
from edge.data import Pose
from edge.errors import InputError
from edge.geo.align import Alignment, Sightings, align
from edge.geo.attitude import Mounting
from edge.geo.camera import CameraModel
from edge.geo.placing import PlacingSettings
from edge.geo.positions import foot_points
from edge.geo.report_json import PositionReport
from edge.measure.counts_json import ClassCount
from edge.measure.detections_lines import MOST_PX, FrameLine
from edge.measure.read_detections import DetectionsFile
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.declared import MOST_JSON, decoded
from edge.system.files import read_limited, reason_of

LEAST_SCORE = 0.5  # of a sighting


T = TypeVar("T")


class _Report(msgspec.Struct):
    """What is read of ``report.json``."""

    position: PositionReport


@dataclass(frozen=True, slots=True)
class Found:
    """``left``: what the camera was still off by, under the mounting that the run had. ``next``: both, for the next
    run.
    """

    left: Alignment
    next: Mounting


def alignment_of(folder: Path, ground: float = 0.0) -> Found:
    """The mounting of the camera in the run that wrote ``folder``. ``ground``: see `edge.geo.align.align`.

    Which tracks of several passes are one object says ``counts.json``; the poses and boxes are those of
    ``detections.jsonl``, the lens and the mounting that was given those of ``report.json``. Raises InputError where
    one of them is not there or does not tell it, and as `edge.geo.align.align` does.
    """
    position = _read(folder / REPORT, _Report).position
    if position.intrinsics is None:
        raise InputError(
            f"{folder / REPORT} names no lens: run it again with --lens, and --pose if there were no poses"
        )
    if min(position.intrinsics[:2]) < 1 or max(map(abs, position.intrinsics)) > MOST_PX:
        raise InputError(f"{folder / REPORT} names a lens of {position.intrinsics} pixels, which is none")
    objects = objects_of(folder / COUNTS)
    detections = DetectionsFile(DETECTIONS.path(folder))
    size = detections.first.frame
    camera = CameraModel(size.width, size.height, *position.intrinsics, name="of the run")
    given = PlacingSettings.parse(mounting=position.mounting).mounting
    numbers, points, times, poses = [], [], [], []
    for frame in detections:
        found = _followed(frame, objects)
        if not found or isinstance(frame.pose, msgspec.UnsetType):
            continue
        pose = given.apply(Pose(*frame.pose))
        numbers += [number for number, _ in found]
        points += foot_points([box for _, box in found], camera, pose).tolist()
        times += [_seconds(frame)] * len(found)
        poses += [pose] * len(found)
    if not numbers:
        raise InputError(f"{folder}: no track was seen from a known pose: run it again with --pose")
    uv = np.array(points).reshape(-1, 2)
    left = align(Sightings(np.array(numbers), uv, np.array(times), poses), camera, ground)
    return Found(left, left.mounting.after(given))


def _followed(frame: FrameLine, objects: dict[int, int]) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Of each detection with a track the object's number and the box."""
    return [
        (objects[one.track], one.box)
        for one in frame.detections
        if not isinstance(one.track, msgspec.UnsetType) and one.track in objects and one.score >= LEAST_SCORE
    ]


def objects_of(path: Path) -> dict[int, int]:
    """The object of each track, by their numbers: tracks that were counted as one are one."""
    counts = _read(path, dict[str, ClassCount])
    animals = [tracks for one in counts.values() for tracks in one.animals]
    return {track: number for number, tracks in enumerate(animals) for track in tracks}


def _seconds(frame: FrameLine) -> float:
    """When it was taken: the run may have gone through a film faster or slower than it was made."""
    if isinstance(frame.origin, float):
        return frame.origin
    return datetime.fromisoformat(frame.utc).timestamp() if frame.utc else frame.t


def _read(path: Path, kind: type[T]) -> T:
    try:
        return decoded(read_limited(path, MOST_JSON), kind)
    except OSError as error:
        raise InputError(f"cannot read {path}: {reason_of(error)}: expected the folder of a run") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}: expected it as edge run writes it") from None
