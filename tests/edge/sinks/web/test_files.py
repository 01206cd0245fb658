"""The page's own files: few, small, all there; what is somebody else's is as its author made it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from edge.sinks.web.static_files import FOLDER, KINDS, static_files

MOST_BYTES = 400_000
VENDORED = {
    "leaflet/leaflet.js": "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a",
    "leaflet/leaflet.css": "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6",
    "pmtiles/pmtiles.js": "caf981bc46f6327ee7e65d5dc964d89d38a69f60edca2bd4c5c890c21b554c6c",
}
OWN = sorted(name for name in static_files() if "/" not in name)


def test_a_field_radio_carries_it() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < MOST_BYTES


def test_every_file_is_served() -> None:
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert set(static_files()) == there


@pytest.mark.parametrize("name", VENDORED)
def test_what_is_somebody_elses_is_as_it_was(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == VENDORED[name]
    licence = (FOLDER / name).with_name("LICENSE.txt").read_text()
    assert "Redistribution and use in source and binary forms" in licence


@pytest.mark.parametrize("name", OWN)
def test_what_a_file_names_is_there(name: str) -> None:
    """Every script, style and picture; and none of another host."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    files = static_files()
    for path in re.findall(r'"/static/([^"]+)"', text):
        assert path in files
    for path in re.findall(r'from "\./([^"]+)"', text):
        assert path in files
    hosts = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}  # the name of SVG
    assert hosts == set()


@pytest.mark.parametrize("name", OWN)
def test_the_policy_can_be_kept(name: str) -> None:
    """No script and no style in the page itself; no text of a flight becomes HTML."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if name.endswith(".html"):
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []
    if name.endswith(".js"):
        assert (
            re.findall(r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []
        )


def test_only_plain_files_of_known_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.py").write_text("1")
    (tmp_path / "c.js").symlink_to("/etc/hostname")
    found = static_files(tmp_path)
    assert list(found) == ["a.js"]
    assert found["a.js"].kind == KINDS[".js"]
    (tmp_path / "a.js").write_text("2")
    assert static_files(tmp_path)["a.js"].etag != found["a.js"].etag
