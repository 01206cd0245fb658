"""The camera and the two loops that `make bench-peers` compares, on a clock of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import loops
from benchmarks.peers.loops import Look, QueuedCamera
from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.model.bundle import Bundle
from tests.support.peers import FRAMES, Clock, found


def camera_on(clock: Clock, rate: float = 10.0, buffers: int = 3) -> QueuedCamera:
    return QueuedCamera(FRAMES, rate, buffers, clock, clock.wait)


def test_a_reader_in_time_gets_each_frame_when_it_is_made() -> None:
    clock = Clock()
    camera = camera_on(clock)
    for seq in range(3):
        taken = camera.read()
        assert taken is not None
        assert taken.seq == seq
        assert taken.t == pytest.approx(100 + seq / 10)
        assert clock.now == pytest.approx(taken.t)
        assert taken.pixels is FRAMES[seq % 2]


def test_a_slow_reader_gets_the_oldest_frame_and_the_camera_leaves_out_what_has_no_buffer() -> None:
    clock = Clock()
    camera = camera_on(clock)
    taken = []
    for _ in range(6):
        one = camera.read()
        assert one is not None
        taken.append(one.seq)
        clock.wait(1.0)
    # three buffers hold 1, 2, 3 while 0 is worked on; each read frees one, for the next frame that the camera makes
    assert taken == [0, 1, 2, 3, 11, 21]


def test_a_closed_camera_ends() -> None:
    camera = QueuedCamera(FRAMES, rate=0.001)
    assert camera.read() is not None
    camera.close()
    assert camera.read() is None


def test_the_plain_loop_falls_behind_by_its_queue() -> None:
    clock = Clock()

    def detect(_image: np.ndarray) -> RawDetections:
        clock.wait(1.0)
        return found()

    looks = loops.plain_loop(camera_on(clock), detect, 0.5, 20.0, clock)
    assert len(looks) == 20
    assert looks[-1].done - looks[-1].taken == pytest.approx(1.0)
    assert looks[-1].done - looks[-1].captured == pytest.approx(3.9)  # three in the queue before it, and its own second
    few = loops.plain_loop(camera_on(clock), detect, 0.5, 0.0, clock)
    assert len(few) == loops.LEAST


def test_ours_runs_between_the_halves_of_the_plain_loop(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> None:
    ran: list[tuple[str, float]] = []

    def noted(name: str, seconds: float) -> list[Look]:
        ran.append((name, seconds))
        return [Look(len(ran), 0.0, 0.0, 0.0)]

    monkeypatch.setattr(loops, "plain_loop", lambda *given: noted(loops.PLAIN, given[3]))
    monkeypatch.setattr(loops, "stream_loop", lambda *given: noted(loops.STREAM, given[2]))
    said: list[str] = []
    with OrtEngine(Bundle.load(tiny_bundle), 1) as engine:
        looks = loops.in_turns(FRAMES, engine, 10.0, said.append)
    assert ran == [(loops.PLAIN, 5.0), (loops.STREAM, 10.0), (loops.PLAIN, 5.0)]
    assert said == [name for name, _ in ran]
    seqs = {name: [[look.seq for look in part] for part in parts] for name, parts in looks.items()}
    assert seqs == {loops.PLAIN: [[1], [3]], loops.STREAM: [[2]]}


def test_ours_sees_the_same_camera(tiny_bundle: Path) -> None:
    with OrtEngine(Bundle.load(tiny_bundle), 1) as engine:
        looks = loops.stream_loop(QueuedCamera(FRAMES, rate=300.0), engine, 0.0)
    assert len(looks) == loops.LEAST
    assert all(look.captured <= look.taken <= look.done for look in looks)
    assert [look.seq for look in looks] == sorted({look.seq for look in looks})
