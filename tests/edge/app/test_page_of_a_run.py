"""``--web``: a run with its page, from its start to its report."""

from __future__ import annotations

import json
import logging
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

import edge
from edge.app.observer import Progress
from edge.app.page import shown, vitals
from edge.app.report import Totals
from edge.app.status.board import Board
from edge.app.watch.watchdog import Watchdog
from edge.data import Result
from edge.errors import InputError
from edge.sinks.live import cot
from edge.sinks.web import server
from edge.sinks.web.vitals import Vitals
from edge.system.activity import Activity, State, watched_here
from edge.system.text import printable
from tests.support.network import heard
from tests.support.shown_page import free_port
from tests.support.shown_page import result as a_result

SIM = "sim:width=80,height=64,live=0,people=0,deer=3,cars=0"


def settings(folder: Path, bundle: Path, **more: Any) -> edge.RunSettings:
    return edge.RunSettings(out=folder / "out", source=SIM, model=bundle, frames=6, backend="null", **more)


@contextmanager
def a_page(address: str) -> Iterator[None]:
    """Of a run that has not begun."""
    activity = Activity("loop")
    board = Board(activity)
    with watched_here(activity), Watchdog(activity) as watchdog, shown(address, board, None, watchdog):
        yield


def read(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as got:
        return bytes(got.read())


def test_a_run_is_shown_while_it_goes(tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    seen: list[dict[str, Any]] = []

    def look(one: Result) -> None:
        if one.frame.seq == 4:
            end = time.monotonic() + 20  # the sink has a thread of its own
            while (told := json.loads(read(port, "/api/state")))["frame"] is None and time.monotonic() < end:
                time.sleep(0.05)
            seen.append(told)

    mission = edge.app.settings.MissionStamp("deer 7", "m.toml", "0" * 64)
    with caplog.at_level(logging.INFO):
        sinks = [cot.spec_of(cot.parse("udp:127.0.0.1:9"))]
        report = edge.run(settings(tmp_path, tiny_bundle, web=str(port), mission=mission), watch=look, sinks=sinks)
    (told,) = seen
    assert (told["state"], told["model"], told["backend"], told["mission"]) == ("detecting", "tiny", "null", "deer 7")
    assert (told["frames"], told["frame"]["width"]) == (4, 80)
    assert [link["name"] for link in told["links"]] == ["cot"]  # the page itself is none
    assert told["disk_free"] > 0
    assert report["sinks"]["web"] == {"file": None, "written": 6, "skipped": 0, "error": None}
    assert list(report["links"]) == ["cot"]
    assert f"page: http://127.0.0.1:{port}/" in caplog.messages
    assert "token" not in caplog.text
    with pytest.raises(urllib.error.URLError):
        read(port, "/api/state")


def test_a_port_that_is_taken_is_refused_before_anything(tmp_path: Path, tiny_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"web 127.0.0.1:{port}: .*in use: give another port"):
            edge.run(settings(tmp_path, tmp_path / "no bundle", web=str(port)))
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_is_refused(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    for name in [name for name in sys.modules if name.startswith("edge.sinks.web.")]:
        if name.rpartition(".")[2] in ("app", "live", "server"):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(InputError, match=r"pip install 'thermal-edge\[web\]'"):
        edge.run(settings(tmp_path, tiny_bundle, web=str(free_port())))


def test_a_page_that_breaks_does_not_touch_the_flight(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_self: object, sockets: object = None) -> None:
        raise MemoryError

    monkeypatch.setattr(server._Uvicorn, "serve", fails)
    report = edge.run(settings(tmp_path, tiny_bundle, web=str(free_port())))
    assert (report["ended"], report["error"], report["frames"]) == ("frame limit", None, 6)
    assert "page: it has stopped: MemoryError(); the flight goes on without it" in caplog.messages


def test_a_page_that_hangs_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    """As the watchdog does it: the thread of the page stands in its table."""
    watched: list[Any] = []

    class Dog:
        def watch(self, activity: Activity, leave: Any) -> None:
            watched.append((activity, leave))

    board = Board(Activity("loop"))
    with shown(str(free_port()), board, None, Dog()):  # type: ignore[arg-type]
        ((activity, leave),) = watched
        assert activity.name == "the page"
        leave("the page has not answered for 30 s")
    assert "the page has not answered for 30 s; the flight goes on without the page" in caplog.messages


def test_open_to_others_it_has_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.sinks.web.address.addresses_here", lambda: ["10.0.0.2"])
    port = free_port()
    with caplog.at_level(logging.INFO), a_page(f"0.0.0.0:{port}"):
        (line,) = [line for line in caplog.messages if line.startswith("page: http://10.0.0.2")]
        assert printable(line) == line  # a token that is not shown opens nothing
        token = line.rpartition("?open=")[2]
        assert len(token) >= 22
        with pytest.raises(urllib.error.HTTPError, match="403"):
            read(port, "/api/state")
        assert json.loads(read(port, f"/api/state?open={token}"))["state"] == "starting"
    assert "page: http is not encrypted" in caplog.text


def test_a_token_of_ones_own_is_never_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t").write_text("a-secret-of-my-own\n")
    port = free_port()
    with caplog.at_level(logging.DEBUG), a_page(f"{port}?token={tmp_path / 't'}"):
        with pytest.raises(urllib.error.HTTPError, match="403"):  # here, too: it was asked for
            read(port, "/api/state")
        assert read(port, "/?open=a-secret-of-my-own")
    assert "a-secret-of-my-own" not in caplog.text


def test_a_map_that_is_broken_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "area.pmtiles").write_bytes(b"x")
    port = free_port()
    with a_page(f"{port}?map={tmp_path / 'area.pmtiles'}"):
        told = json.loads(read(port, "/api/tiles"))
    assert told["path"] is None
    assert f"page: {told['why']}" in caplog.messages


def test_what_the_run_gives_up_is_shown(tiny_bundle: Path, tmp_path: Path) -> None:
    board = Board(Activity("loop"))
    totals = Totals(("Person",))
    board.begin(Progress(totals, None, None, None, lambda: {"lower rate": "heat"}))
    assert vitals(board, None).degraded == ()  # before there is a result nothing is
    one = a_result(0)
    totals.add(one)
    board(one)
    assert vitals(board, "deer 7")._replace(age_s=None, seconds=0.0, uptime_s=0.0) == Vitals(
        "detecting", "", 0.0, None, 0.0, frames=1, mission="deer 7",
        degraded=("lower rate: frames are taken half as often (heat)",),
        latency_ms=board.last.latency_ms if board.last else {},
    )  # fmt: skip


def test_while_nothing_is_open_yet() -> None:
    activity = Activity("loop")
    activity.works(State("loading the engine", "x", start=True))
    told = vitals(Board(activity), None)
    assert (told.state, told.doing, told.frames, told.disk_free) == ("starting", "loading the engine", 0, None)


def test_the_page_contacts_nobody(tiny_bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    words = ["edge", "run", "--source", SIM, "--frames", 6, "--model", tiny_bundle, "--backend", "null", "--quiet"]
    found = heard(tmp_path, [[*words, "--web", port, "--out", tmp_path / "out"]], alone=False)
    assert found.python == [f"socket.getaddrinfo 127.0.0.1:{port}", f"socket.bind 127.0.0.1:{port}"]
    told = [call for call in found.system or () if " listen(" not in call]
    assert [call for call in told if not call.startswith(f"bind 127.0.0.1:{port}")] == []
