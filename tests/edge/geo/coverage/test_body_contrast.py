"""The contrast that a body would have in a flight's pictures: by kelvins, or as the labelled bodies had it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.data import Result, Scale, TemperatureScale
from edge.geo.coverage.contrast import BodyContrast, grey_of
from edge.model.recall import Pictures
from edge.thermal.contrast import clutter
from edge.thermal.normalise import NormaliseSpec, normalise
from edge.thermal.sharpness import grey_range, sharpness
from edge.thermal.temperature import PlanckScale
from tests.support.flown import result

TENTH = TemperatureScale(0.1)
A_GREY_A_COUNT = NormaliseSpec.parse("window:low=2900,high=3155")


def flown(
    seed: int = 1, scale: Scale | None = TENTH, spec: NormaliseSpec = A_GREY_A_COUNT, middle: int = 3000
) -> Result:
    """A frame of 640 x 512 of noise of 5 counts, as it is normalised."""
    counts = np.random.default_rng(seed).normal(middle, 5, (512, 640)).round().astype(np.uint16)
    before = result(0, 0.0, None)
    frame = replace(before.frame, pixels=counts, temperature=scale)
    return replace(before, frame=frame, picture=normalise(counts, spec, scale))


def levels(kelvin: float, one: Result) -> float | None:
    return grey_of(kelvin, one.frame, one.picture)


def test_kelvins_become_grey_levels_of_this_picture() -> None:
    assert levels(2.0, flown()) == pytest.approx(20, abs=0.1)  # 20 counts, a grey level each
    assert levels(2.0, flown(scale=TemperatureScale(0.05))) == pytest.approx(40, abs=0.1)
    wide = NormaliseSpec.parse("window:low=2900,high=3410")
    assert levels(2.0, flown(spec=wide)) == pytest.approx(10, abs=0.1)


def test_what_is_hotter_than_white_stands_out_to_white_only() -> None:
    assert levels(30.0, flown()) == pytest.approx(255 - 100, abs=1)
    assert levels(2.0, flown(middle=3145)) == pytest.approx(10, abs=1)


def test_planck_counts_are_not_a_straight_line_of_kelvins() -> None:
    scale = PlanckScale(14_000.0, 1400.0, 1.0, -6000.0, 0.012)
    middle = float(scale.counts(20.0))
    spec = NormaliseSpec.parse(f"window:low={middle - 100:.0f},high={middle + 155:.0f}")
    expected = float(scale.counts(22.0)) - middle
    assert levels(2.0, flown(scale=scale, spec=spec, middle=round(middle))) == pytest.approx(
        min(expected, 155), abs=1.5
    )


def test_a_picture_that_does_not_tell() -> None:
    assert levels(2.0, flown(scale=None)) is None
    one = flown()
    flat = replace(one, frame=replace(one.frame, pixels=np.full_like(one.frame.pixels, 3000)))
    assert levels(2.0, flat) is None
    assert levels(2.0, flown(middle=3500)) is None  # all white


def test_the_contrast_is_that_over_the_clutter() -> None:
    one = flown()
    around = clutter(one.picture, 20.0)
    assert BodyContrast(2.0, 60.0, False).of(one, 20.0, 0.0) == pytest.approx(20 / around, rel=0.01)
    assert BodyContrast(0.0, 60.0, False).of(one, 20.0, 0.0) == pytest.approx(60 / around)
    assert len(BodyContrast(0.0, 60.0, False).of(one, 1000.0, 0.0)) == 0
    half = replace(one, frame=replace(one.frame, mask=np.arange(640)[None].repeat(512, 0) < 320))
    assert len(BodyContrast(0.0, 60.0, False).of(half, 20.0, 0.0)) < 0.6 * len(around)


def test_more_kelvins_are_more_contrast() -> None:
    found = [float(np.median(BodyContrast(k, 60.0, False).of(flown(), 20.0, 0.0))) for k in (0.5, 1.0, 2.0, 4.0)]
    assert found == sorted(found)
    assert found[3] / found[0] == pytest.approx(8, rel=0.05)


@pytest.mark.parametrize(("stills", "again"), [(False, 0.5), (False, -0.1), (True, 0.0)])
def test_pictures_are_looked_at_twice_a_second_stills_each(stills: bool, again: float) -> None:
    contrast = BodyContrast(0.0, 60.0, stills)
    first = contrast.of(flown(1), 20.0, 0.0)
    assert (contrast.of(flown(1), 10.0, 0.49) is first) is not stills
    assert contrast.of(flown(1), 10.0, again) is not first


def test_of_a_picture_unlike_the_labelled_ones_nothing_is_said() -> None:
    one = flown()
    grey, sharp = grey_range(one.picture), sharpness(one.picture, 0.5)
    like = Pictures(grey, (sharp, sharp))
    contrast = BodyContrast(0.0, 60.0, True, like)
    assert len(contrast.of(one, 20.0, 0.0, 0.5))
    assert not contrast.unlike
    assert not len(contrast.of(one, 20.0, 0.1, 1.0))  # noise is less of a smaller picture
    assert contrast.unlike == {"noisier than nearly all labelled frames": 1}
    hazy = BodyContrast(2.0, 60.0, False, Pictures(grey + 1, (0.0, 9.0)))
    for t in (0.0, 0.4, 0.5):
        assert not len(hazy.of(one, 20.0, t))
    assert hazy.unlike == {"flatter than nearly all labelled frames": 3}
    assert hazy.assumed == ""  # no contrast rests on anything
    masked = replace(one, frame=replace(one.frame, mask=np.ones((512, 640), bool)))
    assert not len(BodyContrast(0.0, 60.0, True, like).of(masked, 20.0, 0.0))


def test_it_says_what_it_rests_on() -> None:
    usual = "a body stands out by 60 grey levels, as the labelled ones did (median)"
    contrast = BodyContrast(0.0, 60.0, True)
    assert contrast.assumed == ""
    contrast.of(flown(), 20.0, 0.0)
    assert contrast.assumed == usual
    contrast = BodyContrast(2.0, 60.0, True)
    contrast.of(flown(), 20.0, 0.0)
    assert contrast.assumed == "a body is 2 K warmer than the ground"
    contrast.of(flown(scale=None), 20.0, 1.0)
    assert contrast.assumed == f"a body is 2 K warmer than the ground; in 1 frames whose kelvins are not known {usual}"
