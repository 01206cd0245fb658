"""Points and sums over time stay few, whatever a flight is long."""

from __future__ import annotations

import numpy as np

from edge.app.after.flight.thinned import Strip, Thinned


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


def test_a_strip_folds_sums_and_keeps_the_largest() -> None:
    strip = Strip(("n",), ("most",), most=4, step_s=1.0)
    for t in range(8):
        strip.add(t, n=1, most=t)
    assert strip.step_s == 2.0
    assert strip["n"].tolist() == [2, 2, 2, 2]
    assert strip["most"].tolist() == [1, 3, 5, 7]
    strip.add(1e11, n=1, most=0)
    assert len(strip["n"]) <= 4
    assert strip["n"].sum() == 9
    strip.add(-5.0, n=1)
    assert strip["n"][0] == 9
