"""From where on each condition holds and ends: one step below, one above; pictures whose figures are known exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import Detections, Frame, RawDetections, TemperatureScale
from edge.health.conditions import CONDITIONS, HealthLog
from edge.health.polarity import Polarity
from edge.health.scene import Health, rows_beside
from edge.model.bundle import Bundle
from edge.model.tiling import whole
from tests.conftest import made

H, W = 64, 80  # of which 8 x 10 pixels are looked at
MEAN, STD = 127.5, 38.25  # levels: 0.5 and 0.15 in training


@pytest.fixture
def health(tiny_bundle: Path) -> Health:
    return Health(replace(Bundle.load(tiny_bundle), trained_mean=0.5, trained_std=0.15))


def two_levels(low: int, high: int) -> np.ndarray:
    """(64, 80) uint8, half of it of each level: the mean is in the middle, the std half of the distance."""
    return np.where(np.indices((H, W))[1] // 8 % 2, high, low).astype(np.uint8)


def with_some(level: int, n: int) -> np.ndarray:
    """A picture as in training, of which ``n`` of the 80 pixels that are looked at have that level."""
    picture = two_levels(89, 166)
    for i in range(n):
        picture[8 * (i // 10), 8 * (i % 10)] = level
    return picture


def flown(health: Health, picture: np.ndarray, n: int, start: int = 0, celsius: float | None = None) -> frozenset[str]:
    said: frozenset[str] = frozenset()
    for seq in range(start, start + n):
        if celsius is None:
            frame = Frame(picture, seq, seq / 30)
        else:
            counts = np.full((H, W), round((celsius + 273.15) * 100), np.uint16)
            frame = Frame(counts, seq, seq / 30, temperature=TemperatureScale(0.01))
        said = health.judge(frame, picture)
    return said


def test_a_picture_as_in_training_is_quiet(health: Health) -> None:
    assert flown(health, two_levels(89, 166), 200) == set()


@pytest.mark.parametrize(
    ("name", "quiet", "told"),
    [
        ("drift", (6, 46), (4, 44)),  # the mean, 101.5 and 103.5 levels darker: 0.398 and 0.406 of 255, limit 0.4
        ("drift", (209, 249), (213, 253)),  # and lighter: 0.398 and 0.414
        ("drift", (44, 212), (43, 213)),  # the std, 84 and 85 levels: 2.196 and 2.222 times, limit 2.2
        ("low_contrast", (115, 139), (116, 138)),  # 12 and 11 levels: 3.19 and 3.48 times less, limit 3.3
    ],
)
def test_of_the_grey_levels(health: Health, name: str, quiet: tuple[int, int], told: tuple[int, int]) -> None:
    assert name not in flown(health, two_levels(*quiet), 40)
    assert name in flown(health, two_levels(*told), 400, 40)


@pytest.mark.parametrize(("level", "quiet", "told", "ends"), [(255, 7, 8, 6), (0, 39, 40, 31)])
def test_saturated_from_a_tenth_of_white_or_half_of_black(
    health: Health, level: int, quiet: int, told: int, ends: int
) -> None:
    assert "saturated" not in flown(health, with_some(level, quiet), 40)
    assert "saturated" in flown(health, with_some(level, told + 1), 400, 40)
    assert "saturated" in flown(health, with_some(level, ends + 1), 400, 500)  # it ends below 0.8 of the limit
    assert "saturated" not in flown(health, with_some(level, ends), 400, 1000)


def test_exactly_a_tenth_of_white_and_half_of_black_are_told(tiny_bundle: Path) -> None:
    for level, n in ((255, 8), (0, 40)):
        bundle = replace(Bundle.load(tiny_bundle), trained_mean=0.5, trained_std=0.15)
        assert "saturated" in flown(Health(bundle), with_some(level, n), 1)
        assert "saturated" not in flown(Health(bundle), with_some(level, n - 1), 1)


def test_low_contrast_of_a_few_frames_is_told_where_there_is_next_to_none(tiny_bundle: Path) -> None:
    bundle = replace(Bundle.load(tiny_bundle), trained_mean=0.5, trained_std=0.15)
    blank, faint = two_levels(120, 134), two_levels(116, 138)  # 7 levels: 5.5 times less, limit 1.5 x 3.3; and 11
    assert "low_contrast" in flown(Health(bundle), blank, 1)
    assert "low_contrast" not in flown(Health(bundle), two_levels(119, 135), 15)  # 8 levels: 4.8 times
    health = Health(bundle)
    assert "low_contrast" not in flown(health, faint, 15)
    assert "low_contrast" in flown(health, faint, 1, 15)  # the 16th
    assert "low_contrast" in flown(health, two_levels(114, 140), 400, 16)  # 13 levels: 2.94, it ends below 2.8
    assert "low_contrast" not in flown(health, two_levels(113, 141), 400, 500)  # 14: 2.73


def test_a_picture_weighs_a_sixteenth(health: Health) -> None:
    flown(health, two_levels(100, 100), 100)
    flown(health, two_levels(132, 132), 1, 100)
    assert health._picture[0] * 255 == pytest.approx(102)


def test_the_first_pictures_weigh_alike(health: Health) -> None:
    for seq, level in enumerate((10, 20, 60)):
        flown(health, two_levels(level, level), 1, seq)
    assert health._picture[0] * 255 == pytest.approx(30)


def test_warm_ground_from_28_degrees_to_27(health: Health) -> None:
    usual = two_levels(89, 166)
    assert flown(health, usual, 20, 0, 27.9) == set()
    assert flown(health, usual, 400, 20, 28.1) == {"warm_ground"}
    assert flown(health, usual, 400, 420, 27.1) == {"warm_ground"}
    assert flown(health, usual, 400, 820, 26.9) == set()


def test_a_shutter_that_is_closed_for_a_third_of_384_frames(health: Health) -> None:
    """An average over 384 frames reaches 0.3 with the 137th closed one, and falls below 0.2 with the 157th open one."""
    usual, shut = two_levels(89, 166), frozenset({"ffc"})
    said = []
    for seq in range(137 + 157):
        frame = Frame(usual, seq, seq / 30, flags=shut if seq < 137 else frozenset())
        said.append("shutter" in health.judge(frame, usual))
    began = said.index(True)
    ended = said.index(False, began)
    q = 383 / 384
    assert 1 - q**began < 0.3 <= 1 - q ** (began + 1)
    closed = 1 - q**137
    assert closed * q ** (ended - 137) >= 0.2 > closed * q ** (ended - 136)


def test_byte_order_is_looked_at_at_once_then_each_32_frames_from_the_6th_on(health: Health) -> None:
    usual = two_levels(89, 166)
    smooth = (20000 + 40 * np.arange(W) + 11 * np.arange(H)[:, None]).astype(np.uint16)
    said = []
    for seq in range(70):
        counts = smooth.byteswap() if seq == 0 or 6 <= seq <= 37 else smooth
        said.append("byte_order" in health.judge(Frame(counts, seq, seq / 30), usual))
    assert said == [True] * 5 + [False] * 32 + [True] * 32 + [False]


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [(119, 95, False), (120, 96, True), (54, 43, False), (53, 42, True), (120, 64, True), (80, 96, True)],
)
def test_another_size_from_one_and_a_half_times_on(health: Health, width: int, height: int, told: bool) -> None:
    picture = np.where(np.indices((height, width))[1] // 8 % 2, 166, 89).astype(np.uint8)
    assert ("scale" in health.judge(Frame(picture, 0, 0.0), picture)) is told


def test_what_becomes_of_a_size_in_words() -> None:
    assert whole(640, 512, 640, 512).in_words() == "640x512, as the model's"
    assert whole(320, 128, 640, 512).in_words() == "320x128 is enlarged 2 times for the model's 640x512"
    assert whole(640, 2048, 640, 512).in_words() == "640x2048 is shrunk to 0.25 of its size for the model's 640x512"
    assert rows_beside(640, 514).startswith("640x514 is what boson delivers")
    assert rows_beside(514, 640) == rows_beside(640, 512) == ""


def test_what_is_hidden_does_not_count(health: Health) -> None:
    picture = two_levels(89, 166)
    hidden = np.zeros((H, W), bool)
    hidden[:32] = True
    picture[:32] = 255
    health.judge(Frame(picture, 0, 0.0, mask=hidden), picture)
    assert health._picture[:4] * 255 == pytest.approx([MEAN, 38.5, 0, 0])


def test_limits_of_all_conditions() -> None:
    """Begins, ends. Those of 1 are yes or no, or a figure over its limit in edge/health/scene.py and polarity.py."""
    assert {name: (condition.begins, condition.ends) for name, condition in CONDITIONS.items()} == {
        "black_hot": (1.0, 0.5),
        "byte_order": (1.0, 1.0),
        "colour": (1.0, 1.0),
        "drift": (1.0, 0.9),
        "fixed_boxes": (1.0, 1.0),
        "frozen": (1.0, 1.0),
        "low_contrast": (3.3, 2.8),  # HIT-UAV's validation frames: down to 1 / 0.35 = 2.86 times less than in training
        "overlay": (1.0, 1.0),
        "rows": (1.0, 1.0),
        "saturated": (1.0, 0.8),
        "scale": (1.5, 1.5),
        "shutter": (0.3, 0.2),
        "warm_ground": (28.0, 27.0),
    }


def test_what_lies_in_the_source_and_not_in_the_weather() -> None:
    of_source = {name for name, condition in CONDITIONS.items() if condition.of_source}
    assert of_source == {"black_hot", "byte_order", "colour", "fixed_boxes", "overlay", "rows", "scale"}
    log, picture = HealthLog(), np.zeros((8, 8), np.uint8)
    held = frozenset({"black_hot", "drift"})
    begun, ended = (
        log.add(made(Frame(picture, seq, 0.0), Detections.none(8, 8), 0.0, picture, warnings=warnings))
        for seq, warnings in enumerate([held, frozenset[str]()])
    )
    assert [line.of_source for line in begun] == [True, False]
    assert [line.of_source for line in ended] == [False, False]  # good news can wait for the report


def test_each_count_of_a_condition_stands_under_its_name() -> None:
    """Present three times, in 1, 2 and 4 frames: 7 in all."""
    log, picture = HealthLog(), np.zeros((8, 8), np.uint8)
    for seq, held in enumerate([0, 1, 0, 1, 1, 0, 1, 1, 1, 1]):
        warnings = frozenset({"drift"} if held else ())
        log.add(made(Frame(picture, seq + 20, seq / 8), Detections.none(8, 8), 0.0, picture, warnings=warnings))
    assert log.report() == {"drift": {"frames": 7, "times": 3, "first": {"seq": 21, "t": 0.125, "utc": None}}}


def found(*scores: float) -> RawDetections:
    k = len(scores)
    return RawDetections(np.zeros((k, 4), np.float32), np.array(scores, np.float32), np.zeros(k, np.int32))


def asked(straight: RawDetections, inverted: RawDetections, times: int) -> float:
    polarity, image = Polarity(), np.zeros((8, 8), np.uint8)
    for _ in range(times):
        polarity.look(image, straight, 0.5, lambda _: inverted)
    return polarity.figure


@pytest.mark.parametrize(
    ("straight", "inverted", "times", "figure"),
    [
        ((), (0.5, 0.5), 1, 1.0 / 2.0),  # at a single look 1.1 + 0.9 bodies more
        ((1.0,), (1.0, 1.0, 1.0), 1, 3.0 / 3.3),  # and 1.3 times as much
        ((1.0, 0.49), (1.0, 0.49), 1, 1.0 / 3.3),  # what is below the threshold does not count
        ((1.0,), (1.0, 1.0, 1.0), 2, 3.0 / (1.3 + 1.1 + 0.45)),  # at the second look half of the 0.9
    ],
)
def test_how_much_more_the_inverse_must_hold(
    straight: tuple[float, ...], inverted: tuple[float, ...], times: int, figure: float
) -> None:
    assert asked(found(*straight), found(*inverted), times) == pytest.approx(figure, rel=1e-6)


def test_the_newest_look_weighs_15_of_100_after_the_first_seven() -> None:
    polarity, image = Polarity(), np.zeros((8, 8), np.uint8)
    while polarity._looks < 10:
        polarity.look(image, found(), 0.5, lambda _: found(1.0, 1.0))
    before = polarity._looks
    while polarity._looks == before:
        polarity.look(image, found(1.0), 0.5, lambda _: found())
    assert polarity._found.tolist() == [pytest.approx([0.15, 1.7])] * 2  # by all that counts, and by what is sure
    assert polarity.seen == "in 11 frames 1 found as it is, 20 in the inverse"
