"""Which tiles a frame is cut into: the whole of it is seen, neighbours overlap, and their number has a limit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.model.tiling import MOST_TILES, Tiling, whole

MODEL = 640, 512
AUTO, TWO = Tiling.parse("auto"), Tiling.parse("2x2")


@pytest.mark.parametrize("text", ["auto", "2x2", "1x2", "16x1", "4x4"])
def test_what_was_asked_for_is_kept(text: str) -> None:
    assert Tiling.parse(text).text == text


@pytest.mark.parametrize("text", ["", "1x1", "2", "2x", "0x2", "2x2x2", "2X2", "5x4", "17x1", "-2x2", "02x2", "Auto"])
def test_other_tiles_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected auto, or columns and rows such as 2x2, 2 to 16 tiles"):
        Tiling.parse(text)


def test_the_cost_is_told_before_a_frame_came() -> None:
    assert "5 calls of the engine a frame" in TWO.in_words()
    assert "the first frame tells how many" in AUTO.in_words()


def test_a_camera_of_1280x1024() -> None:
    plan = AUTO.plan(1280, 1024, *MODEL)
    assert plan.windows == ((0, 0, 683, 547), (597, 0, 683, 547), (0, 477, 683, 547), (597, 477, 683, 547))
    assert plan.looks == (*plan.windows, (0, 0, 1280, 1024))
    assert plan == TWO.plan(1280, 1024, *MODEL)
    assert plan.in_words() == (
        "1280x1024 is cut into 2x2 tiles of 683x547, each shrunk to 0.936 of its size for the model's 640x512; with "
        "the whole frame that is 5 calls of the engine"
    )
    assert plan.to_json() == {
        "width": 1280,
        "height": 1024,
        "columns": 2,
        "rows": 2,
        "tile": [683, 547],
        "overlap": [86, 70],
        "scale": 0.936,
        "engine_calls": 5,
    }


def test_a_camera_as_large_as_the_model_is_enlarged_where_tiles_are_named_and_not_cut_by_auto() -> None:
    plan = TWO.plan(640, 512, *MODEL)
    assert plan.windows == ((0, 0, 342, 274), (298, 0, 342, 274), (0, 238, 342, 274), (298, 238, 342, 274))
    assert "each enlarged 1.87 times" in plan.in_words()
    assert AUTO.plan(640, 512, *MODEL) == whole(640, 512, *MODEL)
    assert whole(640, 512, *MODEL).looks == ((0, 0, 640, 512),)


@pytest.mark.parametrize(
    ("size", "grid", "scale"),
    [
        ((711, 568), (1, 1), 0.9),  # 0.9 is the least: one tile
        ((712, 512), (2, 1), 1.0),
        ((640, 570), (1, 2), 1.0),
        ((1024, 768), (2, 2), 1.0),  # not enlarged
        ((1920, 1536), (3, 3), 0.916),
        ((2560, 2048), (4, 4), 0.906),
        ((320, 256), (1, 1), 2.0),
    ],
)
def test_auto_takes_as_few_as_can_be(size: tuple[int, int], grid: tuple[int, int], scale: float) -> None:
    plan = AUTO.plan(*size, *MODEL)
    assert (plan.columns, plan.rows) == grid
    assert plan.scale == pytest.approx(scale, abs=1e-3)


def test_too_many_and_too_blurred_are_refused() -> None:
    with pytest.raises(InputError, match="would be 5x4 tiles .* at most 16; name fewer, such as 4x4"):
        AUTO.plan(2600, 2048, *MODEL)
    with pytest.raises(InputError, match=r"those of 160x120 would be enlarged 7.5 times .* take fewer tiles"):
        TWO.plan(160, 120, *MODEL)
    assert TWO.plan(300, 240, *MODEL).scale == 4.0


@pytest.mark.parametrize(
    ("text", "size", "what"),
    [
        ("1x2", (320, 256), "of the 2 rows .* take fewer rows or more columns"),
        ("3x1", (320, 256), "of the 3 columns .* take fewer columns or more rows"),
        ("4x4", (320, 920), "of the 4 columns .* take fewer columns or more rows"),
    ],
)
def test_tiles_that_gain_nothing_are_refused(text: str, size: tuple[int, int], what: str) -> None:
    with pytest.raises(InputError, match=f"tiles {text}: each {what}"):
        Tiling.parse(text).plan(*size, *MODEL)


def test_one_column_has_no_neighbour_beside_it() -> None:
    plan = Tiling.parse("1x3").plan(640, 1200, *MODEL)
    assert plan.overlap[0] == 0
    assert {(x, width) for x, _, width, _ in plan.windows} == {(0, 640)}


def test_what_becomes_of_a_whole_frame_in_words() -> None:
    assert whole(640, 512, *MODEL).in_words() == "640x512, as the model's"
    assert whole(320, 128, *MODEL).in_words() == "320x128 is enlarged 2 times for the model's 640x512"


@settings(max_examples=50)
@given(
    st.sampled_from(["auto", "2x2", "1x2", "3x2", "4x4", "16x1"]),
    st.tuples(st.integers(320, 2000), st.integers(256, 2000)),
    st.sampled_from([(640, 512), (320, 256), (512, 512), (80, 64)]),
)
def test_tiles_cover_the_frame_and_neighbours_overlap_by_an_eighth(
    text: str, size: tuple[int, int], model: tuple[int, int]
) -> None:
    try:
        plan = Tiling.parse(text).plan(*size, *model)
    except InputError:
        return
    assert len(plan.windows) == plan.columns * plan.rows <= MOST_TILES
    for axis, count in ((0, plan.columns), (1, plan.rows)):
        tile = plan.windows[0][2 + axis]
        starts = sorted({window[axis] for window in plan.windows})
        assert len(starts) == count
        assert (starts[0], starts[-1] + tile) == (0, size[axis])
        common = [a + tile - b for a, b in pairwise(starts)]
        assert plan.overlap[axis] == min(common, default=0)
        assert all(one >= tile / 8 - 1 for one in common)
        assert round(tile * plan.scale) <= model[axis]
    if text == "auto":
        assert plan.scale <= 1 or len(plan.windows) == 1
        assert plan.scale >= 0.9 - 2e-3
