"""``--webhook``: a POST with JSON to an address of the user's when a track is found, and when it is over."""

from __future__ import annotations

import http.client
import logging
import re
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from edge.errors import InputError, without_password
from edge.sinks.live.events import EventSink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.budget import WEBHOOK_S as WAIT_S

MOST_ANSWER = 64 << 10  # bytes of an answer; nobody reads them
AGAIN = frozenset({408, 425, 429})  # of the answers that refuse a message, those that ask for it later
DEPTH = 64

log = logging.getLogger(__name__)


class HttpLink:
    """POSTs messages to one URL; certificates are checked, redirections are not followed.

    ``refused``: messages that the server did not want, which are not sent again.
    """

    def __init__(self, url: SplitResult) -> None:
        self.name = without_password(url.geturl())
        self._url, self.refused = url, 0
        self._connection: http.client.HTTPConnection | None = None

    def send(self, data: bytes) -> None:
        """Raises OSError where it did not come, or is to be sent again later."""
        head = {"Content-Type": "application/json", "User-Agent": "thermal-edge", "Connection": "close"}
        target = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        connection = self._connection = self._new()
        try:
            connection.request("POST", target, data, head)
            answer = connection.getresponse()
            answer.read(MOST_ANSWER)
        except http.client.HTTPException as error:
            raise OSError(f"no answer of HTTP: {error!r}") from None
        finally:
            self.close()  # minutes lie between two messages: no server keeps a connection for so long
        if answer.status >= 500 or answer.status in AGAIN:
            raise OSError(f"it answers {answer.status} {answer.reason}")
        if answer.status >= 300:
            self.refused += 1
            if self.refused == 1:
                log.warning(
                    "%s refuses a message: %d %s; it is not sent again", self.name, answer.status, answer.reason
                )

    def tend(self) -> None:
        """Nothing is to be done between two messages."""

    def close(self) -> None:
        """May be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _new(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=WAIT_S, context=context)
        return http.client.HTTPConnection(host, port, timeout=WAIT_S)


class WebhookSink(EventSink):
    """Posts the two messages of each track."""

    def __init__(self, link: HttpLink, classes: Sequence[str]) -> None:
        super().__init__(link, classes, "webhook")


def parse_url(text: str) -> SplitResult:
    """``http://`` or ``https://``. Raises InputError for anything else."""
    wrong = InputError(f"{without_password(text)!r}: expected http://HOST/PATH or https://HOST/PATH, without a login")
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise wrong
    try:
        url = urlsplit(text)
        if not url.hostname or url.username is not None or url.port == 0:
            raise wrong
    except ValueError:
        raise wrong from None
    return url


def spec_of(url: SplitResult) -> SinkSpec:
    """The sink of a run that posts to this URL."""

    def make(to: SinkContext) -> WebhookSink:
        return WebhookSink(HttpLink(url), to.classes)

    return SinkSpec("webhook", None, make, lossless=False, depth=DEPTH)
