"""Nothing is contacted but what was asked for: whole flights, seen from inside and from the system.

Of exports: tests/export/commands/test_contacts_nobody.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import write_bundle
from tests.support.network import ALONE, TRACER, heard, silent, works

SIM = "sim:width=80,height=64,frames=12,fps=10,live=0"
BY_PYTHON = "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).connect_ex(('192.0.2.1', 9))"
# as a library does it that is not written in Python: no hook of Python's is told of it
BY_OTHERS = (
    "import ctypes as c, socket as s; one = s.socket(s.AF_INET, s.SOCK_DGRAM); "
    "c.CDLL(None).connect(one.fileno(), bytes([2, 0, 0, 9, 192, 0, 2, 2]) + bytes(8), 16)"
)


def flights(folder: Path) -> list[list[object]]:
    """Everything that a flight does without a link, ONNX Runtime included."""
    bundle, out = write_bundle(folder / "bundle"), folder / "out"
    more = ["--record", "--video", "--map", "--geojson", "--csv", "--kmz", "--pictures", "--trace", "--coverage"]
    return [
        ["edge", "run", "--source", SIM, "--model", bundle, "--backend", "ort", "--out", out, "--quiet", *more],
        ["edge", "report", out, "--coco", "--quiet"],
        ["edge", "demo", "--model", bundle, "--frames", 2, "--out", folder / "demo", "--quiet"],
        ["edge", "info", bundle],
        ["edge", "doctor"],
    ]


def test_a_flight_contacts_nobody(tmp_path: Path) -> None:
    silent(heard(tmp_path, flights(tmp_path)))


def test_links_contact_their_addresses_and_no_others(tmp_path: Path) -> None:
    """Nobody listens there: a link that is away looks for its own address again, and for none besides."""
    words = ["edge", "run", "--source", SIM, "--model", write_bundle(tmp_path / "bundle"), "--out", tmp_path / "out"]
    links = ["--cot", "udp:127.0.0.1:41", "--webhook", "http://127.0.0.1:42/found", "--mavlink-out", "udp:127.0.0.1:43"]
    try:
        import paho.mqtt  # noqa: F401
        import pymavlink  # noqa: F401
    except ImportError:
        links = links[:4]
    else:
        links += ["--mqtt", "mqtt://127.0.0.1:44/deer"]
    found = heard(tmp_path, [[*words, "--backend", "ort", "--quiet", *links]], alone=False)
    ports = {f"127.0.0.1:{port}" for port in (41, 42, 43, 44)[: 2 if len(links) == 4 else 4]}
    spoken = {line.partition(" ")[2] for line in found.python if not line.startswith("socket.bind")}
    assert spoken == ports
    if found.system is not None:
        assert {line.partition(" ")[2] for line in found.system} <= ports


# ---- the test itself: it sees who speaks ----


def test_whoever_speaks_is_seen(tmp_path: Path) -> None:
    found = heard(tmp_path, [["python", BY_PYTHON], ["python", BY_OTHERS]])
    assert found.python == ["socket.connect 192.0.2.1:9"]
    if found.system is not None:
        assert found.system == ["connect 192.0.2.1:9", "connect 192.0.2.2:9"]
    if found.counted is not None:
        assert found.counted >= 1


def test_the_system_is_asked_where_it_can_be() -> None:
    if not works(*TRACER, "-o", "/dev/null") and not works(*ALONE):
        pytest.skip("neither strace nor a network namespace of one's own: Python's sockets alone are watched")
