"""A camera whose frames have their poses: asked for as each frame comes, counted, and told of where there is none."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import Any

from edge.data import Frame, Pose
from edge.pose.source import Moment, PoseSource
from edge.seams import Camera, CameraWrapper

MOST_TOLD = 20  # lines of a flight about poses that are missing or back

log = logging.getLogger(__name__)


class Posed(CameraWrapper):
    """``camera``, whose frames have the poses of ``source``; what they had of their own is gone.

    It stands before the recorder, so that a recording keeps the poses.
    """

    def __init__(self, camera: Camera, source: PoseSource, name: str = "") -> None:
        """Takes over ``camera`` and closes it; ``source`` stays the caller's. ``name``: the source, for a report.

        Raises InputError where no frame of this camera can have a pose of this source.
        """
        super().__init__(camera)
        source.check(camera)
        self._source, self._name = source, name or source.description
        self._with, self._without, self._heights = 0, Counter[str](), Counter[str]()
        self._before: str | None = None  # why the frame before had none
        self._told = self._assumed = 0
        log.info("pose: %s", source.description)

    def read(self) -> Frame | None:
        """As the camera's."""
        frame = super().read()
        if frame is None:
            return None
        pose, why = self._source.at(Moment.of(frame))
        self.count(pose, why)
        self._tell(frame, why)
        return replace(frame, pose=pose)

    def count(self, pose: Pose | None, why: str) -> None:
        """Book one frame's pose, or ``why`` it has none."""
        if pose is None:
            self._without[why] += 1
        else:
            self._with += 1
            self._heights[pose.height_source] += 1

    def report(self) -> dict[str, Any]:
        """For report.json: every frame of the camera is counted, also those that nobody looked at."""
        source = self._source
        return {
            "source": self._name,
            "description": source.description,
            "frames_with": self._with,
            "frames_without": dict(self._without.most_common()),
            "heights": dict(self._heights.most_common()),
            "assumed": list(source.assumed),
            "counts": dict(source.counts),
        }

    def _tell(self, frame: Frame, why: str) -> None:
        for line in self._source.assumed[self._assumed :]:
            log.info("pose: %s", line)
        self._assumed = len(self._source.assumed)
        if why == self._before or (self._before is None and not why):
            self._before = why
            return
        self._before = why
        self._told += 1
        if self._told > MOST_TOLD:
            return
        more = "; no more of this is told, the report counts" if self._told == MOST_TOLD else ""
        if why:
            log.warning("frame %d has no pose: %s%s", frame.seq, why, more)
        else:
            log.warning("frame %d has a pose again%s", frame.seq, more)
