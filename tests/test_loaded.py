"""Processes that have ``edge`` loaded when they begin are like any other that a test starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support import children
from tests.support.loaded import popen_loaded, run_loaded

CODE = [sys.executable, "-c"]
WAITS = "import sys; print('here', flush=True); sys.stdin.read()"


def told(code: str, *words: object, **options: Any) -> str:
    done = run_loaded([*CODE, code, *words], capture_output=True, text=True, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return str(done.stdout)


def test_it_has_edge_loaded_and_nothing_of_the_tests() -> None:
    asked = (
        "import sys; print([name in sys.modules for name in ('edge.app.run', 'onnxruntime', 'cv2', 'pytest', 'torch')])"
    )
    assert told(asked) == "[True, True, True, False, False]\n"


def test_words_folder_and_environment_are_its_own(tmp_path: Path) -> None:
    asked = "import os, sys, time; print(sys.argv, os.getcwd(), os.environ.get('A'), 'HOME' in os.environ, time.tzname)"
    said = told(asked, "b", 7, cwd=tmp_path, env={"A": "1", "TZ": "XYZ-3"})
    assert said == f"['-c', 'b', '7'] {tmp_path} 1 False ('XYZ', 'XYZ')\n"


def test_the_environment_is_that_of_the_test_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THIS_TEST", "3")
    assert told("import os; print(os.environ['OF_THIS_TEST'])") == "3\n"


def test_a_module_is_run_as_the_main_one() -> None:
    done = run_loaded([sys.executable, "-m", "tests.support.said", "x"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "__main__ tests.support.said ['x']\n"), done.stderr


def test_the_command_does_and_says_the_same(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edge.commands.main",
        "run",
        "--source",
        "no-file.mp4",
        "--out",
        "o",
        "--backend",
        "null",
    ]
    own, loaded = (
        run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        for run in (children.run_child, run_loaded)
    )
    assert (own.returncode, own.stdout, own.stderr) == (loaded.returncode, loaded.stdout, loaded.stderr)
    assert (own.returncode, "no-file.mp4" in own.stderr) == (2, True)


def test_it_is_a_child_of_the_test_itself() -> None:
    with popen_loaded([*CODE, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        status = Path(f"/proc/{child.pid}/status").read_text()
        assert f"\nPPid:\t{os.getpid()}\n" in status
        assert (os.getpgid(child.pid), os.getsid(child.pid)) == (os.getpgrp(), os.getsid(0))
        assert child.poll() is None
        child.communicate("")
    assert child.returncode == 0


def test_a_session_of_its_own() -> None:
    assert told("import os; print(os.getsid(0) == os.getpid())", start_new_session=True) == "True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    with popen_loaded([*CODE, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(number)
        assert child.wait(20) == -number


def test_ctrl_c_is_an_exception_in_it() -> None:
    code = (
        "import sys\n"
        "try:\n"
        "    print('here', flush=True)\n"
        "    sys.stdin.read()\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    with popen_loaded([*CODE, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        assert (child.stdout.read(), child.wait(20)) == ("heard\n", 0)


def test_what_it_shall_ignore_and_nothing_else() -> None:
    asked = "from signal import *; print([getsignal(stop) == SIG_IGN for stop in (SIGINT, SIGHUP, SIGTERM)])"
    with popen_loaded([*CODE, asked], ignored=[signal.SIGHUP], stdout=subprocess.PIPE, text=True) as child:
        assert child.communicate()[0] == "[False, True, False]\n"


def test_its_end_is_that_of_an_interpreter() -> None:
    """Exit handlers run, threads are waited for, buffers are written, and an error is told."""
    code = (
        "import atexit, threading, time\n"
        "atexit.register(print, 'last')\n"
        "threading.Timer(0.05, print, ['thread']).start()\n"
        "print('first')\n"
        "raise ValueError('why')"
    )
    done = run_loaded([*CODE, code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "first\nthread\nlast\n")
    assert done.stderr.endswith("\nValueError: why\n")


def test_its_files_are_those_that_it_was_given(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "print('out')\n"
        "print('err', file=sys.stderr)\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"  # without that of the folder
    )
    with (tmp_path / "both").open("w") as both:
        assert (
            run_loaded([*CODE, code], stdin=subprocess.DEVNULL, stdout=both, stderr=subprocess.STDOUT).returncode == 0
        )
    assert (tmp_path / "both").read_text() == "err\nout\n[0, 1, 2]\n"


def test_a_child_that_is_left_over_is_ended() -> None:
    child = popen_loaded([*CODE, WAITS], stdin=subprocess.PIPE)
    children.end_all()
    assert child.returncode == -signal.SIGKILL
    assert told("print(1)") == "1\n"  # the one that forks is still there
