"""A server on this machine for a test, one connection at a time, by TLS where it is given a context."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any


class LocalServer:
    """At ``127.0.0.1:port``. A subclass speaks with whoever comes; what it needs for that, it makes before this."""

    def __init__(self, context: ssl.SSLContext | None, port: int) -> None:
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", port))
        self._listening.settimeout(0.02)
        self.port = int(self._listening.getsockname()[1])
        self._over, self._drop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__, daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Close the connection that is there."""
        self._drop.set()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
        self._listening.close()

    def _speak(self, connection: socket.socket) -> None:
        raise NotImplementedError

    @property
    def _goes_on(self) -> bool:
        return not (self._over.is_set() or self._drop.is_set())

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                plain, _ = self._listening.accept()
            except TimeoutError:
                continue
            with plain:
                plain.settimeout(5)
                try:
                    if self._context is None:
                        self._begin(plain)
                    else:
                        with self._context.wrap_socket(plain, server_side=True) as connection:
                            self._begin(connection)
                except OSError:  # it did not like us, or we not it
                    continue

    def _begin(self, connection: socket.socket) -> None:
        connection.settimeout(0.02)
        self._drop.clear()
        self._speak(connection)
