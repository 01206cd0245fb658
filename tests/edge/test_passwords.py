"""The password of a source or an address: in no message, no ``repr``, no log line, and in nothing that a run leaves."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
from edge.app.bench.settings import BenchSettings
from edge.camera.live.loss import in_words
from edge.camera.options import Source
from edge.camera.view.options import take_view
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.pose.options import Spec
from edge.seams import Camera

URL = "rtsp://admin:se/cret@10.0.0.1/x?token=cret2"  # both ways to write one
SECRETS = ("se/cret", "cret2")
REFUSED = [
    f"{URL}#crop=7",
    f"{URL}#crop=0,0,4,4&crop=0,0,4,4",
    f"{URL}#croq=0,0,4,4",
    f"{URL}#palette=ironbow",
    URL.replace("://", ":"),
    URL.replace("rtsp", "rtps"),
    "gst:rtspsrc location=rtsp://admin:se/cret@h/x user-pw=cret2 ! fakesink",
    f"sim:{URL}",
    "/dev/video99?" + URL,
    f"rec:{URL}",
]


def hidden(text: str) -> bool:
    return "admin" in text and not any(secret in text for secret in SECRETS)


class Network(Camera):
    """Somebody's own camera, which says its whole address, and breaks behind its last frame."""

    live, fps, description = False, 5.0, f"my camera at {URL}"

    def __init__(self) -> None:
        self.left = 3

    def read(self) -> Frame | None:
        self.left -= 1
        if self.left < 0:
            raise OSError(f"{URL} went away")
        return Frame(np.full((64, 80), 29_000 + self.left, np.uint16), 2 - self.left, time.monotonic())

    def close(self) -> None:
        pass


@pytest.mark.parametrize("source", REFUSED)
def test_a_source_that_is_refused(source: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SourceError) as refused:
        edge.open_camera(source, reconnect_s=0)
    for text in (str(refused.value), repr(refused.value), *refused.value.args):
        assert hidden(text), text
    assert not any(secret in caplog.text for secret in SECRETS)


@pytest.mark.parametrize(
    "made",
    [
        lambda: edge.RunSettings(out="o", source=URL),
        lambda: edge.RunSettings(out="o", source=[URL, "b.png"], pose=f"mavlink:{URL}"),
        lambda: BenchSettings(source=URL),
        lambda: Source(URL, URL, None, (URL,)),
        lambda: take_view(f"{URL}#crop=0,0,4,4", "#")[1],
        lambda: Spec(URL, URL, {}, (URL,)),
    ],
)
def test_what_keeps_it_shows_it_to_nobody(made: Callable[[], Any]) -> None:
    kept = made()
    assert hidden(repr(kept)), repr(kept)
    assert repr(kept).startswith(f"{type(kept).__name__}(")
    assert URL in (kept.source[0] if isinstance(getattr(kept, "source", URL), tuple) else vars(kept).values())


@pytest.mark.parametrize("kind", [edge.EdgeError, *edge.EdgeError.__subclasses__(), SourceError])
def test_an_error_of_any_kind(kind: type[edge.EdgeError]) -> None:
    error = kind(f"{URL} is wrong", 5)
    assert hidden(str(error))
    assert error.args == ("rtsp://admin:***@10.0.0.1/x?token=*** is wrong", 5)


def test_what_a_driver_raises() -> None:
    assert hidden(in_words(f"camera {URL}", OSError(f"cannot open {URL}")))


def test_everything_that_a_run_leaves(tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A camera of one's own, named by ``source``: the report that is returned, all files, and all lines of the log."""
    caplog.set_level(logging.DEBUG, "edge")
    settings = edge.RunSettings(
        out=tmp_path / "o", source=URL, model=tiny_bundle, backend="null", record=True, frames=2
    )
    report = edge.run(settings, camera=Network())
    assert hidden(json.dumps(report))
    assert (report["source"], report["frames"]) == ("rtsp://admin:***@10.0.0.1/x?token=***", 2)
    broken = edge.RunSettings(out=tmp_path / "broken", source=URL, model=tiny_bundle, backend="null")
    with pytest.raises(CameraError) as lost:
        edge.run(broken, camera=Network())
    assert hidden(str(lost.value))
    said = [record.getMessage() for record in caplog.records]
    assert any("my camera at rtsp://admin:***@" in line for line in said)
    for line in said:
        assert not any(secret in line for secret in SECRETS), line
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"report.json", "detections.jsonl"} <= {path.name for path in files}
    for path in files:
        assert not any(secret.encode() in path.read_bytes() for secret in SECRETS), path
    assert hidden((tmp_path / "broken" / "report.json").read_text())
