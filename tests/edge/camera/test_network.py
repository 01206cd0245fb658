"""What is said of an address before anything is opened."""

from __future__ import annotations

import logging

import pytest

from edge.camera import network
from edge.camera.options import Source
from edge.errors import SourceError


@pytest.fixture(autouse=True)
def nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "keep_open", lambda *_: None)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rtsp://host/x?crop=0,0,640,512&palette=black-hot", ["crop= and palette="]),
        ("rtsp://me:secret@host/x?mask=", ["mask="]),
        ("http://host/video.cgi?camera=1&resolution=640x480", []),
        ("rtsp://host/crop=1", []),
        ("rtsp://[::1/x", []),
    ],
)
def test_options_of_ours_that_go_to_the_server_are_told(
    url: str, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "edge"):
        network.open_source(Source(url, url))
    assert [record.getMessage().partition(": ")[2].partition(" after")[0] for record in caplog.records] == told
    assert "secret" not in caplog.text


def test_one_slash_is_too_few() -> None:
    with pytest.raises(SourceError, match="expected two slashes, as in rtsp://HOST/PATH"):
        network.open_source(Source("rtsp:/host/x", "/host/x"))
