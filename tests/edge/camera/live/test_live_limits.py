"""How long is too long, on both sides of each limit, and every count of an outage under its name."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import edge.camera.live.intake as intake
import edge.camera.live.latest as latest
import edge.camera.live.timeout as timeout
from edge.camera import EveryFrame, LatestFrames, choose_policy, open_frames
from edge.camera.live.frozen import FrozenPicture, RepeatedFrames, as_resumed
from edge.camera.live.intake import Intake
from edge.camera.live.loss import in_words
from edge.camera.live.pacer import Paced, Pacer, played_live
from edge.camera.live.reconnect import Gap, Reconnecting, keep_open
from edge.camera.live.tee import Tee
from edge.camera.live.timeout import HungError, TimeLimited
from edge.data import Frame
from edge.errors import CameraError, InputError, SourceError
from edge.seams import Camera
from tests.support.scripted_camera import PERIOD_S, WAIT_S, World, picture

SHUT = frozenset({"ffc"})


def frame(seq: int, t: float, value: int, flags: frozenset[str] = frozenset(), **more: Any) -> Frame:
    return Frame(np.full((3, 5), value, np.uint16), seq, t, flags=flags, replayed=True, **more)


# ---- a picture that stands still ----


@pytest.mark.parametrize(
    ("still_s", "resumed", "frozen_s"), [(0.29, False, 0), (0.3, True, 0), (1.0, True, 0), (1.01, True, 1.01)]
)
def test_from_when_on_a_picture_has_resumed_and_was_frozen(still_s: float, resumed: bool, frozen_s: float) -> None:
    sift = RepeatedFrames(live=True)
    assert sift.sift(frame(0, 0.0, 7)) is not None
    assert sift.sift(frame(1, 0.1, 7)) is None
    assert sift.frozen_s == 0
    assert sift.sift(frame(2, still_s, 7)) is None
    assert sift.frozen_s == pytest.approx(frozen_s)
    new = sift.sift(frame(3, 5.0, 8))
    assert new is not None
    assert ("resumed" in new.flags) is resumed
    assert sift.frozen_s == pytest.approx(frozen_s)
    after = sift.sift(frame(4, 5.1, 9))
    assert after is not None
    assert after.flags == frozenset()


def test_seconds_frozen_add_up() -> None:
    sift = RepeatedFrames(live=True)
    for seq, (t, value) in enumerate([(0, 1), (2, 1), (3, 2), (4.5, 2), (9, 2), (10, 3), (10.5, 3), (11, 4)]):
        sift.sift(frame(seq, t, value))
    assert sift.frozen_s == pytest.approx(2 + 6)


def test_a_resumed_frame_that_repeats_marks_the_next() -> None:
    sift = RepeatedFrames(live=True)
    sift.sift(frame(0, 0.0, 1))
    assert sift.sift(frame(1, 0.1, 1, frozenset({"resumed"}))) is None
    new = sift.sift(frame(2, 0.2, 2, frozenset({"repaired"})))
    assert new is not None
    assert new.flags == {"resumed", "repaired"}


def test_a_flagged_shutter_starts_the_clock_anew() -> None:
    sift = RepeatedFrames(live=True)
    sift.sift(frame(0, 0.0, 1))
    shut = sift.sift(frame(1, 5.0, 1, SHUT))
    assert shut is not None
    assert shut.flags == {"ffc", "frozen"}
    assert sift.sift(frame(2, 5.9, 1)) is None
    assert sift.frozen_s == 0
    assert sift.sift(frame(3, 6.1, 1)) is None
    assert sift.frozen_s == pytest.approx(1.1)


def test_a_file_may_repeat_itself() -> None:
    sift = RepeatedFrames(live=False)
    frames = [frame(seq, 2.0 * seq, 7) for seq in range(3)]
    assert [sift.sift(each) for each in frames] == frames
    assert sift.frozen_s == 0


def test_another_shape_is_another_picture() -> None:
    still = FrozenPicture()
    assert not still.again(np.zeros((3, 5), np.uint16), 1.0)
    assert not still.again(np.zeros((5, 3), np.uint16), 2.0)
    assert still.again(np.zeros((5, 3), np.uint16), 3.0)
    assert still.since == 2.0


# ---- what a frame's time may be ----


class One(Camera):
    live = True

    def __init__(self, *frames: Frame) -> None:
        self.given = list(frames)

    def read(self) -> Frame | None:
        return self.given.pop(0) if self.given else None


@pytest.mark.parametrize(
    ("captured", "fine"), [(101.0, True), (101.1, False), (40.0, True), (39.9, False), (float("nan"), False)]
)
def test_a_time_of_capture_that_can_be(captured: float, fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened at 100 s and arrived then: up to a second later, and a minute before it was opened."""
    monkeypatch.setattr(intake, "time", SimpleNamespace(monotonic=lambda: 100.0))
    taken = Intake(One(Frame(np.zeros((3, 5), np.uint8), 4, captured, t_arrival=100.0)))
    if fine:
        assert taken.take()[0]
    else:
        with pytest.raises(CameraError, match=r"frame 4 was captured at t_capture=.*it arrived at 100\.000 s"):
            taken.take()


def test_a_replayed_frame_s_time_is_of_another_clock() -> None:
    assert Intake(One(frame(0, -1e6, 1))).take()[0]


@pytest.mark.parametrize(("seqs", "lost"), [((5, 6, 7), 0), ((5, 7, 8, 12), 4), ((0, 100), 99)])
def test_lost_are_the_gaps(seqs: tuple[int, ...], lost: int) -> None:
    camera = One(*(frame(seq, seq / 8, seq) for seq in seqs))
    taken = Intake(camera)
    while taken.take()[0]:
        pass
    assert taken.lost == lost
    camera = One(*(frame(seq, seq / 8, seq) for seq in seqs))
    camera.seq_tells_losses = False
    taken = Intake(camera)
    while taken.take()[0]:
        pass
    assert taken.lost == 0


@pytest.mark.parametrize("second", [5, 4])
def test_numbers_that_do_not_count_up(second: int) -> None:
    taken = Intake(One(frame(5, 1.0, 1), frame(second, 2.0, 2)))
    taken.take()
    with pytest.raises(CameraError, match=f"frame {second} after frame 5"):
        taken.take()


def test_counts_of_every_policy_stand_under_their_names() -> None:
    """Every frame: 1 lost, 2 duplicates, 3 s frozen, none dropped."""
    camera = One(frame(0, 0, 1), frame(2, 1, 2), frame(3, 2, 2), frame(4, 4, 2), frame(5, 5, 3))
    every = EveryFrame(camera)
    assert [found.seq for found in iter(every.get, None)] == [0, 2, 5]
    assert (every.dropped, every.duplicates, every.lost, every.frozen_s) == (0, 2, 1, 3.0)


def test_a_policy_is_chosen_by_the_camera() -> None:
    live, file = One(), One()
    file.live = False
    assert [choose_policy(live), choose_policy(file), choose_policy(live, "every")] == ["latest", "every", "every"]
    with open_frames(live) as frames:
        assert isinstance(frames, LatestFrames)
    with pytest.raises(InputError, match=r"\?live=1"):
        choose_policy(file, "latest")


# ---- an outage ----


def read_on(camera: Camera) -> None:
    while camera.read():
        pass


def test_every_figure_of_two_outages() -> None:
    away = SourceError("not there")
    world = World([picture(), picture(), picture()], away, [picture()], away, away, away)
    camera = world.camera(limit_s=6.0)
    with pytest.raises(CameraError, match="camera not back after 6 s: not there"):
        read_on(camera)
    assert camera.outages() == {
        "outages": 2,
        "lost_seconds": pytest.approx(1.75 + 6.0),  # the failing read, pauses of 0.5 and 1 s, the read; then the limit
        "away": True,
        "gaps": [
            {
                "after_seq": 2,
                "t": 1000 + 3 * PERIOD_S,
                "seconds": pytest.approx(1.75),
                "why": "unplugged",
                "back": True,
            },
            {
                "after_seq": 4,
                "t": pytest.approx(1000 + 3 * PERIOD_S + 1.75),
                "seconds": pytest.approx(6.0),
                "why": "unplugged",
                "back": False,
            },
        ],
    }
    assert camera.lost_s == pytest.approx(7.75)


def test_the_newest_hundred_gaps_are_kept_and_all_are_counted() -> None:
    world = World(*[[picture()]] * 103, [picture(), None])
    camera = world.camera()
    while camera.read():
        pass
    told = camera.outages()
    assert told["outages"] == 103
    assert len(told["gaps"]) == 100
    assert told["gaps"][-1]["after_seq"] == 204  # one number is left out for each
    assert told["gaps"][0]["after_seq"] == 6


@pytest.mark.parametrize(("frames", "pause"), [(79, 1.0), (80, 0.5)])
def test_from_ten_steady_seconds_on_it_is_hurried_again(frames: int, pause: float) -> None:
    """Back with the first of its frames, one each 1/8 s; lost at the failing read after the last."""
    world = World([picture()], [picture() for _ in range(frames)], [picture(), None])
    camera = world.camera()
    while camera.read():
        pass
    assert world.pauses == [0.5, pause]


@pytest.mark.parametrize(("frames", "told"), [(25, False), (26, True)])
def test_a_person_is_told_after_three_seconds(frames: int, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    with World([*[picture(7)] * frames, None]).camera() as camera:
        while camera.read():
            pass
    assert bool(caplog.messages) is told


@pytest.mark.parametrize(("frames", "outages"), [(81, 0), (82, 1)])
def test_counts_that_stand_still_for_over_ten_seconds_are_a_loss(frames: int, outages: int) -> None:
    with World([*[picture(7)] * frames, None], [picture(8), None]).camera() as camera:
        while camera.read():
            pass
    assert camera.outages()["outages"] == outages


def test_it_must_be_away_for_its_whole_time() -> None:
    world = World([picture()], *[SourceError("away")] * 9, [picture(), None])
    camera = world.camera(limit_s=1.0)
    camera.read()
    with pytest.raises(CameraError, match="not back after 1 s"):
        camera.read()
    assert world.pauses == [0.5, pytest.approx(0.375)]  # the failing read was an eighth


def test_other_frames_three_times_in_a_row_and_not_two() -> None:
    other = picture(shape=(2, 6))
    world = World([picture()], [other], [other], [picture(), None])
    camera = world.camera()
    camera.read()
    back = camera.read()
    assert back is not None
    assert (back.seq, back.flags) == (2, {"resumed"})


def test_a_camera_that_is_lost_before_its_first_frame() -> None:
    world = World([CameraError("no signal")], [picture(), picture(), None])
    camera = world.camera()
    frames = [camera.read(), camera.read()]
    assert [found and found.seq for found in frames] == [1, 2]
    assert camera.outages()["gaps"][0]["after_seq"] == -1
    assert [found and found.flags for found in frames] == [{"resumed"}, frozenset()]


def test_what_is_kept_open() -> None:
    """A file, or a camera that is not looked for, is only limited in time; a live one is looked for."""

    class File(One):
        live = False

    assert isinstance(keep_open(File, "file", None), TimeLimited)
    assert isinstance(keep_open(One, "camera", 0), TimeLimited)
    camera = keep_open(One, "camera", 3.0)
    assert isinstance(camera, Reconnecting)
    assert (camera.live, camera.waits_for_return, camera._limit_s) == (True, True, 3.0)
    camera.close()


def test_a_gap_s_words_are_in_their_order() -> None:
    assert [*Gap.__dataclass_fields__] == ["after_seq", "t", "seconds", "why", "back"]


# ---- a call that does not return ----


def test_a_call_s_times_are_those_of_the_module() -> None:
    with TimeLimited(One, "one") as camera:
        assert camera._stall_s == timeout.STALL_S
    with TimeLimited(One, "one", stall_s=0.25) as camera:
        assert camera._stall_s == 0.25


class Hangs(One):
    def __init__(self, let_go: threading.Event) -> None:
        super().__init__()
        self.let_go = let_go

    def read(self) -> Frame | None:
        self.let_go.wait(WAIT_S)
        return None


def test_as_many_hung_calls_as_are_allowed_and_one_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "CLOSE_S", 0.01)
    let_go = threading.Event()
    try:
        for n in range(3):
            monkeypatch.setattr(timeout, "MAX_HUNG", n + 1)
            camera = TimeLimited(lambda: Hangs(let_go), "hanging", stall_s=0.01)  # n hang: one less than allowed
            with pytest.raises(CameraError, match="nothing for 0.01 s"):
                camera.read()
        with pytest.raises(HungError, match="3 calls into its driver"):
            TimeLimited(lambda: Hangs(let_go), "hanging")
    finally:
        let_go.set()
        for thread in threading.enumerate():
            if thread.name == "camera hanging":
                thread.join(WAIT_S)


def test_an_answer_in_time_is_waited_for_no_longer() -> None:
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answer.put((7, None))
    assert timeout._wait(answer, 0.5, None) == (7, None)
    answer.put((8, None))
    assert timeout._wait(answer, 0.5, threading.Event()) == (8, None)
    with pytest.raises(timeout._LateError):
        timeout._wait(answer, 0.01, None)
    stop = threading.Event()
    stop.set()
    with pytest.raises(timeout._LeftError):
        timeout._wait(answer, WAIT_S, stop)


# ---- what wraps a camera ----


def test_a_tee_hands_on_what_the_camera_gave_and_not_its_end() -> None:
    seen: list[Frame] = []
    given = [frame(0, 0, 1), frame(1, 1, 2)]
    camera = Tee(One(*given), seen.append)
    assert [camera.read(), camera.read(), camera.read()] == [*given, None]
    assert seen == given


def test_what_a_driver_raised_in_words() -> None:
    assert in_words("cam", OSError(5, "I/O  error\n again")) == "cam: OSError: [Errno 5] I/O error again"
    assert in_words("cam", KeyError()) == "cam: KeyError"


class Clock:
    def __init__(self) -> None:
        self.now, self.waited = 500.0, [0.0]

    def pause(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        return False

    def pacer(self) -> Pacer:
        return Pacer(clock=lambda: self.now, pause=self.pause)


def test_a_paced_file_keeps_its_media_times_or_its_rate() -> None:
    clock = Clock()
    origins = (0.0, 0.1, 0.4, None, 0.9)
    frames = [replace(frame(seq, 0, seq), origin=origin) for seq, origin in zip((0, 1, 2, 4, 5), origins, strict=True)]
    camera = Paced(One(*frames), 4.0, clock.pacer())
    due = [found.t_capture for found in iter(camera.read, None)]
    assert due == pytest.approx([500.0, 500.1, 500.4, 500.9, 501.15])
    assert (camera.live, camera.once_live, camera.fps) == (True, True, 4.0)


def test_a_file_without_a_rate_cannot_be_played_live() -> None:
    camera = One()
    closed: list[bool] = []
    camera.close = lambda: closed.append(True)  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="'clip'.*does not say its rate"):
        played_live(camera, "clip")
    assert closed == [True]
    camera.fps = 8.0
    assert played_live(camera, "clip").fps == 8.0


def test_losses_are_logged_for_debugging_with_their_cause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "edge.camera.live")
    error = ValueError("x")
    in_words("cam", error)
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]


# ---- stopping ----


class Silent(One):
    """Waits until it is closed, as a camera that gives nothing more."""

    def __init__(self, *frames: Frame) -> None:
        super().__init__(*frames)
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        if self.given:
            return super().read()
        assert self.closed.wait(WAIT_S)
        raise CameraError("closed")

    def close(self) -> None:
        self.closed.set()


def test_the_newest_frame_is_waited_for_until_it_comes_or_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop, got = Silent(), threading.Event(), queue.Queue[Any]()
    frames = LatestFrames(camera, stop)
    assert (frames.dropped, frames.duplicates, frames.lost, frames.frozen_s) == (0, 0, 0, 0.0)
    waiting = threading.Thread(target=lambda: got.put(frames.get()))
    waiting.start()
    with pytest.raises(queue.Empty):
        got.get(timeout=0.05)  # five looks
    stop.set()
    assert got.get(timeout=WAIT_S) is None
    waiting.join(WAIT_S)
    camera.close()
    frames.close()


def test_a_frame_that_came_before_a_stop_is_not_given_after_it() -> None:
    camera, stop = Silent(frame(0, 0, 1)), threading.Event()
    frames = LatestFrames(camera, stop)
    while frames._slot is None:
        pass
    stop.set()
    assert frames.get() is None
    camera.close()
    frames.close()


@pytest.mark.parametrize("live", [True, False])
def test_every_frame_of_a_live_camera_ends_with_a_stop(live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop = Silent(frame(0, 0, 1)), threading.Event()
    camera.live = live
    every = EveryFrame(camera, stop)
    assert every.get() is not None
    assert not camera.closed.wait(0.03)
    stop.set()
    assert camera.closed.wait(WAIT_S if live else 0.03) is live  # a file is read on, it does not wait
    camera.close()
    assert every.get() is None
    every.close()


def test_a_source_that_is_closed_wakes_nobody_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.01)
    camera, stop = Silent(), threading.Event()
    every = EveryFrame(camera, stop)
    every.close()
    stop.set()
    assert not camera.closed.wait(0.05)
    camera.close()


def test_what_breaks_is_told_unless_it_was_stopped() -> None:
    camera, stop = Silent(), threading.Event()
    camera.close()
    every = EveryFrame(camera, stop)
    with pytest.raises(CameraError, match="closed"):
        every.get()
    stop.set()
    assert every.get() is None


def test_digits_of_an_outage_and_nobody_waits_less_than_nothing() -> None:
    camera = World([picture()]).camera()
    camera._lost_before_s = 1.23456
    assert camera.outages()["lost_seconds"] == 1.235
    clock = Clock()
    pacer = clock.pacer()
    pacer.wait(0.0)
    clock.now += 5.0
    pacer.wait(1.0)
    assert clock.waited == [0.0, 0.0, 0.0]
    assert clock.now == 505.0


def test_no_hung_driver_keeps_the_process_alive() -> None:
    with TimeLimited(One, "one") as camera:
        assert camera._worker.daemon
    assert LatestFrames(One())._thread.daemon


def test_what_is_resumed_stays_resumed() -> None:
    once = as_resumed(frame(0, 0, 1, frozenset({"ffc"})))
    assert as_resumed(once).flags == once.flags == {"ffc", "resumed"}


@pytest.mark.parametrize(("description", "who"), [("my cam", "my cam"), ("", "Broken")])
def test_a_driver_that_breaks_is_named(description: str, who: str) -> None:
    class Broken(One):
        def read(self) -> Frame | None:
            raise ValueError("bug")

    camera = Broken()
    camera.description = description
    with pytest.raises(CameraError, match=f"^{who}: ValueError: bug$"):
        Intake(camera).take()
