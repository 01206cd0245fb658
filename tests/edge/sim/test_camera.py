"""The simulated flight is a measuring instrument: its frames, clock, shutter and repeats are held here."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from edge.camera import Camera, open_camera
from edge.camera.live.pacer import Paced
from edge.data import Frame, TemperatureScale
from edge.sim.camera import TAKE_OFF, Simulator, SimulatorSettings
from edge.sim.ground import build_ground

SMALL = "width=128,height=96,pitch=-90"


def fly(parameters: str, frames: int = 1) -> list[Frame]:
    with open_camera(f"sim:live=0,frames={frames},{parameters}") as camera:
        taken = [camera.read() for _ in range(frames)]
        assert camera.read() is None
        assert camera.read() is None
    return [frame for frame in taken if frame is not None]


class Clock:
    """Monotonic time that passes only while somebody sleeps."""

    def __init__(self, camera: Camera) -> None:
        assert isinstance(camera, Paced)
        self.now, self.slept = 1000.0, 0.0
        camera._pacer._clock, camera._pacer._pause = lambda: self.now, self.sleep

    def sleep(self, seconds: float) -> bool:
        self.now += seconds
        self.slept += seconds
        return False


def test_a_frame_carries_what_a_flight_carries() -> None:
    frames = fly("seed=1,fps=5", 3)
    assert [frame.seq for frame in frames] == list(range(3))
    for frame in frames:
        assert frame.pixels.dtype == np.uint16
        assert frame.pixels.shape == (512, 640)
        assert frame.pixels.flags.owndata
        assert frame.flags == frozenset()
        assert frame.temperature == TemperatureScale(0.01, 0.0)
        assert frame.utc == TAKE_OFF + timedelta(seconds=frame.seq / 5)
        assert frame.utc.utcoffset() == timedelta(0)
        assert frame.pose is not None
        assert frame.pose.height == pytest.approx(60, abs=1)
        assert frame.pose.pitch == pytest.approx(-60, abs=1)
        truth = frame.truth
        assert truth is not None
        assert truth.boxes.dtype == truth.visible.dtype == np.float32
        assert truth.boxes.shape == (len(truth.names), 4)
        assert set(truth.names) <= {"person", "deer", "car"}
        assert {"person", "car"} <= set(truth.names)
        assert (truth.boxes >= 0).all()
        assert (truth.boxes <= [640, 512, 640, 512]).all()
        assert (truth.boxes[:, :2] < truth.boxes[:, 2:]).all()
        assert ((truth.visible > 0) & (truth.visible <= 1)).all()
    assert frames[0].t_capture < frames[2].t_capture


def test_it_is_a_camera_that_says_what_it_is() -> None:
    camera: Camera
    with open_camera(f"sim:{SMALL},fps=12,frames=3") as camera:
        assert (camera.live, camera.fps, camera.frames) == (True, 12.0, 3)
        assert "128x96" in camera.description
    with open_camera(f"sim:{SMALL},live=0") as camera:
        assert (camera.live, camera.frames) == (False, None)


def test_same_source_same_bytes_and_another_seed_another_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.sim.camera.build_ground", build_ground)  # drawn anew each time
    first, again, other = (fly(f"{SMALL},seed={seed},fps=2", 3) for seed in (4, 4, 5))
    for a, b in zip(first, again, strict=True):
        assert a.pixels.tobytes() == b.pixels.tobytes()
        assert (a.pose, a.utc, a.seq) == (b.pose, b.utc, b.seq)
        assert a.truth is not None
        assert b.truth is not None
        assert a.truth.boxes.tobytes() == b.truth.boxes.tobytes()
    assert np.mean(first[0].pixels != other[0].pixels) > 0.9
    assert first[0].pose != other[0].pose


def test_more_bodies_change_neither_ground_nor_noise() -> None:
    few, many = (fly(f"{SMALL},altitude=30,deer=0,cars=0,people={n}")[0] for n in (0, 60))
    assert 0.0 < np.mean(few.pixels != many.pixels) < 0.3


def test_temperatures_are_degrees() -> None:
    frame = fly("seed=1,netd=0.03,dead=0")[0]
    assert frame.truth is not None
    assert frame.temperature is not None
    celsius = frame.temperature.celsius(frame.pixels)
    # the ground of 11 deg C, half of it paved
    assert 10 < np.median(celsius) < 15
    people = [
        celsius[int(y1) : int(y2), int(x1) : int(x2)].max()
        for (x1, y1, x2, y2), name, seen in zip(frame.truth.boxes, frame.truth.names, frame.truth.visible, strict=True)
        if name == "person" and seen > 0.9
    ]
    assert len(people) > 2
    # air of 10, skin of 34 deg C: a head has 25, the blur of the lens takes some of it
    assert min(people) > 16
    assert max(people) < 28
    warmer = fly(f"{SMALL},netd=0.03,dead=0,people=0,deer=0,cars=0,ground=31,air=30")[0]
    empty = fly(f"{SMALL},netd=0.03,dead=0,people=0,deer=0,cars=0")[0]
    assert np.abs(warmer.pixels.astype(int) - empty.pixels - 2000).max() <= 1


def test_the_ground_cools_as_asked() -> None:
    still = "speed=0,jitter=0,people=0,deer=0,cars=0,netd=0,column_noise=0,drift=0,dead=0,ffc_interval=0"
    frames = fly(f"{SMALL},{still},fps=0.1,cooling=0.6", 7)
    lost = frames[0].pixels.astype(int) - frames[6].pixels
    assert np.abs(lost - 60).max() <= 1  # 0.6 K/min for one minute
    steady = fly(f"{SMALL},{still},fps=0.1,cooling=0", 2)
    assert (steady[0].pixels == steady[1].pixels).all()


def test_the_shutter_repeats_the_last_picture_and_its_truth() -> None:
    frames = fly(f"{SMALL},fps=4,ffc_interval=2,ffc_duration=0.75,altitude=30", 19)
    shut = [8, 9, 10, 16, 17, 18]
    assert [frame.seq for frame in frames if "ffc" in frame.flags] == shut
    for before, frame in pairwise(frames):
        frozen = before.pixels.tobytes() == frame.pixels.tobytes()
        assert frozen == (frame.seq in shut)
        if frozen:
            assert not np.shares_memory(before.pixels, frame.pixels)
            assert before.truth is frame.truth
            assert before.pose != frame.pose
            assert before.utc != frame.utc


def test_a_shutter_leaves_another_offset() -> None:
    still = "speed=0,jitter=0,people=0,deer=0,cars=0,netd=0,column_noise=0,cooling=0,dead=0,drift=6"
    frames = fly(f"{SMALL},{still},fps=1,ffc_interval=10,ffc_duration=0.5", 12)
    level = [float(np.median(frame.pixels)) for frame in frames]
    assert level[9] - level[0] == pytest.approx(9 * 10, rel=0.15)  # 0.1 K a second
    assert level[10] == level[9]
    assert abs(level[11] - 10 - level[0]) < 75  # the drift of 1 s, and 5 sigma of 0.15 K
    assert level[11] - 10 != level[0]


def test_a_silent_camera_freezes_without_a_flag() -> None:
    frames = fly(f"{SMALL},fps=10,ffc_interval=0.3,ffc_duration=0.1,ffc_flag=0", 5)
    assert (frames[3].pixels == frames[2].pixels).all()
    assert not any(frame.flags for frame in frames)
    assert not any(frame.flags for frame in fly(f"{SMALL},fps=1,ffc_interval=0", 4))


def test_live_frames_come_at_their_time() -> None:
    with open_camera(f"sim:{SMALL},fps=10,frames=6") as camera:
        clock = Clock(camera)
        frames = [camera.read() for _ in range(3)]
        assert clock.slept == pytest.approx(0.2)
        clock.now += 0.04  # a little late: the next frame keeps the beat
        frames.append(camera.read())
        clock.now += 1.0  # very late: at once, and a new beat
        frames += [camera.read(), camera.read(), camera.read()]
    assert frames.pop() is None
    times = [frame.t_capture - 1000 for frame in frames if frame is not None]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 1.3, 1.4])
    assert [frame.seq for frame in frames if frame is not None] == list(range(6))


def test_close_wakes_a_reader_and_ends_the_source() -> None:
    camera = open_camera(f"sim:{SMALL},fps=0.1")
    assert camera.read() is not None
    got: list[Frame | None] = []
    reader = threading.Thread(target=lambda: got.append(camera.read()))
    reader.start()
    time.sleep(0.05)
    camera.close()
    camera.close()
    reader.join(30)
    assert got == [None]
    assert camera.read() is None


def test_settings_can_be_given_as_an_object() -> None:
    settings = SimulatorSettings(width=128, height=96, pitch=-90.0, live=0, seed=9)
    with Simulator(settings) as camera, open_camera(f"sim:{SMALL},live=0,seed=9") as same:
        mine, theirs = camera.read(), same.read()
    assert mine is not None
    assert theirs is not None
    assert (mine.pixels == theirs.pixels).all()


@pytest.mark.parametrize(
    "parameters",
    [
        "altitude=5,focal=13,width=200,height=160",
        "altitude=500,pixel=40,width=200,height=160",
        "altitude=10,people=500,cars=500,width=96,height=80",
        "width=32,height=32",
        "pitch=-30,width=64,height=64,altitude=20",
        "width=96,height=64,speed=50,fps=0.5,jitter=5",
        "width=96,height=64,dead=0.2,blur=5,netd=5,people=0,deer=0,cars=0",
    ],
)
def test_unusual_flights_fly(parameters: str) -> None:
    for frame in fly(parameters, 3):
        assert frame.truth is not None
        assert np.isfinite(frame.truth.boxes).all()


# ---- which body is which ----


def test_a_body_keeps_its_number_through_the_flight() -> None:
    """Where it is in the next frame follows from the camera's motion; nobody else is there."""
    settings = SimulatorSettings(seed=3, frames=12, fps=6, pitch=-90, jitter=0, speed=4, altitude=60)
    seen: dict[int, list[tuple[int, str, np.ndarray]]] = {}
    with Simulator(settings) as camera:
        for frame in iter(camera.read, None):
            truth = frame.truth
            assert truth.bodies is not None
            assert truth.bodies.dtype == np.int32
            assert len(truth.bodies) == len(truth.boxes) == len(set(truth.bodies.tolist()))
            for body, name, box in zip(truth.bodies.tolist(), truth.names, truth.boxes, strict=True):
                assert camera._bodies.all[body].name == name
                seen.setdefault(body, []).append((frame.seq, name, (box[:2] + box[2:]) / 2))
    followed = [rows for rows in seen.values() if len(rows) > 2]
    assert len(followed) >= 2
    for rows in followed:
        assert [seq for seq, *_ in rows] == list(range(rows[0][0], rows[0][0] + len(rows)))
        steps = [np.linalg.norm(b[2] - a[2]) for a, b in pairwise(rows)]
        assert max(steps) < 40  # 4 m/s at 6 frames/s and 5 cm a pixel are 13
