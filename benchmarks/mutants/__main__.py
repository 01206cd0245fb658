"""Draws the changes, runs their tests, prints and writes what came out."""

from __future__ import annotations

import argparse
import os
import signal
import sys

# before numpy: a process forks without threads, and two at a time share the cores
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

from benchmarks.command import at_least  # noqa: E402
from benchmarks.mutants.campaign import run  # noqa: E402
from benchmarks.mutants.running import NotGreen  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("area", nargs="?", default="", help="a folder or file of an area (default: all areas)")
    parser.add_argument("--sample", type=at_least(1), default=330, help="how many changes in all (default %(default)s)")
    parser.add_argument("--least", type=at_least(0), default=30, help="at least so many an area (default %(default)s)")
    parser.add_argument("--seed", type=at_least(0), default=1, help="which changes are drawn (default %(default)s)")
    parser.add_argument(
        "--jobs", type=at_least(1), default=os.cpu_count() or 1, help="how many at a time (default: cores)"
    )
    parser.add_argument("--again", action="store_true", help="only those that the last run let live")
    parser.add_argument("--coverage", action="store_true", help="only the lines and branches that the tests run")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the copies are removed
    try:
        return run(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except NotGreen as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
