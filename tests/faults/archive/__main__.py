"""Every fault of an archive, made to happen: what the user sees, what is kept. See docs/archive.md.

python -m tests.faults.archive [--row TEXT] [--quick] [--write docs/archive.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

from tests.faults.archive.of_files import FILES
from tests.faults.archive.of_processes import PROCESSES
from tests.faults.archive.page import written_into
from tests.faults.archive.row import Row, Seen, as_cells
from tests.support.children import end_all

ROWS: list[Row] = [*FILES, *PROCESSES]


def main() -> int:
    """Prints a line a row; 1 where one does not hold, and the page is not written then."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.archive", description=__doc__.partition("\n")[0])
    parser.add_argument("--row", action="append", help="only rows with this in their name; may be given again")
    parser.add_argument("--quick", action="store_true", help="only those of make test")
    parser.add_argument("--write", type=Path, help="the page that gets the table")
    asked = parser.parse_args()
    named = [row for row in ROWS if any(text in f"archive: {row.fault}" for text in asked.row or [""])]
    rows = [row for row in named if row.quick or not asked.quick]
    done: list[tuple[Row, Seen]] = []
    for row in rows:
        try:
            with tempfile.TemporaryDirectory(prefix="edge-archive-") as folder:
                done.append((row, row.happen(Path(folder))))
            print(f"holds  {as_cells(*done[-1])}", flush=True)
        except Exception:
            print(f"FAILS  {row.fault}\n{traceback.format_exc()}", flush=True)
        finally:
            end_all()
    print(f"{len(done)} of {len(rows)} rows hold")
    if len(done) < len(rows):
        return 1
    if asked.write:
        written_into(asked.write, done, ROWS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
