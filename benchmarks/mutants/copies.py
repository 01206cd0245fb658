"""Copies of the tree, and processes that run tests in them. The libraries are imported once, each process is a fork."""

from __future__ import annotations

import contextlib
import importlib
import os
import py_compile
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HEAVY = ("numpy", "cv2", "msgspec", "onnx", "onnxruntime", "zstandard", "tifffile", "rich.console", "rich.progress")
HEAVIER = ("torch", "torchvision", "torchvision.models.detection")
GIB = 1 << 30


def import_libraries(*, torch: bool) -> None:
    """So that no process has to; nothing of ours, which the processes import from their copies."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as edge does; onnxruntime reads it when it is imported
    for name in (*HEAVY, "hypothesis", "pytest_timeout", *(HEAVIER if torch else ())):
        importlib.import_module(name)


class Copy:
    """A copy of the files that git knows or would know; `close` removes it."""

    def __init__(self, root: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-")).resolve()
        self.tree = self.folder / "tree"
        self.temporary = self.folder / "tmp"
        self.output = self.folder / "output.txt"
        if (root.parent / "shared").exists():  # the data that some tests need
            (self.folder / "shared").symlink_to((root.parent / "shared").resolve())
        for name in tracked(root):
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, self.tree / name)
            if name.endswith(".py") and not name.startswith("benchmarks"):  # by contents: a changed file is compiled
                py_compile.compile(str(self.tree / name), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def fork(self, work: Callable[[], int]) -> int:
        """The id of a process, leader of a group of its own, that does ``work`` in the copy and exits by its result."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        shutil.rmtree(self.tree / ".hypothesis", ignore_errors=True)
        self.temporary.mkdir()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 70
        try:
            self._enter()
            code = work()
            sys.stdout.flush()
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def _enter(self) -> None:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        # a change may ask for all memory or write for ever
        resource.setrlimit(resource.RLIMIT_DATA, (12 * GIB, 12 * GIB))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * GIB, 2 * GIB))
        with open(os.devnull, "rb") as nothing, open(self.output, "wb") as output:
            os.dup2(nothing.fileno(), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.chdir(self.tree)
        here = Path(__file__).resolve().parents[2]
        sys.path[:] = [str(self.tree), *(p for p in sys.path if p and Path(p).resolve() != here)]
        os.environ["PYTHONPATH"] = str(self.tree)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)


def tracked(root: Path) -> list[str]:
    """The files of a checkout, also those that are not committed yet."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def end(pid: int) -> None:
    """Kill what is left of a process and of those it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
