"""THE MAIN PATH: camera -> correct -> normalise -> engine -> postprocess -> track -> locate, one result a frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from edge.camera.live.latest import FrameSource, choose_policy, open_frames
from edge.camera.source_clock import SourceClock
from edge.data import Frame, Result
from edge.engine.tiled import tiling_of
from edge.errors import InputError
from edge.geo.placing import Placing
from edge.health.ladder import FULL, Effort
from edge.health.pace import Pace
from edge.health.scene import Health
from edge.measure.meter import StageTimer
from edge.model.thresholds import Filter
from edge.model.transform import Preprocessor, to_detections
from edge.seams import Camera, Closing, Engine, as_camera, require_engine
from edge.system.activity import INFERRING, RESTING, WORKING, here
from edge.system.budget import LOOK_S
from edge.thermal.correct.correction import Correction
from edge.track.follower import Follower


def stream(
    camera: Camera,
    engine: Engine,
    *,
    policy: str | None = None,
    threshold: float | str | None = None,
    filter: Filter | None = None,
    stop: threading.Event | None = None,
    follow: Follower | None = None,
    locate: Placing | None = None,
) -> Stream:
    """Detect in every frame that is taken from the camera: ``for result in stream(camera, engine)``.

    ``policy``: ``latest`` (capture runs in its own thread and never waits; detection takes the newest frame, older
    ones are dropped and counted) or ``every`` (no frame is left out). By default ``latest`` for live sources and
    ``every`` for files. ``filter``: which detections are shown, by default those of the bundle's thresholds and more;
    ``threshold``: short for ``filter=Filter.of(threshold)``, as ``0.4`` or ``"0.5,Animal=0.2"``. ``stop``: once it is
    set, from whatever thread, the results end, also while the camera is silent. ``follow``: gives detections the
    numbers of their tracks; ``locate``: their positions, where frames have poses. Camera and engine stay the caller's
    to close.

    Raises InputError for a policy or a class that cannot be; while results are taken CameraError and EngineError, after
    all results before them were given.
    """
    if threshold is not None and filter is not None:
        raise InputError("threshold and filter both say which detections are shown: give one of them")
    camera, engine = as_camera(camera), require_engine(engine)
    return Stream(camera, engine, choose_policy(camera, policy), filter or Filter.of(threshold), stop, follow, locate)


class Stream(Closing, Iterator[Result]):
    """The results of one flight, made by `stream`; taken in the thread that made the engine.

    ``filter`` may be set at any time, from any thread: it holds from the next frame on. InputError where it names a
    class that the model does not have. ``effort``, too: less than `FULL` where a board is hot or late.
    """

    def __init__(
        self,
        camera: Camera,
        engine: Engine,
        policy: str,
        filter: Filter,
        stop: threading.Event | None,
        follow: Follower | None,
        locate: Placing | None,
    ) -> None:
        filter.lowest(engine.bundle.thresholds)  # raises for a class that it does not have
        self._state = _State(
            filter,
            engine,
            Preprocessor(engine.bundle, camera.independent, tiling_of(engine)),
            Correction(camera.fps, camera.once_live, camera.independent),
            Health(engine.bundle, camera, tiling_of(engine)),
            follow,
            locate,
            SourceClock(camera),
            camera.once_live,
            stop or threading.Event(),
        )
        # it holds the state, not this object: a loop that is left by ``break`` then ends it at once
        self._results = _results(self._state, lambda: open_frames(camera, policy, stop))

    def __setattr__(self, name: str, value: object) -> None:
        if not (name.startswith("_") or hasattr(type(self), name)):  # ``results.threshold = 0.7`` would do nothing
            raise AttributeError(f"results have no {name}: expected filter or effort, as in filter = edge.Filter(0.7)")
        super().__setattr__(name, value)

    @property
    def filter(self) -> Filter:
        return self._state.filter

    @filter.setter
    def filter(self, filter: Filter) -> None:
        if not isinstance(filter, Filter):
            raise InputError(f"the filter is {filter!r}: expected an edge.Filter, such as edge.Filter(0.7)")
        filter.lowest(self._state.engine.bundle.thresholds)
        self._state.filter = filter

    @property
    def effort(self) -> Effort:
        return self._state.effort

    @effort.setter
    def effort(self, effort: Effort) -> None:
        self._state.effort = effort

    def replace_engine(self, engine: Engine) -> Engine:
        """Detect with another engine from the next frame on; returns the one before, which is the caller's to close.

        To be called between results, in the thread that takes them. What correction, health and counters know is kept;
        so is the memory of normalising, where both bundles normalise alike.

        Raises InputError where it has other classes, since labels of one flight mean one thing, or is no `Engine`.
        """
        state, before, bundle = self._state, self._state.engine, require_engine(engine).bundle
        if bundle.classes != before.bundle.classes:
            raise InputError(
                f"the new engine has the classes {', '.join(bundle.classes)}, the stream "
                f"{', '.join(before.bundle.classes)}: expected the same in the same order; start another stream"
            )
        state.engine, state.preprocess = engine, state.preprocess.for_bundle(bundle, tiling_of(engine))
        state.health.use(bundle, tiling_of(engine))
        return before

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Result:
        return next(self._results)

    def close(self) -> None:
        """Stop taking frames. May be called twice."""
        self._results.close()


@dataclass
class _State:
    """What one flight remembers from frame to frame, and what may be exchanged in between."""

    filter: Filter
    engine: Engine
    preprocess: Preprocessor
    correct: Correction
    health: Health
    follow: Follower | None
    locate: Placing | None
    seconds: SourceClock
    looks_later: bool  # at the inverted picture: a live camera's results do not wait for it
    stop: threading.Event
    effort: Effort = FULL
    opened: int = 0  # frames whose shutter was not closed

    def spares(self, frame: Frame) -> bool:
        """Whether this next frame is one that could be searched, and is not."""
        self.opened += not frame.shutter_closed
        return self.opened % self.effort.every != 0 and not frame.shutter_closed


def _results(state: _State, start: Callable[[], FrameSource]) -> Generator[Result, None, None]:
    with start() as frames:
        timer, consumer_ms, looked_ms, pace = StageTimer(), 0.0, 0.0, Pace()
        while (frame := frames.get()) is not None:
            pace.took(time.monotonic(), state.effort.times)
            timer.end("wait")
            activity = here()
            activity.works(WORKING)
            engine = state.engine
            frame = state.correct(frame)
            timer.end("correct")
            picture, image, letterbox = state.preprocess.forward(frame)
            timer.end("normalise")
            activity.works(INFERRING)
            between = state.spares(frame)
            unsearched = frame.shutter_closed or between  # a picture of the flap tells nothing
            raw = None if unsearched else engine.infer(image)
            timer.end("infer")
            activity.works(WORKING)
            inside = engine.last_ms if raw else {}
            shown = state.filter
            lowest = shown.lowest(engine.bundle.thresholds)
            faintest = state.follow.faintest(lowest) if state.follow else lowest
            detections = to_detections(raw, letterbox, faintest, frame, shown.min_size_px)
            now = timer.end("postprocess")
            t = state.seconds(frame)
            if state.follow:
                follow = state.follow.between if between else state.follow
                detections = follow(detections, frame, t, picture, lowest)
                now = timer.end("track")
            ground = None
            if state.locate:
                detections, ground = state.locate(detections, frame), state.locate.footprint(frame)
                now = timer.end("locate")
            if not state.looks_later:  # a file's results wait, so that a single still is judged by it
                state.health.ask_inverted(frame, image, raw, engine.infer)
                activity.works(WORKING)
            warnings = state.health.judge(frame, picture, frames.frozen_s, None if between else detections)
            timer.end("health")
            timer.ms["health"] += looked_ms
            yield Result(
                frame=frame,
                detections=detections,
                t_result=now,
                picture=picture,
                stages_ms=timer.stages(inside, consumer_ms),
                inferred=raw is not None,
                converged=raw is None or raw.converged,
                finite=raw is None or raw.finite,
                dropped=frames.dropped,
                duplicates=frames.duplicates,
                lost=frames.lost,
                frozen_s=frames.frozen_s,
                warnings=warnings,
                seen=state.health.seen,
                t_source=t,
                footprint=ground and ground.corners,
                footprint_part=ground and ground.part,
                ended_tracks=state.follow.ended if state.follow else (),
                faint=state.follow.faint if state.follow else None,
            )
            timer.end("consumer")
            if state.looks_later and state.engine is engine:
                state.health.ask_inverted(frame, image, raw, engine.infer)
            timer.end("looked")
            consumer_ms, looked_ms = timer.ms["consumer"], timer.ms["looked"]
            if state.effort.times > 1:
                _rest(pace.rest_s(time.monotonic(), state.effort.times), state.stop)
            timer = StageTimer()


def _rest(seconds: float, stop: threading.Event) -> None:
    """Spare the board before the next frame; newer ones come meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stop.is_set():
        here().waits(RESTING)
        time.sleep(min(left, LOOK_S))
