"""What is on a disk after the power was cut: what was synced, and of the rest what chance has taken there.

It forgets as POSIX allows: data that was not synced with its file, names that were not synced with their folder. Names
reach the disk in the order in which they were given (a journal); data in any order, the last write in half.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.calls import Call


@dataclass
class File:
    """``now``: as the program sees it; ``safe``: as it was at its last sync; ``since``: what came after that."""

    now: bytearray = field(default_factory=bytearray)
    safe: bytes = b""
    since: list[Call] = field(default_factory=list)

    def do(self, call: Call) -> None:
        """A write, or another size."""
        _apply(self.now, call)
        self.since.append(call)

    def sync(self) -> None:
        self.safe, self.since = bytes(self.now), []

    def left(self, chance: random.Random | None) -> bytes:
        """After the cut. ``chance``: None: what was synced, and nothing else."""
        if chance is None or not self.since:
            return self.safe
        data = bytearray(self.safe)
        whole = chance.randint(0, len(self.since))
        for call in self.since[:whole]:
            _apply(data, call)
        torn = next((call for call in self.since[whole:] if call.kind == "w"), None)
        if torn and chance.random() < 0.7:
            keep = chance.randint(0, len(torn.data))
            tail = bytes(len(torn.data) - keep) if chance.random() < 0.3 else b""  # the size came, the data did not
            _apply(data, Call("w", "", "", torn.file, torn.at, torn.data[:keep] + tail, torn.t))
        return bytes(data)


def _apply(data: bytearray, call: Call) -> None:
    end = call.at + len(call.data)
    if call.kind == "t":
        end = call.at
        del data[end:]
    if len(data) < end or (call.kind == "a" and len(data) < call.at):
        data.extend(bytes(max(end, call.at) - len(data)))
    if call.kind == "w":
        data[call.at : end] = call.data


class Folder(dict[str, "File | Folder"]):
    """Names, as the program sees them; ``safe``: those that are on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.safe: dict[str, File | Folder] = {}


@dataclass(frozen=True, eq=False)
class Named:
    """A change of names that was not synced yet: in each of these folders this name means this, or nothing."""

    changes: tuple[tuple[Folder, str, File | Folder | None], ...]

    def apply(self) -> None:
        for folder, name, what in self.changes:
            if what is None:
                folder.safe.pop(name, None)
            else:
                folder.safe[name] = what


class Disk:
    """The folder ``root``, empty and synced at first; `do` every call, `cut` whenever you like."""

    def __init__(self, root: str) -> None:
        self._root, self._top, self._files = root.rstrip("/"), Folder(), dict[int, File]()
        self._names: list[Named] = []

    def do(self, call: Call) -> None:
        """The next call."""
        if call.kind == "n":
            self._files[call.file] = File()
        elif call.kind == "o":
            self._files[call.file] = File()
            self._name(call.path, self._files[call.file])
        elif call.kind in "wta":
            self._files.setdefault(call.file, File()).do(call)
        elif call.kind == "s":
            self._files.setdefault(call.file, File()).sync()
        elif call.kind == "S":
            self._sync(self._folder(call.path))
        elif call.kind == "m":
            self._name(call.path, Folder())
        elif call.kind in "ud":
            self._name(call.path, None)
        elif call.kind == "l":
            self._name(call.other, self._files[call.file])
        else:
            (here, name), (there, new) = self._place(call.path), self._place(call.other)
            self._changed(Named(((there, new, here[name]), (here, name, None))))

    def cut(self, chance: random.Random | None) -> dict[str, bytes]:
        """Path, from the root, and content of each file that is there afterwards. The disk itself goes on."""
        whole = chance.randint(0, len(self._names)) if chance else 0
        before = [(folder, dict(folder.safe)) for folder in self._every(self._top)]
        for named in self._names[:whole]:
            named.apply()
        left = {path: file.left(chance) for path, file in _walk(self._top, "")}
        for folder, safe in before:
            folder.safe = safe
        return left

    def _every(self, folder: Folder) -> Iterator[Folder]:
        yield folder
        under = {id(one): one for one in (*folder.values(), *folder.safe.values()) if isinstance(one, Folder)}
        for one in under.values():
            yield from self._every(one)

    def _sync(self, folder: Folder) -> None:
        mine = [named for named in self._names if any(one is folder for one, _, _ in named.changes)]
        for named in mine:
            named.apply()
        self._names = [named for named in self._names if named not in mine]

    def _changed(self, named: Named) -> None:
        for folder, name, what in named.changes:
            if what is None:
                del folder[name]
            else:
                folder[name] = what
        self._names.append(named)

    def _name(self, path: str, what: File | Folder | None) -> None:
        if path == self._root:
            return  # the folder itself: it is there
        folder, name = self._place(path)
        self._changed(Named(((folder, name, what),)))

    def _place(self, path: str) -> tuple[Folder, str]:
        above, _, name = path.rpartition("/")
        return self._folder(above), name

    def _folder(self, path: str) -> Folder:
        folder = self._top
        for name in filter(None, path[len(self._root) :].split("/")):
            below = folder[name]
            assert isinstance(below, Folder), path
            folder = below
        return folder


def _walk(folder: Folder, above: str) -> Iterator[tuple[str, File]]:
    for name, what in folder.safe.items():
        if isinstance(what, Folder):
            yield from _walk(what, f"{above}{name}/")
        else:
            yield f"{above}{name}", what


def put(left: dict[str, bytes], folder: Path) -> Path:
    """Write what is left into a new folder."""
    for name, data in left.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
