"""What a mission needs of the machine, as its service: files to read, a folder to write, devices; and who may."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.app.mission import texts
from edge.app.mission.check import every_key
from edge.app.mission.mission import Mission

SERIAL = "/dev/tty"
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
TEMPORARY = (Path("/tmp"), Path("/var/tmp"))


@dataclass(frozen=True)
class Someone:
    """A user, as the system counts."""

    name: str
    uid: int
    groups: frozenset[int]
    home: Path

    def refused(self, path: Path, write: bool = False) -> Path | None:
        """The part of a path that this user may not enter, read or write; None = all is allowed. By its mode alone:
        access lists are not looked at.
        """
        if self.uid == 0:
            return None
        path = Path(os.path.realpath(path))
        for folder in reversed(path.parents):
            if not self._may(folder, 0o1):
                return folder
        needed = 0o4 | (0o2 if write else 0) | (0o1 if path.is_dir() else 0)
        return None if self._may(path, needed) else path

    def _may(self, path: Path, needed: int) -> bool:
        try:
            found = path.stat()
        except OSError:
            return False
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == self.uid:
            mode >>= 6
        elif found.st_gid in self.groups:
            mode >>= 3
        return mode & needed == needed


def files_of(mission: Mission) -> Iterator[Path]:
    """The mission's own file, and every file or folder on a disk that it names and that is there; no devices."""
    yield mission.path
    resolve = texts.resolver(mission.path.parent)
    for path, one in every_key():
        if one.key is None or not one.key.file or path == ("outputs", "folder"):
            continue
        table: object = mission.tables
        for name in path[:-1]:
            table = getattr(table, name, None)
        value = getattr(table, one.field, None)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                prefixes = ("rec:", "tlog:", "srt:", "klv:", "mavlink:")
                placed = Path(next((text[len(p) :] for p in prefixes if text.lower().startswith(p)), text))
                file = Path(resolve(str(placed)))
                if not str(file).startswith("/dev/") and file.exists():
                    yield file


def flights_of(mission: Mission) -> Path:
    """The folder that all flights are written below, or into: of the pattern what stands before its first brace."""
    path = Path(texts.resolver(mission.path.parent)(mission.tables.outputs.folder))
    parts = list(path.parts)
    fixed = next((index for index, part in enumerate(parts) if "{" in part), len(parts))
    return Path(os.path.normpath(Path(*parts[:fixed])))


def has_serial(mission: Mission) -> bool:
    """Whether poses or a link come over a serial line."""
    pose, links = mission.tables.pose, mission.tables.links
    named = [pose.source if pose else "", links.mavlink.to if links and links.mavlink else ""]
    return any(SERIAL in text or "/dev/serial" in text for text in named)


def below(path: Path, folders: Sequence[Path]) -> bool:
    """Whether ``path`` is in one of the folders."""
    real = Path(os.path.realpath(path))
    return any(real == folder or folder in real.parents for folder in folders)
