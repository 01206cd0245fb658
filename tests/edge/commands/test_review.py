"""``edge review`` from the outside: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.app.review.store import Review
from edge.commands.main import main
from tests.support.children import popen
from tests.support.loaded import popen_loaded
from tests.support.reviewed import flown

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flown(tmp_path / "flight", frames=8, record=False)


@pytest.mark.parametrize(("web", "start"), [("127.0.0.1:0", popen), ("0.0.0.0:0", popen_loaded)])
def test_it_serves_until_ctrl_c(folder: Path, web: str, start: Callable[..., subprocess.Popen[str]]) -> None:
    """On this machine alone without a token; elsewhere with one in the address that is printed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = web.replace(":0", f":{port}")
    program = start(
        [sys.executable, "-m", "edge.commands.main", "review", str(folder), "--web", address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert program.stdout is not None
        line = program.stdout.readline()  # of several addresses of this machine the first
        found = re.fullmatch(r"open (http://\S+)   \(Ctrl-C ends it\)\n", line)
        assert found, line
        url = urlsplit(found[1])
        assert bool(url.query) == web.startswith("0")
        assert asked(port, "/review") == (403 if url.query else 200)
        assert asked(port, f"/review?{url.query}") == 200
        Review.read(folder).add("right", [1, 2])
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert (program.returncode, err) == (0, "")
    assert out.splitlines()[-1] + "\n" == "2 of 8 tracks reviewed: 2 right, 0 wrong, 0 unsure, 0 missed\n"


def asked(port: int, path: str) -> int:
    end = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except ConnectionError:  # it listens, and does not answer yet
            if time.monotonic() > end:
                raise
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere holds no flight: expected what edge run --out wrote"),
        (["flight", "--web", "here"], "web 'here': expected PORT or HOST:PORT"),
        (["flight", "--web", "256.1.1.1:80"], "web 256.1.1.1:80: "),
    ],
)
def test_what_cannot_be_reviewed(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert main(["review", *words]) == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_it_says_which(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edge.app.review.serve", None)  # as where what it imports is not there
    assert main(["review", str(folder)]) == 2
    assert "pip install 'thermal-edge[web]'" in capsys.readouterr().err
