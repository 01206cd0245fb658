"""The sinks of one run, each in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edge.data import Result
from edge.errors import EdgeError, SinkError
from edge.model.bundle import Bundle
from edge.seams import Camera, Closing, Sink
from edge.sinks.background import Background
from edge.sinks.spec import SinkContext, SinkSpec

log = logging.getLogger(__name__)


class Sinks(Closing):
    """One sink for each of ``specs``, in their order."""

    def __init__(self, specs: Sequence[SinkSpec], out: Path, bundle: Bundle, camera: Camera, every: bool) -> None:
        """``bundle``: of the engine. ``out``: the folder of the run. ``every``: no frame is left out.

        Raises SinkError, with nothing left open, where one cannot be made.
        """
        self._specs = specs
        self._running: list[Background] = []
        with ExitStack() as stack:
            for spec in specs:
                to = SinkContext(spec.path(out), bundle.classes, camera.fps, camera.live, bundle.name, camera.crop)
                sink = _make(spec, to)
                lossless = every if spec.lossless is None else spec.lossless
                self._running.append(stack.enter_context(Background(sink, spec.depth, lossless)))
            stack.pop_all()  # all could be made: from here on `close` closes them

    def write(self, result: Result) -> None:
        """Hand one result to each. Raises the error of an essential sink that has stopped."""
        for spec, sink in zip(self._specs, self._running, strict=True):
            sink.write(result)
            if spec.essential and sink.error:
                raise sink.error  # detections that reach no disk are worth nothing: say so now

    def close(self) -> None:
        """Wait until everything is written. May be called twice."""
        for sink in self._running:
            sink.close()

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

    def links(self) -> dict[str, dict[str, Any]]:
        """What became of what was sent, by the name of the sink; of those that send anything."""
        told: dict[str, dict[str, Any]] = {}
        for spec, sink in zip(self._specs, self._running, strict=True):
            try:
                if (report := sink.link_report()) is not None:
                    told[spec.name] = report
            except Exception as error:  # of somebody else's sink: it must not cost the report
                log.warning("%s: what was sent is not known: %r", spec.name, error)
        return told


def _make(spec: SinkSpec, context: SinkContext) -> Sink:
    try:
        return spec.make(context)
    except EdgeError:
        raise
    except Exception as error:  # of somebody else's sink
        raise SinkError(f"the sink {spec.name} cannot be made: {error!r}") from error
