"""How long is too long, on both sides of each limit: a frame's time, a call, and what wraps a camera."""

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
import edge.camera.live.timeout as timeout
from edge.camera import EveryFrame, LatestFrames, choose_policy, open_frames
from edge.camera.live.intake import Intake
from edge.camera.live.loss import in_words
from edge.camera.live.pacer import Paced, Pacer, played_live
from edge.camera.live.tee import Tee
from edge.camera.live.timeout import HungError, TimeLimited
from edge.data import Frame
from edge.errors import CameraError, InputError, SourceError
from edge.seams import Camera
from tests.support.scripted_camera import WAIT_S


def frame(seq: int, t: float, value: int, flags: frozenset[str] = frozenset(), **more: Any) -> Frame:
    return Frame(np.full((3, 5), value, np.uint16), seq, t, flags=flags, replayed=True, **more)


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


def test_no_hung_driver_keeps_the_process_alive() -> None:
    with TimeLimited(One, "one") as camera:
        assert camera._worker.daemon
    assert LatestFrames(One())._thread.daemon


@pytest.mark.parametrize(("description", "who"), [("my cam", "my cam"), ("", "Broken")])
def test_a_driver_that_breaks_is_named(description: str, who: str) -> None:
    class Broken(One):
        def read(self) -> Frame | None:
            raise ValueError("bug")

    camera = Broken()
    camera.description = description
    with pytest.raises(CameraError, match=f"^{who}: ValueError: bug$"):
        Intake(camera).take()
