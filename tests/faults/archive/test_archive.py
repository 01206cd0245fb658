"""The rows that need no process of their own, and the table of all; `make test-faults` has every row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.archive.__main__ import ROWS
from tests.faults.archive.page import HEADING, written_into
from tests.faults.archive.row import Row, Seen, as_cells
from tests.support.page_part import part_of

pytest.importorskip("distributed", reason="pip install 'thermal-edge[cluster]'")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "archive.md"


@pytest.mark.parametrize("row", [row for row in ROWS if row.quick], ids=lambda row: row.fault)
def test_it_is_told_and_the_rest_is_done(row: Row, tmp_path: Path) -> None:
    seen = row.happen(tmp_path)
    assert all(seen)
    assert str(tmp_path) not in as_cells(row, seen)


def never(_root: Path) -> Seen:
    raise AssertionError


def test_a_line_names_nothing_of_this_machine() -> None:
    seen = Seen(
        "1",
        "! /tmp/x-1/data/02/a.png: a | b\nat tcp://127.0.0.1:4711",
        "<6>",
        "in /tmp/x-1/archive/jobs/m-0123456789ab (tests/archive/a.py)",
    )
    assert as_cells(Row("a fault", never), seen) == (
        "| a fault | 1 | ! data/02/a.png: a / b at tcp://... | &lt;6> | in archive/jobs/m-... (tests/archive/a.py) |"
    )


def test_rows_that_did_not_happen_stay_in_their_order(tmp_path: Path) -> None:
    page, one, two = tmp_path / "page.md", Row("one", never), Row("two", never)
    page.write_text("# Page\n\n## Faults of an archive\n\n## Others\n\nTheirs.\n")
    written_into(page, [(two, Seen("0", "a", "b", "c"))], [one, two])
    written_into(page, [(one, Seen("1", "d", "e", "f"))], [one, two])
    lines = part_of(page, HEADING).splitlines()
    assert lines[-3:] == ["| one | 1 | d | e | f |", "| two | 0 | a | b | c |", ""]
    assert page.read_text().endswith("\n\n## Others\n\nTheirs.\n")


def test_the_page_has_every_row() -> None:
    lines = part_of(PAGE, HEADING).splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")][1:] == [f"| {row.fault}" for row in ROWS]
