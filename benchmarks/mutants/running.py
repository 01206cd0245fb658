"""Tests in a process of a copy: once with the untouched source to learn what covers what, then for every change."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest

from benchmarks.mutants.areas import Area
from benchmarks.mutants.copies import Copy, end, tracked
from benchmarks.mutants.sites import Mutant, place

# -x: the first failure is enough
QUIET = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "--assert=plain",
    "--hypothesis-seed=0",
    "--tb=short",
    "--timeout=60",
)
LEAST_S, TIMES = 20.0, 4.0  # a change may take this long: 20 s and 4 times what its tests take


class NotGreen(Exception):
    """The tests fail, or none is run, before anything is changed."""


@dataclass
class Covered:
    """What the tests of an area do in its untouched source: seconds a test, the tests of a line, and the shares."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)  # statements, covered, branches, taken

    def tests_for(self, mutant: Mutant, source: str) -> list[str]:
        """The tests that run the changed statement.

        All tests of the area for what is run at import: what a module is made of can be looked at without running it.
        And where no test was seen to run it: a process that a test starts may do so.
        """
        where = place(source, mutant.start)
        lines = self.lines.get(mutant.path, {})
        chosen = {test for line in where.lines for test in lines.get(line, ())}
        return sorted(self.seconds if where.at_import or not chosen else chosen)


class _Watch:
    """pytest plugin: every test's seconds, and the coverage of each under its name."""

    def __init__(self, measured: coverage.Coverage, seconds: dict[str, float]) -> None:
        self._measured, self._seconds = measured, seconds

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._measured.switch_context(item.nodeid)
        result = yield
        self._measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration


class _Only:
    """pytest plugin: the given tests, the files of those of the area's own first, fast tests before slow ones."""

    def __init__(self, tests: Sequence[str], area: Area, seconds: dict[str, float], killer: Path) -> None:
        self._tests, self._area, self._seconds, self._killer = set(tests), area, seconds, killer

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # where a change gives the cases of a test other names, all are run
        items[:] = [item for item in items if item.nodeid in self._tests] or items

        def order(item: pytest.Item) -> tuple[bool, int, str, float]:
            name, seconds = item.nodeid.partition("::")[0], self._seconds.get(item.nodeid, 0.0)
            slow = sum(seconds > step for step in (0.1, 0.5, 1, 2, 4, 8))  # what a file sets up serves several tests
            return not name.startswith(self._area.own), slow, name, seconds

        items.sort(key=order)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._killer.write_text(report.nodeid)


def covered(area: Area, root: Path, copy: Copy, kept: Path) -> Covered:
    """What the tests of ``area`` cover, from the file in ``kept`` where nothing has changed since.

    Raises NotGreen where they fail.
    """
    file = kept / f"{area.source.replace('/', '-').removesuffix('.py')}-{_state(area, root)}.json"
    if not file.exists():
        print(f"{area.source}: its tests, untouched ...", flush=True)
        made = copy.folder / "covered.json"
        made.unlink(missing_ok=True)
        pid = copy.fork(lambda: _cover(area, copy.tree, made))
        code = wait(pid, 1800)
        if code != 0 or not made.exists():
            text = copy.output.read_text(errors="replace")[-3000:]
            raise NotGreen(f"{area.source}: its tests fail before anything is changed (exit code {code})\n{text}")
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob(f"{file.name.rpartition('-')[0]}-*.json"):
            old.unlink()
        file.write_text(made.read_text())
    read = json.loads(file.read_text())
    lines = {path: {int(line): tests for line, tests in of.items()} for path, of in read["lines"].items()}
    return Covered(read["seconds"], lines, read["figures"])


def start(copy: Copy, area: Area, tests: list[str], seconds: dict[str, float], killer: Path) -> tuple[int, float]:
    """Run ``tests`` in a process: its id, and the seconds that it may take."""
    files = sorted({test.partition("::")[0] for test in tests})
    only = _Only(tests, area, seconds, killer)
    limit = LEAST_S + TIMES * sum(seconds.get(test, 0.0) for test in tests)
    return copy.fork(lambda: _run(copy.tree, files, [only])), limit


def _run(tree: Path, files: Sequence[str], plugins: list[Any]) -> int:
    basetemp = tree.parent / "tmp" / "t"
    code = int(pytest.main([*QUIET, f"--basetemp={basetemp}", *files], plugins=plugins))
    _ours_only(tree)
    return code


def _ours_only(tree: Path) -> None:
    import sys

    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in ("edge", "export", "tests") and file and not file.startswith(str(tree)):
            raise RuntimeError(f"{name} was imported from {file}, not from the copy")


def _cover(area: Area, tree: Path, made: Path) -> int:
    os.environ["COVERAGE_CORE"] = "ctrace"  # the one that can tell tests apart
    files = area.files(tree)
    measured = coverage.Coverage(
        data_file=str(made.with_suffix(".coverage")), branch=True, include=[str(tree / name) for name in files],
        config_file=False,
    )  # fmt: skip
    seconds: dict[str, float] = {}
    measured.start()
    code = _run(tree, area.tests(tree), [_Watch(measured, seconds)])
    measured.stop()
    if code != 0 or not seconds:
        return code or 5
    measured.save()
    data = measured.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for name in files:
        contexts = data.contexts_by_lineno(str(tree / name))
        lines[name] = {line: sorted(test for test in tests if test) for line, tests in contexts.items()}
    report = made.with_suffix(".report")
    measured.json_report(outfile=str(report))
    totals = json.loads(report.read_text())["totals"]
    names = {"statements": "num_statements", "covered": "covered_lines"}
    names |= {"branches": "num_branches", "taken": "covered_branches"}
    figures = {ours: totals[theirs] for ours, theirs in names.items()}
    made.write_text(json.dumps({"seconds": seconds, "lines": lines, "figures": figures}))
    return 0


def wait(pid: int, limit: float) -> int | None:
    """The exit code of a process; None where it is ended at its limit, in seconds."""
    since = time.monotonic()
    while time.monotonic() - since < limit:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            end(pid)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    end(pid)
    os.waitpid(pid, 0)
    return None


def _state(area: Area, root: Path) -> str:
    """A hash of all that decides what its tests do: our code, their files, what they share."""
    seen = hashlib.sha256()
    tests = (*area.tests(root), "tests/conftest.py", "pyproject.toml")
    for name in tracked(root):
        code = name.startswith(("edge/", "export/") if area.source.startswith("export") else "edge/")
        if (code and name.endswith(".py")) or name.startswith("tests/support/") or name in tests:
            seen.update(f"{name}\0".encode() + (root / name).read_bytes())
    return seen.hexdigest()[:16]


def each(copies: list[Copy], jobs: list[Any], begin: Callable[[Copy, Any], tuple[int, float]]) -> Iterator[Any]:
    """Every job once, as many at a time as there are copies: the job, its copy, the exit code, the seconds.

    The code is None for what was ended at its limit.
    """
    waiting, free = list(reversed(jobs)), list(copies)
    running: dict[int, tuple[Any, Copy, float, float]] = {}
    try:
        while waiting or running:
            while waiting and free:
                job, copy = waiting.pop(), free.pop()
                pid, limit = begin(copy, job)
                running[pid] = (job, copy, time.monotonic(), limit)
            for pid, (job, copy, since, limit) in list(running.items()):
                done, status = os.waitpid(pid, os.WNOHANG)
                seconds = time.monotonic() - since
                if not done and seconds < limit:
                    continue
                end(pid)
                if not done:
                    os.waitpid(pid, 0)
                del running[pid]
                yield job, copy, os.waitstatus_to_exitcode(status) if done else None, seconds
                free.append(copy)
            time.sleep(0.02)
    finally:
        for pid in running:
            end(pid)
