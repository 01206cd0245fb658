"""Which files a source of stills means: one, a folder's, or several paths'; and what of them is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from edge.camera.images.exif import taken_at
from edge.camera.images.filetype import IMAGES, OTHER_IMAGES, RAW_SUFFIXES, VIDEO, kind_of_file, not_read
from edge.camera.images.order import ordered
from edge.errors import SourceError
from edge.system.files import reason_of

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy"})
VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".ts", ".cptv", ".seq", ".csq", ".m4v", ".mpg"})
THERMAL_TAILS = frozenset({"t", "r", "ir", "th", "thrm", "lwir", "thermal"})
"""How names of thermal pictures end, behind the last ``_`` or ``-``, beside visual ones of the same moment."""


OWN_MARK = "detections.jsonl"  # lies in every folder that a run wrote to
OWN_PICTURES = frozenset({"contact_sheet.png", "coverage.png", "map.png"})
OWN_FOLDERS = frozenset({"crops", "pictures"})
MOST_LOOKED = 1000  # files and folders below a subfolder, among which an image is looked for


@dataclass(frozen=True)
class Choice:
    """What the user chose of a folder. ``match``: a pattern that names must fit, ``*_T.JPG``, in capitals or not.
    ``recursive``: its subfolders, too. ``order``: see `edge.camera.images.order.ordered`, or ``time``.
    """

    match: str | None = None
    recursive: bool = False
    order: str | None = None


@dataclass(frozen=True)
class Found:
    """The files in their order, each with its ``origin``: its name in the folder that was opened. ``note``: what was
    left out, and how names were read; "" for nothing.
    """

    files: tuple[Path, ...]
    origins: tuple[str, ...]
    note: str = ""


def find_stills(paths: Sequence[Path], choice: Choice) -> Found:
    """The images that ``paths`` mean, files and folders, in the order given; a folder's in theirs.

    Raises SourceError where a folder holds none, or an order needs what the files do not say.
    """
    files: list[Path] = []
    origins: list[str] = []
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            found, note = _in_folder(path, choice)
            names = [p.relative_to(path).as_posix() for p in found]
            if len(paths) > 1:
                names = [f"{path.name}/{name}" for name in names]
        else:
            found, note, names = [path], "", [path.name]
        files += found
        origins += names
        notes += [note] if note else []
    if len(set(origins)) < len(origins):  # files of one name in several folders
        origins = [path.as_posix() for path in files]
    origins = [os.fsencode(name).decode("utf-8", "replace") for name in origins]
    return Found(tuple(files), tuple(origins), "; ".join(notes))


def _in_folder(folder: Path, choice: Choice) -> tuple[list[Path], str]:
    try:
        listed = [path for path in _walk(folder, choice.recursive) if not path.name.startswith(".")]
        # a link to nothing is a picture that is missing, and told of
        files = [path for path in listed if path.is_file() or (path.is_symlink() and not path.exists())]
    except OSError as error:
        raise SourceError(
            f"{error.filename or folder}: cannot be read: {reason_of(error)}; check its rights"
        ) from error
    files, ours = _without_ours(folder, files)
    fitting = [path for path in files if _fits(path, choice.match)]
    images = [path for path in fitting if _is_image(path)]
    if not images:
        raise SourceError(_nothing(folder, listed, files, fitting, choice))
    if choice.order == "time":
        paths, note = _by_time(images), ""
    else:
        paths, note = ordered(images, choice.order)
    notes = [note] if note else []
    if ours:
        s = "s" if len(ours) > 1 else ""
        notes.append(f"{len(ours)} picture{s} that an earlier run wrote left out ({ours[0].name}{', ...' * (s != '')})")
    known = set(images)
    if others := [path for path in fitting if path not in known]:
        s = "s that are" if len(others) > 1 else " that is"
        notes.append(f"{len(others)} file{s} no image left out ({others[0].name}{', ...' if others[1:] else ''})")
    return paths, "; ".join([*notes, *_left_below(listed, choice)])


def _left_below(listed: list[Path], choice: Choice) -> Iterator[str]:
    """What is said of subfolders that hold images and are not entered, and of links to such folders."""
    runs = {path.parent for path in listed if path.name == OWN_MARK}
    folders = [path for path in listed if path.is_dir() and not (path.parent in runs and path.name in OWN_FOLDERS)]
    links = [path for path in folders if path.is_symlink()]
    below = [] if choice.recursive else [path for path in folders if not path.is_symlink()]
    for paths, name, way in (
        (below, "subfolder", "?recursive=1 takes them, too"),
        (links, "link", "links to folders are not followed"),
    ):
        left = [path for path in paths if _holds_images(path, choice)]
        if left:
            s = "s" if left[1:] else ""
            yield f"{len(left)} {name}{s} with images left out ({left[0].name}{', ...' * (s != '')}): {way}"


def _holds_images(folder: Path, choice: Choice) -> bool:
    """Whether images of the user's choice lie anywhere below, among the first `MOST_LOOKED` files; what a run drew is
    none. False where that cannot be read, such as lost+found.
    """
    waiting, looked = [folder], 0
    try:
        while waiting and looked < MOST_LOOKED:
            inside = [path for path in waiting.pop().iterdir() if not path.name.startswith(".")]
            own = OWN_PICTURES | OWN_FOLDERS if any(path.name == OWN_MARK for path in inside) else frozenset[str]()
            for path in inside:
                looked += 1
                if path.name in own:
                    continue
                if path.is_dir():
                    waiting += [] if path.is_symlink() else [path]
                elif path.is_file() and _fits(path, choice.match) and _is_image(path):
                    return True
    except OSError:
        return False
    return False


def _without_ours(folder: Path, files: list[Path]) -> tuple[list[Path], list[Path]]:
    """The files without, and those of, what a run with ``--out`` here, or below, drew into its folder."""
    runs = {path.parent for path in files if path.name == OWN_MARK}
    ours = [
        path
        for path in files
        if (path.parent in runs and path.name in OWN_PICTURES)
        or (path.parent != folder and path.parent.name in OWN_FOLDERS and path.parent.parent in runs)
    ]
    left = set(ours)
    return [path for path in files if path not in left], ours


def _walk(folder: Path, recursive: bool) -> Iterator[Path]:
    """Files and folders in a folder, by name; with ``recursive`` those below, too; links to folders are not followed,
    and hidden folders not entered.
    """
    for path in sorted(folder.iterdir()):
        yield path
        if recursive and path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _walk(path, recursive)


def _fits(path: Path, match: str | None) -> bool:
    return match is None or fnmatchcase(path.name.lower(), match.lower())


def _is_image(path: Path) -> bool:
    """By its name, so that a broken image is told of; else by what is in it."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or (suffix not in RAW_SUFFIXES and kind_of_file(path) in IMAGES)


def _nothing(folder: Path, listed: list[Path], files: list[Path], fitting: list[Path], choice: Choice) -> str:
    """Why there is no image, by what is there instead."""
    expected = f"expected {', '.join(sorted(SUFFIXES))} files"
    if (folder / "model.json").is_file():
        return f"{folder}: a model, and no folder of images: give it by --model"
    if files and not fitting:
        said = f"{folder}: none of its {len(files)} files is named like match={choice.match}"
        return "; ".join([said, *_left_below(listed, choice)])
    videos = [p for p in fitting if p.suffix.lower() in VIDEO_SUFFIXES or kind_of_file(p) in (VIDEO, "CPTV", "FLIR")]
    if videos:
        s = "s" if len(videos) > 1 else ""
        return f"{folder}: no image in this folder, but {len(videos)} video{s}: give one, such as {videos[0]}"
    for path in fitting:
        kind = "a camera's raw file (DNG, CR2, NEF, ...)" if path.suffix.lower() in RAW_SUFFIXES else kind_of_file(path)
        if kind in OTHER_IMAGES:
            return f"{path}: {not_read(kind, path)}"
    folders = [path for path in listed if path.is_dir()]
    if folders and not choice.recursive:
        s = "s" if len(folders) > 1 else ""
        return (
            f"{folder}: no image in this folder, but {len(folders)} subfolder{s} ({folders[0].name}"
            f"{', ...' if folders[1:] else ''}): give one of them, or {folder}?recursive=1"
        )
    return f"{folder}: no image in this folder; {expected}"


def _by_time(images: list[Path]) -> list[Path]:
    times = {path: taken_at(path) for path in images}
    without = [path for path, when in times.items() if when is None]
    if without:
        raise SourceError(
            f"order=time: {len(without)} of {len(images)} images do not say when they were taken (EXIF), the first is "
            f"{without[0].name}; expected order=natural, decimal or name"
        )
    return sorted(ordered(images, "natural")[0], key=lambda path: times[path] or "")


def kinds_by_name(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by how their names end: ``{"_T.JPG": [...], "_W.JPG": [...]}``; "" for names without such an end."""
    kinds: dict[str, list[Path]] = {}
    for path in files:
        found = re.fullmatch(r".*([_-][A-Za-z]{1,8})", path.stem)
        kinds.setdefault(found[1] + path.suffix if found else "", []).append(path)
    return kinds


def pairs_hint(files: Sequence[Path], usual: Path, odd: Path) -> str:
    """What to do where ``odd`` has another size than ``usual``: the pattern that takes one kind of names only."""
    kinds = kinds_by_name(files)
    a, b = (next(end for end, paths in kinds.items() if path in paths) for path in (usual, odd))
    if a == b or not a or not b:
        return "put the others in a folder of their own, or ?match=PATTERN takes those whose names are like it"
    one = b if Path(b).stem[1:].lower() in THERMAL_TAILS else a
    return f"{len(kinds[a])} names end in {a}, {len(kinds[b])} in {b}: ?match=*{one} takes one kind"
