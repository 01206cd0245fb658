"""Cursor on Target: the events by the schema's words, and what becomes of them when the link is away."""

from __future__ import annotations

import itertools
import math
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from edge.commands.main import main
from edge.data import Frame
from edge.errors import InputError
from edge.geo import track_position
from edge.sinks.background import Background
from edge.sinks.live import courier as courier_module
from edge.sinks.live.cot import CotSink, event, run_id, spec_of
from edge.sinks.live.courier import Courier
from edge.sinks.live.known import Known, Sightings
from edge.sinks.live.link import Address, Link
from edge.sinks.spec import SinkContext
from tests.support.track_lines import place, tracked

UTC = datetime(2026, 5, 1, 4, 30, 0, 250_000, timezone.utc)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def known(**changes: object) -> Known:
    one = Known(12, frames=5, score=0.914, utc="2026-05-01T04:30:00.250+00:00")
    one.votes[0] = 2  # type: ignore[assignment]
    one.place(place(51.5, -0.25, 4.04))
    for name, value in changes.items():
        setattr(one, name, value)
    return one


# ---- one event ----


def check_event(data: bytes) -> ET.Element:
    """What the CoT event schema (MITRE, version 2.0) demands: attributes, their forms, one point, one detail."""
    assert not data.startswith(b"<?xml")
    assert not data.endswith(b"\n")
    root = ET.fromstring(data)
    assert root.tag == "event"
    assert {"version", "uid", "type", "time", "start", "stale", "how"} == root.attrib.keys()
    assert float(root.attrib["version"]) == 2.0
    assert re.fullmatch(r"\w+(-\w+)*(;[^;]*)?", root.attrib["type"])
    assert re.fullmatch(r"\w(-\w+)*", root.attrib["how"])
    times = [datetime.strptime(root.attrib[name], "%Y-%m-%dT%H:%M:%S.%f%z") for name in ("time", "start", "stale")]
    assert times == sorted(times)
    assert [child.tag for child in root] == ["point", "detail"]
    point = root[0].attrib
    assert point.keys() == {"lat", "lon", "hae", "ce", "le"}
    assert -90 <= float(point["lat"]) <= 90
    assert -180 <= float(point["lon"]) <= 180
    assert float(point["ce"]) >= 0
    return root


def test_an_event_says_what_is_known() -> None:
    root = check_event(event("thermal-edge.0123.12", known(), "Person", NOW))
    assert root.attrib == {
        "version": "2.0",
        "uid": "thermal-edge.0123.12",
        "type": "b-m-p-s-m",
        "how": "m-r",
        "time": "2026-05-01T04:30:00.250Z",
        "start": "2026-05-01T04:30:00.250Z",
        "stale": "2026-05-01T05:30:00.250Z",
    }
    assert root[0].attrib == {
        "lat": "51.5000000",
        "lon": "-0.2500000",
        "hae": "9999999.0",  # no ellipsoid's height is known
        "ce": "4.0",
        "le": "9999999.0",
    }
    assert root.find("detail/contact").attrib == {"callsign": "Person 12"}  # type: ignore[union-attr]
    assert root.findtext("detail/remarks") == "score 0.91, found in 5 frames; no person has checked it"


def test_without_a_time_of_its_own_it_has_the_computers() -> None:
    root = check_event(event("u", known(utc=None), "=<&\"'>\x00\ud800 ü", NOW))
    assert root.attrib["time"] == "2026-11-26T12:00:00.000Z"
    assert (root.findtext("detail/remarks") or "").endswith("time of the computer's clock")
    assert root.find("detail/contact").attrib == {"callsign": "=<&\"'>\ufffd\ufffd ü 12"}  # type: ignore[union-attr]


def test_a_run_has_its_own_id_and_a_replay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((2, 2), np.uint8)
    ids = [run_id(Frame(pixels, 0, t, utc=utc)) for t, utc in ((1.0, UTC), (1.0, UTC), (1.000001, UTC), (1.0, None))]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in ids)
    monkeypatch.setattr("edge.sinks.live.cot.MACHINE", Path("/nowhere"))
    monkeypatch.setattr("platform.node", lambda: "another")
    assert run_id(Frame(pixels, 0, 1.0, utc=UTC)) != ids[0]


def test_a_clock_that_jumps_changes_no_uid_and_makes_no_flood() -> None:
    """The aircraft's or the computer's clock is set in flight: dates jump, `t_capture` does not."""
    said: list[bytes] = []

    class Notes:
        address = Address("udp", "h", 1)

        def send(self, data: bytes) -> None:
            said.append(data)

        def tend(self) -> None: ...

        def close(self) -> None: ...

    day = timedelta(days=1)
    with CotSink(Notes(), ("Person",)) as sink:  # type: ignore[arg-type]
        for n, utc in enumerate((None, UTC, UTC + day, UTC - 365 * day, None)):
            sink.write(tracked(n, 100.0 + n, [4], utc=utc))
        until(lambda: sink.courier.waiting == 0)
        assert len(said) == 1
    run = run_id(tracked(0, 100.0, [4]).frame)
    assert [check_event(one).attrib["uid"] for one in said] == [f"thermal-edge.{run}.4"] * 2


# ---- what is told, and when ----


def told(*frames: tuple[float, list[int], float]) -> list[tuple[float, int]]:
    sightings, said = Sightings(), []
    for seq, (t, ids, sigma) in enumerate(frames):
        said += [(t, one.number) for one in sightings.add(tracked(seq, t, ids, sigma=sigma))]
    return said + [(-1.0, one.number) for one in sightings.end()]


def test_a_track_is_told_at_once_and_a_second_time() -> None:
    steady = [(t / 2, [1], 4.0) for t in range(200)]
    assert told(*steady) == [(0.0, 1), (10.0, 1)]


def test_a_better_position_is_told_again_but_not_every_moment() -> None:
    improving = [(t / 10, [1], 10.0 * 0.98**t) for t in range(400)]
    moments = [t for t, _ in told(*improving)]
    assert moments[0] == 0.0
    assert len(moments) == 9
    assert min(b - a for a, b in itertools.pairwise(moments[:-1])) >= 5.0


def test_one_that_leaves_is_told_a_second_time_all_the_same() -> None:
    assert told((0.0, [1], 4.0), (1.0, [], 4.0), (10.1, [], 4.0)) == [(0.0, 1), (10.1, 1)]
    assert told((0.0, [1], 4.0)) == [(0.0, 1), (-1.0, 1)]


def test_without_a_position_or_a_number_nothing_is_told() -> None:
    sightings = Sightings()
    assert list(sightings.add(tracked(0, 0.0, [1, 2], where=False))) == []
    assert list(sightings.add(tracked(1, 0.1, [-1, 0]))) == []
    assert list(sightings.add(tracked(2, 0.2, [1], sigma=float("nan")))) == []
    assert list(sightings.end()) == []


def test_a_place_is_the_weighted_mean_also_across_the_date_line() -> None:
    one = Known(1)
    assert one.position is None
    rows = [place(10.0, 179.9999, 1.0), place(10.0003, -179.9999, 1 / 2**0.5)]  # the second counts twice
    for row in rows:
        one.place(row)
    latitude, longitude = one.position or (0, 0)
    assert latitude == pytest.approx(10.0002)
    assert longitude == pytest.approx(-179.9999667, abs=1e-6)
    mean = track_position(*(np.array(part) for part in zip(*rows, strict=True)))
    assert mean is not None
    assert one.sigma == mean.sigma_m


def test_how_sure_a_place_is_is_computed_when_there_are_more_frames_by_a_twentieth_and_when_it_is_told() -> None:
    one, sigmas = Known(1), [math.inf]
    for k in range(45):
        one.place(place(10.0, 20.0, 8.0 * 0.9**k))
        sigmas.append(one.sigma)
    assert [k for k in range(1, 46) if sigmas[k] == sigmas[k - 1]] == [
        22,
        24,
        26,
        28,
        30,
        32,
        34,
        36,
        38,
        40,
        42,
        43,
        45,
    ]
    before = one.sigma
    one.measure()
    assert one.sigma < before


# ---- addresses ----


def test_an_address() -> None:
    assert Address.parse("udp:239.2.3.1:6969") == Address("udp", "239.2.3.1", 6969)
    assert Address.parse("tcp:tak.example.org:8087") == Address("tcp", "tak.example.org", 8087)
    assert str(Address.parse("tcp:[::1]:8087")) == "tcp:[::1]:8087"
    assert Address.parse("tcp:[::1]:8087").host == "::1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "udp:host",
        "tls:host:1",
        "udp:host:0",
        "udp:host:65536",
        "udp::1",
        "tcp:a b:1",
        "tcp:a..b:1",
        f"udp:{'a' * 64}:1",
        "udp://h:1",
        "tcp:::1:2",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="expected udp:HOST:PORT or tcp:HOST:PORT"):
        Address.parse(text)


# ---- over a network ----


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        yield listening


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(courier_module, "LONGEST_DELAY_S", 0.05)
    monkeypatch.setattr(courier_module, "TEND_S", 0.02)


def events(data: bytes) -> list[ET.Element]:
    return [check_event(part + b"</event>") for part in data.split(b"</event>")[:-1]]


def receive(connection: socket.socket, n: int) -> list[ET.Element]:
    connection.settimeout(20)
    data = b""
    while data.count(b"</event>") < n:
        part = connection.recv(1 << 16)
        assert part
        data += part
    return events(data)


def tcp(port: int) -> Link:
    return Link(Address("tcp", "127.0.0.1", port))


def test_events_by_udp_one_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(20)
        address = Address("udp", "127.0.0.1", listening.getsockname()[1])
        spec = spec_of(address)
        sink = Background(spec.make(SinkContext(Path(), ("Person",))), spec.depth, lossless=False)
        sink.write(tracked(0, 100.0, [4, 7], utc=UTC))
        first, second = (check_event(listening.recv(1 << 16)) for _ in range(2))
        sink.close()
        again = {check_event(listening.recv(1 << 16)).attrib["uid"] for _ in range(2)}
    run = run_id(tracked(0, 100.0, [4], utc=UTC).frame)
    assert [one.attrib["uid"] for one in (first, second)] == [f"thermal-edge.{run}.4", f"thermal-edge.{run}.7"]
    assert again == {f"thermal-edge.{run}.4", f"thermal-edge.{run}.7"}
    assert sink.error is None


def test_a_multicast_stays_in_the_local_network() -> None:
    link = Link(Address("udp", "239.2.3.1", 6969))
    link._open()
    assert link._socket is not None
    assert link._socket.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 1
    link.close()
    link.close()


def test_events_by_tcp_are_a_stream(server: socket.socket) -> None:
    sink = CotSink(tcp(server.getsockname()[1]), ("Person",))
    sink.write(tracked(0, 100.0, [4, 7], utc=UTC))
    connection, _ = server.accept()
    with connection:
        assert [one.attrib["uid"].rpartition(".")[2] for one in receive(connection, 2)] == ["4", "7"]
        connection.sendall(b"x" * 3_000_000)  # a server that repeats everything is not read, but does not hold us
        sink.write(tracked(1, 100.1, [9], utc=UTC))
        assert len(receive(connection, 1)) == 1
        sink.close()
    assert sink.courier.dropped == 0


@pytest.mark.usefixtures("quick")
def test_what_waits_goes_out_when_the_link_is_there(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    courier = Courier(tcp(port), "cot: there", most=3, rate_hz=1000)
    for n in range(5):
        courier.put(f"u{n}", event(f"u{n}", known(), "Person", NOW))
    courier.put("u3", event("u3", known(number=33), "Person", NOW))
    until(lambda: "cannot be reached (Connection refused)" in caplog.text)
    assert (courier.waiting, courier.dropped) == (3, 2)
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(20)
        connection, _ = server.accept()
        with connection:
            found = receive(connection, 3)
            assert [one.attrib["uid"] for one in found] == ["u2", "u3", "u4"]  # the oldest were pushed out
            assert found[1].find("detail/contact").attrib == {"callsign": "Person 33"}  # type: ignore[union-attr]
            until(lambda: courier.waiting == 0)
            courier.close()
    assert [message for message in caplog.messages if "cannot be reached" in message] == [
        "cot: there cannot be reached (Connection refused): messages wait, and it is tried again"
    ]
    assert caplog.messages[-1] == "cot: there: 3 messages were sent, 2 were not: the link was away"


@pytest.mark.usefixtures("quick")
def test_what_a_broken_connection_may_have_swallowed_goes_again(server: socket.socket) -> None:
    courier = Courier(tcp(server.getsockname()[1]), "cot", rate_hz=1000)
    courier.put("u1", event("u1", known(), "Person", NOW))
    connection, _ = server.accept()
    assert len(receive(connection, 1)) == 1
    connection.close()
    connection, _ = server.accept()
    with connection:
        assert [one.attrib["uid"] for one in receive(connection, 1)] == ["u1"]
        courier.close()


@pytest.mark.usefixtures("quick")
def test_a_link_that_never_comes_up_holds_nobody() -> None:
    class Hangs:
        release = threading.Event()

        def send(self, data: bytes) -> None:
            self.release.wait(20)
            raise OSError("no")

        def tend(self) -> None: ...

        def close(self) -> None: ...

    courier = Courier(Hangs(), "cot", most=10)
    for n in range(5000):
        courier.put(str(n), b"")
    assert (courier.waiting, courier.dropped) == (10, 4990)
    courier.close()  # though the link does not return
    Hangs.release.set()


def test_the_rate_has_a_limit() -> None:
    sent: list[float] = []

    class Notes:
        def send(self, data: bytes) -> None:
            sent.append(time.monotonic())

        def tend(self) -> None: ...

        def close(self) -> None: ...

    courier = Courier(Notes(), "cot", rate_hz=50)
    for n in range(8):
        courier.put(str(n), b"")
    until(lambda: len(sent) == 8)
    courier.close()
    assert sent[-1] - sent[0] >= 7 / 50 - 0.001


def test_edge_run_sends_nothing_it_was_not_told_to(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--source", "sim:width=80,height=64,frames=2,live=0", "--model", str(tiny_bundle), "--quiet"]
    assert main([*words, "--out", str(tmp_path / "a"), "--cot", "udp:127.0.0.1:9"]) == 0
    report = (tmp_path / "a/report.json").read_text()
    assert re.search(r'"cot": \{\s*"file": null,\s*"written": 2,', report)
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--out", str(tmp_path / "b"), "--cot", "dtls:host:1"])
    assert "expected udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT" in capsys.readouterr().err


def test_stale_is_an_hour() -> None:
    root = check_event(event("u", known(), "Person", NOW))
    start, stale = (datetime.fromisoformat(root.attrib[name].replace("Z", "+00:00")) for name in ("start", "stale"))
    assert stale - start == timedelta(hours=1)
