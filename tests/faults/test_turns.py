"""The time of a process stands still where it had no turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.turns import EACH_S, PAIR, of_turns, own_time


def test_it_goes_on_where_the_process_had_its_turn_and_stands_still_where_not() -> None:
    own = of_turns([(10.0, 0.0), (10.5, 0.4), (10.52, 0.0), (11.0, 0.1)])
    times = (9.0, 10.0, 10.1, 10.3, 10.5, 10.8, 10.9, 11.0, 12.0)
    assert [own(t) for t in times] == pytest.approx([9.0, 10.0, 10.1, 10.1, 10.1, 10.4, 10.5, 10.5, 11.5])


def test_a_machine_that_has_time_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "turns"
    path.write_bytes(PAIR.pack(1.0, 0.0) + PAIR.pack(2.0, 0.25) + b"half")
    assert own_time(path)(3.0) == 2.75
    assert own_time(path, until=3.0)(3.0) == pytest.approx(1.75 + EACH_S)
    assert of_turns([])(3.0) == 3.0
