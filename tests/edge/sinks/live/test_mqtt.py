"""--mqtt against a scripted broker: what is published, what is kept, and what happens while the broker is away."""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.commands.main import main
from edge.errors import InputError
from edge.sinks.live import courier as courier_module
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.cot import run_id
from edge.sinks.live.events import EventSink
from edge.sinks.live.link import Address
from edge.sinks.live.mqtt import spec_of
from edge.sinks.live.tls import TlsAddress
from edge.sinks.spec import SinkContext
from tests.support.certificates import make_certificates
from tests.support.mqtt_broker import Broker
from tests.support.track_lines import tracked

pytest.importorskip("paho.mqtt.client", reason="pip install 'thermal-edge[mqtt]'")
from edge.sinks.live import mqtt_link


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(courier_module, "LONGEST_DELAY_S", 0.05)
    monkeypatch.setattr(courier_module, "TEND_S", 0.02)


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def sink_to(text: str) -> EventSink:
    spec = spec_of(MqttAddress.parse(text))
    spec.check(Path())
    sink = spec.make(SinkContext(Path(), ("Person",)))
    assert isinstance(sink, EventSink)
    return sink


def tracks(broker: Broker) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in broker.got if one.topic == "uav/7/tracks"]


def test_tracks_are_published_and_the_status_is_kept() -> None:
    with Broker() as broker:
        sink = sink_to(f"mqtt://127.0.0.1:{broker.port}/uav/7")
        until(lambda: broker.kept == {"uav/7/status": b'{"state": "here"}'})  # before there is a track
        sink.write(tracked(0, 100.0, [4]))
        until(lambda: len(tracks(broker)) == 1)
        sink.close()
        sink.close()
        until(lambda: broker.kept == {"uav/7/status": b'{"state": "ended"}'})  # which a new listener gets at once
    run = run_id(tracked(0, 100.0, [4]).frame)
    found, over = tracks(broker)
    assert found["id"] == over["id"] == f"thermal-edge.{run}.4"
    assert (found["event"], over["event"], over["frames"]) == ("found", "over", 1)
    assert found["position"] == {"lat": 51.504, "lon": -0.25, "sigma_m": 4.0}
    assert {(one.qos, one.retain) for one in broker.got if one.topic == "uav/7/tracks"} == {(1, False)}
    assert broker.logins == [("", "")]
    assert broker.keepalive == 30
    report = sink.link_report()
    assert (report["to"], report["sent"], report["waiting"]) == (f"mqtt://127.0.0.1:{broker.port}/uav/7", 2, 0)


def test_a_run_that_is_over_at_once_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "TEND_S", 30.0)
    with Broker() as broker:
        sink_to(f"mqtt://127.0.0.1:{broker.port}/uav/7").close()
        until(lambda: broker.kept == {"uav/7/status": b'{"state": "ended"}'})


def test_what_waits_comes_when_the_broker_is_there_and_its_break_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Broker() as taken:
        port = taken.port
    with sink_to(f"mqtt://127.0.0.1:{port}/uav/7") as sink:
        sink.write(tracked(0, 100.0, [4, 5]))
        until(lambda: sink.link_report()["away"])
        with Broker(port=port) as broker:
            until(lambda: len(tracks(broker)) == 2)
            broker.drop()
            until(lambda: ("uav/7/status", b'{"state": "away"}') in broker.ever_kept)  # the last will
            sink.write(tracked(1, 100.1, [4, 5, 6]))
            until(lambda: 6 in [one["track"] for one in tracks(broker)])
            until(lambda: sink.courier.waiting == 0)
            assert len(set(broker.ids)) == 1
            assert {one["id"] for one in tracks(broker)} == {tracks(broker)[n]["id"] for n in range(2)} | {
                tracks(broker)[-1]["id"]
            }
            assert broker.kept["uav/7/status"] == b'{"state": "here"}'
            sink.close()
        assert sink.link_report()["reconnects"] == 2
    assert f"mqtt: mqtt://127.0.0.1:{port}/uav/7 cannot be reached (Connection refused)" in caplog.text


def test_what_is_not_confirmed_is_not_taken_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_link, "WAIT_S", 0.2)
    with Broker() as broker, sink_to(f"mqtt://127.0.0.1:{broker.port}/uav/7") as sink:
        broker.silent.set()
        sink.write(tracked(0, 100.0, [4]))
        until(lambda: sink.link_report()["error"] == "the broker does not confirm a message")
        assert (sink.courier.sent, sink.courier.waiting) == (0, 1)
        broker.silent.clear()
        until(lambda: sink.courier.sent == 1)
        assert len({one["id"] for one in tracks(broker)}) == 1


def test_it_lives_while_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_link, "KEEPALIVE_S", 1)
    with Broker() as broker, sink_to(f"mqtt://127.0.0.1:{broker.port}/uav/7") as sink:
        until(lambda: broker.pings >= 1)
        assert sink.link_report()["error"] is None


# ---- login and TLS ----


def test_a_login_comes_from_a_file_and_is_told_nowhere(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "login").write_text("pilot\nhush-hush\n")
    with Broker(("pilot", "hush-hush")) as broker:
        words = ["run", "--source", "sim:width=80,height=64,frames=2,live=0", "--model", str(tiny_bundle)]
        to = f"mqtt://127.0.0.1:{broker.port}/uav/7?login={tmp_path}/login"
        assert main([*words, "--out", str(tmp_path / "out"), "--mqtt", to, "--verbose"]) == 0
        assert broker.logins[0] == ("pilot", "hush-hush")
    output = capsys.readouterr()
    everything = output.out + output.err + caplog.text + (tmp_path / "out/report.json").read_text()
    assert "hush" not in everything
    assert "pilot" not in everything
    assert f"messages were sent to mqtt://127.0.0.1:{broker.port}/uav/7\n" in output.out
    assert "the login is sent unencrypted: mqtts:// encrypts it" in caplog.text


def test_a_wrong_login_is_said_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "login").write_text("pilot\nwrong\n")
    with (
        Broker(("pilot", "right")) as broker,
        sink_to(f"mqtt://127.0.0.1:{broker.port}/uav/7?login={tmp_path}/login") as sink,
    ):
        until(lambda: len(broker.logins) >= 2)
        assert sink.link_report()["error"] == "the broker refuses us: Not authorized"
        assert tracks(broker) == []
    assert caplog.text.count("the broker refuses us") == 1


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # paho leaves it to Python to close what it refused
def test_over_tls_nothing_is_readable_and_a_wrong_broker_gets_nothing(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "good.pem", tmp_path / "good.key")
    with Broker(context=context) as broker:
        with sink_to(f"mqtts://127.0.0.1:{broker.port}/uav/7?ca={tmp_path}/ca.pem") as sink:
            sink.write(tracked(0, 100.0, [4]))
            until(lambda: len(tracks(broker)) == 1)
        before = len(broker.ids)
        with sink_to(f"mqtts://127.0.0.1:{broker.port}/uav/7?ca={tmp_path}/other.pem") as sink:
            until(lambda: sink.link_report()["away"])
            assert sink.link_report()["error"] == (
                f"the server's certificate is not signed by the CA in {tmp_path}/other.pem"
            )
        assert len(broker.ids) == before


# ---- addresses ----


def test_an_address() -> None:
    at = Address("tcp", "h", 1883)
    assert MqttAddress.parse("mqtt://h/a/b") == MqttAddress(at, "a/b")
    assert MqttAddress.parse("mqtt://h/a?login=f") == MqttAddress(at, "a", Path("f"))
    tls = Address("tcp", "::1", 8883)
    said = MqttAddress.parse("mqtts://[::1]/a?ca=c&cert=d&key=e")
    assert said == MqttAddress(tls, "a", None, TlsAddress(tls, Path("c"), Path("d"), Path("e")))
    assert str(said) == "mqtts://[::1]:8883/a"


@pytest.mark.parametrize(
    "text",
    ["", "mqtt://h", "mqtt://h/", "http://h/a", "mqtt://u:geheim@h/a", "mqtt://h/a+b", "mqtt://h/#", "mqtt://h:0/a",
     "mqtt://h/a?ca=c", "mqtts://h/a?key=k", "mqtt://h/a?login=", "mqtt://h/a?x=1", "mqtt://h/" + 201 * "a"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="expected mqtt://HOST/TOPIC or mqtts://HOST/TOPIC") as caught:
        MqttAddress.parse(text)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "login"),
    [("pilot\nsecret\n", ("pilot", "secret")), ("pilot\r\ns p\r\n", ("pilot", "s p")), ("pilot", ("pilot", None))],
)
def test_a_login_file(tmp_path: Path, text: str, login: tuple[str, str | None]) -> None:
    (tmp_path / "f").write_bytes(text.encode())
    assert MqttAddress.parse(f"mqtt://h/a?login={tmp_path}/f").user() == login


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a\nb\nc", b"\xff", b"a\n" + 1024 * b"b"])
def test_what_is_no_login_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(InputError, match="--mqtt: login=.*expected the user's name in its first line"):
        spec_of(MqttAddress.parse(f"mqtt://h/a?login={tmp_path}/f")).check(tmp_path)
    with pytest.raises(InputError, match="--mqtt: login=.*No such file"):
        spec_of(MqttAddress.parse(f"mqtt://h/a?login={tmp_path}/none")).check(tmp_path)


def test_without_paho_it_is_refused_before_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "edge.sinks.live.mqtt_link")
    monkeypatch.delattr("edge.sinks.live.mqtt_link")
    for name in ("paho", "paho.mqtt", "paho.mqtt.client"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"--mqtt: MQTT needs .* pip install 'thermal-edge\[mqtt\]'"):
        spec_of(MqttAddress.parse("mqtt://h/a")).check(tmp_path)
