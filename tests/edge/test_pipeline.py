"""The main path: every stage in its order, what can be set in flight, and how it ends."""

from __future__ import annotations

import dataclasses
import gc
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import Frame, RawDetections, Result, monotonic_of
from edge.errors import CameraError, EngineError, InputError
from edge.health import fixed, scene
from edge.health.ladder import FULL, Effort
from edge.health.pace import Pace
from edge.model.bundle import Bundle
from edge.model.thresholds import Filter
from edge.pipeline import stream
from edge.seams import Camera, Engine
from edge.system.activity import INFERRING, Now, here
from edge.thermal.correct import motion
from edge.thermal.normalise import Normaliser, NormaliseSpec

H, W = 64, 80
STAGES = ["wait", "correct", "normalise", "infer", "postprocess", "health"]
LONG_S = 60.0  # a test that waits so long has failed


class Feed(Camera):
    """Gives ``frames``, a live one each only when the one before was looked at; then ends, breaks, or is silent."""

    description = "a feed"

    def __init__(self, frames: Iterable[Frame], live: bool = False, ending: Exception | str | None = None) -> None:
        self.live, self.fps = live, 30.0
        self._frames, self._ending = iter(frames), ending
        self.next = threading.Semaphore(1)
        self.closed = threading.Event()
        self.silence = threading.Event()  # begins: what it gave before has been taken
        self.gave_up = False  # nobody closed it for a minute

    def read(self) -> Frame | None:
        if self.live:
            self.next.acquire()
        for frame in self._frames:
            return frame
        if self._ending == "silence":
            self.silence.set()
            self.gave_up = not self.closed.wait(LONG_S)
            raise CameraError("closed")
        if isinstance(self._ending, Exception):
            raise self._ending
        return None

    def close(self) -> None:
        self.closed.set()


class Fixed(Engine):
    """Finds the same three things in every frame: of score 0.9, 0.6 and 0.3, of 8, 16 and 32 px."""

    def __init__(self, bundle: Bundle, last_ms: dict[str, float] | None = None) -> None:
        super().__init__(bundle)
        self.last_ms = last_ms or {}
        self.released = 0

    def _infer(self, image: np.ndarray) -> RawDetections:
        boxes = np.array([[0, 0, 8, 4], [0, 0, 16, 4], [0, 0, 32, 4], [0, 0, 0, 0]], np.float32)
        return RawDetections(boxes, np.array([0.9, 0.6, 0.3, 0], np.float32), np.zeros(4, np.int32))

    def _release(self) -> None:
        self.released += 1


def frame(seq: int, **more: object) -> Frame:
    pixels = np.random.default_rng(seq).integers(28000 + 50 * seq, 29000 + 50 * seq, (H, W), dtype=np.uint16)
    return Frame(pixels, seq, more.pop("t_capture", time.monotonic()), **more)  # type: ignore[arg-type]


def looked_at(results: Iterable[Result], camera: Feed) -> Iterable[Result]:
    for result in results:
        yield result
        camera.next.release()


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


# ---- stages


def test_stages_stand_in_their_order(bundle: Bundle) -> None:
    results = list(stream(Feed([frame(0), frame(1)]), Fixed(bundle)))
    assert [list(result.stages_ms) for result in results] == [[*STAGES, "consumer"]] * 2
    for result in results:
        assert all(ms >= 0 for ms in result.stages_ms.values())
        until_ready = sum(result.stages_ms[name] for name in STAGES if name not in ("wait", "health"))
        assert result.t_result - result.frame.t_arrival >= until_ready / 1e3 - 1e-6


def test_where_the_engine_says_its_time_went_stands_beside_it(bundle: Bundle) -> None:
    engine = Fixed(bundle, {"copy": 0.25, "execute": 7.5})
    (open_, shut) = stream(Feed([frame(0), frame(1, flags=frozenset({"ffc"}))]), engine)
    assert list(open_.stages_ms) == [*STAGES, "engine.copy", "engine.execute", "consumer"]
    assert (open_.stages_ms["engine.copy"], open_.stages_ms["engine.execute"]) == (0.25, 7.5)
    assert list(shut.stages_ms) == [*STAGES, "consumer"]  # it was not asked


def test_the_consumers_time_counts(bundle: Bundle) -> None:
    results = stream(Feed([frame(i) for i in range(3)]), Fixed(bundle))
    took = []
    for result in results:
        took.append(result.stages_ms["consumer"])
        time.sleep(0.3 if result.frame.seq == 0 else 0)
    assert took[0] == 0
    assert took[1] >= 300
    assert took[2] < 300


class Asked(Fixed):
    """Notes how often it was asked, what its thread was at then, and takes its time over inverted pictures."""

    def __init__(self, bundle: Bundle, lasts_s: float = 0.0) -> None:
        super().__init__(bundle)
        self.lasts_s = lasts_s
        self.asked: list[bool] = []  # whether the picture was an inverted one
        self.at: list[Now | None] = []

    def _infer(self, image: np.ndarray) -> RawDetections:
        self.asked.append(image.mean() > 127)
        self.at.append(here().now)
        time.sleep(self.lasts_s if self.asked[-1] else 0)
        return super()._infer(image)


def dark(seq: int) -> Frame:
    return Frame(np.random.default_rng(seq).integers(0, 120, (H, W), dtype=np.uint8), seq, time.monotonic())


def test_the_result_of_a_live_camera_does_not_wait_for_the_look_at_the_inverted_picture(bundle: Bundle) -> None:
    camera, engine = Feed([dark(0), dark(1)], live=True), Asked(bundle, lasts_s=0.2)
    results = stream(camera, engine, policy="every")
    camera.next.release()
    first = next(results)
    assert engine.asked == [False]
    handed_over = time.monotonic()
    second = next(results)
    assert engine.asked == [False, True, False]
    assert engine.at[1] is not None  # a look that hangs is noticed
    assert (engine.at[1].state, engine.at[1].waiting) == (INFERRING, False)
    assert engine.at[1].since >= handed_over
    assert first.stages_ms["health"] < 200 <= second.stages_ms["health"]
    assert second.stages_ms["consumer"] < 200
    results.close()
    assert engine.asked == [False, True, False]


def test_each_call_of_an_engine_has_its_own_time(bundle: Bundle) -> None:
    engine = Asked(bundle)
    next(stream(Feed([dark(0)]), engine))  # the picture, and the inverted one
    first, second = engine.at
    assert first is not None
    assert second is not None
    assert second.since > first.since


def test_a_single_still_is_judged_by_its_inverted_picture_too(bundle: Bundle) -> None:
    engine = Asked(bundle)
    next(stream(Feed([dark(0)]), engine))
    assert engine.asked == [False, True]


def test_an_engine_that_was_replaced_is_asked_nothing_more(bundle: Bundle) -> None:
    camera, old, new = Feed([dark(0), dark(1)], live=True), Asked(bundle), Asked(bundle)
    results = stream(camera, old, policy="every")
    camera.next.release()
    next(results)
    results.replace_engine(new)
    old.close()
    next(results)
    assert (old.asked, new.asked) == ([False], [False])
    results.close()


def test_the_looks_of_correction_and_of_health_fall_on_different_frames(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    seq, looks = -1, {"motion": set[int](), "swapped": set[int](), "fixed": set[int]()}

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            looks[name].add(seq)
            return function(*given)

        return noted

    monkeypatch.setattr(motion, "fine_noise", noting("motion", motion.fine_noise))
    monkeypatch.setattr(scene, "looks_swapped", noting("swapped", scene.looks_swapped))
    monkeypatch.setattr(fixed, "Scene", noting("fixed", fixed.Scene))

    def frames() -> Iterator[Frame]:
        nonlocal seq
        for seq in range(300):
            yield frame(seq)

    for _ in stream(Feed(frames()), Fixed(bundle)):
        pass
    assert looks["motion"] == set(range(15, 300, 8))
    assert looks["swapped"] == {0, *range(5, 300, 32)}
    assert looks["fixed"] == {*range(8), *range(10, 300, 6)}
    assert not looks["motion"] & (looks["swapped"] | looks["fixed"])
    assert looks["swapped"] & looks["fixed"] == {0, 5}  # at the start all of the first frames are looked at


# ---- what can be set in flight


def test_the_filter_holds_from_the_next_frame_on(bundle: Bundle) -> None:
    results = stream(Feed([frame(i) for i in range(5)]), Fixed(bundle))
    shown = []
    for filter in (Filter(), Filter(0.2), Filter(0.2, min_size_px=16), Filter(min_size_px=9), Filter(1.0)):
        results.filter = filter
        assert results.filter is filter
        shown.append([round(float(score), 1) for score in next(results).detections.scores])
    assert shown == [[0.9, 0.6], [0.9, 0.6, 0.3], [0.6, 0.3], [0.6], []]


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.01}, {"threshold": -0.1}, {"threshold": math.nan}, {"min_size_px": -1.0},
              {"min_size_px": math.inf}, {"min_size_px": math.nan}],
)  # fmt: skip
def test_a_filter_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))} .*: expected"):
        Filter(**wrong)


def test_what_is_no_filter_is_refused_and_the_old_one_holds(bundle: Bundle) -> None:
    results = stream(Feed([frame(0)]), Fixed(bundle), threshold=0.8)
    with pytest.raises(InputError, match=r"the filter is 0\.2: expected an edge.Filter, such as edge.Filter\(0\.7\)"):
        results.filter = 0.2  # type: ignore[assignment]
    assert len(next(results).detections) == 1


@pytest.mark.parametrize("name", ["threshold", "engine", "policy"])
def test_what_would_do_nothing_cannot_be_set(name: str, bundle: Bundle) -> None:
    results = stream(Feed([]), Fixed(bundle))
    with pytest.raises(AttributeError, match=f"results have no {name}: expected filter or effort"):
        setattr(results, name, 0.2)


def test_two_thresholds_are_one_too_many(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="give one of them"):
        stream(Feed([]), Fixed(bundle), threshold=0.5, filter=Filter(0.5))
    assert len(next(stream(Feed([frame(0)]), Fixed(bundle), threshold=0.8)).detections) == 1
    assert len(next(stream(Feed([frame(0)]), Fixed(bundle), filter=Filter(0.2))).detections) == 3


def test_another_engine_from_the_next_frame_on(bundle: Bundle) -> None:
    class Blind(Fixed):
        def _infer(self, image: np.ndarray) -> RawDetections:
            return dataclasses.replace(super()._infer(image), scores=np.zeros(4, np.float32))

    old, new = Fixed(bundle), Blind(bundle)
    with stream(Feed([frame(i) for i in range(3)]), old) as results:
        assert len(next(results).detections) == 2
        assert results.replace_engine(new) is old
        assert len(next(results).detections) == 0
    assert (old.released, new.released) == (0, 0)  # both are the caller's
    old.close()
    assert old.released == 1


def test_an_engine_with_other_classes_is_refused(bundle: Bundle) -> None:
    other = dataclasses.replace(bundle, classes=("Car", "Person"))
    results = stream(Feed([frame(0), frame(1)]), Fixed(bundle))
    next(results)
    with pytest.raises(InputError, match="has the classes Car, Person, the stream Person"):
        results.replace_engine(Fixed(other))
    with pytest.raises(InputError, match="the engine is str: expected a class derived from edge.Engine"):
        results.replace_engine("models/deer")  # type: ignore[arg-type]
    assert len(next(results).detections) == 2  # the one before goes on


@pytest.mark.parametrize(("other", "remembers"), [(None, True), ("anchored:weight=0.9", False)])
def test_the_memory_of_normalising_is_kept_where_both_normalise_alike(
    other: str | None, remembers: bool, bundle: Bundle
) -> None:
    spec = NormaliseSpec.parse(other) if other else bundle.normalise_16bit
    results = stream(Feed([frame(0), frame(1)]), Fixed(bundle))
    first = next(results)
    results.replace_engine(Fixed(dataclasses.replace(bundle, normalise_16bit=spec)))
    second = next(results)
    anew, going_on = Normaliser(spec), Normaliser(spec)
    going_on(first.frame.pixels)
    pictures = {normaliser is going_on: normaliser(second.frame.pixels) for normaliser in (anew, going_on)}
    assert np.array_equal(second.picture, pictures[remembers])
    assert not np.array_equal(second.picture, pictures[not remembers])


# ---- what did not come


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_gaps_in_seq_are_lost_frames(policy: str, bundle: Bundle) -> None:
    camera = Feed([frame(seq) for seq in (3, 4, 7, 8, 12)], live=True)
    results = list(looked_at(stream(camera, Fixed(bundle), policy=policy), camera))
    assert [result.frame.seq for result in results] == [3, 4, 7, 8, 12]
    assert [result.lost for result in results] == [0, 0, 2, 2, 5]
    assert results[-1].dropped == 0


def test_frames_that_came_while_nobody_looked_are_dropped_not_lost(bundle: Bundle) -> None:
    camera = Feed([frame(seq) for seq in range(8)], live=True, ending="silence")
    with stream(camera, Fixed(bundle)) as results:
        next(results)
        for _ in range(8):
            camera.next.release()
        assert camera.silence.wait(LONG_S)
        last = next(results)
        assert (last.frame.seq, last.dropped, last.lost) == (7, 6, 0)
        camera.close()


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    "stamp",
    [time.time, lambda: math.nan, lambda: math.inf, lambda: time.monotonic() - 120],
    ids=["epoch", "nan", "inf", "long ago"],
)
def test_a_time_that_cannot_be_is_refused(stamp: Callable[[], float], live: bool, bundle: Bundle) -> None:
    camera = Feed([frame(0), frame(1, t_capture=stamp())], live=live)
    results = looked_at(stream(camera, Fixed(bundle)), camera)
    assert next(iter(results)).frame.seq == 0
    with pytest.raises(CameraError, match=r"frame 1 .*expected seconds of time.monotonic"):
        list(results)


def test_a_wall_clock_can_be_converted(bundle: Bundle) -> None:
    (result,) = stream(Feed([frame(0, t_capture=monotonic_of(time.time()))]), Fixed(bundle))
    assert 0 <= result.latency_ms < 10_000


@pytest.mark.parametrize("live", [False, True])
def test_whatever_a_driver_raises_is_a_camera_error_after_the_last_result(live: bool, bundle: Bundle) -> None:
    camera = Feed([frame(0), frame(1)], live=live, ending=ValueError("bad header"))
    results = iter(looked_at(stream(camera, Fixed(bundle)), camera))
    assert [next(results).frame.seq, next(results).frame.seq] == [0, 1]
    with pytest.raises(CameraError, match="bad header"):
        next(results)


# ---- the shutter


def test_a_shutter_that_the_camera_flags_was_not_inferred(bundle: Bundle) -> None:
    frames = [frame(0), frame(1, flags=frozenset({"ffc"})), frame(2)]
    results = list(stream(Feed(frames), Fixed(bundle)))
    assert [result.inferred for result in results] == [True, False, True]
    assert [len(result.detections) for result in results] == [2, 0, 2]
    assert not any("ffc_inferred" in result.frame.flags for result in results)


# ---- the end


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_stop_ends_it_while_the_camera_is_silent(policy: str, bundle: Bundle) -> None:
    camera, stop = Feed([frame(0)], live=True, ending="silence"), threading.Event()

    def end() -> None:
        assert camera.silence.wait(LONG_S)
        stop.set()

    ender = threading.Thread(target=end)
    ender.start()
    seen = [result.frame.seq for result in looked_at(stream(camera, Fixed(bundle), policy=policy, stop=stop), camera)]
    assert seen == [0]
    camera.close()
    assert not camera.gave_up
    ender.join()


def test_stop_between_frames_of_a_file(bundle: Bundle) -> None:
    stop = threading.Event()
    camera = Feed([frame(i) for i in range(5)])
    seen = []
    for result in stream(camera, Fixed(bundle), stop=stop):
        seen.append(result.frame.seq)
        if result.frame.seq == 2:
            stop.set()
    assert seen == [0, 1, 2]
    assert not camera.closed.is_set()  # it stays the caller's


def capturing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "capture" and thread.is_alive()]


def test_a_loop_that_is_left_takes_no_more_frames(bundle: Bundle) -> None:
    others = set(capturing())
    camera = Feed([frame(i) for i in range(3)], live=True)
    gc.disable()  # it must not depend on when that runs
    try:
        for result in stream(camera, Fixed(bundle)):
            assert result.frame.seq == 0
            (thread,) = set(capturing()) - others
            camera.next.release()
            break
        thread.join(LONG_S)
        assert not thread.is_alive()
    finally:
        gc.enable()


def test_closed_it_gives_nothing_more(bundle: Bundle) -> None:
    with stream(Feed([frame(0), frame(1)]), Fixed(bundle)) as results:
        next(results)
    results.close()
    assert list(results) == []


def test_an_engine_error_comes_through(bundle: Bundle) -> None:
    engine = Fixed(bundle)
    results = stream(Feed([frame(0), frame(1)]), engine)
    next(results)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        next(results)


def test_a_camera_that_is_not_derived_from_ours_will_do_and_an_engine_will_not(bundle: Bundle) -> None:
    class Plain:
        def __init__(self) -> None:
            self.left = [frame(0), frame(2)]

        def read(self) -> Frame | None:
            return self.left.pop(0) if self.left else None

        def close(self) -> None:
            pass

    with Fixed(bundle) as engine:
        assert [(r.frame.seq, r.lost) for r in stream(Plain(), engine)] == [(0, 0), (2, 1)]  # type: ignore[arg-type]
        with pytest.raises(InputError, match="the camera is str: expected an edge.Camera"):
            stream("/dev/video0", engine)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the engine is Plain: expected a class derived from edge.Engine"):
        stream(Plain(), Plain())  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [("Ant",), ("Zebra",), ("Person", "Zebra"), ()])
def test_any_other_classes_are_refused(classes: tuple[str, ...], bundle: Bundle) -> None:
    results = stream(Feed([frame(0)]), Fixed(bundle))
    with pytest.raises(InputError, match="expected the same in the same order"):
        results.replace_engine(Fixed(dataclasses.replace(bundle, classes=classes)))


# ---- less effort


def test_with_less_effort_every_third_open_frame_is_searched(bundle: Bundle) -> None:
    shut = {2: frozenset({"ffc"})}
    results = stream(Feed([frame(i, flags=shut.get(i, frozenset())) for i in range(10)]), Fixed(bundle))
    results.effort = Effort(every=3)
    seen = [(result.inferred, len(result.detections) > 0) for result in results]
    assert [found for _, found in seen] == [inferred for inferred, _ in seen]
    assert [inferred for inferred, _ in seen] == [False, False, False, True, False, False, True, False, False, True]


def test_full_effort_again_searches_all(bundle: Bundle) -> None:
    results = stream(Feed([frame(i) for i in range(6)]), Fixed(bundle))
    results.effort = Effort(every=3)
    asked = []
    for result in results:
        asked.append(result.inferred)
        if len(asked) == 3:
            results.effort = FULL
    assert asked == [False, False, True, True, True, True]


def test_a_rest_ends_with_the_run(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it were."""
    monkeypatch.setattr(Pace, "rest_s", lambda *_: LONG_S)
    stop = threading.Event()
    results = stream(Feed([frame(i) for i in range(6)]), Fixed(bundle), stop=stop)
    results.effort = Effort(times=2.0)
    next(results)
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    assert list(results) == []
    assert time.monotonic() - begin < LONG_S
