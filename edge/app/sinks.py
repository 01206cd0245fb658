"""The sinks of one run, each in a thread of its own."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from edge.app.settings import MissionStamp
from edge.data import Result
from edge.errors import EdgeError, SinkError
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds
from edge.seams import Camera, Closing, Sink
from edge.sinks.background import Background
from edge.sinks.spec import SinkContext, SinkSpec, without_pixels
from edge.system.activity import Activity

log = logging.getLogger(__name__)


class SinkFigures(NamedTuple):
    """Results by what became of them. ``failed``: it has stopped."""

    name: str
    written: int
    skipped: int
    waiting: int
    failed: bool


class Sinks(Closing):
    """One sink for each of ``specs``, in their order."""

    def __init__(
        self,
        specs: Sequence[SinkSpec],
        out: Path,
        bundle: Bundle,
        camera: Camera,
        every: bool,
        lowest: Thresholds | None = None,
        mission: MissionStamp | None = None,
    ) -> None:
        """``bundle``: of the engine. ``out``: the folder of the run. ``every``: no frame is left out. ``lowest``: the
        scores that are shown, by default the bundle's. ``mission``: the one that is flown.

        Raises SinkError, with nothing left open, where one cannot be made.
        """
        self._specs = specs
        self._running: list[Background] = []
        flown = None if mission is None else {"name": mission.name, "sha256": mission.sha256}
        with ExitStack() as stack:
            for spec in specs:
                to = SinkContext(
                    spec.path(out),
                    bundle.classes,
                    camera.fps,
                    camera.live,
                    bundle.name,
                    camera.crop,
                    (lowest or bundle.thresholds).to_json(),
                    flown,
                )
                sink = _make(spec, to)
                lossless = every if spec.lossless is None else spec.lossless
                self._running.append(stack.enter_context(Background(sink, spec.depth, lossless, spec.name)))
            stack.pop_all()  # all could be made: from here on `close` closes them

    def write(self, result: Result) -> None:
        """Hand one result to each. Raises the error of an essential sink that has stopped, where no link goes on."""
        bare = without_pixels(result)
        for spec, sink in zip(self._specs, self._running, strict=True):
            sink.write(result if spec.pixels else bare)
            if spec.essential and sink.error and not self._on_links:
                raise sink.error  # detections that reach nobody are worth nothing: say so now

    @property
    def _on_links(self) -> bool:
        """Whether detections still go out over a link."""
        pairs = zip(self._specs, self._running, strict=True)
        return any(spec.file is None and not sink.error and self._report(spec, sink) for spec, sink in pairs)

    @property
    def only_links(self) -> bool:
        """Whether detections reach no file any more."""
        pairs = zip(self._specs, self._running, strict=True)
        return any(spec.essential and sink.error for spec, sink in pairs)

    @property
    def heavy(self) -> bool:
        """Whether there is one that can rest."""
        return any(spec.heavy for spec in self._specs)

    def rest(self, rests: bool) -> None:
        """Let those that cost much rest, or no longer. From any thread."""
        for spec, sink in zip(self._specs, self._running, strict=True):
            sink.rests = rests and spec.heavy

    def notice(self, text: str) -> None:
        """Tell everyone on a link. From any thread."""
        for sink in self._running:
            sink.notice(text)

    def close(self, within_s: float | None = None) -> None:
        """Wait until everything is written, in their order: some name what those before them wrote. May be called
        twice.

        ``within_s``: those that take longer, all at the same time, are left behind, seconds; None: those whose `leave`
        is called.
        """
        end = math.inf if within_s is None else time.monotonic() + within_s
        for spec, sink in zip(self._specs, self._running, strict=True):
            if spec.file is None or within_s is not None:  # links: each may wait a second for what is still to be sent
                sink.end()
        for sink in self._running:
            if within_s is None:
                sink.close()
            else:
                sink.close(max(end - time.monotonic(), 0.0))

    def threads(self) -> Iterator[tuple[Activity, Callable[[str], None], bool]]:
        """Of each sink: what its thread is at, what to call where that hangs, and whether the run ends with it."""
        for spec, sink in zip(self._specs, self._running, strict=True):
            yield sink.activity, sink.leave, spec.essential

    @property
    def errors(self) -> list[EdgeError]:
        """Why sinks stopped, in their order."""
        return [sink.error for sink in self._running if sink.error]

    def report(self) -> dict[str, dict[str, Any]]:
        """``{name: {"file", "written", "skipped", "error"}}``: results by what became of them."""
        return {
            spec.name: {
                "file": spec.file,
                "written": sink.written,
                "skipped": sink.skipped,
                "error": sink.error and str(sink.error),
            }
            for spec, sink in zip(self._specs, self._running, strict=True)
        }

    def figures(self) -> list[SinkFigures]:
        """How each gets on; from any thread."""
        pairs = zip(self._specs, self._running, strict=True)
        return [SinkFigures(to.name, s.written, s.skipped, s.waiting, s.error is not None) for to, s in pairs]

    def links(self) -> dict[str, dict[str, Any]]:
        """What became of what was sent, by the name of the sink; of those that send anything."""
        told: dict[str, dict[str, Any]] = {}
        for spec, sink in zip(self._specs, self._running, strict=True):
            if (report := self._report(spec, sink)) is not None:
                told[spec.name] = report
        return told

    def _report(self, spec: SinkSpec, sink: Background) -> dict[str, Any] | None:
        try:
            return sink.link_report()
        except Exception as error:  # of somebody else's sink: it must not cost the report
            log.warning("%s: what was sent is not known: %r", spec.name, error)
            return None


def _make(spec: SinkSpec, context: SinkContext) -> Sink:
    try:
        sink = spec.make(context)
    except EdgeError:
        raise
    except Exception as error:  # of somebody else's sink
        raise SinkError(f"the sink {spec.name} cannot be made: {error!r}") from error
    if not isinstance(sink, Sink):
        raise SinkError(f"the sink {spec.name} cannot be made: its make returned {sink!r}: expected an edge.Sink")
    return sink
