"""The table: each command writes its own part of the page, and rows that were not flown stay."""

from __future__ import annotations

from pathlib import Path

from tests.faults.page import HEADING, as_line, written_into
from tests.faults.row import Field, Row, Seen
from tests.faults.rows import ROWS
from tests.support.page_part import part_of, put_part

PAGE = "# Faults\n\nFirst.\n\n## Faults of a flight\n\n## Others\n\nTheirs.\n"


def never(field: Field) -> Seen:
    raise AssertionError(field)


ONE, TWO = Row("one", never, 5, "failed: so"), Row("two", never, 7)


def table(page: Path) -> list[str]:
    return [line for line in part_of(page, HEADING).splitlines() if line.startswith(("| one", "| two"))]


def test_a_row_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text(PAGE)
    written_into(page, [(TWO, Seen([1, 0, None], "a | b <c>", "8 lines", 1.25))], [ONE, TWO])
    assert table(page) == ["| two | 0 or 1 or none | a / b &lt;c> | 8 lines | 1.2 of 7 s | always held |"]
    place = "cannot write /tmp/edge-faults-x1/full-y2/out/report.json"
    written_into(page, [(ONE, Seen([1], place, "1 line", 0.5, wrong=["no"]))], [ONE, TWO])
    first, second = table(page)
    assert first == "| one | 1 | cannot write out/report.json | 1 line | 0.5 of 5 s | failed: so DOES NOT HOLD: no |"
    assert second.startswith("| two | 0 or 1 or none |")
    written_into(page, [(ONE, Seen(skipped="no compiler"))], [ONE, TWO])
    assert table(page) == [first, second]
    text = page.read_text()
    assert text.startswith("# Faults\n\nFirst.\n\n## Faults of a flight\n\nWritten by `make test-faults`.")
    assert text.endswith(" |\n\n## Others\n\nTheirs.\n")


def test_the_other_part_is_replaced_likewise(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text(PAGE)
    put_part(page, "Others", "New.\n\n")
    put_part(page, "More", "Last.")
    assert page.read_text() == PAGE.replace("Theirs.", "New.") + "\n## More\n\nLast.\n"
    assert part_of(page, "Oth") == ""


def test_what_does_not_hold_is_told_in_the_terminal() -> None:
    said = as_line(ONE, Seen([1], "", "2 lines", 0.5, wrong=["too few"]))
    assert said == "FAILS    one: exit 1; nothing; kept: 2 lines; 0.5 of 5 s\n           too few"
    assert as_line(TWO, Seen(skipped="no compiler")) == "skipped  two: no compiler"


def test_each_row_has_a_name_of_its_own_and_a_history() -> None:
    names = [row.fault for row in ROWS]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "|" in name]
    assert {row.history.partition(":")[0].partition(" for ")[0] for row in ROWS} == {"always held", "failed"}
