from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import open_camera
from edge.commands.main import main
from edge.data import Detections, Frame, RawDetections, TemperatureScale
from edge.health.conditions import CONDITIONS, HealthLog
from edge.health.inversion import Inversion
from edge.health.scene import Health, _figures
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor
from tests.conftest import made

H, W = 64, 80


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return replace(Bundle.load(tiny_bundle), trained_mean=0.5, trained_std=0.15)


@lru_cache
def picture(mean: float = 0.5, std: float = 0.15, seed: int = 0) -> np.ndarray:
    grey = np.random.default_rng(seed).normal(mean * 255, std * 255, (H, W))
    return kept(grey.clip(0, 255).astype(np.uint8))


@lru_cache
def counts(celsius: float = 10.0, noise: float = 50.0) -> np.ndarray:
    level = (celsius + 273.15) * 100
    return kept(np.random.default_rng(1).normal(level, noise, (H, W)).clip(0, 65535).astype(np.uint16))


def kept(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def judge(
    health: Health, n: int, make: Callable[[], np.ndarray], pixels: np.ndarray, **frame: object
) -> frozenset[str]:
    warnings: frozenset[str] = frozenset()
    for seq in range(n):
        warnings = health.judge(Frame(pixels, seq, seq / 30, **frame), make())  # type: ignore[arg-type]
    return warnings


def test_a_scene_as_in_training_is_healthy(bundle: Bundle) -> None:
    assert judge(Health(bundle), 100, picture, counts(), temperature=TemperatureScale(0.01)) == set()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("low_contrast", lambda: picture(0.5, 0.03)),
        ("drift", lambda: picture(0.06, 0.06)),
        ("drift", lambda: 255 * (np.indices((H, W)).sum(0) // 8 % 2).astype(np.uint8) // 10 * 9 + np.uint8(5)),
        ("saturated", lambda: np.where(np.indices((H, W))[1] < 16, 255, picture(0.4, 0.1)).astype(np.uint8)),
        ("saturated", lambda: np.where(np.indices((H, W))[1] < 60, 0, picture(0.7, 0.1)).astype(np.uint8)),
    ],
)
def test_what_the_picture_tells(bundle: Bundle, name: str, make: Callable[[], np.ndarray]) -> None:
    assert name in judge(Health(bundle), 40, make, counts())


@pytest.mark.parametrize("masked", [None, False, True], ids=["no mask", "a mask of a part", "a mask of all"])
def test_the_figures_are_those_of_every_eighth_pixel(masked: bool | None) -> None:
    grey, raw = picture(std=0.5), counts(noise=3000.0)
    mask = None if masked is None else np.full((H, W), masked)
    if masked is False:
        mask[:24] = True
    some = grey[::8, ::8][3:] if masked is False else grey[::8, ::8]  # a mask of all says nothing
    expected = [some.mean() / 255, some.std() / 255, (some == 0).mean(), (some == 255).mean()]
    assert min(expected) > 0
    ground = np.median(raw[::16, ::16]) / 100 - 273.15
    found = _figures(Frame(raw, 0, 0.0, mask=mask, temperature=TemperatureScale(0.01)), grey)
    assert found == pytest.approx([*expected, ground], rel=1e-12)


def test_nothing_is_said_of_a_single_bad_frame(bundle: Bundle) -> None:
    health = Health(bundle)
    judge(health, 40, picture, counts())
    assert health.judge(Frame(counts(), 40, 0.0), picture(0.0, 0.0)) == set()


def test_warm_ground_needs_a_temperature_scale_and_has_hysteresis(bundle: Bundle) -> None:
    health, scale = Health(bundle), TemperatureScale(0.01)
    assert judge(health, 40, picture, counts(34.0)) == set()
    health = Health(bundle)
    assert judge(health, 40, picture, counts(29.0), temperature=scale) == {"warm_ground"}
    assert judge(health, 200, picture, counts(27.5), temperature=scale) == {"warm_ground"}
    assert judge(health, 200, picture, counts(26.5), temperature=scale) == set()


def test_swapped_bytes_are_named_at_the_first_frame(bundle: Bundle) -> None:
    swapped = cv2.GaussianBlur(counts(20.0, 300.0), (7, 7), 0).byteswap()
    assert "byte_order" in judge(Health(bundle), 1, picture, swapped)
    assert "endian=big" in CONDITIONS["byte_order"].meaning


def test_a_shutter_that_is_closed_too_often(bundle: Bundle) -> None:
    health, shut = Health(bundle), frozenset({"ffc"})
    said = [
        health.judge(Frame(counts(), i, i / 30, flags=shut if i % 2 else frozenset()), picture()) for i in range(500)
    ]
    assert "shutter" in said[-1]
    health = Health(bundle)
    usual = [
        health.judge(Frame(counts(), i, i / 30, flags=shut if i % 300 > 272 else frozenset()), picture())
        for i in range(1500)
    ]
    assert not any(usual)


@pytest.mark.parametrize("taken", [1, 8])
def test_a_usual_shutter_at_60_hz_is_no_trouble(bundle: Bundle, taken: int) -> None:
    """``taken``: only every so many-th open frame, as with a slow detector; closed ones cost it no time."""
    health, shut = Health(bundle), frozenset({"ffc"})
    for seq in range(7000, 11000):
        closed = seq % 1800 < 100
        if closed or seq % taken == 0:
            flags = shut if closed else frozenset[str]()
            assert health.judge(Frame(counts(), seq, seq / 60, flags=flags), picture()) == set()


def test_a_camera_that_stood_still_is_named_for_a_while(bundle: Bundle) -> None:
    health = Health(bundle)
    still = [0.0] * 20 + [1.4] * 40
    said = [health.judge(Frame(counts(), i, i / 30), picture(), s) for i, s in enumerate(still)]
    assert [i for i, names in enumerate(said) if "frozen" in names] == list(range(20, 36))


@pytest.mark.parametrize("source", ["seed=1", "seed=2,altitude=120", "seed=3,air=-5,ground=-8"])
def test_simulated_evening_flights_are_healthy(source: str) -> None:
    bundle = Bundle.load(Path(__file__).resolve().parents[3] / "edge" / "models" / "hituav-r18")
    health, preprocess = Health(bundle), Preprocessor(bundle)
    with open_camera(f"sim:live=0,frames=24,fps=3,width=320,height=256,{source}") as camera:
        for frame in iter(camera.read, None):
            assert health.judge(frame, preprocess.forward(frame)[0]) == {"scale"}  # 320x256, enlarged twice


def ground(seed: int = 0) -> np.ndarray:
    rough = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (256, 320)), (0, 0), 8)
    return (127 + 38 * rough / rough.std()).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("asked_first", [True, False], ids=["of a file", "of a live camera"])
def test_a_palette_that_changes_in_flight_is_told_with_its_frame(bundle: Bundle, asked_first: bool) -> None:
    """The model finds nothing, in neither."""
    health, log, said = Health(bundle), HealthLog(), []
    none = RawDetections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
    for seq in range(90):
        pixels = np.bitwise_not(ground()) if 30 <= seq < 60 else ground()
        frame = Frame(pixels, seq, seq / 30)
        for asked in (True, False):
            if asked == asked_first:
                health.ask_inverted(frame, pixels, none, lambda _: none)
            else:
                warnings = health.judge(frame, pixels)
        held = warnings & {"black_hot"}
        result = made(frame, Detections.none(320, 256), 0.0, pixels, warnings=held, seen=health.seen)
        said += [line.text for line in log.add(result)]
    assert [line.partition(":")[2].partition(":")[0].strip() for line in said] == [
        "black hot from frame 30 on",
        "black hot ended at frame 60, 30 frames",
    ]
    assert "inverted at frame 30" in said[0]


def test_what_was_told_as_black_hot_is_over_when_it_is_inverted(bundle: Bundle) -> None:
    health = Health(bundle)
    few, many = (
        RawDetections(np.zeros((n, 4), np.float32), np.full(n, 0.9, np.float32), np.zeros(n, np.int32)) for n in (0, 9)
    )
    for seq in range(20):
        black = seq < 10
        pixels = np.bitwise_not(ground()) if black else ground()
        frame = Frame(pixels, seq, seq / 30)
        straight, inverse = (few, many) if black else (many, few)
        health.ask_inverted(frame, pixels, straight, lambda _, found=inverse: found)  # type: ignore[misc]
        assert ("black_hot" in health.judge(frame, pixels)) is black


def test_black_hot_is_over_with_an_inversion_also_where_the_model_finds_as_much_in_both(bundle: Bundle) -> None:
    health = Health(bundle)
    none, four, nine = (
        RawDetections(np.zeros((n, 4), np.float32), np.full(n, 0.9, np.float32), np.zeros(n, np.int32))
        for n in (0, 4, 9)
    )
    for seq in range(61):
        pixels = np.bitwise_not(ground()) if seq < 60 else ground()
        frame, inverse = Frame(pixels, seq, seq / 30), four if seq else nine
        health.ask_inverted(frame, pixels, four if seq else none, lambda _, found=inverse: found)  # type: ignore[misc]
        assert ("black_hot" in health.judge(frame, pixels)) is (seq < 60)


def test_each_frame_is_compared_once_and_before_the_model_looks(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[np.ndarray] = []
    look = Inversion.look
    monkeypatch.setattr(Inversion, "look", lambda self, pixels: compared.append(pixels) or look(self, pixels))
    health = Health(bundle)
    few, many = (
        RawDetections(np.zeros((n, 4), np.float32), np.full(n, 0.9, np.float32), np.zeros(n, np.int32)) for n in (0, 10)
    )
    for seq, (pixels, straight, inverse) in enumerate([(ground(), many, few), (np.bitwise_not(ground()), few, many)]):
        frame = Frame(pixels, seq, seq / 30)
        health.ask_inverted(frame, pixels, straight, lambda _, found=inverse: found)  # type: ignore[misc]
        assert ("black_hot" in health.judge(frame, pixels)) is (seq == 1)
    assert len(compared) == 2
    assert health._polarity._found.tolist() == [pytest.approx([0, 9])] * 2


def test_counts_that_are_turned_round_have_no_palette(bundle: Bundle) -> None:
    health = Health(bundle)
    for seq in range(12):
        grey = np.bitwise_not(ground()) if seq >= 6 else ground()
        assert "black_hot" not in health.judge(Frame(grey.astype(np.uint16) * 16, seq, seq / 30), grey)


def test_the_log_says_when_a_condition_begins_and_ends() -> None:
    log, pixels = HealthLog(), counts()
    none, low = frozenset[str](), frozenset({"low_contrast"})
    said = []
    for seq, warnings in enumerate([none, low, low, none, low, none]):
        result = made(
            Frame(pixels, seq, seq / 10), Detections.none(W, H), 0.0, pixels.astype(np.uint8), warnings=warnings
        )
        said.append(log.add(result))
    assert [len(lines) for lines in said] == [0, 1, 0, 1, 1, 1]
    assert said[1][0].text.startswith("health: low contrast from frame 1 on: ")
    assert said[3] == [("health: low contrast ended at frame 3, 2 frames", False)]
    assert log.report() == {"low_contrast": {"frames": 3, "times": 2, "first": {"seq": 1, "t": 0.1, "utc": None}}}


def test_a_run_reports_its_health(tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "fog"
    folder.mkdir()
    for i in range(30):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((64, 80), 100, np.uint8))
    arguments = ["run", "--source", str(folder), "--model", str(tiny_bundle), "--out"]
    assert main([*arguments, str(tmp_path / "out")]) == 0
    assert "health: low contrast from frame 0 on" in capfd.readouterr().err
    health = json.loads((tmp_path / "out" / "report.json").read_text())["health"]
    assert health["low_contrast"]["frames"] == 30
    assert main([*arguments, str(tmp_path / "quiet"), "--quiet"]) == 0
    assert "low contrast" not in capfd.readouterr().err  # the weather is nobody's mistake
