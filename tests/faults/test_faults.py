"""The quick rows of the table, with fewer kills, cuts and calls; `make test-faults` flies all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import write_bundle
from tests.faults.flights import Hangar
from tests.faults.row import Field, Row
from tests.faults.rows import ROWS


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    bundle: Path = write_bundle(tmp_path_factory.mktemp("faults") / "deer")
    with Hangar() as hangar:
        yield Field(hangar, bundle, seed=1, kills=4, cuts=16, calls=2, frames=0)


@pytest.mark.parametrize("row", [row for row in ROWS if row.quick], ids=lambda row: row.fault)
def test_a_fault_is_told_and_what_was_found_is_kept(row: Row, field: Field) -> None:
    seen = row.fly(field)
    if seen.skipped:
        pytest.skip(seen.skipped)
    assert seen.wrong == []
