"""The review during a flight: its newest frames are at hand, and what is marked is kept as the camera gave it."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

import edge
from edge.app.review.live import LiveReview
from edge.app.review.pictures import APART_S, RECENT, RecentFrames
from edge.app.review.store import Review
from edge.data import Result
from edge.errors import InputError
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from tests.support.reviewed import CLASSES, flown, result_of
from tests.support.reviewing import Client


class Heard(Sink):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def write(self, result: Result) -> None:
        self.said.append(result.frame.seq)

    def notice(self, text: str) -> None:
        self.said.append(text)

    def idle(self) -> None:
        self.said.append("idle")

    def link_report(self) -> dict[str, object]:
        return {"said": len(self.said)}

    def close(self) -> None:
        self.said.append("closed")


def test_what_was_missed_just_now_is_kept(tmp_path: Path) -> None:
    folder, heard, review = flown(tmp_path / "flight", frames=8, record=False), Heard(), LiveReview()
    spec = review.behind(SinkSpec("web", None, lambda to: heard))
    with pytest.raises(InputError, match="there is nothing to review"):
        review.answers()
    sink = spec.make(SinkContext(folder, CLASSES))
    for seq in range(8):
        sink.write(result_of(seq, 6, 2, 8))
    told = review.answers().everything()
    assert (told["live"], told["frames"]) == (True, {"newest": 7, "why_not": ""})
    said = review.answers().add(b'{"verdict": "missed", "box": [1, 2, 9, 12]}')
    assert (said["kept"], said["missed"][0]["frame"]) == ("missed/000007.png", 7)
    pixels = cv2.imread(str(folder / "missed/000007.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(pixels, result_of(7, 6, 2, 8).frame.pixels)
    sink.notice("hot")
    sink.idle()
    assert sink.link_report() == {"said": 10}
    sink.close()
    assert heard.said == [*range(8), "hot", "idle", "closed"]
    assert review.answers() is review.answers()


def test_frames_of_a_few_seconds_are_held_and_the_newest_always() -> None:
    frames = RecentFrames()
    assert (frames.beside(None, 0), frames.shown(0), frames.frame(0)) == (None, None, None)
    for seq in range(100):  # ten a second: each third is far enough from the one before
        frames.write(result_of(seq, 1, 0, 100))
    held = [seq for seq in range(100) if frames.frame(seq) is not None]
    assert held[-1] == 99
    assert len(held) in (RECENT, RECENT + 1)
    times = [seq / 10 for seq in held[:-1]]
    assert all(b - a >= APART_S - 1e-9 for a, b in pairwise(times))
    assert (frames.beside(None, 0), frames.beside(99, -1), frames.beside(99, 1)) == (99, held[-2], None)
    assert frames.beside(held[3], 2) == held[5]
    assert frames.beside(held[3], 0) == held[3]
    assert frames.beside(held[3] + 1, 0) is None
    shown = frames.shown(99)
    assert shown is not None
    assert (shown.kind, shown.drawn) == ("image/png", False)


def test_a_frame_that_somebody_looks_at_stays_at_hand() -> None:
    frames = RecentFrames()
    for seq in range(300):
        frames.write(result_of(seq, 1, 0, 300))
        if seq % 30 == 0:
            assert frames.shown(seq) is not None
    kept = [seq for seq in range(0, 200, 30) if frames.frame(seq) is not None]
    assert kept == [60, 90, 120, 150, 180]  # of ten that were shown the last eight: 210 to 270 are among them


def test_a_run_is_reviewed_while_it_flies_and_the_next_one_leaves_it_alone(tiny_bundle: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        client = Client(free.getsockname()[1])
    out, said = tmp_path / "out", list[dict[str, Any]]()

    def look(one: Result) -> None:
        if one.frame.seq != 5:
            return
        page = client.get("/review")
        assert b"<title>Review</title>" in page.body
        cookie = page.headers["set-cookie"].partition(";")[0]
        end = time.monotonic() + 20  # the sink has a thread of its own
        while (told := client.post("/api/review", {"verdict": "missed"}, Cookie=cookie)).status != 200:
            assert time.monotonic() < end, told.body
            time.sleep(0.05)
        said.append(told.json)
        assert client.get("/api/review").json["live"] is True
        assert client.get("/api/pages").json == [{"name": "Review", "path": "/review"}]

    settings = edge.RunSettings(
        out=out, source="sim:live=0,width=80,height=64,frames=8", model=tiny_bundle, backend="null",
        web=str(client.port),
    )  # fmt: skip
    edge.run(settings, watch=look)
    ((name, marks),) = [(one["kept"], one["missed"]) for one in said]
    assert (out / name).is_file()
    assert [mark.frame for mark in Review.read(out).missed] == [marks[0]["frame"]]
    edge.run(replace(settings, web=None))
    assert Review.read(out).last == 0  # it is of another flight
    assert (out / "earlier-1" / name).is_file()
    assert Review.read(out / "earlier-1").counts["missed"] == 1
