"""The sink behind ``--web``: hands results to the page, and waits for nobody."""

from __future__ import annotations

from edge.data import Result
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.web.page import Page

DEPTH = 8  # results; each takes a fraction of a millisecond


class WebSink(Sink):
    """Of one run. The page itself, and its server, are there before and after it."""

    def __init__(self, page: Page, to: SinkContext) -> None:
        self._page = page
        page.begin(to.classes, to.path)

    def write(self, result: Result) -> None:
        self._page.note(result)

    def notice(self, text: str) -> None:
        self._page.notice(text)


def spec_of(page: Page) -> SinkSpec:
    """The sink of a run that shows this page."""
    return SinkSpec("web", None, lambda to: WebSink(page, to), lossless=False, depth=DEPTH)
