"""Processes that tests start hear the signals that stop them, also where the tests themselves do not."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.children import STOPS, end_all, hear, popen, run_child

TESTS = Path(__file__).resolve().parent
# run in a child of a test, with the system's Python, or outside of any test
CHILDREN = {"support/children.py", "support/inside_gstreamer.py", "test_children.py"}
TELL = (
    "import signal; blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
    "for stop in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):\n"
    "    print(int(signal.getsignal(stop) == signal.SIG_IGN), int(stop in blocked))\n"
)


@pytest.fixture
def deaf() -> Iterator[None]:
    """As under ``nohup``, in the background of a script, and worse."""
    before = {stop: signal.signal(stop, signal.SIG_IGN) for stop in STOPS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for stop, handler in before.items():
        signal.signal(stop, handler)


def test_a_child_inherits_deafness(deaf: None) -> None:
    """What the helper is for."""
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True).stdout
    assert told == "1 1\n" * 3


def test_a_child_of_ours_does_not(deaf: None) -> None:
    assert run_child([sys.executable, "-c", TELL], capture_output=True, text=True).stdout == "0 0\n" * 3
    assert all(signal.getsignal(stop) is signal.SIG_IGN for stop in STOPS)
    assert set(STOPS) <= signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("stop", STOPS)
def test_a_child_of_ours_can_be_stopped(deaf: None, stop: signal.Signals) -> None:
    with popen(["sleep", 60]) as child:
        child.send_signal(stop)
        assert child.wait(timeout=20) == -stop


def test_a_child_may_ignore_what_it_shall() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with popen([sys.executable, "-c", TELL], ignored=[signal.SIGHUP], stdout=subprocess.PIPE, text=True) as child:
        assert child.communicate(timeout=20)[0] == "0 0\n1 0\n0 0\n"
    assert signal.getsignal(signal.SIGHUP) is before


def test_so_does_a_child_of_another_thread() -> None:
    told = []

    def work() -> None:
        told.append(run_child([sys.executable, "-c", TELL], capture_output=True, text=True).stdout)

    before = {stop: signal.signal(stop, signal.SIG_IGN) for stop in STOPS}
    try:
        hear()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
    assert told == ["0 0\n" * 3]


def test_a_child_that_is_left_over_is_ended() -> None:
    child = popen(["sleep", 60], stdout=subprocess.PIPE)
    end_all()
    assert child.returncode == -signal.SIGKILL
    end_all()


def test_no_test_starts_a_process_otherwise() -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if str(path.relative_to(TESTS)) not in CHILDREN and ("subprocess" in text or "os.system" in text):
            calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
            names = {
                "subprocess.run",
                "subprocess.Popen",
                "subprocess.check_output",
                "subprocess.check_call",
                "os.system",
            }
            found += [f"{path}:{call.lineno}" for call in calls if ast.unparse(call) in names]
    assert found == [], "use tests.support.children"
