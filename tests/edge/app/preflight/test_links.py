"""The checks of a preflight for links and the page."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from edge.app.preflight.links import link_checks
from edge.app.preflight.side_by_side import side_by_side
from tests.support.planned import plan, told
from tests.support.pmtiles_file import write_pmtiles


def links(folder: Path, bundle: Path, text: str) -> dict[str, tuple[str, str, str]]:
    found = side_by_side(link_checks(plan(folder, bundle, text).options), 60)
    return told(iter(found.lines))


def test_links_that_answer_and_links_that_do_not(tmp_path: Path, tiny_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        port, gone = server.getsockname()[1], other.getsockname()[1]
        other.close()
        (tmp_path / "mqtt.login").write_text("me\nsecret\n")
        text = (
            f'[links.cot]\nto = "tcp:127.0.0.1:{gone}"\n[links.mavlink]\nto = "udp:127.0.0.1:14550"\n'
            f'[links.webhook]\nurl = "http://127.0.0.1:{port}/x"\n'
            f'[links.mqtt]\nurl = "mqtt://127.0.0.1:{port}/deer"\nlogin = "mqtt.login"\n'
        )
        said = links(tmp_path, tiny_bundle, text)
    assert {name: state for name, (state, _, _) in said.items()} == {
        "link cot": "yellow",
        "link mavlink": "green",
        "link webhook": "green",
        "link mqtt": "green",
    }
    assert said["link cot"][1] == "not reached: Connection refused"
    assert "by UDP nobody says whether it is heard" in said["link mavlink"][1]
    assert said["link webhook"][1].endswith("answers; nothing was posted")
    assert said["link mqtt"][1].endswith("answers; the login was not tried")


def test_who_looks_on(tmp_path: Path, tiny_bundle: Path) -> None:
    pytest.importorskip("foxglove")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f'[links.foxglove]\nat = "{port}"\n[links.ros2]\ntopic = "/thermal/detections"\n'
        said = links(tmp_path, tiny_bundle, text)
    assert {name: state for name, (state, _, _) in said.items()} == {"link foxglove": "red", "link ros2": "red"}
    assert "Address already in use" in said["link foxglove"][1]
    assert "source /opt/ros/humble/setup.bash" in said["link ros2"][1]
    said = links(tmp_path, tiny_bundle, f'[links.foxglove]\nat = "{port}"\n')
    assert said["link foxglove"][:2] == ("green", f"127.0.0.1:{port} is free")


def test_what_a_run_would_refuse_is_red(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "empty").touch()
    text = (
        '[links.cot]\nto = "tls:127.0.0.1:1"\nca = "empty"\n[links.mavlink]\nto = "/dev/none"\nsigning = "empty"\n'
        '[links.mqtt]\nurl = "mqtt://127.0.0.1:1/deer"\nlogin = "empty"\n'
    )
    said = links(tmp_path, tiny_bundle, text)
    assert {state for state, _, _ in said.values()} == {"red"}
    assert all("/empty: expected " in value for _, value, _ in said.values())
    said = links(tmp_path, tiny_bundle, '[links.mavlink]\nto = "/dev/none"\n')
    assert said["link mavlink"][0] == "yellow"


def test_the_page(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.preflight.links.require_extra", lambda: None)  # whether or not it is installed here
    write_pmtiles(tmp_path / "area.pmtiles", {(0, 0, 0): b"png"})
    (tmp_path / "broken").write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\n')
    assert said["page"][0] == "red"
    assert "in use: give another port" in said["page"][1]
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\nmap = "area.pmtiles"\n')
    assert said["page"][:2] == ("green", f"127.0.0.1:{port} is free, area.pmtiles can be drawn")
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\nmap = "broken"\n')
    assert said["page"][0] == "yellow"
    assert "it is no PMTiles file" in said["page"][1]
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\ntoken = "broken"\n')
    assert said["page"][0] == "red"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "edge.sinks.web.app", None)
    said = links(tmp_path, tiny_bundle, f'[links.web]\nat = "{port}"\n')
    assert said["page"][0] == "red"
    assert "pip install 'thermal-edge[web]'" in said["page"][1]
