"""Is white hot? A model that finds more in the inverse says it is not, and it is not asked too often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.data import Frame, RawDetections
from edge.health.polarity import Polarity
from edge.health.scene import Health
from edge.model.bundle import Bundle

IMAGE = np.full((8, 8), 40, np.uint8)


def found(*scores: float) -> RawDetections:
    k = len(scores)
    return RawDetections(np.zeros((k, 4), np.float32), np.array(scores, np.float32), np.zeros(k, np.int32))


def look(polarity: Polarity, straight: RawDetections, inverted: RawDetections, times: int = 1) -> list[int]:
    asked = []
    for i in range(times):

        def again(image: np.ndarray, i: int = i) -> RawDetections:
            asked.append(i)
            assert np.array_equal(image, 255 - IMAGE)
            return inverted

        polarity.look(IMAGE, straight, 0.5, again)
    return asked


def test_one_frame_tells_where_the_difference_is_great() -> None:
    polarity = Polarity()
    look(polarity, found(0.9, 0.8, 0.4), found(*[0.95] * 20, 0.3))
    assert polarity.figure > 1
    assert polarity.seen == "in 1 frame 2 found as it is, 20 in the inverse"


@pytest.mark.parametrize(
    ("straight", "inverted"),
    [((0.9,) * 20, (0.9,) * 2), ((), ()), ((), (0.9, 0.9)), ((0.9,) * 10, (0.9,) * 13), ((0.9,), (0.9,))],
)
def test_one_frame_that_could_be_either_tells_nothing(straight: tuple[float, ...], inverted: tuple[float, ...]) -> None:
    polarity = Polarity()
    look(polarity, found(*straight), found(*inverted))
    assert polarity.figure < 1


def test_several_frames_are_sure_of_less_and_it_ends_when_the_palette_is_changed() -> None:
    polarity = Polarity()
    assert look(polarity, found(), found(0.9, 0.9), 12)
    assert polarity.figure > 1
    look(polarity, found(0.9, 0.9), found(), 400)
    assert polarity.figure < 0.5


def test_what_is_sure_tells_where_many_unsure_boxes_hide_it() -> None:
    polarity = Polarity()
    look(polarity, found(*[0.55] * 8), found(0.9, 0.9, 0.8, 0.55), 8)
    assert polarity.figure > 1
    assert polarity.seen == "in 6 frames 0 sure ones (from 0.8) found as it is, 18 in the inverse"
    polarity = Polarity()
    look(polarity, found(*[0.55] * 8), found(0.79, 0.79, 0.79, 0.55), 8)  # just not sure
    assert polarity.figure < 1
    polarity = Polarity()
    look(polarity, found(0.9, 0.9, 0.8, 0.55), found(*[0.55] * 8), 8)
    assert polarity.figure < 1


def test_nothing_below_the_threshold_is_sure() -> None:
    polarity = Polarity()
    for _ in range(8):
        polarity.look(IMAGE, found(), 0.9, lambda _: found(*[0.85] * 9))
    assert polarity.figure == 0


def test_before_the_first_look_nothing_is_told() -> None:
    assert Polarity().figure == 0


def test_a_model_that_is_never_sure_tells_too() -> None:
    polarity = Polarity()
    look(polarity, found(), found(*[0.6] * 4), 8)
    assert polarity.figure > 1
    assert polarity.seen == "in 6 frames 0 found as it is, 24 in the inverse"


def test_it_is_asked_at_every_frame_of_the_first_then_ever_less() -> None:
    asked = look(Polarity(), found(), found(), 1000)
    assert asked[:8] == [0, 1, 2, 3, 5, 7, 10, 13]
    assert np.diff(asked).max() == 65
    assert [sum(frame < n for frame in asked) for n in (12, 100, 1000)] == [7, 16, 31]  # as docs/cameras.md has it


def test_a_look_that_contradicts_is_followed_by_another_within_16_frames() -> None:
    nothing, bodies = found(), found(0.9, 0.9, 0.9)
    for first, other in ((nothing, bodies), (bodies, nothing)):
        polarity = Polarity()
        settled = look(polarity, other, first, 400)
        assert np.diff(settled).max() == 65
        contrary = look(polarity, first, other, 140)
        assert np.diff(contrary)[0] == 17
    assert polarity.figure < 0.5


@pytest.mark.parametrize(("before", "frames"), [(60, 166), (600, 149)])
def test_looks_alone_tell_of_another_palette_within_200_frames(before: int, frames: int) -> None:
    """Found: 5 and 1 in the inverse, then 2 and 6. With every 65th frame alone it took 423 and 533 frames."""
    polarity = Polarity()
    look(polarity, found(*[0.85] * 5), found(0.85), before)
    told = 0
    while polarity.figure < 1:
        look(polarity, found(0.85, 0.85), found(*[0.85] * 6))
        told += 1
    assert told == frames + 1


def test_an_inversion_is_believed_at_once_and_what_was_found_counts_the_other_way_round() -> None:
    polarity = Polarity()
    look(polarity, found(0.9, 0.9), found(0.5), 400)
    assert polarity.figure < 0.5
    polarity.invert(400, black_hot=False)
    assert polarity.figure >= 1
    assert polarity.seen == "inverted at frame 400, taken for white-hot before; palette= would invert those frames, too"
    assert look(polarity, found(0.5), found(0.9, 0.9), 8) == [0, 1, 2, 3, 5, 7]  # as often as at the start
    polarity.invert(408, black_hot=True)
    assert polarity.figure < 0.5


def test_an_inversion_without_a_body_is_believed_until_the_model_finds_more_as_it_is() -> None:
    polarity = Polarity()
    look(polarity, found(), found(), 40)
    polarity.invert(40, black_hot=False)
    look(polarity, found(), found(), 400)
    assert polarity.figure == 1
    look(polarity, found(0.9, 0.9), found(), 200)
    assert polarity.figure < 0.5
    assert polarity.seen.startswith("in ")


def test_unsure_boxes_alone_do_not_take_an_inversion_back() -> None:
    polarity = Polarity()
    polarity.invert(0, black_hot=False)
    look(polarity, found(*[0.55] * 8), found(0.9), 40)  # a black-hot picture gives many of them
    assert polarity.figure >= 1


def test_counts_and_closed_shutters_are_not_asked_about(tiny_bundle: Path) -> None:
    health = Health(Bundle.load(tiny_bundle))

    def never(_: np.ndarray) -> RawDetections:
        raise AssertionError("asked")

    health.ask_inverted(Frame(np.zeros((64, 80), np.uint16), 0, 0.0), IMAGE, found(), never)
    health.ask_inverted(Frame(np.zeros((64, 80), np.uint8), 0, 0.0), IMAGE, None, never)
