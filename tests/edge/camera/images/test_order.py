"""Names that can be read in two ways, and which way is taken; names that cannot are in `test_stills`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.images.order import ordered


def names(found: tuple[list[Path], str]) -> list[str]:
    return [path.stem for path in found[0]]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (["1.25", "1.5"], "read as decimal numbers"),
        (["9.5", "10.25", "10.5"], "read as decimal numbers"),
        (["t0.0", "t0.125", "t0.25", "t0.5", "t1.0"], "read as decimal numbers"),
        (["a1.05", "a1.25", "a1.5"], "read as decimal numbers"),
        (["run2_1.25", "run2_1.5", "run10_1.125"], "read as decimal numbers"),
        (["7.1", "7.2", "7.10"], "read as whole numbers around a dot"),  # copies
        (["5.9999999", "5.12345678", "5.123456789"], "read as whole numbers around a dot"),  # seconds.nanoseconds
        (["1.25", "1.50", "1.75"], ""),
        (["1.000001", "1.000010", "2.000000"], ""),
        (["f1", "f2", "f10"], ""),
        (["2024.05.2_1.30.15", "2024.05.12_10.30.15"], ""),  # a date is no decimal
        (["a-1", "a-2", "a"], ""),
    ],
)
def test_what_a_dot_means(expected: list[str], said: str) -> None:
    paths = [Path(name + ".png") for name in reversed(expected)]
    found = ordered(paths)
    assert names(found) == expected
    assert (said in found[1]) if said else not found[1]
    assert "?order=" in found[1] or not said


def test_what_was_asked_for() -> None:
    paths = [Path(name) for name in ("1.5.png", "1.25.png", "10.1.png", "2.1.png")]
    assert names(ordered(paths, "natural")) == ["1.5", "1.25", "2.1", "10.1"]
    assert names(ordered(paths, "decimal")) == ["1.25", "1.5", "2.1", "10.1"]
    assert names(ordered(paths, "name")) == ["1.25", "1.5", "10.1", "2.1"]
    assert not any(ordered(paths, order)[1] for order in ("natural", "decimal", "name"))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6, allow_nan=False).filter(lambda x: "e" not in repr(x)), unique=True, max_size=20))
def test_decimals_are_in_the_order_of_their_values(times: list[float]) -> None:
    found, _ = ordered([Path(f"f_{time!r}.tif") for time in times], "decimal")
    assert [float(path.stem[2:]) for path in found] == sorted(times)
