"""See `benchmarks.boards`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.boards import PAGE, kept, page_with, problems, table


def main(words: list[str]) -> int:
    """0: all is well; 1: a report cannot be taken; 2: nothing to do."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boards", description="check reports of boards")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="reports of edge bench --publish --json")
    parser.add_argument("--write", action="store_true", help="write the table of docs/measured.md anew")
    arguments = parser.parse_args(words)
    if not arguments.files and not arguments.write:
        parser.error("give reports to check, or --write")
    code = 0
    for path in arguments.files:
        found = list(problems(path))
        sys.stdout.write("".join(f"{path}: {line}\n" for line in found) or f"{path}: can be taken\n")
        code = code or bool(found)
    if arguments.write:
        PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), table(kept())), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
