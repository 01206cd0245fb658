"""Where the page is: its address, its token, its map."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import InputError, without_password
from edge.sinks.web.address import WebAddress
from edge.sinks.web.tiles import NONE, look_at
from tests.support.pmtiles_file import VECTOR, write_pmtiles


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        ("0.0.0.0:1", "0.0.0.0", 1),
        ("[::1]:65535", "::1", 65535),
        ("drone:80", "drone", 80),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    found = WebAddress.parse(text)
    assert (found.at.host, found.at.port, found.token, found.tiles) == (host, port, None, None)
    assert WebAddress.parse(str(found)) == found


def test_files(tmp_path: Path) -> None:
    found = WebAddress.parse("drone:80?map=a%20b.pmtiles&token=t")
    assert (found.tiles, found.token) == (Path("a b.pmtiles"), Path("t"))
    assert WebAddress.parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "x", "host:", "host:0", "1:2:3", "8080?map=", "8080?tiles=x", "8080?map=a&map=b", "8080?token"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match=r"expected PORT or HOST:PORT"):
        WebAddress.parse(text)


def test_a_token_is_made_anew_each_time() -> None:
    address = WebAddress.parse("8080")
    first = address.secret()
    assert len(first) >= 22
    assert first != address.secret()


def test_a_token_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "t"
    address = WebAddress.parse(f"8080?token={file}")
    for text in ("abcdefgh-IJ_4567\n", "x" * 256):
        file.write_text(text)
        assert address.secret() == text.strip()
    for bad in ("", "short", "x" * 257, "abcdefgh ijklmnop", "abcdefghijklmno;", "abcdefghijklmnop\nsecond"):
        file.write_text(bad)
        with pytest.raises(InputError, match="16 to 256 letters"):
            address.secret()
    file.write_bytes(b"\xff" * 20)
    with pytest.raises(InputError, match="16 to 256 letters"):
        address.secret()
    file.unlink()
    with pytest.raises(InputError, match="expected a file with a token"):
        address.secret()


def test_a_url_that_is_printed_can_be_opened() -> None:
    """The console hides what looks like a password: this one is to be read."""
    (url,) = WebAddress.parse("10.0.0.2:8080").urls("abcdefghijklmnopqrstuv")
    assert without_password(url) == url
    assert url.endswith("?open=abcdefghijklmnopqrstuv")


def test_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WebAddress.parse("8080").urls("") == ["http://127.0.0.1:8080/"]
    assert WebAddress.parse("[::1]:8080").urls("abc") == ["http://[::1]:8080/?open=abc"]
    monkeypatch.setattr("edge.sinks.web.address.addresses_here", lambda: ["10.0.0.2", "10.0.1.2"])
    assert WebAddress.parse("0.0.0.0:80").urls("t") == ["http://10.0.0.2:80/?open=t", "http://10.0.1.2:80/?open=t"]
    monkeypatch.setattr("edge.sinks.web.address.addresses_here", list)
    assert WebAddress.parse("0.0.0.0:80").urls("") == ["http://localhost:80/"]


def test_a_map_that_can_be_used(tmp_path: Path) -> None:
    path = write_pmtiles(tmp_path / "area.pmtiles", {(0, 0, 0): b"png"})
    assert look_at(path) == (path, "")
    assert look_at(None) == (None, NONE)


def test_a_map_that_cannot(tmp_path: Path) -> None:
    """A flight does not wait for its map."""
    path = tmp_path / "area.pmtiles"
    for data, why in (
        (None, "No such file"),
        (b"", "it is no PMTiles file"),
        (b"PMTiles\x03", "it is no PMTiles file"),
        (b"PMTiles\x02" + bytes(200), "version 2: expected 3"),
        (b"PMTiles\x03" + bytes(200), "its kind of tiles is 0"),
    ):
        if data is not None:
            path.write_bytes(data)
        tiles = look_at(path)
        assert tiles.path is None
        assert why in tiles.why
        assert tiles.why.startswith("plain grid in metres: ")
    write_pmtiles(path, {(0, 0, 0): b"mvt"}, VECTOR)
    assert "vector tiles: expected pictures" in look_at(path).why
    assert "directory" in look_at(tmp_path).why
