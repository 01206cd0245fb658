"""Taking frames: a camera whose every read is under the test's control, so that counts can be exact."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.camera.live.latest as latest
from edge.camera import Camera, EveryFrame, LatestFrames, open_frames
from edge.camera.live.frozen import RepeatedFrames
from edge.data import Frame
from edge.errors import CameraError, InputError

WAIT_S = 10.0  # far more than any of it takes: a hang becomes a failure


def frame(seq: int, value: int | None = None, flags: frozenset[str] = frozenset()) -> Frame:
    return Frame(
        np.full((20, 20), seq if value is None else value, np.uint16), seq, float(seq), flags=flags, replayed=True
    )


class HandFed(Camera):
    """Delivers what the test feeds; `settle` waits until that was read and the reader asks for more."""

    description, fps, frames = "fed by hand", 30.0, None

    def __init__(self, live: bool = True) -> None:
        self.live: bool = live
        self._food: queue.Queue[Frame | BaseException | None] = queue.Queue()
        self._asked = threading.Semaphore(0)
        self._fed = 0
        self.closed = False

    def feed(self, *items: Frame | BaseException | None) -> None:
        for item in items:
            self._food.put(item)
            self._fed += 1

    def settle(self, ended: bool = False) -> None:
        for _ in range(self._fed + (not ended)):
            assert self._asked.acquire(timeout=WAIT_S)
        self._fed = 0
        if not ended:
            self._asked.release()  # the read that waits now will take the next item

    def read(self) -> Frame | None:
        self._asked.release()
        item = self._food.get(timeout=WAIT_S)
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        self.closed = True


def stop(camera: HandFed, frames: LatestFrames) -> None:
    camera.feed(None)
    frames.close()


def test_the_newest_is_delivered_and_the_rest_is_counted() -> None:
    camera = HandFed()
    with LatestFrames(camera) as frames:
        camera.feed(frame(0), frame(1), frame(2))
        camera.settle()
        got = frames.get()
        assert got is not None
        assert got.seq == 2
        assert (frames.dropped, frames.duplicates) == (2, 0)
        camera.feed(frame(3))
        camera.settle()
        got = frames.get()
        assert got is not None
        assert got.seq == 3
        assert frames.dropped == 2
        camera.feed(None)
    assert not camera.closed  # the camera is the caller's


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.just("get"), st.integers(1, 4)), max_size=12))
def test_every_interleaving_against_a_model(steps: list[str | int]) -> None:
    camera = HandFed()
    frames = LatestFrames(camera)
    made = unseen = dropped = 0
    try:
        for step in steps:
            if isinstance(step, int):
                camera.feed(*(frame(made + i) for i in range(step)))
                camera.settle()
                made, unseen = made + step, unseen + step
            elif unseen:
                got = frames.get()
                dropped += unseen - 1
                assert got is not None
                assert got.seq == made - 1
                assert frames.dropped == dropped
                unseen = 0
    finally:
        stop(camera, frames)


def test_get_waits_for_a_new_frame() -> None:
    camera = HandFed()
    with LatestFrames(camera) as frames:
        results: queue.Queue[Frame | None] = queue.Queue()
        reader = threading.Thread(target=lambda: results.put(frames.get()))
        reader.start()
        with pytest.raises(queue.Empty):
            results.get(timeout=0.05)
        camera.feed(frame(5))
        got = results.get(timeout=WAIT_S)
        reader.join(WAIT_S)
        assert got is not None
        assert got.seq == 5
        camera.feed(None)


def test_the_last_frame_comes_before_the_end() -> None:
    camera = HandFed()
    with LatestFrames(camera) as frames:
        camera.feed(frame(0), frame(1), None)
        camera.settle(ended=True)
        got = frames.get()
        assert got is not None
        assert got.seq == 1
        assert frames.get() is None
        assert frames.get() is None
        assert frames.dropped == 1


@pytest.mark.parametrize("error", [CameraError("unplugged"), MemoryError()])
def test_the_last_frame_comes_before_the_error(error: BaseException) -> None:
    camera = HandFed()
    with LatestFrames(camera) as frames:
        camera.feed(frame(0), error)
        camera.settle(ended=True)
        assert frames.get() is not None
        for _ in range(2):
            with pytest.raises(CameraError) as caught:  # whatever the driver raised
                frames.get()
            assert error in (caught.value, caught.value.__cause__)


def test_close_does_not_wait_for_a_read_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "JOIN_S", 0.05)
    camera = HandFed()
    frames = LatestFrames(camera)
    camera.settle()
    start = time.monotonic()
    frames.close()
    frames.close()
    assert time.monotonic() - start < WAIT_S / 2
    assert frames.get() is None
    camera.feed(frame(0))  # the driver comes back: the thread ends with that read
    frames._thread.join(WAIT_S)
    assert not frames._thread.is_alive()
    assert frames.get() is None


def test_close_wakes_who_waits_in_get() -> None:
    camera = HandFed()
    frames = LatestFrames(camera)
    results: queue.Queue[Frame | None] = queue.Queue()
    reader = threading.Thread(target=lambda: results.put(frames.get()))
    reader.start()
    stop(camera, frames)
    assert results.get(timeout=WAIT_S) is None
    reader.join(WAIT_S)


def test_ctrl_c_gets_through_while_waiting() -> None:
    camera = HandFed()
    frames = LatestFrames(camera)
    camera.settle()

    def interrupted() -> None:  # on a busy machine even before it waits
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        frames.get()

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    camera.feed(frame(1))
    got = frames.get()  # nothing was left locked
    assert got is not None
    assert got.seq == 1
    stop(camera, frames)


def test_repeated_pictures_of_a_live_source_are_left_out_and_counted() -> None:
    camera = HandFed()
    with LatestFrames(camera) as frames:
        camera.feed(frame(0, 7))
        camera.settle()
        assert frames.get() is not None
        camera.feed(frame(1, 7), frame(2, 7), frame(3, 8))
        camera.settle()
        got = frames.get()
        assert got is not None
        assert (got.seq, got.flags) == (3, {"resumed"})
        assert (frames.dropped, frames.duplicates, frames.frozen_s) == (0, 2, 2.0)
        camera.feed(frame(4, 8), frame(5, 9), frame(6, 10))
        camera.settle()
        got = frames.get()  # 5 was dropped
        assert got is not None
        assert (got.seq, got.flags) == (6, {"resumed"})
        assert (frames.dropped, frames.duplicates, frames.frozen_s) == (1, 3, 2.0)
        camera.feed(None)


@pytest.mark.parametrize(("repeats", "frozen_s"), [(1, 0), (6, 0), (20, 0), (70, 70 / 60)])
def test_a_camera_that_stood_still_has_resumed(repeats: int, frozen_s: float) -> None:
    """60 frames a second: of a sensor of 30 or 9 Hz, and of one that freezes unflagged behind its shutter."""
    sift = RepeatedFrames(live=True)
    for period in range(3):
        for i in range(repeats + 1):
            seq = period * (repeats + 1) + i
            through = sift.sift(replace(frame(seq, period), t_capture=seq / 60))
            assert (through is not None) == (i == 0)
            if through:
                assert ("resumed" in through.flags) == (period > 0 and repeats >= 20)
    assert sift.frozen_s == pytest.approx(3 * frozen_s)


def test_a_flagged_shutter_is_no_freeze() -> None:
    sift = RepeatedFrames(live=True)
    shut = [frame(seq, 7, frozenset({"ffc"})) for seq in range(1, 5)]
    through = [sift.sift(each) for each in [frame(0, 7), *shut, frame(5, 8)]]
    assert [each.flags for each in through if each] == [frozenset(), *[{"ffc", "frozen"}] * 4, frozenset()]
    assert sift.frozen_s == 0


def test_one_other_pixel_is_another_picture() -> None:
    pixels = np.zeros((40, 40), np.uint16)
    other = pixels.copy()
    other[17, 23] = 1  # off the grid that is looked at first
    camera = HandFed()
    camera.feed(
        *(Frame(p, i, float(i), replayed=True) for i, p in enumerate((pixels, other, other.astype(np.uint8)))), None
    )
    every = EveryFrame(camera)
    assert [f.seq for f in iter(every.get, None) if f] == [0, 1, 2]
    assert every.duplicates == 0


def test_shutter_frames_go_through_flagged() -> None:
    camera = HandFed()
    shut = frozenset({"ffc"})
    camera.feed(frame(0, 7), frame(1, 7, shut), frame(2, 7, shut), frame(3, 9, shut), frame(4, 7), None)
    every = EveryFrame(camera)
    assert [(f.seq, f.flags) for f in iter(every.get, None) if f] == [
        (0, frozenset()),
        (1, frozenset({"ffc", "frozen"})),
        (2, frozenset({"ffc", "frozen"})),
        (3, shut),
        (4, frozenset()),
    ]


def test_every_frame_of_a_file_counts() -> None:
    camera = HandFed(live=False)
    camera.feed(frame(0, 7), frame(1, 7), frame(2, 7), None)
    with open_frames(camera) as frames:
        assert isinstance(frames, EveryFrame)
        assert [f.seq for f in iter(frames.get, None) if f] == [0, 1, 2]
        assert (frames.dropped, frames.duplicates) == (0, 0)


def test_policies() -> None:
    live: Camera = HandFed()
    assert isinstance(open_frames(live, "every"), EveryFrame)
    camera = HandFed()
    with open_frames(camera) as frames:
        assert isinstance(frames, LatestFrames)
        camera.feed(None)
    with pytest.raises(InputError, match="expected 'latest' or 'every'"):
        open_frames(live, "some")
    with pytest.raises(InputError, match="live=1"):
        open_frames(HandFed(live=False), "latest")
