"""The Planck scale: values by hand, its two ends, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.errors import InputError
from edge.thermal.temperature import PlanckScale

R1, B, F, O, R2 = 15000.0, 1400.0, 1.0, -6000.0, 0.0125  # noqa: E741


def scale(**changes: float) -> PlanckScale:
    return PlanckScale(**{"r1": R1, "b": B, "f": F, "o": O, "r2": R2, **changes})


@pytest.mark.parametrize(
    ("f", "counts", "log_of"),
    [
        # r1 / r2 = 1 200 000: over 12 000 and 24 000 more than -o it is 100 and 50
        (1.0, 18000, 101),
        (1.0, 30000, 51),
        (2.0, 18000, 102),
        (0.5, 18000, 100.5),
    ],
)
def test_kelvin_is_b_over_the_logarithm(f: float, counts: float, log_of: float) -> None:
    celsius = 1400 / math.log(log_of) - 273.15
    assert float(scale(f=f).celsius(counts)) == pytest.approx(celsius, abs=1e-9)
    assert float(scale(f=f).counts(celsius)) == pytest.approx(counts, abs=1e-6)


def test_below_its_range_counts_are_the_lowest() -> None:
    lowest = 1400 / math.log(1_200_000 + 1) - 273.15
    assert scale().celsius([0, 5999, 6000, 6001]) == pytest.approx([lowest] * 4, abs=1e-9)
    assert float(scale().celsius(6002)) > lowest + 1
    assert scale().counts([-273.15, -1000.0]) == pytest.approx([6000, 6000], abs=1e-6)


def test_above_its_range_counts_are_the_highest() -> None:
    """With f of less than 1 the logarithm ends where r1 / r2 / light is 1 - f: a thousandth before that it stops."""
    light = 0.999 * 1_200_000 / 0.5
    end = 1400 / math.log(0.5 / 0.999 + 0.5) - 273.15
    low = scale(f=0.5)
    assert low.celsius([light + 6000, light + 6001, 1e9]) == pytest.approx([end] * 3)
    assert float(low.celsius(light + 5990)) < end
    assert float(scale().celsius(1e9)) > 1_000_000  # with f = 1 there is no end: kelvin grows with the counts


@pytest.mark.parametrize("counts", [8000.0, 18000.0, 40000.0])
def test_what_a_count_more_means(counts: float) -> None:
    step = float(scale().celsius(counts + 1)) - float(scale().celsius(counts))
    assert scale().kelvin_per_count(counts) == pytest.approx(step)
    assert scale().kelvin_per_count(0) == 1e-9  # never nothing: it is divided by


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: value} for name in ("r1", "b", "r2") for value in (0.0, -1.0, math.inf, math.nan)),
        *({"f": value} for value in (0.0, -1.0, 10.01, math.inf, math.nan)),
        *({"o": value} for value in (math.inf, math.nan)),
    ],
)
def test_constants_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"Planck constants R1, B, F, O, R2 = \(.*\): expected positive, finite ones"):
        scale(**wrong)


def test_constants_at_their_ends_will_do() -> None:
    for right in ({"f": 10.0}, {"f": 1e-9}, {"o": -1e6}, {"o": 0.5}, {"r1": 0.5, "b": 0.5, "r2": 0.5}):
        assert np.isfinite(scale(**right).celsius([0, 65535])).all()
