"""A small process beside ours, for calls that hold Python's interpreter: no thread of ours runs then, also none that
watches. It ends this process, where nothing else can.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from edge.seams import Closing
from edge.system.budget import HELD_S, UNHEARD_S
from edge.system.caution import caution

PROGRAM = Path(__file__).with_name("guard_process.py")
LAST_S = 1.0

log = logging.getLogger(__name__)


class Guard(Closing):
    """Kills this process where `beat` did not come for 35 s, or a stop in ``ear`` was not taken for 1.5 s.

    It needs 10 MB of memory, 4 MB of these its own.
    """

    def __init__(self, ear: socket.socket) -> None:
        """``ear``: where `signal.set_wakeup_fd` writes to; whoever reads it here has heard. Where no process can be
        started there is no guard, and a line says so.
        """
        self._beat, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._beat.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        handles = (ear.fileno(), theirs.fileno())
        words = [sys.executable, "-I", "-S", PROGRAM, os.getpid(), *handles, HELD_S, UNHEARD_S]
        try:
            self._process = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=handles,
                start_new_session=True,  # Ctrl-C in the terminal is not for it
            )
        except OSError as error:
            caution(log, "no guard could be started (%s): a call that holds Python's interpreter is not ended", error)
        finally:
            theirs.close()

    def beat(self, doing: str) -> None:
        """A sign of life; ``doing``: what the loop is at, with a ! in front once a stop was heard."""
        with suppress(OSError):  # it is gone, or it is stopped and does not read
            self._beat.send(doing.encode("utf-8", "replace")[:1000] or b" ")

    def close(self) -> None:
        """End it. May be called twice."""
        self._beat.close()
        if self._process is not None:
            try:
                self._process.wait(LAST_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
