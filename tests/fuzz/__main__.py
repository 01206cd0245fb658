"""``python -m tests.fuzz [TARGET...] [--cases N] [--seed S]``: nearly good files into every reader, and a table."""

from __future__ import annotations

import argparse
import importlib.util
import sys

from tests.fuzz import guided
from tests.fuzz.drive import LARGE, Sum, fuzz
from tests.fuzz.targets import TARGETS
from tests.fuzz.watched import MOST_MB, MOST_S, ROOT

HEAD = "| target | cases | accepted | refused | messages | failures | cases/s | slowest, CPU s | peak MB |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help="which (default: all)")
    parser.add_argument("--cases", type=int, default=2000, help="of each target (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="say which targets there are")
    parser.add_argument("--traces", action="store_true", help="print a traceback of each kind of failure")
    parser.add_argument("--no-keep", action="store_true", help="store what failed in build/fuzz only")
    parser.add_argument("--guided", action="store_true", help="cases led by the lines they reach: needs atheris")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(target.name for target in TARGETS))
        return 0
    if arguments.guided and not guided.installed():
        parser.error(guided.INSTALL)
    names = [target.name for target in TARGETS]
    if unknown := [name for name in arguments.target if name not in names]:
        parser.error(f"no target is named {', '.join(unknown)}: expected {', '.join(names)}")
    chosen = [target for target in TARGETS if not arguments.target or target.name in arguments.target]
    print(HEAD, "| --- |" + " ---: |" * 8, sep="\n", flush=True)
    failed: list[Sum] = []
    for target in chosen:
        if missing := [name for name in target.needs if importlib.util.find_spec(name) is None]:
            print(f"| {target.name} | left out: {', '.join(missing)} is not installed |" + " |" * 7, flush=True)
            continue
        found = fuzz(target, arguments.cases, arguments.seed, not arguments.no_keep, arguments.guided, _tell)
        print(_row(found), flush=True)
        if found.failures:
            failed.append(found)
            _show(found, arguments.traces)
    print("\nmessages: kinds of refusals, without the values in them.")
    print(
        f"A failure: another exception than is documented, more than {MOST_S:g} s of CPU or {MOST_MB:g} MB, "
        "a write outside of its folder, a process or a connection."
    )
    for one in failed:
        _show(one, False)
    return 1 if failed else 0


def _row(one: Sum) -> str:
    return (
        f"| {one.name} | {one.cases} | {one.accepted} | {one.refused} | {len(one.sorts)} | "
        f"{sum(one.failures.values())} | "
        f"{one.cases / max(one.seconds, 1e-9):.0f} | {one.slowest_s:.2f} | {one.most_mb:.0f} |"
    )


def _show(one: Sum, traces: bool) -> None:
    for kind, count in one.failures.most_common():
        print(f"  {one.name}: {count} x {kind}", file=sys.stderr)
        for file in one.files.get(kind, []):
            where = "" if LARGE in file.parents else ", replayed by the tests"
            print(f"    {file.relative_to(ROOT)}{where}", file=sys.stderr)
        if traces and one.traces.get(kind):
            print("    " + one.traces[kind].replace("\n", "\n    "), file=sys.stderr)


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line}", end="\x1b[K\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
