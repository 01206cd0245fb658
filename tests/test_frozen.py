"""What is made once and shared cannot be changed: every dataclass is frozen, but for the few that count or collect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATACLASS = re.compile(r"^ *@(?:dataclasses\.)?dataclass\b(.*)\n(?: *@.*\n)* *class (\w+)", re.MULTILINE)
CHANGING = {
    "edge/app/after/flight/lines.py: FileState",
    "edge/app/after/flight/tracks.py: Tracks",
    "edge/app/after/page/crops.py: Pictured",
    "edge/app/after/page/rows.py: Rows",
    "edge/app/compare/tracks.py: Seen",
    "edge/app/loop.py: Loop",
    "edge/app/source_check.py: Examination",
    "edge/archive/drive.py: Tally",
    "edge/archive/merge/stitch.py: Edges",
    "edge/measure/matching.py: Tally",
    "edge/pipeline.py: _State",
    "edge/sinks/live/known.py: Known",
    "edge/sim/paint.py: _Painted",
    "edge/track/book.py: Track",
    "export/data/dataset.py: Told",
}


def dataclasses_of(package: str) -> Iterator[tuple[str, bool]]:
    """Every dataclass of a package, and whether it is frozen."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for arguments, name in DATACLASS.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}: {name}", "frozen=True" in arguments


def test_only_what_counts_or_collects_can_be_changed() -> None:
    found = dict([*dataclasses_of("edge"), *dataclasses_of("export")])
    assert len(found) > 60
    assert {name for name, frozen in found.items() if not frozen} == CHANGING
