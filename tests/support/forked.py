"""Tests in several processes that are copies of one which has imported and collected everything: `--processes 3`.

To import torch, OpenCV and the tests and to collect them takes over ten seconds; here one process does it, once, and
forks. The files lie in a pipe in the order in which they begin, and each process takes the next one when it is through
with its own. The tests that have a fixture of `SHARED`, of whatever files, count as one file. A process that dies fails
the test that it was at, and a new copy goes on behind it.

python -m pytest -p tests.support.forked --processes 3
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
import traceback
import warnings
from itertools import count
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

import pytest
from _pytest.config import create_terminal_writer

from tests.support import children, kept_memory

NUMBER = 2  # bytes of a file's number in the pipe
EVERY_S = 0.1  # between two looks at what the copies report: to wake up for every test takes longer than most of them
SHARED = ("chromium",)  # fixtures that are dear, and one for all tests that have them
GRACE_S = 10.0  # to end what its test has started, before a process is killed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=0, metavar="N", help="tests in N copies of this process; 0: here")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """All tests that were collected, in so many processes; None: as pytest does it, in this one."""
    processes = session.config.getoption("processes")
    if not processes or session.config.option.collectonly or session.testsfailed or not session.items:
        return None
    _Copies(session).run(processes)
    return True


class _Worker:
    """A copy of this process, as the first one sees it."""

    def __init__(self, pid: int, reports: Connection, places: list[int]) -> None:
        self.pid, self.reports, self.places = pid, reports, places  # of all tests that it has taken
        self.at: int | None = None  # place of the test that it is at
        self.since = 0.0  # monotonic seconds, when it began
        self.told = False  # that it is through, or what went wrong with it

    def ended(self) -> str:
        """Once it has closed its pipe: how it ended. Waits for it."""
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class _Copies:
    def __init__(self, session: pytest.Session) -> None:
        self.session, self.hook = session, session.config.hook
        places: dict[str, list[int]] = {}
        for place, item in enumerate(session.items):
            fixtures = getattr(item, "fixturenames", ())
            shared = next((name for name in SHARED if name in fixtures), "")
            places.setdefault(shared or item.nodeid.partition("::")[0], []).append(place)
        self.files = list(places.values())
        self.next_file, given = os.pipe()
        os.write(given, b"".join(number.to_bytes(NUMBER, "big") for number in range(len(self.files))))
        os.close(given)
        self.names = map("process-{}".format, count())
        self.temporary = session.config._tmp_path_factory  # type: ignore[attr-defined]
        self.temporary.getbasetemp()
        self.workers: dict[Connection, _Worker] = {}
        self.left = set(range(len(session.items)))
        self.longest = float(session.config.getini("faulthandler_timeout")) or math.inf  # seconds
        self.wrong: list[str] = []

    def run(self, processes: int) -> None:
        for _ in range(min(processes, len(self.files))):
            self.fork([])
        try:
            while self.workers:
                for reports in wait(list(self.workers), timeout=EVERY_S):
                    assert isinstance(reports, Connection)
                    self.hear_all(reports)
                self.end_those_that_hang()
                time.sleep(EVERY_S)
        finally:
            self.end_all()
            os.close(self.next_file)
        if self.left and not self.wrong:
            self.wrong.append(f"{len(self.left)} tests were not run: {self.session.items[min(self.left)].nodeid}, ...")
        if self.wrong:
            raise RuntimeError("\n".join(self.wrong))

    def fork(self, first: list[int]) -> None:
        """One more copy; ``first``: the places of tests that it runs before it takes a file."""
        ours, its = Pipe(duplex=False)
        name = next(self.names)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            code = 1
            try:
                for reports in self.workers:
                    reports.close()
                ours.close()
                code = _work(self, name, its, first)
            finally:
                os._exit(code)
        its.close()
        self.workers[ours] = _Worker(pid, ours, list(first))

    def hear_all(self, reports: Connection) -> None:
        """What has come of one copy until now."""
        while reports in self.workers and reports.poll():
            self.hear(self.workers[reports])
            if self.session.shouldfail:
                raise self.session.Failed(self.session.shouldfail)
            if self.session.shouldstop:
                raise self.session.Interrupted(self.session.shouldstop)

    def end_those_that_hang(self) -> None:
        """In C, where a test's own time limit does not reach: the copy shows what its threads are at, and ends."""
        for worker in self.workers.values():
            if worker.at is not None and time.monotonic() - worker.since > self.longest:
                worker.since = time.monotonic()
                os.kill(worker.pid, signal.SIGABRT)

    def hear(self, worker: _Worker) -> None:
        try:
            kind, value = worker.reports.recv()
        except (EOFError, OSError):
            self.gone(worker)
            return
        if kind == "begins":
            worker.at, worker.since = value, time.monotonic()
            item = self.session.items[value]
            self.hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        elif kind == "takes":
            worker.places += self.files[value]
        elif kind == "report":
            report = self.hook.pytest_report_from_serializable(config=self.session.config, data=value)
            self.hook.pytest_runtest_logreport(report=report)
        elif kind == "ends":
            self.finished(worker)
        elif kind == "warning":
            self.hook.pytest_warning_recorded.call_historic(kwargs=value)
        else:
            worker.told = True
            if value:
                self.wrong.append(value)

    def finished(self, worker: _Worker) -> None:
        assert worker.at is not None
        item = self.session.items[worker.at]
        self.left.discard(worker.at)
        worker.at = None
        self.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def gone(self, worker: _Worker) -> None:
        del self.workers[worker.reports]
        worker.reports.close()
        how = worker.ended()
        if worker.told:
            return
        if worker.at is None:
            self.wrong.append(f"a process that runs tests ended between two tests: {how}")
            return
        item = self.session.items[worker.at]
        text = f"the process that ran this test ended in it: {how}"
        self.hook.pytest_runtest_logreport(
            report=pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
        )
        self.finished(worker)
        self.fork([place for place in worker.places if place in self.left])

    def end_all(self) -> None:
        """After Ctrl-C, or the first failure with ``-x``; else none is left."""
        for worker in self.workers.values():
            os.kill(worker.pid, signal.SIGINT)
        until = time.monotonic() + GRACE_S
        for reports, worker in self.workers.items():
            while not os.waitpid(worker.pid, os.WNOHANG)[0]:
                if time.monotonic() > until:
                    os.kill(worker.pid, signal.SIGKILL)
                    os.waitpid(worker.pid, 0)
                    break
                if reports.poll(0.05):
                    _drain(reports)  # a full pipe holds it up


def _drain(reports: Connection) -> None:
    try:
        reports.recv()
    except (EOFError, OSError):
        time.sleep(0.01)


def _work(copies: _Copies, name: str, reports: Connection, first: list[int]) -> int:
    """In the copy: tests until no file is left. The exit code."""
    session, config = copies.session, copies.session.config
    os.environ["TESTS_OF"] = name  # the conftests ask whether others test beside it
    kept_memory.keep()  # tests that measure what a process holds start others
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    capture.stop_global_capturing()  # its file is shared with the others
    capture.start_global_capturing()
    capture.suspend_global_capture()
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(_Terminal(config), "terminalreporter")
    config.pluginmanager.unregister(name="faulthandler")  # a thread for each test; the first process looks instead
    reporter = _Reporter(config, reports)
    config.pluginmanager.register(reporter)  # which tells it of every warning before
    reporter.copied = True
    folder = copies.temporary.getbasetemp() / name
    folder.mkdir(mode=0o700)
    copies.temporary._basetemp = folder
    wrong = ""
    try:
        another = _AnotherFile.from_parent(session, name="another file")
        while places := first or _taken(copies, reports):
            first = []
            for place, after in zip(places, [*places[1:], None], strict=True):
                reports.send(("begins", place))
                following = another if after is None else session.items[after]
                config.hook.pytest_runtest_protocol(item=session.items[place], nextitem=following)
                reports.send(("ends", place))
        session._setupstate.teardown_exact(None)
        config._ensure_unconfigure()  # what nobody has raised until now comes here
    except KeyboardInterrupt:
        session._setupstate.teardown_exact(None)
        raise
    except BaseException:
        wrong = traceback.format_exc()
    finally:
        children.end_all()
    reports.send(("through", wrong))
    return 1 if wrong else 0


def _taken(copies: _Copies, reports: Connection) -> list[int]:
    """The places of the next file's tests; none when all files are taken."""
    number = os.read(copies.next_file, NUMBER)
    if not number:
        return []
    reports.send(("takes", int.from_bytes(number, "big")))
    return copies.files[int.from_bytes(number, "big")]


class _AnotherFile(pytest.Item):
    """What comes after a file's last test: all that is not the session's is torn down."""

    def runtest(self) -> None:
        raise NotImplementedError("this only stands for the next file")


class _Terminal:
    """Where a time limit that is over writes what other threads are at: with what the test itself has said."""

    def __init__(self, config: pytest.Config) -> None:
        self._tw = create_terminal_writer(config, sys.stderr)


class _Reporter:
    """Sends on what pytest reports in a copy."""

    def __init__(self, config: pytest.Config, reports: Connection) -> None:
        self.config, self.reports, self.copied = config, reports, False
        self.all_times = bool(config.option.durations or config.option.xmlpath)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when != "call" and not self.all_times:
            return  # nobody counts or shows it, and it is two of three
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.reports.send(("report", data))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        if self.copied:
            told = {"warning_message": warning_message, "when": when, "nodeid": nodeid, "location": location}
            self.reports.send(("warning", told))
