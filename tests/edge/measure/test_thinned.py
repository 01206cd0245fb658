"""Values in time stay few and even, whatever a flight is long."""

from __future__ import annotations

import numpy as np

from edge.measure.thinned import Thinned


def test_points_keep_their_distance_and_their_number() -> None:
    kept = Thinned[int](1.0, 10)
    for i in range(1000):
        kept.note(i * 0.5, i)
    assert len(kept.at) == len(kept.values) <= 10
    assert kept.at[0] == 0.0
    assert kept.at[-1] >= 350
    steps = np.diff(kept.at)
    assert steps.min() == steps.max()  # evenly
    assert kept.values == [int(t * 2) for t in kept.at]
