"""What became of what was sent: in report.json and in the last lines of a run."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from edge.app.run import run
from edge.app.settings import RunSettings
from edge.commands.main import main
from edge.commands.run_summary import summary
from edge.data import Result
from edge.seams import Sink
from edge.sinks.background import Background
from edge.sinks.live import courier as courier_module
from edge.sinks.live.cot import CotSink
from edge.sinks.live.courier import Courier
from edge.sinks.live.link import Address, Link
from edge.sinks.live.webhook import HttpLink, WebhookSink, parse_url
from edge.sinks.spec import SinkSpec
from tests.edge.commands.test_run_output import REPORT
from tests.support.track_lines import tracked

FIRST = {"to": "x", "sent": 0, "waiting": 0, "dropped": 0, "refused": 0, "reconnects": 0, "away": False, "error": None}


class Flaky:
    """A link that does what it is told: an error's text, or None = it takes the message."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)

    def send(self, data: bytes) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise OSError(answer)

    def tend(self) -> None: ...

    def close(self) -> None: ...


def until_sent(courier: Courier, n: int) -> dict[str, Any]:
    give_up = time.monotonic() + 20
    while courier.sent < n:
        assert time.monotonic() < give_up
        time.sleep(0.002)
    return courier.report("x")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_DELAY_S", "LONGEST_DELAY_S", "TEND_S"):
        monkeypatch.setattr(courier_module, name, 0.02)


def test_each_outage_is_counted_once_and_each_reason_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with Courier(Flaky(), "x", rate_hz=1000) as courier:
        assert courier.report("x") == FIRST
        courier.put("a", b"a")
        assert until_sent(courier, 1) == {**FIRST, "sent": 1}
    link = Flaky("no route", "no route", "refused", "no route", None, "no route")
    with Courier(link, "x", rate_hz=1000) as courier:
        courier.put("a", b"a")
        assert until_sent(courier, 1) == {**FIRST, "sent": 1, "reconnects": 1, "error": "no route"}
        courier.put("b", b"b")
        # a went again: it may have been lost with the link
        assert until_sent(courier, 3) == {**FIRST, "sent": 3, "reconnects": 2, "error": "no route"}
    why = [m.partition("(")[2].partition(")")[0] for m in caplog.messages if "cannot be reached" in m]
    assert why == ["no route", "refused", "no route"]


def test_what_waits_and_what_was_pushed_out_is_told_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "GRACE_S", 0.02)
    courier = Courier(Flaky(*["away"] * 500), "x", most=3, rate_hz=1000)
    for n in range(5):
        courier.put(str(n), b"")
    courier.close()
    assert courier.report("x") == {**FIRST, "waiting": 3, "dropped": 2, "away": True, "error": "away"}


def test_each_sink_that_sends_has_one() -> None:
    link = Link(Address("udp", "127.0.0.1", 9))
    cot = CotSink(link, ("Person",))
    sink = Background(cot, 8, lossless=False)
    sink.write(tracked(0, 0.0, [4, 5]))
    until_sent(cot.courier, 2)
    sink.close()
    # each a second time at the end
    assert sink.link_report() == {**FIRST, "to": "udp:127.0.0.1:9", "sent": 4}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    hook = HttpLink(parse_url(f"http://127.0.0.1:{port}/?token=abc"))
    with WebhookSink(hook, ("Person",)) as webhook:
        webhook.courier.sent, hook.refused = 7, 2
    report = webhook.link_report()
    assert report == {**FIRST, "to": f"http://127.0.0.1:{port}/?token=***", "sent": 5, "refused": 2}


def test_the_report_and_the_last_lines_have_them(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--source", "sim:width=80,height=64,frames=2,live=0", "--model", str(tiny_bundle)]
    assert main([*words, "--out", str(tmp_path), "--cot", "udp:127.0.0.1:9"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["links"].keys() == {"cot"}
    assert f"cot: {report['links']['cot']['sent']} messages were sent to udp:127.0.0.1:9\n" in capsys.readouterr().out


def test_a_sink_of_ones_own_tells_its_own_and_a_broken_one_costs_no_report(
    tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Mine(Sink):
        def __init__(self, report: dict[str, Any] | None) -> None:
            self.report = report

        def write(self, result: Result) -> None: ...

        def link_report(self) -> dict[str, Any]:
            assert self.report, "a fault of its own"
            return self.report

    settings = RunSettings(out=tmp_path, source="sim:width=80,height=64,frames=2,live=0", model=tiny_bundle)
    told = [SinkSpec("radio", None, lambda _: Mine(FIRST)), SinkSpec("broken", None, lambda _: Mine(None))]
    assert run(settings, sinks=told)["links"] == {"radio": FIRST}
    assert "broken: what was sent is not known: AssertionError('a fault of its own" in caplog.text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"sent": 7}, "cot: 7 messages were sent to x"),
        (
            {"sent": 7, "waiting": 3, "dropped": 2, "refused": 1},
            "cot: 7 messages were sent to x, 3 were not sent before the end, 2 were dropped, 1 it did not want",
        ),
        ({"reconnects": 1, "error": "refused"}, "cot: 0 messages were sent to x; it was away 1 time, last: refused"),
        ({"reconnects": 2, "error": "refused"}, "cot: 0 messages were sent to x; it was away 2 times, last: refused"),
        ({"reconnects": 2, "away": True, "error": "no"}, "cot: 0 messages were sent to x; it is away: no"),
    ],
)
def test_a_link_in_a_line(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    told = summary({**REPORT, "links": {"cot": {**FIRST, **changes}}}, tmp_path)
    assert [one for one in told if one.startswith("cot: ")] == [line]
