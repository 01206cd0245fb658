"""Where the detections of every frame stand: the step of the main path, and what it could not place."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from edge.data import Detections, Frame, Pose
from edge.errors import InputError
from edge.geo.attitude import Mounting
from edge.geo.camera import CameraModel
from edge.geo.coverage.footprint import Footprint, footprint
from edge.geo.dem import Dem
from edge.geo.dem_files import read_dem
from edge.geo.lens import LensSpec
from edge.geo.positions import NO_MOUNTING, NO_POSE, located_of
from edge.seams import Camera
from edge.system.caution import caution

log = logging.getLogger(__name__)

NO_LENS = "the lens is not known: give --lens"
OTHER_SHAPE = "the frame has another shape than the picture of the lens"


@dataclass(frozen=True, slots=True)
class PlacingSettings:
    """``lens``: see `LensSpec.parse`; None: what the source says of its own. ``ground``: metres of the level ground
    above that right below the camera, or a `Dem`. ``mounting``: what the poses are off by.
    """

    lens: LensSpec | None = None
    ground: float | Dem = 0.0
    mounting: Mounting = NO_MOUNTING

    @classmethod
    def parse(cls, lens: str | None = None, ground: str | None = None, mounting: str | None = None) -> PlacingSettings:
        """Of the texts of ``--lens``, ``--ground`` and ``--mounting``. Raises InputError."""
        return cls(
            None if lens is None else LensSpec.parse(lens),
            0.0 if ground is None else _ground(ground),
            NO_MOUNTING if mounting is None else _mounting(mounting),
        )


class Placing:
    """Gives the detections of one flight their positions; `report` says what it could not place, and why.

    Without poses, or without a lens, detections stay as they are: nothing is guessed.
    """

    def __init__(self, camera: Camera, settings: PlacingSettings) -> None:
        self._camera, self._settings = camera, settings
        self._first: CameraModel | None = None  # of the first frame
        self._model: CameraModel | None = None  # of the frame now
        self._size, self._no_model = (0, 0), NO_LENS
        self._sizes = set[tuple[int, int]]()  # that were told
        self._placed, self._refused, self._assumed = 0, Counter[str](), set[str]()
        self._told = self._warned = False

    def __call__(self, detections: Detections, frame: Frame) -> Detections:
        """The same detections with positions; raises InputError where the lens does not fit the frame."""
        if frame.pose is None or not len(detections):
            if frame.pose is None and len(detections):
                self._refused[NO_POSE] += len(detections)
                if self._settings.lens is not None and not self._warned:
                    self._warned = True
                    log.warning("a lens is given, but frame %d has no pose: no positions there; see --pose", frame.seq)
            return detections
        model = self.model(frame)
        if model is None:
            self._refused[self._no_model] += len(detections)
            return detections
        settings = self._settings
        found = located_of(detections, frame, model, settings.ground, settings.mounting)
        self._refused.update(why for why in found.refused if why)
        self._placed += sum(not why for why in found.refused)
        for line in found.assumed:
            if line not in self._assumed:
                self._assumed.add(line)
                log.info("position: the pose does not say how good it is; assumed, 1 sigma: %s", line)
        return replace(
            detections,
            positions=found.positions,
            position_covariances=found.covariance,
            position_factors=found.factors,
        )

    def footprint(self, frame: Frame) -> Footprint | None:
        """The ground in the picture, or in the part of it that looks at ground near enough."""
        pose = self.pose(frame)
        model = None if pose is None else self.model(frame)
        if pose is None or model is None:
            return None
        return footprint((frame.width, frame.height), model, pose, self._settings.ground)

    @property
    def mounting(self) -> Mounting:
        """What the poses are off by, as it was given."""
        return self._settings.mounting

    @property
    def level(self) -> float | None:
        """Metres of level ground above that right below the camera; None: there is a ground model."""
        return None if isinstance(self._settings.ground, Dem) else self._settings.ground

    def pose(self, frame: Frame) -> Pose | None:
        """Where the camera really looked: the frame's pose with the mounting."""
        return None if frame.pose is None else self._settings.mounting.apply(frame.pose)

    def model(self, frame: Frame) -> CameraModel | None:
        """The camera model of frames like this one; None where nobody says what the lens is, or where the size of the
        frames changed so that the lens of the first one does not tell it.
        """
        size = frame.width, frame.height
        if size != self._size:
            self._model = self._made(size) if self._first is None else self._changed(self._first, frame)
            self._first = self._first or self._model
            self._size = size  # not where that raised: the next frame raises it again
            if self._model is not None and not self._told:
                self._told = True
                log.info("position: %s", self._model)
            if self._model is None and frame.pose is not None and not self._told:
                self._told = True
                caution(log, "frames have poses, but %s: detections get no positions", NO_LENS)
        return self._model

    def _made(self, size: tuple[int, int]) -> CameraModel | None:
        spec, own = self._settings.lens, self._camera.intrinsics
        if spec is not None:
            return spec.model(*size, self._camera.crop, self._camera.whole)
        return own and CameraModel(*size, *own, name="of the source")

    def _changed(self, first: CameraModel, frame: Frame) -> CameraModel | None:
        """Of frames of another size than the first: the same picture scaled, where the shape is the same; else None."""
        width, height = size = frame.width, frame.height
        same = width * first.height == height * first.width
        if size not in self._sizes and size != (first.width, first.height):
            self._sizes.add(size)
            log.warning(
                "position: frame %d is %dx%d, the lens is of %dx%d: %s",
                *(frame.seq, width, height, first.width, first.height),
                "it is scaled" if same else "detections get no positions while that is so",
            )
        self._no_model = OTHER_SHAPE
        return first.scaled(width, height) if same else None

    def report(self) -> dict[str, Any]:
        """For report.json: detections by what became of them, the camera model and what was assumed."""
        m = self._first
        return {
            "placed": self._placed,
            "refused": dict(self._refused.most_common()),
            "camera": m and str(m),
            "intrinsics": m and [round(float(v), 3) for v in (m.fx, m.fy, m.cx, m.cy)],
            "ground": _described(self._settings.ground),
            "assumed": sorted(self._assumed),
            "mounting": None if self.mounting == NO_MOUNTING else str(self.mounting),
        }


def _described(ground: float | Dem) -> str:
    return str(ground) if isinstance(ground, Dem) else f"level, {ground:g} m above that below the camera"


def _ground(text: str) -> float | Dem:
    try:
        height = float(text)
    except ValueError:
        return read_dem(Path(text))
    if not math.isfinite(height):
        raise InputError(f"ground {text!r}: expected metres above the ground below the camera, or a file .hgt or .tif")
    return height


def _mounting(text: str) -> Mounting:
    known = [field.name for field in fields(Mounting)]
    values: dict[str, float] = {}
    for part in text.split(","):
        key, _, value = (word.strip() for word in part.partition("="))
        if key not in known or key in values:
            raise InputError(
                f"mounting {text!r}: {part!r}; expected {', '.join(f'{name}=' for name in known)} once each"
            )
        try:
            values[key] = float(value)
        except ValueError:
            raise InputError(f"mounting {text!r}: {key}={value!r}; expected a number") from None
    return Mounting(**values)
