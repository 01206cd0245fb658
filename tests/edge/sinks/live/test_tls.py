"""CoT by TLS against a real server on this machine: who is spoken to, who is not, and what is said of it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.commands.main import main
from edge.errors import InputError
from edge.sinks.live import courier as courier_module
from edge.sinks.live.cot import CotSink, spec_of
from edge.sinks.live.link import Address
from edge.sinks.live.tls import TlsAddress, TlsLink
from edge.sinks.spec import SinkContext
from tests.support.certificates import TlsServer, make_certificates
from tests.support.track_lines import tracked


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(courier_module, "LONGEST_DELAY_S", 0.05)
    monkeypatch.setattr(courier_module, "TEND_S", 0.02)
    monkeypatch.setattr(courier_module, "GRACE_S", 0.1)


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def to(port: int, pem: Path, options: str) -> TlsAddress:
    """``options``: with @ for the folder of the certificates."""
    return TlsAddress.parse(f"tls:127.0.0.1:{port}?{options.replace('@', f'{pem}/')}")


def sink_to(address: TlsAddress) -> CotSink:
    spec = spec_of(address)
    spec.check(Path())
    sink = spec.make(SinkContext(Path(), ("Person",)))
    assert isinstance(sink, CotSink)
    return sink


CLIENT = "ca=@ca.pem&cert=@client.pem&key=@client.key"


def test_events_come_by_tls_with_both_certificates_and_again_after_a_break(pem: Path) -> None:
    with TlsServer(pem, asks=True) as server, sink_to(to(server.port, pem, CLIENT)) as sink:
        sink.write(tracked(0, 0.0, [4, 5]))
        until(lambda: server.got.count(b"</event>") == 2)
        server.drop()
        until(lambda: server.connections == 2 and server.got.count(b"</event>") == 4)  # who knows whether they came
        sink.write(tracked(1, 0.1, [6]))
        until(lambda: server.got.count(b"</event>") == 5)
        report = sink.link_report()
    assert server.got.startswith(b"<event version=")
    assert (report["to"], report["reconnects"], report["away"]) == (f"tls:127.0.0.1:{server.port}", 1, False)


def test_a_server_may_have_another_name_than_its_host(pem: Path) -> None:
    with TlsServer(pem, "named") as server, sink_to(to(server.port, pem, "ca=@ca.pem&name=tak.test")) as sink:
        sink.write(tracked(0, 0.0, [4]))
        until(lambda: b"</event>" in server.got)


@pytest.mark.parametrize(
    ("certificate", "asks", "options", "why"),
    [
        ("good", False, "ca=@other.pem", "the server's certificate is not signed by the CA in @other.pem"),
        ("good", False, "name=localhost", "is not signed by a CA that this machine trusts: ca=FILE names another"),
        ("named", False, "ca=@ca.pem", "certificate is not of 127.0.0.1: name=NAME says which name it has"),
        ("good", False, "ca=@ca.pem&name=tak.test", "certificate is not of tak.test: name=NAME says which name it has"),
        ("expired", False, "ca=@ca.pem", "the server's certificate has expired; this machine's clock says 2"),
        ("good", True, "ca=@ca.pem", "the server asks for a client's certificate: cert= and key= name one"),
        ("good", True, "ca=@ca.pem&cert=@stranger.pem&key=@stranger.key",
         "the server does not know who signed our certificate (cert=)"),
        ("good", True, "ca=@ca.pem&cert=@late.pem&key=@late.key",
         "the server says that our certificate (cert=) has expired; this machine's clock says 2"),
    ],
)  # fmt: skip
def test_who_is_not_who_he_should_be_gets_nothing_and_it_is_said_in_a_line(
    pem: Path, caplog: pytest.LogCaptureFixture, certificate: str, asks: bool, options: str, why: str
) -> None:
    with TlsServer(pem, certificate, asks) as server, sink_to(to(server.port, pem, options)) as sink:
        for n in range(3):
            sink.write(tracked(n, n / 10, [4 + n]))
        until(lambda: bool(sink.link_report()["away"]))
        time.sleep(0.1)  # several tries
        report = sink.link_report()
        assert sink.courier.waiting == 3
    lines = [m for m in caplog.messages if f":{server.port} cannot be reached" in m]
    assert len(lines) == 1
    assert why.replace("@", f"{pem}/") in lines[0]
    assert report["error"] in lines[0]
    assert (report["sent"], server.got) == (0, b"")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("ca=@ca.pem", "the server refuses the connection: it may ask for a client's certificate: cert= and key= name"),
        ("ca=@ca.pem&cert=@late.pem&key=@late.key", "the server says that our certificate (cert=) has expired"),
        (CLIENT, ""),
    ],
)
def test_a_server_of_tls_1_2_says_it_in_its_own_way(pem: Path, options: str, why: str) -> None:
    with TlsServer(pem, asks=True) as server:
        server.context.maximum_version = ssl.TLSVersion.TLSv1_2
        link, said = TlsLink(to(server.port, pem, options)), ""
        try:
            link.send(b"x")
        except OSError as error:
            said = str(error)
        until(lambda: bool(why) or server.got == b"x")
        link.close()
    assert said.startswith(why) if why else said == ""
    assert server.got == (b"" if why else b"x")


def test_nothing_is_sent_in_plain_text(pem: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        with sink_to(to(listening.getsockname()[1], pem, CLIENT)) as sink:
            sink.write(tracked(0, 0.0, [4]))
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(20)
                data = connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            assert data[0] == 22  # a TLS handshake
            assert b"event" not in data
            assert b"client" not in data  # nor who we are
            until(lambda: "no TLS is spoken at that port" in caplog.text)


def test_a_server_that_says_nothing_is_not_waited_for(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.sinks.live.link.WAIT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        link = TlsLink(to(listening.getsockname()[1], pem, "ca=@ca.pem"))
        with pytest.raises(OSError, match="timed out"):
            link.send(b"x")
        assert link._socket is None


# ---- what is refused before the run ----


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("ca=@no.pem", "--cot: ca=@no.pem: No such file or directory; expected a PEM file"),
        ("ca=@ca.key", "--cot: ca=@ca.key: expected certificates in a PEM file"),
        ("ca=@p12", "--cot: ca=@p12: expected a PEM file, with lines -----BEGIN"),
        ("cert=@client.key", "--cot: cert=@client.key: expected a certificate and its key in PEM files"),
        ("cert=@client.pem", "--cot: cert=@client.pem: expected a certificate and its key in PEM files"),
        ("cert=@client.pem&key=@late.key", "key=@late.key: it is not the key of the certificate in cert=@client.pem"),
        ("cert=@client.pem&key=@locked.key", "key=@locked.key: the key has a password"),
        ("cert=@client.pem&key=@no.key", "key=@no.key: No such file"),
    ],
)
def test_files_that_cannot_be(pem: Path, options: str, why: str) -> None:
    (pem / "p12").write_bytes(bytes(range(256)))
    with pytest.raises(InputError) as caught:
        spec_of(to(1, pem, options)).check(pem)
    assert why.replace("@", f"{pem}/") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address() -> None:
    assert TlsAddress.parse("tls:tak.example.org:8089") == TlsAddress(Address("tls", "tak.example.org", 8089))
    said = TlsAddress.parse("tls:[::1]:8089?ca=a&cert=b&key=c&name=d")
    assert said == TlsAddress(Address("tls", "::1", 8089), Path("a"), Path("b"), Path("c"), "d")
    assert (str(said), said.server) == ("tls:[::1]:8089", "d")
    assert TlsAddress.parse("tls:[fe80::1%eth0]:1").server == "fe80::1"


@pytest.mark.parametrize(
    "text",
    ["tls:h", "tls:h:0", "tcp:h:1?ca=a", "tls:h:1?ca=", "tls:h:1?key=k", "tls:h:1?verify=0", "tls:h:1?x", "tls:"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="expected udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT, of tls perhaps"):
        TlsAddress.parse(text)


def test_with_edge_run(pem: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--source", "sim:width=80,height=64,frames=2,live=0", "--model", str(tiny_bundle), "--quiet"]
    assert main([*words, "--out", str(tmp_path), "--cot", f"tls:127.0.0.1:9?ca={pem}/no.pem"]) == 2
    assert f"--cot: ca={pem}/no.pem: No such file" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path), "--cot", f"tls:127.0.0.1:9?ca={pem}/ca.pem"]) == 0
