"""The folder that a case is read from: what lies beside the changed file is written once, not for every case."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path


def put(path: Path, data: bytes) -> None:
    """Write a file; as `Path.write_bytes`, in a third of the time."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        at = os.write(handle, data)
        while at < len(data):
            at += os.write(handle, data[at:])
    finally:
        os.close(handle)


class CaseFolder:
    """``beside``: files by their names in the folder; whatever a case did to them, the next one finds them so."""

    def __init__(self, path: Path, beside: Mapping[str, bytes]) -> None:
        self.path = path
        self._beside = beside
        self._folders = {str(parent) for name in beside for parent in Path(name).parents} | {"."}
        self._written: dict[str, tuple[int, int, int]] = {}

    def ready(self) -> Path:
        """The folder, with the files beside and nothing else."""
        self.path.mkdir(parents=True, exist_ok=True)
        missing = dict(self._beside)
        for name, entry in self._entries(""):
            if name in missing and _stamp(entry.path) == self._written.get(name):
                del missing[name]
            elif entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        for name, data in missing.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            put(file, data)
            self._written[name] = _stamp(file)
        return self.path

    def _entries(self, inside: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        with os.scandir(self.path / inside if inside else self.path) as found:
            entries = list(found)
        for entry in entries:
            name = inside + entry.name
            if name in self._folders and entry.is_dir(follow_symlinks=False):
                yield from self._entries(name + "/")
            else:
                yield name, entry


def _stamp(path: str | Path) -> tuple[int, int, int]:
    status = os.lstat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns
