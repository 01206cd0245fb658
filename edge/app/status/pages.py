"""The pages: ``/healthz``, JSON in a few fields, and ``/metrics``, the text that Prometheus reads."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

from edge.app.degrade.degrader import STEPS
from edge.app.status.board import STATES, Board
from edge.app.status.http import Page, Pages
from edge.health.conditions import CONDITIONS
from edge.system.host import versions
from edge.system.sensors import Sensors

AGAIN_S = 0.5  # who asks more often gets the text of before
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Family(NamedTuple):
    """One metric. ``samples``: labels and value of each; what is not known is left out."""

    name: str
    kind: str
    help: str
    samples: list[tuple[dict[str, str], float]]


def pages_of(board: Board, clock: Callable[[], float] = time.monotonic) -> Pages:
    """The pages of a run."""
    metrics = _Metrics(board, clock)
    return {"/healthz": lambda: health(board), "/metrics": lambda: Page(HTTPStatus.OK, PROMETHEUS, metrics.text())}


def health(board: Board) -> Page:
    """200 where results come, else 503; the body says what it is at."""
    now, last, parts = board.now(), board.last, board.parts
    failed = [] if parts is None else [one.name for one in parts.sinks.figures() if one.failed]
    if parts and parts.recorder and parts.recorder.error:
        failed.append("recording")
    told: dict[str, Any] = {
        "state": now.state,
        "since_seconds": round(now.seconds, 3),
        "doing": now.doing or None,
        "last_result_age_seconds": None if now.age_s is None else round(now.age_s, 3),
        "frames": 0 if last is None else last.frames,
        "conditions": [] if last is None else sorted(last.conditions),
        "failed": failed,
    }
    if (given_up := board.given_up()) is not None:
        told["degraded"] = dict(given_up)
    status = HTTPStatus.OK if now.state == "detecting" else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, "application/json", json.dumps(told) + "\n")


class _Metrics:
    """The text, made anew at most twice a second, however many ask."""

    def __init__(self, board: Board, clock: Callable[[], float]) -> None:
        self._board, self._clock, self._lock = board, clock, threading.Lock()
        self._text, self._at = "", float("-inf")
        self._sensors: Sensors | None = None

    def text(self) -> str:
        with self._lock:
            if self._clock() - self._at >= AGAIN_S:
                self._text = "".join(written(family) for family in self._families())
                self._at = self._clock()
            return self._text

    def _families(self) -> Iterator[Family]:
        board = self._board
        now, last = board.now(), board.last
        yield Family("state", "gauge", "1 for what the run is at.", [({"state": s}, s == now.state) for s in STATES])
        yield _one("uptime_seconds", "gauge", "Since the run was started.", board.uptime_s())
        yield _one("last_result_age_seconds", "gauge", "Since the last frame was looked at.", now.age_s)
        if last is not None:
            yield _one("frames_total", "counter", "Frames that were looked at.", last.frames)
            yield _one("frames_dropped_total", "counter", "Frames that came and were not looked at.", last.dropped)
            yield _one("frames_duplicate_total", "counter", "Frames that repeated the one before.", last.duplicates)
            yield _one("frames_lost_total", "counter", "Frames that never came.", last.lost)
            yield _one("fps", "gauge", "Frames a second, of the last 100.", last.fps)
            latency = [({"quantile": f"0.{name[1:]}"}, ms / 1e3) for name, ms in last.latency_ms.items()]
            yield Family("latency_seconds", "gauge", "From capture to detections, of the last 662 frames.", latency)
            yield _by("detections_total", "counter", "Detections.", "class", last.detections)
            yield _by("tracks_total", "counter", "Objects that were followed.", "class", last.tracks)
            yield _one("tracks", "gauge", "Objects that are followed now.", last.following)
            held = {name: float(name in last.conditions) for name in sorted(CONDITIONS)}
            yield _by("condition", "gauge", "1 where this condition holds.", "condition", held)
        if (given_up := board.given_up()) is not None:
            taken = {name: float(name in given_up) for name, _ in STEPS.values()}
            yield _by("degraded", "gauge", "1 where this is given up.", "step", taken)
        yield from self._of_parts()
        yield from self._of_the_machine()

    def _of_parts(self) -> Iterator[Family]:
        if (parts := self._board.parts) is None:
            return
        sinks = parts.sinks.figures()
        for name, kind, help, field in (
            ("sink_written_total", "counter", "Results that it has written.", "written"),
            ("sink_skipped_total", "counter", "Results that it has left out.", "skipped"),
            ("sink_waiting", "gauge", "Results that wait for it.", "waiting"),
            ("sink_failed", "gauge", "1 where it has stopped.", "failed"),
        ):
            yield _by(name, kind, help, "sink", {one.name: getattr(one, field) for one in sinks})
        if links := parts.sinks.links():
            yield _by(
                "link_up", "gauge", "1 where it is there.", "link", {n: not of["away"] for n, of in links.items()}
            )
            for name, kind, help, field in (
                ("link_sent_total", "counter", "Messages that went out.", "sent"),
                ("link_dropped_total", "counter", "Messages that newer ones pushed out.", "dropped"),
                ("link_waiting", "gauge", "Messages that wait.", "waiting"),
            ):
                yield _by(name, kind, help, "link", {link: of[field] for link, of in links.items()})
        if parts.recorder:
            yield _one("recording_skipped_total", "counter", "Frames not recorded.", parts.recorder.skipped)
            yield _one("recording_failed", "gauge", "1 where it has stopped.", parts.recorder.error is not None)
        engine = parts.engine
        build = {
            "version": versions({})["thermal-edge"],
            "backend": engine.backend,
            "model": engine.bundle.name,
            "onnx_sha256": engine.bundle.files.get("model.onnx", ""),
        }
        yield Family("build_info", "gauge", "What runs.", [(build, 1)])

    def _of_the_machine(self) -> Iterator[Family]:
        if parts := self._board.parts:
            with suppress(OSError):
                yield _one("disk_free_bytes", "gauge", "Of the output folder.", shutil.disk_usage(parts.out).free)
        self._sensors = self._sensors or Sensors()
        yield _by("temperature_celsius", "gauge", "Of the machine.", "zone", self._sensors.read().celsius)


def written(family: Family) -> str:
    """A family as text; "" where nothing is known of it."""
    if not family.samples:
        return ""
    name = f"thermal_edge_{family.name}"
    lines = [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
    for labels, value in family.samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {float(value)!r}" if inside else f"{name} {float(value)!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _one(name: str, kind: str, help: str, value: float | None) -> Family:
    return Family(name, kind, help, [] if value is None else [({}, value)])


def _by(name: str, kind: str, help: str, label: str, values: Mapping[str, float]) -> Family:
    return Family(name, kind, help, [({label: key}, value) for key, value in values.items()])
