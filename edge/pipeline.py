"""THE MAIN PATH: camera -> repair -> normalise -> engine -> detections, one result a frame."""

from __future__ import annotations

from collections.abc import Generator

from edge.camera import Camera, once_live, open_frames
from edge.data import Result
from edge.engine import Engine
from edge.health.scene import Health
from edge.measure.meter import StageTimer
from edge.model.transform import Preprocessor, to_detections
from edge.thermal.correct.correction import Correction


def stream(
    camera: Camera, engine: Engine, *, policy: str | None = None, threshold: float | None = None
) -> Generator[Result, None, None]:
    """Detect in every frame that is taken from the camera.

    ``policy``: ``latest`` (capture runs in its own thread and never waits; detection takes the
    newest frame, older ones are dropped and counted) or ``every`` (no frame is left out). By
    default ``latest`` for live sources and ``every`` for files. ``threshold``: lowest score shown,
    by default the bundle's. The camera stays the caller's to close.

    Raises CameraError and EngineError, after all results before them were given.
    """
    lowest = engine.bundle.score_threshold if threshold is None else threshold
    frames = open_frames(camera, policy)
    repair = Correction(camera.fps, once_live(camera))
    preprocess = Preprocessor(engine.bundle)
    health = Health(engine.bundle)
    try:
        laps = StageTimer()
        while (frame := frames.get()) is not None:
            laps.lap("wait")
            frame = repair(frame)
            laps.lap("repair")
            picture, image, letterbox = preprocess.forward(frame)
            laps.lap("normalise")
            shut = "ffc" in frame.flags  # a flap, or a picture of the past: nothing new can be found in it
            raw = None if shut else engine.infer(image)
            laps.lap("infer")
            detections = to_detections(raw, letterbox, lowest, frame)
            now = laps.lap("map")
            converged, finite = (True, True) if raw is None else (raw.converged, raw.finite)
            yield Result(
                frame,
                detections,
                now,
                picture,
                laps.ms,
                not shut,
                converged,
                frames.dropped,
                frames.duplicates,
                health.judge(frame, picture, frames.frozen_s),
                finite,
                frames.frozen_s,
            )
            laps = StageTimer()
    finally:
        frames.close()
