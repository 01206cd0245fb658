"""--foxglove, with the real SDK: what a client gets, and that a slow or absent one costs nothing."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.commands.main import main
from edge.data import Frame, Pose
from edge.errors import InputError, SinkError
from edge.sinks.live.link import Address
from edge.sinks.robotics.foxglove import check_free, parse, spec_of
from edge.sinks.robotics.stamps import capture_ns
from edge.sinks.spec import SinkContext
from tests.support.track_lines import tracked
from tests.support.websocket_client import Client, wait_for

UTC = datetime(2026, 5, 1, 4, 30, 0, 250_000, tzinfo=timezone.utc)
NS = 1_777_609_800_250_000_000
TOPICS = ("/image", "/detections", "/aircraft", "/tracks", "/log", "/stats")


@pytest.fixture
def sink() -> Iterator[Any]:
    pytest.importorskip("foxglove")
    from edge.sinks.robotics.foxglove_server import FoxgloveSink

    now = [100.0]
    made = FoxgloveSink(Address("tcp", "127.0.0.1", 0), ("Person", "deer"), "tiny", lambda: now[0])
    made.now = now
    yield made
    made.close()


@pytest.fixture
def client(sink: Any) -> Iterator[Client]:
    made = Client(sink.port, len(TOPICS))
    yield made
    made.close()


def subscribed(sink: Any, client: Client, *topics: str) -> Iterator[tuple[int, int, bytes]]:
    client.subscribe(*topics)
    channels = {"/image": sink._image, "/detections": sink._boxes, "/aircraft": sink._aircraft, "/tracks": sink._tracks,
                "/log": sink._log, "/stats": sink._stats}  # fmt: skip
    wait_for(lambda: all(channels[topic].has_sinks() for topic in topics))
    return client.messages()


def test_the_topics_are_those_of_foxglove(client: Client) -> None:
    assert client.info["name"] == "thermal-edge tiny"
    assert {topic: (one["encoding"], one.get("schemaName") or "") for topic, one in client.channels.items()} == {
        "/image": ("protobuf", "foxglove.CompressedImage"),
        "/detections": ("protobuf", "foxglove.ImageAnnotations"),
        "/aircraft": ("protobuf", "foxglove.LocationFix"),
        "/tracks": ("protobuf", "foxglove.GeoJSON"),
        "/log": ("protobuf", "foxglove.Log"),
        "/stats": ("json", "thermal_edge.Stats"),
    }


def test_a_picture_and_its_boxes_have_one_time(sink: Any, client: Client) -> None:
    from foxglove.messages import Timestamp

    from edge.sinks.robotics.foxglove_server import annotated

    got = subscribed(sink, client, "/image", "/detections")
    result = tracked(7, 50.0, [3, 4], utc=UTC)
    sink.write(result)
    (first, ns, image), (second, same, boxes) = next(got), next(got)
    assert (first, second, ns, same) == (0, 1, NS, NS)
    assert cv2.imdecode(np.frombuffer(image[image.index(b"\xff\xd8") :], np.uint8), -1).shape == (48, 64)
    assert b"\x1a\x04jpeg" in image
    expected = annotated(result, ("Person", "deer"), Timestamp(NS // 10**9, NS % 10**9))
    assert boxes == expected.encode()
    said = boxes.decode("latin-1")
    assert "Person 3 0.50" in said
    assert "Person 4 0.50" in said


def test_pictures_come_at_a_rate_and_only_while_somebody_looks(
    sink: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    real = cv2.imencode
    monkeypatch.setattr(cv2, "imencode", lambda *given: (encoded.append(sink.now[0]), real(*given))[1])
    sink.write(tracked(0, 0.0, [1]))
    assert encoded == []
    subscribed(sink, client, "/image")
    for sink.now[0] in (100.0, 100.19, 100.2, 100.3, 100.41):
        sink.write(tracked(0, 0.0, [1]))
    assert encoded == [100.0, 100.2, 100.41]


def test_frames_that_were_not_searched_say_nothing_of_boxes(sink: Any, client: Client) -> None:
    got = subscribed(sink, client, "/detections")
    sink.write(replace(tracked(0, 0.0, [], utc=UTC), inferred=False))
    sink.write(tracked(1, 0.0, [], utc=UTC.replace(microsecond=251_000)))
    assert next(got)[1] == NS + 1_000_000


def test_tracks_on_the_map_come_also_to_who_begins_to_watch_later(sink: Any, client: Client) -> None:
    sink.write(tracked(0, 0.0, [3], utc=UTC))
    got = subscribed(sink, client, "/tracks")
    sink.write(tracked(1, 0.1, [3], utc=UTC))
    data = next(got)[2]
    whole = json.loads(data[data.index(b"{") :])
    (one,) = whole["features"]
    assert (one["id"], one["geometry"]["coordinates"]) == (3, [-0.25, 51.503])
    assert one["properties"] == {"name": "Person 3", "score": 0.5, "sigma_m": 4.0}
    sink.write(tracked(2, 0.2, [3], utc=UTC))  # nothing new
    sink.write(tracked(3, 0.3, [3, 5], utc=UTC))
    data = next(got)[2]
    assert [one["id"] for one in json.loads(data[data.index(b"{") :])["features"]] == [3, 5]


def test_the_aircraft_the_figures_and_the_log(sink: Any, client: Client) -> None:
    got = subscribed(sink, client, "/aircraft", "/stats", "/log")
    result = tracked(7, 50.0, [3], utc=UTC)
    frame = replace(result.frame, pose=Pose(51.5, -0.25, 60.0, -90.0, -90.0, 0.0))
    sink.write(replace(result, frame=frame, dropped=2))
    place, figures = next(got), next(got)
    from foxglove.messages import KeyValuePair, LocationFix, Timestamp

    said = {"height_above_ground_m": "60.00", "yaw": "-90.00", "pitch": "-90.00", "roll": "0.00"}
    assert place[2] == LocationFix(
        timestamp=Timestamp(NS // 10**9, NS % 10**9), frame_id="aircraft", latitude=51.5, longitude=-0.25,
        heading=np.pi * 1.5, metadata=[KeyValuePair(key=key, value=value) for key, value in said.items()],
    ).encode()  # fmt: skip
    assert figures[0] == 1
    assert json.loads(figures[2]) == {
        "seq": 7, "latency_ms": 100.0, "stages_ms": {}, "boxes": 1, "inferred": True, "flags": [], "dropped": 2,
        "duplicates": 0, "lost": 0,
    }  # fmt: skip
    sink.notice("too hot")
    logging.getLogger("edge.x").warning("rtsp://me:secret@host is away")
    texts = [next(got)[2].decode("latin-1") for _ in range(2)]
    assert "too hot" in texts[0]
    assert "rtsp://me:***@host is away" in texts[1]
    sink.close()
    assert not [one for one in logging.getLogger("edge").handlers if type(one).__name__ == "_Lines"]


def test_a_client_that_reads_nothing_holds_up_nobody(sink: Any, client: Client) -> None:
    """Far more than its queue and the buffers of the system take: of each topic the oldest goes."""
    subscribed(sink, client, "/image")
    noise = np.random.default_rng(1).integers(0, 256, (512, 640), np.uint8)
    result = replace(tracked(0, 0.0, [1], utc=UTC), picture=noise)
    for i in range(60):
        sink.now[0] = 100.0 + i
        sink.write(result)


@pytest.fixture
def others() -> set[str]:
    """Sockets that this process has without the sink: to the browser of other tests."""
    return _sockets()


def test_it_connects_to_nobody(others: set[str], sink: Any, client: Client) -> None:
    """Of the sockets of this process all others are this server's, or the test's to it."""
    subscribed(sink, client, "/image")
    ours = _sockets() - others
    table = [line.split() for name in ("tcp", "tcp6", "udp", "udp6") for line in _lines(name)]
    mine = [row for row in table if len(row) > 9 and row[9] in ours]
    port = f":{sink.port:04X}"
    assert len(mine) >= 3
    assert [row for row in mine if not (row[1].endswith(port) or row[2].endswith(port))] == []


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    pytest.importorskip("foxglove")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        to = Address("tcp", "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(InputError, match=r"--foxglove 127.0.0.1:\d+: Address already in use: give another port"):
            spec_of(to).check(tmp_path)
        with pytest.raises(SinkError, match=r"foxglove tcp:127.0.0.1:\d+: .*in use.*: give another port"):
            spec_of(to).make(SinkContext(tmp_path, ("x",)))
    spec_of(to).check(tmp_path)


def test_a_run_can_be_watched(tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("foxglove")
    out, port = tmp_path / "out", str(_free())
    words = [
        "run",
        "--source",
        "sim:width=80,height=64,frames=4,live=0",
        "--model",
        str(tiny_bundle),
        "--out",
        str(out),
    ]
    assert main([*words, "--backend", "null", "--quiet", "--foxglove", port]) == 0
    report = json.loads((out / "report.json").read_text())
    told = report["sinks"]["foxglove"]
    assert (told["written"] + told["skipped"], told["error"], told["file"]) == (4, None, None)
    assert "foxglove" not in report["links"]  # nobody may be there: detections that reach no file do not go on for it
    check_free(parse(port))


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse("8765") == Address("tcp", "127.0.0.1", 8765)
    assert parse("0.0.0.0:1") == Address("tcp", "0.0.0.0", 1)
    assert parse("[::1]:1") == Address("tcp", "::1", 1)
    for text in ("", "x", "h:0", "h:65536", "tcp:h:1", "ws://h:1", "1:2:3"):
        with pytest.raises(InputError, match="expected PORT or HOST:PORT"):
            parse(text)
    with pytest.raises(InputError, match="--foxglove nowhere.invalid:1: .*: give another port"):
        check_free(Address("tcp", "nowhere.invalid", 1))
    assert check_free(Address("tcp", "0.0.0.0", _free())) is True
    assert check_free(Address("tcp", "127.0.0.1", _free())) is False


def _sockets() -> set[str]:
    """Inodes of the sockets that this process has open."""
    links = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    ]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _lines(name: str) -> list[str]:
    return Path(f"/proc/self/net/{name}").read_text().splitlines()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_who_may_watch_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("foxglove")
    spec_of(Address("tcp", "127.0.0.1", _free())).check(tmp_path)
    assert caplog.text == ""
    spec_of(Address("tcp", "0.0.0.0", _free())).check(tmp_path)
    assert "nobody is asked who they are" in caplog.text


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "foxglove", None)
    for name in ("edge.sinks.robotics.foxglove_server", "foxglove.channels", "foxglove.messages"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(InputError, match=r"pip install 'thermal-edge\[foxglove\]'"):
        spec_of(Address("tcp", "127.0.0.1", 1)).check(tmp_path)


def test_times_of_frames() -> None:
    pixels = np.zeros((1, 1), np.uint8)
    told = {"wall_ns": lambda: 5_000_000_000, "monotonic": lambda: 20.0}
    assert capture_ns(Frame(pixels, 0, 18.5, utc=UTC), **told) == NS
    assert capture_ns(Frame(pixels, 0, 18.5), **told) == 3_500_000_000
    assert capture_ns(Frame(pixels, 0, 9e9, t_arrival=19.0, replayed=True), **told) == 4_000_000_000
