"""Sums over time stay few, whatever a flight is long."""

from __future__ import annotations

from edge.app.after.flight.thinned import Strip


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
