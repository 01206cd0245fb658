"""The page's own files: read once, served by the letter of their names, so that no path leads anywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class StaticFile(NamedTuple):
    """``etag``: by which a browser knows that its copy is still the same."""

    data: bytes
    kind: str
    etag: str


def static_files(folder: Path = FOLDER) -> Mapping[str, StaticFile]:
    """Every file below ``folder`` of a kind that is known, by its name there, such as ``leaflet/leaflet.js``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix in KINDS:
            data = path.read_bytes()
            etag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
            found[path.relative_to(folder).as_posix()] = StaticFile(data, KINDS[path.suffix], etag)
    return found
