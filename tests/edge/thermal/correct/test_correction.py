from __future__ import annotations

import random
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from edge.camera import open_camera
from edge.data import Frame
from edge.sim.sensor import Sensor
from edge.sim.settings import SimulatorSettings
from edge.thermal.correct.correction import Correction
from edge.thermal.correct.motion import Motion, fine_noise

H, W = 128, 160
RNG = np.random.default_rng(5)
GROUND = cv2.GaussianBlur(RNG.normal(0, 1, (H + 400, W + 400)), (0, 0), 3)
GROUND = 29000 + GROUND / GROUND.std() * 120


def scene(shift: int = 0) -> np.ndarray:
    """(H, W) float64 counts of the ground, moved by so many pixels along the diagonal."""
    return GROUND[shift : shift + H, shift : shift + W].copy()


@lru_cache(maxsize=1)
def noise_sheet() -> np.ndarray:
    return np.random.default_rng(6).standard_normal((H + 300, W + 300), np.float32)


def expose(ideal: np.ndarray, seed: int, sigma: float = 5.0) -> np.ndarray:
    """With noise: a window of a sheet, as the simulator has it; that is far cheaper than fresh numbers."""
    (top, left), (h, w) = random.Random(seed).choices(range(300), k=2), ideal.shape
    noisy = noise_sheet()[top : top + h, left : left + w] * np.float32(sigma)
    noisy += ideal
    return np.asarray(cv2.add(noisy, 0, dtype=cv2.CV_16U), np.uint16)


def frames(count: int, step: float, fault=lambda pixels: pixels, target=lambda ideal: None) -> list[Frame]:
    out = []
    for i in range(count):
        ideal = scene(int(i * step))
        target(ideal)
        out.append(Frame(fault(expose(ideal, i)), i, i / 30))
    return out


def test_a_sound_frame_is_passed_on_as_it_is() -> None:
    correct = Correction(30)
    for frame in frames(300, 1.0):
        assert correct(frame) is frame


def test_dead_and_hot_pixels_are_found_in_flight_and_patched() -> None:
    dead = {(3, 7): 0, (60, 80): 65535, (61, 80): 65535, (90, 10): 30200, (0, 0): 27500, (127, 159): 0}

    def stuck(pixels: np.ndarray) -> np.ndarray:
        for at, value in dead.items():
            pixels[at] = value
        return pixels

    correct = Correction(30)
    flight = frames(300, 1.0, stuck)
    before = flight[-1].pixels.copy()
    *_, last = map(correct, flight)
    assert correct.bad_pixels == len(dead)
    assert "repaired" in last.flags
    changed = set(zip(*(int_list.tolist() for int_list in np.nonzero(last.pixels != before)), strict=True))
    assert changed == set(dead)
    ideal = scene(299)
    assert all(abs(int(last.pixels[at]) - ideal[at]) < 300 for at in dead)
    np.testing.assert_array_equal(flight[-1].pixels, before)  # the camera's frame is not written to


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_warm_body_in_a_long_hover_is_not_erased(size: int) -> None:
    def person(ideal: np.ndarray) -> None:
        ideal[50 : 50 + size, 70 : 70 + size] += 900

    correct = Correction(30)
    for frame in frames(1500 if size == 1 else 600, 0.0, target=person):
        assert correct(frame) is frame


@pytest.mark.parametrize("size", [3, 4])
def test_a_body_that_the_gimbal_keeps_in_the_middle_is_not_erased(size: int) -> None:
    """The ground moves, the body stays at its pixels: only its size tells it from a bad pixel."""

    def person(ideal: np.ndarray) -> None:
        ideal[50 : 50 + size, 70 : 70 + size] += 900

    correct = Correction(30)
    for frame in frames(390, 1.0, target=person):
        assert correct(frame) is frame


def test_a_bad_pixel_is_cleared_when_it_is_sound_again() -> None:
    correct = Correction(30)
    for i, frame in enumerate(frames(500, 0.75)):
        if i < 260:
            frame.pixels[40, 40] = 65535
        correct(frame)
        if i == 259:
            assert correct.bad_pixels == 1
    assert correct.bad_pixels == 0


def test_the_simulators_dead_pixels_and_stripes() -> None:
    source = "sim:live=0,frames=240,width=320,height=256,people=0,deer=0,cars=0,dead=0.001,column_noise=0.06,seed=3"
    correct = Correction(30)
    with open_camera(source) as camera:
        *_, (raw, repaired) = ((frame, correct(frame)) for frame in iter(camera.read, None))
    with open_camera(source.replace("dead=0.001,column_noise=0.06", "dead=0,column_noise=0")) as camera:
        camera._seq = 239  # the last frame's place needs none of those before
        *_, clean = iter(camera.read, None)
    assert clean.pose == raw.pose

    def stripes(pixels: np.ndarray) -> float:
        columns = np.median(pixels.astype(np.int32) - clean.pixels, axis=0)
        return float((columns - cv2.blur(columns[None], (33, 1))[0]).std())

    def far_off(pixels: np.ndarray) -> int:
        return int((np.abs(pixels.astype(np.int32) - clean.pixels) > 200).sum())

    assert stripes(repaired.pixels) < 0.5 * stripes(raw.pixels)
    assert far_off(raw.pixels) > 60
    assert far_off(repaired.pixels) <= 0.1 * far_off(raw.pixels)


def test_a_landing_leg_in_the_picture_is_not_taken_for_a_stripe() -> None:
    def leg(ideal: np.ndarray) -> None:
        ideal[20:100, 80:] += 2000

    correct = Correction(30)
    edges = frames(300, 1.0, target=leg)
    for frame in edges:
        result = correct(frame)
    change = result.pixels.astype(np.int32) - edges[-1].pixels
    assert np.abs(change).max() <= 20  # counts, of a step of 2000: three sigma of noise at most


def test_the_same_frames_give_the_same_pixels_again() -> None:
    def fault(pixels: np.ndarray) -> np.ndarray:
        pixels[30, 30] = 0
        pixels[:, ::7] += 12
        return pixels

    flight = frames(200, 1.3, fault)
    one, two = Correction(30), Correction(30)
    for frame in flight:
        a, b = one(frame), two(replace(frame, t_capture=frame.t_capture + 1000))
        np.testing.assert_array_equal(a.pixels, b.pixels)
        assert a.flags == b.flags


def test_another_size_is_another_sensor_and_8_bit_passes() -> None:
    correct = Correction(30)
    for frame in frames(200, 1.0, lambda p: cv2.subtract(p, np.eye(H, W, dtype=np.uint16) * 5000)):
        correct(frame)
    small = Frame(expose(scene(), 1)[:50, :60].copy(), 200, 0.0)
    assert correct(small) is small
    assert correct.bad_pixels == 0
    grey = Frame(np.zeros((H, W), np.uint8), 201, 0.0)
    assert correct(grey) is grey


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (15, 15), (17, 33)])
def test_any_size_of_frame(shape: tuple[int, int]) -> None:
    correct = Correction()
    for i in range(64):
        pixels = np.random.default_rng(i).integers(0, 65536, shape).astype(np.uint16)
        assert correct(Frame(pixels, i, 0.0)).pixels.shape == shape


def test_a_still_scene_that_cools_has_not_moved() -> None:
    motion = Motion()
    assert not any(motion.check(expose(scene() - i * 0.5, i)) for i in range(800))


def test_fine_noise_is_that_of_the_sensor() -> None:
    assert fine_noise(expose(np.full((H, W), 29000.0), 1, 5.0)) == pytest.approx(5, rel=0.1)


# -- the shutter


@lru_cache(maxsize=1)
def sensors() -> list[Sensor]:
    return [Sensor(SimulatorSettings(width=W, height=H, dead=0.001), np.random.default_rng(i)) for i in range(8)]


def flap(seed: int, level: float = 29400.0) -> np.ndarray:
    """What a flap looks like through the simulator's sensor: stripes, noise, glow and dead pixels."""
    return sensors()[seed % 8].expose(np.full((H, W), level, np.float32), 30.0)


@pytest.mark.parametrize("fps", [9, 30, 60])
@pytest.mark.parametrize("take", [1, 4])
def test_a_shutter_every_three_seconds_that_no_flag_tells(fps: int, take: int) -> None:
    """``take``: only every so many-th frame reaches the correction, as with a slow detector."""
    correct = Correction(fps)
    for seq in range(0, 16 * fps, take):
        t = seq / fps
        closed = t >= 3 and t % 3 < 0.9
        pixels = flap(seq) if closed else expose(scene(seq % 390) + 40 * (t // 3), seq)
        assert ("ffc" in correct(Frame(pixels, seq, t)).flags) == closed


def test_an_even_scene_is_held_back_for_three_seconds_at_most() -> None:
    correct = Correction(30)
    for frame in frames(30, 1.0):
        correct(frame)
    held = ["ffc" in correct(Frame(flap(i), 30 + i, i / 30)).flags for i in range(300)]
    assert held[0]
    assert not any(held[91:])


@pytest.mark.parametrize("said", [None, 9, 60])
def test_three_seconds_by_the_cameras_clock_whatever_its_driver_says(said: float | None) -> None:
    """An export Boson gives 9 frames a second where its driver may say 60, or nothing."""
    correct = Correction(said, live=True)
    for frame in frames(30, 1.0):
        correct(replace(frame, t_capture=100 + frame.seq / 9))
    held = ["ffc" in correct(Frame(flap(i), 30 + i, 100 + (30 + i) / 9)).flags for i in range(60)]
    assert sum(held) == 28
    assert not any(held[28:])


def test_an_even_still_among_others_is_a_scene() -> None:
    correct = Correction(None)
    for frame in frames(30, 1.0):
        correct(frame)
    assert "ffc" not in correct(Frame(flap(0), 30, 1.0)).flags


def test_a_swimmer_in_an_even_sea_is_no_flap() -> None:
    correct = Correction(30)
    for frame in frames(30, 1.0):
        correct(frame)
    sea = np.full((H, W), 28700.0)
    sea[60:64, 80:84] += 400
    for i in range(60):
        assert "ffc" not in correct(Frame(expose(sea, i), 30 + i, i / 30)).flags


@pytest.mark.parametrize(
    "source",
    [
        "seed=1",
        "seed=2,altitude=200,pitch=-90",
        "seed=3,speed=0,jitter=0,pitch=-90",
        "seed=4,ground=-5,air=-5,pitch=-90",
    ],
)
def test_no_shutter_is_seen_where_none_fell(source: str) -> None:
    correct = Correction(10)
    with open_camera(f"sim:live=0,frames=60,fps=10,width=160,height=128,ffc_interval=0,{source}") as camera:
        assert not any("ffc" in correct(frame).flags for frame in iter(camera.read, None))


@pytest.mark.parametrize("flag", ["ffc", "resumed"])
@pytest.mark.parametrize("levels", [True, False])
def test_stripes_that_the_shutter_levelled_are_not_taken_away_any_more(levels: bool, flag: str) -> None:
    """Also in a hover, where nothing is learnt: else the old estimate would paint the stripes anew."""
    stripes = np.random.default_rng(8).normal(0, 6, W)

    def look(seq: int, at: int, striped: bool) -> Frame:
        ideal = 29000 + (scene(at) - 29000) / 6 + striped * stripes
        return Frame(expose(ideal, seq), seq, seq / 30)

    correct = Correction(30)
    for seq in range(300):
        flown = correct(look(seq, seq, True))
    assert "repaired" in flown.flags
    correct(replace(look(300, 299, not levels), flags=frozenset({flag})))
    for seq in range(301, 331):
        hovered = correct(look(seq, 299, not levels))
        columns = np.median(hovered.pixels - (29000 + (scene(299) - 29000) / 6), axis=0)
        assert (columns - cv2.blur(columns[None], (33, 1))[0]).std() < 0.5 * stripes.std()


def test_garbage_paints_no_stripes_and_is_no_scene_that_a_shutter_could_hide() -> None:
    stripes = np.random.default_rng(8).normal(0, 6, W)
    correct = Correction(30)
    for seq in range(300):
        pixels = expose(29000 + (scene(seq) - 29000) / 6 + stripes, seq)
        if 250 <= seq < 258:  # whichever of them is looked at
            pixels = np.random.default_rng(seq).integers(0, 65536, (H, W)).astype(np.uint16)
        repaired = correct(Frame(pixels, seq, seq / 30))
        if seq >= 200 and not 250 <= seq < 258:
            assert "repaired" in repaired.flags
            change = repaired.pixels.astype(int) - pixels
            assert np.abs(change).max() <= 4 * stripes.std()
