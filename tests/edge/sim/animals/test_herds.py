"""A herd keeps its distances and has one heading."""

from __future__ import annotations

import numpy as np
import pytest

from edge.sim.animals.herds import herd
from edge.sim.animals.species import BY_NAME


@pytest.mark.parametrize("name", ["red deer", "sheep", "wild boar"])
def test_neighbours_stand_apart_but_together(name: str) -> None:
    kind = BY_NAME[name]
    nearest = []
    for seed in range(20):
        animals = herd(kind, 8, np.array([100.0, -50.0]), np.random.default_rng(seed))
        places = np.array([a.place for a in animals])
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + 1e9 * np.eye(8)
        nearest += apart.min(axis=1).tolist()
        assert np.hypot(*(places.mean(axis=0) - (100, -50))) < 4 * kind.spacing
        assert all(kind.length[0] <= a.length <= kind.length[1] for a in animals)
    assert 0.4 * kind.spacing < np.median(nearest) < 2 * kind.spacing
    assert np.mean(np.array(nearest) > 0.45 * 0.5 * kind.spacing) > 0.97


def test_most_of_a_herd_look_one_way() -> None:
    lengths, alone = [], []
    for seed in range(40):
        a = np.radians([x.heading for x in herd(BY_NAME["red deer"], 12, np.zeros(2), np.random.default_rng(seed))])
        lengths.append(np.hypot(np.cos(a).mean(), np.sin(a).mean()))
        alone.append(a[0])
    assert np.mean(lengths) > 0.5  # of directions drawn evenly it is 0.26
    assert np.hypot(np.cos(alone).mean(), np.sin(alone).mean()) < 0.35  # each herd has its own
