"""Plan an archive: find its units, look into each, and write the manifest. To be run again whenever it has grown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.archive.digests import Digests, together
from edge.archive.find import NO_UTF8, Found, find, find_file, is_utf8
from edge.archive.manifest import NAME, Manifest, write_manifest
from edge.archive.unit import Unit, Unread
from edge.camera.open import open_camera
from edge.errors import EdgeError, InputError
from edge.system.files import reason_of


@dataclass(frozen=True)
class Planned:
    """``units``, ``unread``: how many; ``frames``: of those that say it, ``silent`` units do not; ``bytes``: of all
    units; ``new``: units that the plan of before did not have; ``gone``: units that it had, and are not there any more.
    """

    units: int
    flights: int
    frames: int
    silent: int
    bytes: int
    unread: int
    new: int
    gone: int


Progress = Callable[[int, int, str], None]  # units so far, bytes read so far, what is looked at


def plan(roots: Sequence[Path], folder: Path, progress: Progress = lambda _units, _bytes, _what: None) -> Planned:
    """Write ``folder/manifest.jsonl``: the units below ``roots``, folders or files, and what is none and why.

    What an earlier plan knows of unchanged files is not read again; one that was cut off goes on where it was. The
    units of before are planned anew with the others: give all folders, or none to plan those of before.

    Raises InputError where nothing is there to be planned, a folder is missing, or ``folder`` cannot be written.
    """
    before = Manifest(folder) if (folder / NAME).exists() else None
    names = [str(root.resolve()) for root in roots] or list(before.head.roots if before else ())
    if not names:
        raise InputError("nothing to plan: name one or more folders of flights")
    if missing := [name for name in names if not Path(name).exists()]:
        raise InputError(f"{missing[0]} is not there: expected a folder of flights")
    if odd := [name for name in names if not is_utf8(name)]:
        raise InputError(f"{odd[0].encode('utf-8', 'backslashreplace').decode()}: {NO_UTF8}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {reason_of(error)}: give another --out") from None
    known = {unit.sha256: unit for unit in before.units()} if before else {}
    units: list[Unit] = []
    unread: list[Unread] = []
    read = 0

    def count(size: int) -> None:
        nonlocal read
        read += size

    with Digests(folder, count) as digests:
        for found in _found([Path(name) for name in dict.fromkeys(names)], folder.resolve()):
            looked = found if isinstance(found, Unread) else _look(found, digests, known)
            if isinstance(looked, Unit):
                units.append(looked)
            else:
                unread.append(looked)
            progress(len(units), read, str(found.flight if isinstance(found, Found) else found.path))
    if not units:
        why = f": {unread[0].path}: {unread[0].why}" if unread else ""
        raise InputError(f"{', '.join(names)}: no recording, video or still that can be read{why}")
    write_manifest(folder, names, units, unread)
    now = {unit.sha256 for unit in units}
    return Planned(
        len(units),
        len({unit.flight for unit in units}),
        sum(unit.frames or 0 for unit in units),
        sum(unit.frames is None for unit in units),
        sum(unit.bytes for unit in units),
        len(unread),
        len(now - known.keys()),
        len(known.keys() - now),
    )


def _found(roots: Sequence[Path], leave_out: Path) -> Iterator[Found | Unread]:
    """Each once, also where one folder lies in another."""
    seen: set[tuple[Path, int]] = set()
    for root in roots:
        for found in find(root, leave_out) if root.is_dir() else find_file(root):
            if isinstance(found, Found):
                if (place := (found.flight, found.number)) in seen:
                    continue
                seen.add(place)
            yield found


def _look(found: Found, digests: Digests, known: dict[str, Unit]) -> Unit | Unread:
    """The unit with its digest and frames, or why it is none. What was opened before is not opened again."""
    try:
        stamps = [digests.of(path) for path in found.files]
    except OSError as error:
        return Unread(str(error.filename or found.files[0]), reason_of(error))
    pose = found.pose or ""
    digest = together(stamps, f"{found.kind} {pose.partition(':')[0]}")
    before = known.get(digest)
    if before is not None:
        frames = before.frames
    else:
        source = found.sources[0] if len(found.sources) == 1 else found.sources
        try:
            with open_camera(source) as camera:
                frames = camera.frames
        except EdgeError as error:
            return Unread(
                path := str(found.flight if found.kind != "stills" else found.files[0]),
                str(error).removeprefix(f"{path}: "),
            )
    return Unit(
        flight=str(found.flight),
        number=found.number,
        of=found.of,
        kind=found.kind,
        source=found.sources,
        pose=found.pose,
        frames=frames,
        bytes=sum(stamp.bytes for stamp in stamps),
        sha256=digest,
        files=tuple(stamps),
    )
