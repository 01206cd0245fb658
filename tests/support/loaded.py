"""Python processes of a test that have ``edge`` loaded when they begin.

They are forked from one that does nothing else: to start Python and to load ``edge run`` takes 0.7 s of processor time,
to fork it a twentieth. Else they are what `tests.support.children.popen` starts: children of the test's own process,
with its environment, with arguments, standard files, signals, an exit code and an end of the interpreter of their own.
Only a start with other libraries, paths or ``PYTHON...`` variables needs a new Python, and what a start itself does.

popen_loaded([sys.executable, "-m", "edge.commands.main", "run", ...], cwd=ROOT, stderr=subprocess.PIPE)
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support import children

ROOT = Path(__file__).resolve().parents[2]
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
MOST = 1 << 17  # bytes of a question: words and environment
# the commands, and what a run that is told so loads later
LOADED = (
    "edge.commands.main",
    "edge.engine.null",
    "edge.engine.ort",
    "edge.recording.recorder",
    "edge.sim.camera",
    "edge.sinks.jsonl",
    "edge.sinks.trace",
    "edge.sinks.tracks",
)
_loaders: dict[int, socket.socket] = {}  # of this process, and of those that it was forked from


def popen_loaded(
    command: Sequence[object], *, ignored: Sequence[signal.Signals] = (), **options: Any
) -> subprocess.Popen[Any]:
    """`children.popen` of ``python -m MODULE WORDS`` or ``python -c CODE WORDS``."""
    return children.started(_Loaded([str(word) for word in command], ignored, **options))


def run_loaded(command: Sequence[object], **options: Any) -> subprocess.CompletedProcess[Any]:
    """`children.run_child`, as `popen_loaded`."""
    limit_s = options.pop("timeout", None)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = popen_loaded(command, **options)
    out, err = process.communicate(timeout=limit_s)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class _Loaded(subprocess.Popen[Any]):
    """A process that another one forks, and leaves to this one."""

    def __init__(self, words: list[str], ignored: Sequence[signal.Signals], **options: Any) -> None:
        python, how, *_ = words
        assert (python, how) in ((sys.executable, "-m"), (sys.executable, "-c")), words
        assert options.keys() <= {"cwd", "env", "stdin", "stdout", "stderr", "text", "start_new_session"}, options
        self._ignored = [int(number) for number in ignored]
        super().__init__(words, **options)

    def _execute_child(self, words: list[str], *options: Any) -> None:
        """In the place of Popen's own, of Python 3.10 and newer."""
        cwd, env, files, session = options[4], options[5], options[9:15], options[20]
        stdin, _, _, stdout, _, stderr = files
        asked = {
            "words": words[1:],
            "cwd": os.fspath(cwd or os.getcwd()),
            "env": dict(os.environ if env is None else env),
            "ignored": self._ignored,
            "session": bool(session),
        }
        its = [number if given == -1 else given for number, given in enumerate((stdin, stdout, stderr))]
        self.pid = _forked(json.dumps(asked).encode(), its)
        self._child_created = True
        self._close_pipe_fds(*files)  # type: ignore[attr-defined]


def _forked(asked: bytes, files: list[int]) -> int:
    """The process number of a new child of this process."""
    if os.getpid() not in _loaders:
        _loaders[os.getpid()] = _begin()
    loader = _loaders[os.getpid()]
    own = ctypes.CDLL(None, use_errno=True)
    own.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whose parent ends becomes a child of this process
    try:
        socket.send_fds(loader, [asked], files)
        answer = loader.recv(MOST)
    finally:
        own.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    if not answer:
        raise RuntimeError("the process that has edge loaded has ended: what it said is in the output of this test")
    return int(answer)


def _begin() -> socket.socket:
    """The process that has ``edge`` loaded, and the connection to it; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        command = [sys.executable, "-m", "tests.support.loaded", its.fileno()]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # without threads of numpy, which a fork would leave out
        process = children.popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()])
    children.keep(process)  # for many tests
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
    ours.close()
    process.wait(20)


# ---- in the process that has edge loaded ----


def serve(asks: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Forks whenever it is asked to. In what was forked: what was asked, with the three files; None at the end."""
    for name in LOADED:
        import_module(name)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, and this ends with them
    gc.collect()
    gc.freeze()  # no child looks through, and so copies, what all have
    while True:
        data, files, _, _ = socket.recv_fds(asks, MOST, 3)
        if not data:
            return None
        assert len(os.listdir("/proc/self/task")) == 1, "a process with threads is not forked"
        reading, writing = os.pipe()
        between = os.fork()
        if not between:
            if child := os.fork():
                os.write(writing, str(child).encode())
                os._exit(0)  # so the child becomes one of the process that asks
            for file in (reading, writing, asks.detach()):
                os.close(file)
            while os.getppid() == between:
                time.sleep(0.0002)
            return json.loads(data), files
        os.waitpid(between, 0)
        asks.send(os.read(reading, 20))
        for file in (reading, writing, *files):
            os.close(file)


def _become(asked: dict[str, Any], files: list[int]) -> None:
    """What a process is that begins with this environment."""
    if asked["session"]:
        os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    for stop in children.STOPS:
        usual = signal.default_int_handler if stop == signal.SIGINT else signal.SIG_DFL
        signal.signal(stop, signal.SIG_IGN if stop in asked["ignored"] else usual)
    plain = bool(os.environ.get("PYTHONUNBUFFERED"))
    out = open(1, "w", closefd=False)  # noqa: SIM115
    err = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    out.reconfigure(line_buffering=out.isatty(), write_through=plain)
    err.reconfigure(line_buffering=True, write_through=plain)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), out, err  # noqa: SIM115


def _run(how: str, what: str, *words: str) -> None:
    """As ``python HOW WHAT WORDS``: returns, or raises, to the end of the interpreter."""
    sys.argv = [how, *words]
    if how == "-m":
        sys.modules.pop(what, None)  # it is run, whether it was loaded or not
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    _loads = socket.socket(fileno=int(sys.argv[1]))
    if (_asked := serve(_loads)) is not None:
        _become(*_asked)
        _run(*_asked[0]["words"])
