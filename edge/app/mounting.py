"""What the camera seems to be mounted off by, told once while a run goes on, and never applied.

The same as ``edge align`` does afterwards, with what a run can keep: a few sightings of each of the newest tracks.
Which tracks of several passes are one object says counts.json, which is written anew every minute; after that, and at
the end, the alignment is tried; in flight in a thread of its own. While it is refused nothing is said; the report says
at the end why it was. With a ground model it is not tried: alignment takes the ground for level.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.after.alignment import LEAST_SCORE, objects_of
from edge.data import Pose, Result
from edge.errors import InputError
from edge.geo.align import Alignment, Sightings, align
from edge.geo.attitude import Mounting
from edge.geo.camera import CameraModel
from edge.geo.placing import Placing
from edge.geo.positions import foot_points

EVERY_S = 30.0  # between two tries, at least
MOST_TRACKS = 200  # the newest
MOST_SIGHTINGS = 6  # of one track, evenly chosen
LEAST_OBJECTS = 10  # that stand still
MOST_MOVING = 0.5  # times as many that seem to move: tracks that were merged wrongly do
SURE = 2.0  # standard deviations from which a mounting is worth a word

log = logging.getLogger(__name__)

Sighting = tuple[tuple[float, float, float, float], float, Pose]
"""Box, seconds, and the pose with the mounting that was given."""


class _Seen:
    """Sightings of one track, evenly chosen where they are many."""

    def __init__(self) -> None:
        self.kept: list[Sighting] = []
        self._told, self._every = 0, 1

    def note(self, one: Sighting) -> None:
        if self._told % self._every == 0:
            self.kept.append(one)
            if len(self.kept) > MOST_SIGHTINGS:
                del self.kept[1::2]
                self._every *= 2
        self._told += 1


class MountingWatch:
    """Of one run with poses and a lens. ``counts``: the run's counts.json. ``clock``: seconds."""

    def __init__(self, counts: Path, placing: Placing, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts, self._placing, self._clock = counts, placing, clock
        self._tracks: dict[int, _Seen] = {}
        self._model: CameraModel | None = None
        self._tried, self._read = clock(), 0  # when, and of which counts.json
        self._thread: threading.Thread | None = None
        self._outcome: Alignment | str | None = None  # of the newest try; its thread alone writes it
        self._suggested: Mounting | None = None
        self._said: str | None = None

    def note(self, result: Result) -> None:
        """Keep what it shows of the tracks, and try where it is time; a suggestion is said in the log, once."""
        pose, found = self._placing.pose(result.frame), result.detections
        ids = found.track_ids
        model = None if pose is None else self._placing.model(result.frame)
        if self._suggested or self._placing.level is None or pose is None or ids is None or model is None:
            return
        if model != self._model:  # the picture has another size
            self._tracks, self._model = {}, model
        rows = np.flatnonzero((ids > 0) & (found.scores >= LEAST_SCORE))
        for number, box in zip(ids[rows].tolist(), found.boxes[rows].tolist(), strict=True):
            seen = self._tracks.get(number)
            if seen is None:
                seen = self._tracks[number] = _Seen()
                if len(self._tracks) > MOST_TRACKS:
                    del self._tracks[next(iter(self._tracks))]
            seen.note((tuple(box), result.t_source, pose))
        self._try_at_times(model)

    def finish(self) -> None:
        """Try for the last time, with all that was counted."""
        if self._thread is not None:
            self._thread.join()
        if not self._suggested and self._model is not None:
            self._try(self._kept(), self._model)
            self._tell()

    def report(self) -> dict[str, Any] | None:
        """For report.json; None where no track was seen from a known pose."""
        if self._said is None:
            return None
        return {"suggested": self._suggested and str(self._suggested), "said": self._said}

    def _try_at_times(self, model: CameraModel) -> None:
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            self._tell()
        if self._clock() - self._tried >= EVERY_S and (written := _written(self._counts)) != self._read:
            self._tried, self._read = self._clock(), written
            self._thread = threading.Thread(target=self._try, args=(self._kept(), model), name="mounting", daemon=True)
            self._thread.start()

    def _kept(self) -> dict[int, list[Sighting]]:
        return {number: list(seen.kept) for number, seen in self._tracks.items()}

    def _try(self, tracks: dict[int, list[Sighting]], model: CameraModel) -> None:
        try:
            self._outcome = _aligned(tracks, objects_of(self._counts), model, self._placing.level or 0.0)
        except InputError as error:
            self._outcome = str(error).removeprefix("alignment: ")
        except Exception as error:  # numbers that nobody thought of end no flight
            log.debug("alignment", exc_info=True)
            self._outcome = f"it failed: {error!r}"

    def _tell(self) -> None:
        found = self._outcome
        if not isinstance(found, Alignment):
            self._said = found
            return
        m = found.mounting
        off = (m.yaw_deg, m.pitch_deg, m.roll_deg, m.height_offset_m)
        sigmas = (*found.sigma_deg, found.sigma_height_m)
        self._said = str(found)
        if found.objects < LEAST_OBJECTS or found.moving > MOST_MOVING * found.objects:
            self._said = (
                f"not sure enough: {found}; expected {LEAST_OBJECTS} objects or more, and at most half as many that "
                "move"
            )
            return
        if not any(abs(value) > SURE * sigma for value, sigma in zip(off, sigmas, strict=True)):
            self._said = f"nothing to correct: {found}"
            return
        self._suggested = m.after(self._placing.mounting)
        log.info("%s; nothing was changed, for the next run: --mounting %s", found, self._suggested)


def _aligned(
    tracks: dict[int, list[Sighting]], objects: dict[int, int], model: CameraModel, ground: float
) -> Alignment:
    of = [(objects[track], *one) for track, kept in tracks.items() if track in objects for one in kept]
    if not of:
        raise InputError("no track that was counted was seen from a known pose")
    numbers, boxes, times, poses = zip(*of, strict=True)
    uv = np.concatenate([foot_points([box], model, pose) for box, pose in zip(boxes, poses, strict=True)])
    return align(Sightings(np.array(numbers), uv, np.array(times), poses), model, ground)


def _written(path: Path) -> int:
    """When a file was, 0: never."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
