from __future__ import annotations

import json

import numpy as np
import pytest

from edge.data import TemperatureScale
from edge.errors import BundleError, InputError
from edge.model.normalisers import Normalisers
from edge.thermal.normalise import NormaliseSpec, normalise

VIEW = Normalisers(NormaliseSpec.parse("minmax"), NormaliseSpec.parse("percentile:low=2"))


def test_the_depth_of_the_pixels_chooses() -> None:
    counts = np.random.default_rng(0).integers(20000, 30000, (8, 8)).astype(np.uint16)
    eight, scale = (counts >> 8).astype(np.uint8), TemperatureScale(0.01)
    assert (VIEW.pick(eight), VIEW.pick(counts)) == (VIEW.spec_8bit, VIEW.spec_16bit)
    assert (VIEW.grey(eight) == normalise(eight, VIEW.spec_8bit)).all()
    assert (Normalisers().grey(counts, scale) == normalise(counts, Normalisers().spec_16bit, scale)).all()
    with pytest.raises(InputError, match="float32"):
        VIEW.grey(counts.astype(np.float32))  # type: ignore[arg-type]


def test_there_and_back() -> None:
    assert Normalisers.from_json(json.loads(json.dumps(VIEW.to_json()))) == VIEW


@pytest.mark.parametrize("values", ["imagenet", {}, {"8bit": {}}, {"8bit": "identity", "16bit": "anchored"}, True])
def test_another_trainers_entry_is_refused(values: object) -> None:
    with pytest.raises(BundleError, match="normalise entry"):
        Normalisers.from_json(values)
