"""A few fixed pages over HTTP: GET only, small requests, few connections, each of which ends in its time."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

from edge.seams import Closing
from edge.system.budget import STATUS_S

MOST_BYTES = 4096  # of a request with its headers; curl sends 80, Prometheus 400
MOST_CONNECTIONS = 4  # at a time; who comes then is not answered
LOOK_S = 0.2  # how often it looks whether it is to end
LAST_S = 0.1  # for what is still coming from who was answered already
REQUEST = re.compile(rb"([A-Za-z]{1,16}) (/[!-~]{0,1024}) HTTP/1\.[01]")
END = re.compile(rb"\r?\n\r?\n")

log = logging.getLogger(__name__)


class Page(NamedTuple):
    """An answer. ``kind``: its media type."""

    status: HTTPStatus
    kind: str
    text: str


Pages = Mapping[str, Callable[[], Page]]


def answer(request: bytes, pages: Pages) -> bytes:
    """What is sent for a request's head. A path is one of ``pages``, letter by letter: none leads to a file."""
    found = REQUEST.fullmatch(request.partition(b"\n")[0].rstrip(b"\r"))
    if len(request) > MOST_BYTES:
        page = _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"expected at most {MOST_BYTES} bytes")
    elif not found:
        page = _plain(HTTPStatus.BAD_REQUEST, "expected GET /PATH HTTP/1.1")
    elif found[1] != b"GET":
        page = _plain(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET")
    elif (make := pages.get(found[2].partition(b"?")[0].decode("ascii"))) is None:
        page = _plain(HTTPStatus.NOT_FOUND, f"expected {', '.join(pages)}")
    else:
        try:
            page = make()
        except Exception as error:  # whoever asks must not end the thread, nor learn more than this
            log.debug("status: %r", error, exc_info=True)
            page = _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "it could not be told")
    body = page.text.encode("utf-8", "replace")
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.kind}\r\nContent-Length: {len(body)}\r\n"
        + ("Allow: GET\r\n" if page.status is HTTPStatus.METHOD_NOT_ALLOWED else "")
        + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


class Server(Closing):
    """Answers on ``listening``, which it takes over, in threads of its own, until it is closed."""

    def __init__(self, listening: socket.socket, pages: Pages) -> None:
        self._listening, self._pages = listening, pages
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._ended = threading.Event()
        listening.settimeout(LOOK_S)
        self._thread = threading.Thread(target=self._accept, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more. May be called twice."""
        self._ended.set()
        self._thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:  # such as too many open files
                self._ended.wait(LOOK_S)
                continue
            if not self._free.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="status answer", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):  # who asked has gone, or is too slow
                if request := _head(connection, time.monotonic() + STATUS_S):
                    connection.settimeout(STATUS_S)
                    connection.sendall(answer(request, self._pages))
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(LAST_S)
                    connection.recv(MOST_BYTES)  # closed with something unread, the answer may be lost
        finally:
            self._free.release()


def _head(connection: socket.socket, end: float) -> bytes:
    """A request up to its empty line, or a little more than it may have; b"" where it does not come in time."""
    came = b""
    while len(came) <= MOST_BYTES and not END.search(came):
        if (left := end - time.monotonic()) <= 0:
            return b""
        connection.settimeout(left)
        if not (more := connection.recv(MOST_BYTES)):
            return b""
        came += more
    return came if len(came) > MOST_BYTES else came[: END.search(came).start()]  # type: ignore[union-attr]


def _plain(status: HTTPStatus, text: str) -> Page:
    return Page(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}: {text}\n")
