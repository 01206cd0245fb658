"""What is to be flown, as the checks need it: the options of a mission, and what one check learns for another."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.app.mission.mission import Mission
from edge.geo.coverage.search import Search
from edge.model.bundle import Bundle
from edge.model.thresholds import Filter, Thresholds


@dataclass(frozen=True)
class Measured:
    """Of the camera: frames a second, None = a file; bytes of a frame in the recording, in the video, as a picture."""

    fps: float | None
    frame_bytes: float
    video_bytes: float = 0.0
    picture_bytes: float = 0.0


@dataclass(frozen=True)
class Plan:
    """``options``: of ``mission``, by the names that the program calls them. ``bundle``: of the model, with the
    mission's normaliser. ``height``: metres above the ground that are planned, None = not said. ``size``: of what is
    sought, metres, None = as the coverage or the class says.
    """

    mission: Mission
    options: dict[str, Any]
    bundle: Bundle
    height: float | None = None
    size: float | None = None
    _known: threading.Event = field(default_factory=threading.Event)
    _measured: list[Measured] = field(default_factory=list)

    @property
    def search(self) -> Search:
        """What is sought."""
        return Search.parse(self.options.get("coverage") or "").of(self.bundle.classes, stills=False)

    @property
    def lowest(self) -> Thresholds:
        """The scores from which detections are shown."""
        return Filter.of(self.options.get("threshold")).lowest(self.bundle.thresholds)

    @property
    def out(self) -> Path:
        """The folder of the next run."""
        return Path(self.options["out"])

    def tell(self, measured: Measured | None) -> None:
        """The camera's check is through. None: there was no frame."""
        if measured is not None:
            self._measured.append(measured)
        self._known.set()

    def measured(self, wait_s: float) -> Measured | None:
        """What the camera's check told, at most ``wait_s`` later."""
        self._known.wait(wait_s)
        return self._measured[0] if self._measured else None
