"""One run: open everything, stream, hand the results to the sinks, and end with a report, always."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.app.degrade.engine_deaths import EngineDeaths
from edge.app.loop import Loop
from edge.app.observer import Watching
from edge.app.output import RECORDING, REPORT, check_folder, claimed_folder
from edge.app.report import announce
from edge.app.retention.keep_free import KeepFree
from edge.app.retention.keeper import Keeper, check_keep_free
from edge.app.settings import RunSettings
from edge.app.sinks import Sinks
from edge.app.start.begin import begun
from edge.app.status.board import Parts
from edge.app.status.status import answering
from edge.app.watch.awaited import camera_of
from edge.app.watch.manager import Manager
from edge.app.watch.watchdog import Watchdog
from edge.camera import choose_policy
from edge.camera.live.tee import Tee
from edge.data import Result
from edge.engine import open_engine
from edge.engine.readiness import Probe
from edge.engine.select import choose_backend
from edge.errors import EngineError, InputError
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.search import Search
from edge.geo.dem import Dem
from edge.geo.placing import Placing, PlacingSettings
from edge.model.bundle import Bundle
from edge.model.thresholds import Filter, Thresholds
from edge.pose import open_pose
from edge.pose.attach import Posed
from edge.recording.recorder import Recorder
from edge.recording.verify import Verifier
from edge.seams import Camera, Engine, as_camera, require_engine
from edge.sinks.coverage.sink import spec_of as coverage_spec
from edge.sinks.open import choose_specs
from edge.sinks.spare import Spare
from edge.sinks.spec import SinkSpec
from edge.system.activity import Activity, State, watched_here
from edge.system.budget import LOAD_S
from edge.system.files import Room
from edge.system.notify import Notify

LOADING = State("loading the engine", "the engine is not loaded", limit_s=LOAD_S, start=True)
OPENING = State("opening the output", "the output has not opened", limit_s=LOAD_S, start=True)
REPORT_ROOM = 256 * 1024  # bytes; a report has 10 kB, with 100 outages and every condition 40
CLOSING_CAMERA = State("closing the source", "the source has not closed")
CLOSING_ENGINE = State("closing the engine", "the engine has not closed")


def run(
    settings: RunSettings,
    *,
    camera: Camera | None = None,
    engine: Engine | None = None,
    sinks: Sequence[SinkSpec] = (),
    watch: Callable[[Result], None] | None = None,
    stop: threading.Event | None = None,
    give_up: Callable[[], None] | None = None,
    own_process: bool = False,
) -> dict[str, Any]:
    """Run until the source ends, a limit is reached, ``stop`` is set or Ctrl-C; returns the report, which is also
    written.

    ``camera``, ``engine``: one's own, in the place of what ``settings`` name; whoever gives them closes them. `run` is
    to be called in the thread that made the engine. (``stop`` closes a live camera of which every frame is taken, since
    nothing else wakes its read.) ``sinks``: one's own, beside those of ``settings.outputs``; `run` makes them and
    closes them. ``watch``: called with every result, in the thread of the run; where it is an
    `edge.app.observer.Observer`, also at the beginning and at the end.

    ``give_up``: a call into the engine or a disk that does not return within 30 s, or soon after a signal to stop,
    cannot be ended: this is called then, in another thread, with everything that was found and the report on the disk.
    The command ends its process there; without it the line is logged, and `run` does not return before the call does.
    ``own_process``: the process is there for this run alone. A service manager (``NOTIFY_SOCKET``) is then told how it
    goes, and a camera that is missing is waited for under one; a small process ends this one where a call holds
    Python's interpreter and nothing else can.

    ``settings.out`` then holds ``detections.jsonl``, ``report.json``, what the other sinks wrote and perhaps
    ``recording/``; what an earlier run left there is moved aside, never overwritten.

    Raises InputError before anything was started. Raises CameraError, EngineError, SinkError or ReplayError
    after what had been detected is on the disk and the report, which names the error, is written.
    """
    with opened(settings, Given(camera, engine, sinks, watch, stop, give_up, own_process)) as loop:
        return loop.run()


@dataclass(frozen=True)
class Given:
    """What a run is given by who starts it, beside its settings: the arguments of `run`, which says what they are."""

    camera: Camera | None = None
    engine: Engine | None = None
    sinks: Sequence[SinkSpec] = ()
    watch: Callable[[Result], None] | None = None
    stop: threading.Event | None = None
    give_up: Callable[[], None] | None = None
    own_process: bool = False


@contextmanager
def opened(settings: RunSettings, given: Given) -> Iterator[Loop]:
    """As `run`: a run with all its parts open. As long as the block runs its folder is nobody else's."""
    choose_specs(settings.outputs, given.sinks)  # raises for names that there are not, before anything else
    folder, own = Path(settings.out), given.camera is not None
    with ExitStack() as stack:
        activity = stack.enter_context(watched_here(Activity("loop")))
        manager = _manager() if given.own_process else None
        watchdog = stack.enter_context(Watchdog(activity, given.give_up, manager=manager, guarded=given.own_process))
        board, sinks = stack.enter_context(answering(settings, activity, watchdog, given.sinks))
        specs = choose_specs(settings.outputs, sinks)
        activity.works(LOADING)
        stack.callback(activity.rests)
        deaths = stack.push(EngineDeaths(folder))
        if (engine := given.engine) is None:
            engine = stack.enter_context(_open_engine(settings, deaths))
            stack.callback(activity.works, CLOSING_ENGINE)
        else:
            _refuse_what_is_of_the_engine(settings, engine)
        lowest = Filter.of(settings.threshold).lowest(engine.bundle.thresholds)  # before anything is waited for
        if (camera := given.camera) is None:
            camera = stack.enter_context(camera_of(settings, waits=manager is not None))
            stack.callback(activity.works, CLOSING_CAMERA)
        activity.works(OPENING)
        camera = as_camera(camera)
        verifier = _verifier(settings, camera, engine, own)
        policy = choose_policy(camera, "every" if verifier else settings.policy)
        where = PlacingSettings.parse(settings.lens, settings.ground, settings.mounting)
        posed, poses, ground = None, None, where.ground if isinstance(where.ground, Dem) else None
        if settings.pose is not None:
            poses = stack.enter_context(open_pose(settings.pose, settings.sources, ground))
            camera = posed = Posed(camera, poses, settings.pose)
        placing = Placing(camera, where)
        coverage = _coverage(settings, engine, lowest, camera)
        if coverage is not None:
            specs = choose_specs(settings.outputs, [*sinks, coverage_spec(coverage)])
        _check_folder(settings, folder, specs)
        keeper = _keeper(settings, folder)
        spare = None if settings.spare is None else Spare(Path(settings.spare), folder.absolute().name)
        out = stack.enter_context(claimed_folder(folder, specs))
        stack.enter_context(keeper.start() if keeper else nullcontext())
        specs = spare.beside(out, specs) if spare else specs
        room = stack.enter_context(Room(out / REPORT, REPORT_ROOM))
        clock = stack.enter_context(begun(out, settings, engine, camera, poses, lowest.to_json()))
        recorder = None
        if settings.record:
            recorder = Recorder.behind(camera, out / RECORDING, settings.record_budget)
            stack.callback(recorder.close)
            camera = Tee(camera, recorder.write)
        announce(engine, settings.backend)
        running = stack.enter_context(
            Sinks(specs, out, engine.bundle, camera, policy == "every", lowest, settings.mission)
        )
        yield Loop(
            settings=settings,
            out=out,
            policy=policy,
            camera=camera,
            engine=engine,
            sinks=running,
            recorder=recorder,
            posed=posed,
            placing=placing,
            coverage=coverage,
            verifier=verifier,
            observer=Watching(given.watch, board and board.of(Parts(engine, running, recorder, out))),
            stop=given.stop,
            may_wait=camera.waits_for_return or (own and camera.live),
            watchdog=watchdog,
            clock=clock,
            room=room,
            spare=spare,
            keeper=keeper,
        )


def _keeper(settings: RunSettings, out: Path) -> Keeper | None:
    """What keeps room on the disk of ``out``; it does nothing yet. Raises InputError."""
    if settings.keep_free is None:
        return None
    keep = KeepFree.parse(settings.keep_free)
    least = check_keep_free(keep, out, settings.limits)
    return Keeper(keep, least, out, settings.flights, settings.sources)


def _manager() -> Manager | None:
    notify = Notify.from_environment()
    return Manager(notify) if notify else None


def _refuse_what_is_of_the_engine(settings: RunSettings, engine: Engine) -> None:
    """Of a run that was given ``engine``. Raises InputError, also where that is none."""
    require_engine(engine)
    if settings.normalise:
        raise InputError("normalise belongs to the bundle: make the engine of bundle.with_normaliser(...)")
    if settings.trusted_key is not None:
        raise InputError("trusted_key belongs to the bundle: make the engine of Bundle.load(..., trusted_key)")
    if settings.tiles:
        raise InputError("tiles belong to the engine: make it with open_engine(..., tiles=...), or a TiledEngine")


def _open_engine(settings: RunSettings, deaths: EngineDeaths) -> Engine:
    why = deaths.why_not() if settings.backend == "auto" else ""
    bundle = Bundle.load(settings.model, settings.trusted_key)
    if settings.normalise:
        bundle = bundle.with_normaliser(settings.normalise, settings.override_normalise)
    try:
        engine = open_engine(
            bundle,
            "ort" if why else settings.backend,
            trust_engine=settings.trust_engine,
            zero_copy=settings.zero_copy,
            spin=settings.spin,
            tiles=settings.tiles,
        )
    except EngineError:
        if settings.backend == "auto" and not why:
            deaths.backend = choose_backend(Probe(bundle, settings.trust_engine)).backend
        raise
    if settings.backend == "auto":
        deaths.backend = engine.backend
    engine.chosen = why or engine.chosen
    return engine


def _coverage(settings: RunSettings, engine: Engine, lowest: Thresholds, camera: Camera) -> Coverage | None:
    if settings.coverage is None:
        return None
    return Coverage.of(Search.parse(settings.coverage), engine, lowest, camera.independent)


def _check_folder(settings: RunSettings, folder: Path, specs: Sequence[SinkSpec]) -> None:
    for source in settings.sources or (None,):
        check_folder(folder, source, specs)


def _verifier(settings: RunSettings, camera: Camera, engine: Engine, own: bool) -> Verifier | None:
    """The comparison that was asked for, its replay set to the frames that the flight looked at."""
    if settings.verify is None:
        return None
    if settings.policy == "latest":
        raise InputError("--verify needs every frame that the flight looked at: leave --policy latest out")
    if not own and not (settings.source_text or "").lower().startswith("rec:"):
        raise InputError(
            f"--verify compares replays, and the source is {settings.source_text!r}: give --source rec:FOLDER"
        )
    verifier = Verifier(Path(settings.verify), engine.bundle.classes)
    camera.select(verifier.seqs)
    return verifier
