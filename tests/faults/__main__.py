"""Every fault of a flight, made to happen: what the user sees, what is kept. See docs/faults.md.

python -m tests.faults [--row TEXT] [--quick] [--seed N] [--kills N] [--frames N] [--write docs/faults.md]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.conftest import write_bundle
from tests.faults.flights import Hangar
from tests.faults.page import as_line, written_into
from tests.faults.row import Field, Row, Seen
from tests.faults.rows import ROWS


def main() -> int:
    """Prints a line a row; 1 where one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--row", action="append", help="only rows with this in their name; may be given again")
    parser.add_argument("--quick", action="store_true", help="only those of make test")
    parser.add_argument("--seed", type=int, default=1, help="of kills and cuts (default: 1)")
    parser.add_argument("--kills", type=int, default=200, help="how often a flight is killed (default: 200)")
    parser.add_argument("--cuts", type=int, default=200, help="moments of a power cut (default: 200)")
    parser.add_argument("--calls", type=int, default=40, help="calls of a flight that fail, of each kind (default: 40)")
    parser.add_argument("--frames", type=int, default=1_000_000, help="of the long flight (default: 1000000)")
    parser.add_argument("--write", type=Path, help="the page that gets the table")
    asked = parser.parse_args()
    named = [row for row in ROWS if any(text in row.fault for text in asked.row or [""])]
    rows = [row for row in named if row.quick or not asked.quick]
    print(f"{len(rows)} rows, seed {asked.seed}", flush=True)
    done = []
    with Hangar() as hangar:
        bundle = write_bundle(hangar.folder / "deer")
        field = Field(hangar, bundle, asked.seed, asked.kills, asked.cuts, asked.calls, asked.frames)
        for row in rows:
            done.append((row, flown(row, field)))
            print(as_line(*done[-1]), flush=True)
    failed = [row.fault for row, seen in done if seen.wrong]
    print(f"{len(done) - len(failed)} of {len(done)} rows hold", *failed, sep="; does not: ")
    if asked.write:
        written_into(asked.write, done, ROWS)
    return bool(failed)


def flown(row: Row, field: Field) -> Seen:
    """The row, with its budget looked at."""
    begun = time.monotonic()
    seen = row.fly(field)
    seen.took_s = seen.took_s or time.monotonic() - begun
    seen.require(seen.took_s <= row.budget_s, f"took {seen.took_s:.1f} s, its budget is {row.budget_s:g} s")
    return seen


if __name__ == "__main__":
    sys.exit(main())
