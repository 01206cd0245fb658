"""Another normalisation than the bundle's own: refused, unless it is asked for twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.thermal.normalise import NormaliseSpec

OTHERS = ["anchored:weight=1", "clahe", "identity", "minmax", "percentile", "plateau", "window:low=1,high=2"]


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    made = Bundle.load(tiny_bundle)  # neither of its own is the other's, nor one that is asked for below
    return replace(made, normalise_8bit=NormaliseSpec.parse("percentile:low=5"))


@pytest.mark.parametrize("text", OTHERS)
def test_it_takes_the_place_of_its_depth(text: str, bundle: Bundle) -> None:
    spec = NormaliseSpec.parse(text)
    got = bundle.with_normaliser(spec, override=True)
    if text == "identity":  # the one method that takes no raw counts
        assert got == replace(bundle, normalise_8bit=spec)
    else:
        assert got == replace(bundle, normalise_16bit=spec)


@pytest.mark.parametrize(("text", "bits"), [(text, 8 if text == "identity" else 16) for text in OTHERS])
def test_it_is_refused_and_the_way_out_is_named(text: str, bits: int, bundle: Bundle) -> None:
    spec = NormaliseSpec.parse(text)
    with pytest.raises(BundleError) as caught:
        bundle.with_normaliser(spec)
    own = {8: "percentile:low=5.0,high=99.0", 16: str(bundle.normalise_16bit)}[bits]
    assert str(caught.value) == (
        f"bundle tiny was made with normalise {own} for {bits}-bit frames, and {spec} was asked for: the model would "
        "see frames unlike those of its training. Leave --normalise out, or add --override-normalise to use it "
        "nevertheless"
    )


def test_its_own_changes_nothing(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    for own in (bundle.normalise_8bit, bundle.normalise_16bit):
        assert bundle.with_normaliser(own) is bundle
        assert bundle.with_normaliser(own, override=True) is bundle
