"""The guard, run as a process of its own: ``python -I -S guard_process.py PID EAR BEAT HELD STOP``.

A call that holds Python's interpreter lock stops every thread of its process, the watchdog's too. This one looks from
outside: signs of life come over BEAT; a stop that nobody took is still to be seen in EAR. It imports nothing of ours,
so that it stays small.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress

TICK_S = 0.1
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(pid: int, ear: socket.socket, beat: socket.socket, held_s: float, stop_s: float) -> None:
    """Returns when the process has ended, by itself or by this one.

    ``ear``: shared with it; what a signal writes there is looked at, and left. ``beat``: a message a look of its
    watchdog, what its loop is at, a ! in front once it has heard a stop. ``held_s``, ``stop_s``: how long it may be
    silent, and leave a stop unheard, seconds.
    """
    poll = select.poll()
    poll.register(beat.fileno(), select.POLLIN)
    doing, silent_s, unheard_s, before = "starting", 0.0, 0.0, time.monotonic()
    while True:
        came = bool(poll.poll(1000 * TICK_S))
        now = time.monotonic()
        passed_s, before = min(now - before, 2 * TICK_S), now  # this process was stopped, too
        silent_s, unheard_s = silent_s + passed_s, unheard_s + passed_s
        if came:
            try:
                message = beat.recv(4096).decode("utf-8", "replace")
            except OSError:
                message = ""
            if not message:
                return
            doing, silent_s = message, 0.0
        if not _stop_waits(ear):
            unheard_s = 0.0
        if _stopped(pid):  # by a debugger, or by Ctrl-Z
            silent_s = unheard_s = 0.0
        asked = doing.startswith("!") or unheard_s > 0
        if unheard_s >= stop_s or silent_s >= (stop_s if doing.startswith("!") else held_s):
            _end(pid, doing.removeprefix("!"), asked, max(silent_s, unheard_s))
            return


def _stop_waits(ear: socket.socket) -> bool:
    try:
        return any(number in STOPS for number in ear.recv(256, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def _stopped(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def _end(pid: int, doing: str, asked: bool, seconds: float) -> None:
    os.kill(pid, signal.SIGKILL)
    line = (
        f"edge: {'asked to stop, but ' * asked}a call has held Python's interpreter for {seconds:.1f} s, last seen "
        f"{doing}: the process was killed without a report; start the program again\n"
    )
    os.set_blocking(2, False)
    with suppress(OSError):  # nobody reads it
        os.write(2, line.encode("utf-8", "backslashreplace"))
    os.sync()  # what was written is with the system


if __name__ == "__main__":
    for stop in STOPS:  # a service manager asks every process of the service
        signal.signal(stop, signal.SIG_IGN)
    number, ear_fd, beat_fd, held, unheard = sys.argv[1:]
    main(
        int(number),
        socket.socket(fileno=int(ear_fd)),
        socket.socket(fileno=int(beat_fd)),
        float(held),
        float(unheard),
    )
