"""What a service manager is told: sd_notify(3), the protocol of systemd and of container runtimes. No library needed.

A datagram of ``KEY=VALUE`` lines goes to the socket that the environment names. Nothing is sent where it names none.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notify:
    """The socket of a service manager. Never waits, never raises: who does not listen is not told."""

    def __init__(self, address: str, watchdog_s: float | None) -> None:
        """``address``: a path, or with an @ in front a name of the abstract kind. ``watchdog_s``: how often at least a
        sign of life is expected, None: not at all.
        """
        self.watchdog_s = watchdog_s
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._told = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notify | None:
        """That of ``NOTIFY_SOCKET``; None where it is not set, or is no address of a UNIX socket.

        ``WATCHDOG_USEC`` holds for the process whose number is ``WATCHDOG_PID``, or for any where that is not set.
        """
        address = environment.get("NOTIFY_SOCKET", "")
        if address[:1] not in ("/", "@"):
            return None
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = ours and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if watched else None)

    def send(self, **values: str) -> None:
        """``send(READY="1", STATUS="waiting for the camera")``; a value is one line."""
        text = "\n".join(f"{key}={' '.join(value.split())}" for key, value in values.items())
        try:
            self._socket.sendto(text.encode("utf-8", "replace"), self._address)
        except OSError as error:
            if not self._told:
                log.debug("the service manager is not told: %s", error)
            self._told = True

    def close(self) -> None:
        """Give the socket back. May be called twice."""
        self._socket.close()
