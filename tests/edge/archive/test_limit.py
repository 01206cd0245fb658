"""A unit that never returns is ended with its process, and says where it stood."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.archive import limit
from edge.archive.limit import RENEW_S, STILL_S, TIMES, Limit, limited, why_ended
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from tests.edge.archive.flights import still, unit_of
from tests.support.loaded import run_loaded

ROOT = Path(__file__).resolve().parents[3]
HANGS = """
import ctypes, sys, threading
from pathlib import Path
from edge.archive import limit, work
from edge.archive.job import folder_of
from tests.edge.archive.flights import null_job, still, unit_of

def stuck(*_words, **_more):
    HOW

def loads(*words, **more):
    engine = real(*words, **more)
    limit.STILL_S = 0.6
    return engine

real, work.open_engine = work.open_engine, loads
WHAT
root, job = Path(sys.argv[1]), null_job()
work.detect(job, folder_of(root, job), unit_of(still(root / "a.png")))
"""
HOLDS = "ctypes.PyDLL(None).pause()"  # also the interpreter
ENDED = f"no frame came for {STILL_S:g} s, and its worker was ended"


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """After how many seconds the process ends, each time that it is said; None: not any more."""
    said: list[float | None] = []
    monkeypatch.setattr(limit.faulthandler, "dump_traceback_later", lambda seconds, exit, file: said.append(seconds))
    monkeypatch.setattr(limit.faulthandler, "cancel_dump_traceback_later", lambda: said.append(None))
    return said


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return replace(unit_of(still(tmp_path / "a.png")), frames=3, bytes=5)


def test_each_frame_renews_it_now_and_then(tmp_path: Path, armed: list[float | None], unit: Unit) -> None:
    now = [5.0]
    with Limit(unit, tmp_path / "a.ended", lambda: now[0]) as one:
        assert armed == [STILL_S]
        for step, often in ((RENEW_S - 0.1, 1), (0.1, 2), (0.0, 2), (RENEW_S, 3)):
            now[0] += step
            one.frame()
            assert armed == [STILL_S] * often
        one.close()
        assert armed == [STILL_S] * 3 + [None]
    assert armed == [STILL_S] * 3 + [None]
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


@pytest.mark.parametrize(("frames", "most"), [(3, 3 * TIMES), (None, 5 * TIMES)])
def test_a_source_that_never_ends_renews_nothing(
    tmp_path: Path, armed: list[float | None], unit: Unit, frames: int | None, most: int
) -> None:
    now = [0.0]
    with Limit(replace(unit, frames=frames), tmp_path / "a.ended", lambda: now[0]) as one:
        for _ in range(most + 7):
            now[0] += RENEW_S
            one.frame()
    assert armed == [STILL_S] * (1 + most) + [None]


def test_what_is_loaded_is_limited(armed: list[float | None]) -> None:
    def load(error: bool) -> None:
        with limited():
            assert armed == [STILL_S]
            if error:
                raise ValueError("bad")

    load(error=False)
    assert armed == [STILL_S, None]
    armed.clear()
    with pytest.raises(ValueError, match="bad"):
        load(error=True)
    assert armed == [STILL_S, None]


@pytest.mark.parametrize(
    ("how", "where"), [("threading.Event().wait()", "wait"), (HOLDS, "stuck")], ids=["waits", "holds the interpreter"]
)
def test_a_call_that_never_returns_ends_its_process(tmp_path: Path, how: str, where: str) -> None:
    code = HANGS.replace("HOW", how).replace("WHAT", "work.run = stuck")
    told = run_loaded([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (1, "")
    (path,) = tmp_path.glob("jobs/*/tries/*/*.jsonl")
    tries = Tries(path)
    assert (tries.begun, tries.failed, tries.over) == (1, 1, False)
    assert tries.reason.startswith("no frame came for 900 s, and its worker was ended; it stood in " + where)


def test_an_engine_that_never_loads_ends_its_process_and_is_no_try(tmp_path: Path) -> None:
    code = HANGS.replace("HOW", HOLDS).replace("WHAT", "work.open_engine, limit.STILL_S = stuck, 0.6")
    told = run_loaded([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 1
    assert "in stuck" in told.stderr
    assert list(tmp_path.glob("jobs/*/tries/*")) == list(tmp_path.glob("jobs/*/claims/*")) == []


def test_where_it_stood_is_kept_with_the_tries(tmp_path: Path) -> None:
    path = tmp_path / "unit.jsonl"
    tries = Tries(path)
    tries.begin()
    tries.ended.write_bytes(b"")
    assert (Tries(path).failed, why_ended(tries.ended)) == (0, None)
    tries.ended.write_text(
        'Timeout (0:15:00)!\nThread 0x1 (most recent call first):\n  File "/x/threading.py", line 3 in wait\n\n'
        'Thread 0x2 (most recent call first):\n  File "/x/decode.py", line 7 in read\n'
        '  File "/x/edge/archive/work.py", line 9 in detect\n'
    )
    why = f"{ENDED}; it stood in read (/x/decode.py, line 7)"
    again = Tries(path)
    assert (again.begun, again.failed, again.reason) == (1, 1, why)
    again.begin()
    assert not again.ended.exists()
    kept = Tries(path)
    assert (kept.begun, kept.failed, kept.over) == (again.begun, again.failed, again.over) == (2, 1, True)
    assert kept.reason == f"its worker died at it; before that: {why}"
    of_another = tmp_path / "unit.host.7.ended"
    of_another.write_text("Timeout (0:15:00)!\n")
    assert Tries(path).reason == ENDED
    kept.again()
    assert not of_another.exists()
    assert (Tries(path).begun, Tries(path).failed) == (0, 0)


def test_no_more_ends_are_counted_than_it_was_begun(tmp_path: Path) -> None:
    path = tmp_path / "unit.jsonl"
    Tries(path).begin()
    for number in range(3):
        (tmp_path / f"unit.host.{number}.ended").write_text("Timeout")
    assert (Tries(path).begun, Tries(path).failed) == (1, 1)


def test_a_try_is_withdrawn_unless_another_one_has_it_now(tmp_path: Path) -> None:
    path = tmp_path / "unit.jsonl"
    tries = Tries(path)
    tries.begin()
    tries.fail("bad")
    before = path.read_bytes()
    tries.begin()
    tries.withdraw()
    assert (path.read_bytes(), tries.begun, Tries(path).begun) == (before, 1, 1)
    tries.begin()
    Tries(path).fail("another")
    tries.withdraw()
    assert (tries.begun, Tries(path).begun, Tries(path).why) == (2, 2, "another")


def test_a_line_that_was_not_written_whole_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:9]))
    with pytest.raises(OSError, match="No space left") as told:
        Tries(tmp_path / "unit.jsonl").begin()
    assert told.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert Tries(tmp_path / "unit.jsonl").begun == 0


def test_what_was_ended_with_its_run_is_no_try(tmp_path: Path) -> None:
    path = tmp_path / "unit.jsonl"
    tries = Tries(path)
    tries.stopped()
    assert not path.exists()
    tries.begin()
    tries.fail("bad")
    tries.begin()
    tries.stopped()  # this process is at it, and not ended
    assert Tries(path).begun == 2
    path.write_bytes(path.read_bytes().replace(b'"pid":%d' % os.getpid(), b'"pid":99999999'))
    (tmp_path / "unit.host.99999999.ended").touch()
    ended = Tries(path)
    ended.stopped()
    assert list(tmp_path.iterdir()) == [path]
    for again in (ended, Tries(path)):
        assert (again.begun, again.failed, again.over, again.reason) == (1, 1, False, "bad")
    ended.stopped()
    assert Tries(path).begun == 1


def test_what_another_machine_is_at_is_not_stopped(tmp_path: Path) -> None:
    path = tmp_path / "unit.jsonl"
    Tries(path).begin()
    path.write_bytes(
        path.read_bytes().replace(b'"pid":%d' % os.getpid(), b'"pid":99999999').replace(b'"host":"', b'"host":"x')
    )
    Tries(path).stopped()
    assert Tries(path).begun == 1
