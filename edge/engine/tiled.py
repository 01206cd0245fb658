"""An engine that looks at frames in tiles, around another one that looks at one tile at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.errors import EngineError
from edge.measure.meter import StageTimer
from edge.model.letterbox import Letterbox, fill_of
from edge.model.tiles_merged import Found, merge
from edge.model.tiling import TilePlan, Tiling
from edge.seams import Engine

KEPT_SIZES = 16  # of frames, for a report

log = logging.getLogger(__name__)


class TiledEngine(Engine):
    """Takes a normalised picture of any size, and gives boxes in its pixels.

    The engine inside is asked once a tile, one after the other, and keeps its one input size, its buffers and its CUDA
    graph. ``last_ms``: ``cut`` (tiles made of the picture), what the engine inside says of itself, summed up over the
    calls, and ``merge``. ``converged``, ``finite`` of a result: of all calls.
    """

    def __init__(self, engine: Engine, tiling: Tiling) -> None:
        """Takes over ``engine`` and closes it."""
        super().__init__(engine.bundle)
        self._engine = engine
        self.tiling = tiling
        self.backend, self.description = engine.backend, engine.description
        self.notes, self.chosen, self.versions = engine.notes, engine.chosen, engine.versions
        self._plans: dict[tuple[int, int], TilePlan] = {}

    def infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        """Detect in one normalised picture, in tiles.

        ``image``: (H, W) uint8 white-hot grey, pixels of the frame. The boxes are in these pixels; there are as many
        rows as objects. Raises InputError where such frames cannot be cut as asked for; else as `Engine.infer`.
        """
        self._check_open()
        if image.dtype != np.uint8 or image.ndim != 2 or 0 in image.shape:
            raise EngineError(f"engine was given {image.dtype} {image.shape}: expected uint8 (height, width)")
        return self._infer(image)

    def plan(self, width: int, height: int) -> TilePlan:
        """The tiles of frames of this size. Raises InputError where they cannot be."""
        return self.tiling.plan(width, height, self.bundle.width, self.bundle.height)

    def report(self) -> dict[str, Any]:
        """What was asked for, and the tiles of each size of frames that came, the newest 16."""
        return {"asked": self.tiling.text, "frames": [plan.to_json() for plan in self._plans.values()]}

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        plan = self._plan(image.shape[1], image.shape[0])
        ms: dict[str, float] = {"cut": 0.0}
        found: list[Found] = []
        converged = finite = True
        for x, y, width, height in plan.looks:
            timer = StageTimer(time.perf_counter)
            box = self._letterbox(width, height)
            tile = box.forward(image[y : y + height, x : x + width])
            timer.end("cut")
            raw = self._engine.infer(tile)
            _add(ms, self._engine.last_ms)
            timer.end("call")
            boxes, inside = box.inverse(raw.boxes)
            inside &= raw.scores > 0
            offset = np.array([x, y, x, y], np.float32)
            found.append((boxes[inside] + offset, raw.scores[inside], raw.labels[inside]))
            converged &= raw.converged
            finite &= raw.finite
            ms["cut"] += timer.ms["cut"]
        timer = StageTimer(time.perf_counter)
        merged = merge(plan, found)
        timer.end("merge")
        self.last_ms = {**ms, **timer.ms}
        return RawDetections(*merged, converged, finite)

    def _plan(self, width: int, height: int) -> TilePlan:
        plan = self._plans.pop((width, height), None)
        if plan is None:
            plan = self.plan(width, height)
            log.info("tiles: %s", plan.in_words())
            if len(self._plans) >= KEPT_SIZES:
                self._plans.pop(next(iter(self._plans)))
        self._plans[width, height] = plan
        return plan

    def _letterbox(self, width: int, height: int) -> Letterbox:
        bundle = self.bundle
        return Letterbox(width, height, bundle.width, bundle.height, fill_of(bundle.trained_mean))

    def _release(self) -> None:
        self._engine.close()


def tiling_of(engine: Engine) -> Tiling | None:
    """How an engine cuts frames into tiles; None for one that does not."""
    return engine.tiling if isinstance(engine, TiledEngine) else None


def _add(ms: dict[str, float], more: Mapping[str, float]) -> None:
    for name, value in more.items():
        ms[name] = ms.get(name, 0.0) + value
