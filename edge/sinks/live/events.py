"""Two messages a track as JSON: ``found``, at once, and ``over``, with its line of tracks.jsonl."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from edge.data import Result, class_name
from edge.seams import Sink
from edge.sinks.live.cot import run_id
from edge.sinks.live.courier import Courier, Sends
from edge.track.book import Book, line_of


class EventLink(Sends, Protocol):
    """``name``: the address, without a password. ``refused``: messages that the other side did not want."""

    name: str
    refused: int


class EventSink(Sink):
    """Each message has the ``id`` of its track in this run, so that who gets one twice knows it.

    ``kind``: of the link, for the log.
    """

    def __init__(self, link: EventLink, classes: Sequence[str], kind: str) -> None:
        self._classes, self._book, self._run = classes, Book(pictures=False), ""
        self._found: set[int] = set()
        self._link = link
        self.courier = Courier(link, f"{kind}: {link.name}")

    def write(self, result: Result) -> None:
        """Note one result, and hand over what is to be told."""
        self._run = self._run or run_id(result.frame)
        ids = result.detections.track_ids
        for i, number in enumerate([] if ids is None else ids.tolist()):
            if number > 0:
                self._new(result, i, number)
        for track in self._book.add(result):
            self._put("over", track.number, msgspec.to_builtins(line_of(track, self._classes, [])))

    def _new(self, result: Result, i: int, number: int) -> None:
        if number in self._found:
            return
        self._found.add(number)
        frame, found = result.frame, result.detections
        where = None if found.positions is None else [float(v) for v in found.positions[i]]
        said = {
            "track": number,
            "class": class_name(self._classes, int(found.labels[i])),
            "score": round(float(found.scores[i]), 4),
            "seq": frame.seq,
            "utc": None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds"),
            "position": None
            if where is None or not np.isfinite(where).all()
            else {"lat": round(where[0], 7), "lon": round(where[1], 7), "sigma_m": round(where[2], 2)},
        }
        self._put("found", number, said)

    def _put(self, what: str, number: int, said: dict[str, Any]) -> None:
        track = f"thermal-edge.{self._run}.{number}"
        message = json.dumps({"event": what, "id": track, **said}, separators=(",", ":"))
        self.courier.put(f"{track} {what}", message.encode())

    def notice(self, text: str) -> None:
        """Hand it over as ``{"event": "degraded", "text"}``."""
        said = {"event": "degraded", "id": f"thermal-edge.{self._run}", "text": text}
        self.courier.put(f"degraded {text}", json.dumps(said, separators=(",", ":")).encode())

    def link_report(self) -> dict[str, Any]:
        return self.courier.report(self._link.name, self._link.refused)

    def close(self) -> None:
        """Send what is left, for at most 2 s. May be called twice."""
        for track in self._book.end():
            self._put("over", track.number, msgspec.to_builtins(line_of(track, self._classes, [])))
        self.courier.close()
