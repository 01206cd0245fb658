"""`make test` runs its tests in copies of one process: each test once, each failure told, whatever a copy dies of."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.children import popen

ROOT = Path(__file__).resolve().parents[1]

CONFTEST = """
import os, pathlib, pytest
PLACE, FIRST = pathlib.Path(__file__).parent, os.getpid()

def note(text):
    with open(PLACE / "notes", "a") as notes:
        notes.write(f"{text} {os.getpid()}\\n")

note("collected")

@pytest.fixture(scope="session", autouse=True)
def session():
    yield
    note("session-over")

@pytest.fixture(scope="module")
def module(request):
    yield
    note("over-" + request.module.__name__.rpartition(".")[2])

@pytest.fixture(scope="session")
def chromium():
    note("opened")

@pytest.fixture(autouse=True)
def ran(request):
    assert os.getpid() != FIRST and pathlib.Path("gone").exists() is False
    note(request.node.name)
"""
FILES = {
    "test_a": """
        import os, pytest, warnings
        def test_prints_and_fails(module): print("said before"); assert 1 == 2
        def test_dies(module): os._exit(7)
        @pytest.mark.parametrize("n", range(3))
        def test_after(n, module, tmp_path): (tmp_path / "mine").touch()
        @pytest.mark.filterwarnings("always")
        def test_warns(): warnings.warn("heard")
        def test_dies_last(): os.kill(os.getpid(), 9)
    """,
    "test_b": """
        import pytest, time
        @pytest.mark.timeout(0.3)
        def test_hangs(): time.sleep(90)
        @pytest.fixture
        def broken(): raise OSError("no disk")
        def test_set_up(broken): pass
        @pytest.mark.skip(reason="not here")
        def test_skipped(): pass
        @pytest.mark.xfail(strict=True)
        def test_expected(): raise ValueError
    """,
    "test_c": "def test_one(module): pass",
    "test_d": "def test_two(module): pass",
    "test_e": """
        def test_page(chromium, module): pass
        def test_without(): pass
    """,
    "test_f": "def test_map(chromium, module): pass",
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in files.items():
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        (folder / f"{name}.py").write_text("\n".join(line[indent:] for line in lines) + "\n")
    return folder


def begin(folder: Path, *words: str) -> subprocess.Popen[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TESTS_OF"))}
    plain["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = [
        "--import-mode=importlib",
        "-p",
        "tests.support.forked",
        "-p",
        "pytest_timeout",
        "--basetemp",
        str(folder / "tmp"),
        *words,
    ]
    return popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder],
        cwd=ROOT, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def notes(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "notes").read_text().splitlines()]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The folder of the tests, the exit code, what was printed."""
    folder = lay(tmp_path_factory.mktemp("forked"), FILES)
    running = begin(folder, "--processes", "2", "-rA")
    said, _ = running.communicate(timeout=100)
    return folder, running.returncode, said


def test_every_test_is_run_once_also_behind_one_that_dies(ended: tuple[Path, int, str]) -> None:
    folder, code, said = ended
    assert code == 1, said
    after = [f"test_after[{n}]" for n in range(3)]
    names = ["test_prints_and_fails", "test_dies", *after, "test_warns", "test_dies_last"]
    names += ["test_hangs", "test_set_up", "test_expected", "test_one", "test_two"]
    names += ["test_page", "test_without", "test_map"]
    assert sorted(name for name in notes(folder) if name.startswith("test_")) == sorted(names), said
    assert re.search(r"4 failed, 9 passed, 1 skipped, 1 xfailed, 1 warning, 1 error in", said), said


def test_a_failure_is_shown_as_always(ended: tuple[Path, int, str]) -> None:
    said = ended[2]
    assert "assert 1 == 2" in said
    assert "said before" in said
    assert "Timeout (>0.3s) from pytest-timeout" in said
    assert "OSError: no disk" in said
    assert "UserWarning: heard" in said
    assert re.search(r"SKIPPED .*not here", said)


def test_who_died_and_of_what(ended: tuple[Path, int, str]) -> None:
    said = ended[2]
    assert "the process that ran this test ended in it: exit code 7" in said
    assert "the process that ran this test ended in it: signal 9" in said
    assert re.search(r"FAILED .*::test_dies\b", said)
    assert re.search(r"FAILED .*::test_dies_last\b", said)


def test_fixtures_are_torn_down_in_the_copy_that_made_them(ended: tuple[Path, int, str]) -> None:
    told = notes(ended[0])
    assert told.count("collected") == 1  # once, not once a process
    assert [told.count(f"over-test_{name}") for name in "acdef"] == [0, 1, 1, 1, 1]  # a's died
    lines = [line.split() for line in (ended[0] / "notes").read_text().splitlines()]
    ran = {pid for name, pid in lines if name.startswith("test_")}
    died = {pid for name, pid in lines if name.startswith("test_dies")}
    assert len(died) == 2
    assert sorted(pid for name, pid in lines if name == "session-over") == sorted(ran - died)
    assert len([*(ended[0] / "tmp").glob("process-*/test_after_?_0/mine")]) == 3


def test_what_is_dear_is_made_once_for_all_files(ended: tuple[Path, int, str]) -> None:
    lines = [line.split() for line in (ended[0] / "notes").read_text().splitlines()]
    (maker,) = [pid for name, pid in lines if name == "opened"]
    assert [pid for name, pid in lines if name in ("test_page", "test_map")] == [maker, maker]
    its = [name for name, pid in lines if pid == maker]
    at = its.index("test_page")  # one after the other: test_without is of another file, as it were
    assert its[at : at + 4] == ["test_page", "over-test_e", "test_map", "over-test_f"]


def run(folder: Path, words: Sequence[str]) -> tuple[int, str]:
    running = begin(folder, *words)
    said, _ = running.communicate(timeout=100)
    return running.returncode, said


def test_the_first_failure_ends_all_where_that_is_asked_for(tmp_path: Path) -> None:
    files = {
        "test_fails": "import time\ndef test_fails():\n    time.sleep(0.2)\n    assert False\ndef test_not(): pass",
        "test_waits": "import time\ndef test_waits(): time.sleep(90)",
    }
    code, said = run(lay(tmp_path, files), ["--processes", "2", "-x"])
    assert code == 1, said
    assert "stopping after 1 failures" in said
    assert "session-over" in notes(tmp_path)  # of the one that was interrupted


def test_one_that_hangs_in_c_shows_where_and_the_next_is_run(tmp_path: Path) -> None:
    files = {"test_a": "import time\ndef test_hangs():\n    time.sleep(90)\ndef test_after(): pass"}
    code, said = run(lay(tmp_path, files), ["--processes", "1", "-o", "faulthandler_timeout=0.5"])
    assert code == 1, said
    assert "Fatal Python error: Aborted" in said
    assert re.search(r'File ".*test_a\.py", line 3 in test_hangs', said), said
    assert "the process that ran this test ended in it: signal 6" in said
    assert "1 failed, 1 passed" in said


def test_what_is_raised_after_the_last_test_is_told(tmp_path: Path) -> None:
    last = "@pytest.fixture(scope='session')\ndef last(): yield; raise OSError('left open')"
    code, said = run(lay(tmp_path, {"test_a": f"import pytest\n{last}\ndef test_a(last): pass"}), ["--processes", "2"])
    assert code == 3, said
    assert "OSError: left open" in said


def test_ctrl_c_ends_all(tmp_path: Path) -> None:
    lay(tmp_path, {f"test_{name}": "import time\ndef test_waits(): time.sleep(90)" for name in "ab"})
    running = begin(tmp_path, "--processes", "2")
    while not (tmp_path / "notes").exists() or notes(tmp_path).count("test_waits") < 2:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=100)
    assert running.returncode == 2, said
    assert notes(tmp_path).count("session-over") == 2
    for pid in re.findall(r"test_waits (\d+)", (tmp_path / "notes").read_text()):
        assert not Path(f"/proc/{pid}").exists()
