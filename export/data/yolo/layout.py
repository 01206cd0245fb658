"""Which pictures and which label files of a YOLO folder belong together, part by part.

Ultralytics finds the labels of a picture by its path: the last ``images`` in it becomes ``labels``; else they lie
beside it, as Darknet's, LabelImg's and CVAT's YOLO 1.1 do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from edge.errors import InputError
from export.data.dataset import LabelledSet, Told
from export.data.pictures import Pictures, images_in
from export.data.splits import split_of
from export.data.text_file import clean_name, read_lines
from export.data.yolo.labels import read_yolo
from export.data.yolo.names import LISTS, YoloNames, names_of, read_names

_NO_LABELS = frozenset({"classes", "notes", "train", "val", "valid", "test", "predefined_classes", "requirements"})
YoloPart = tuple[str, Path, Callable[[Collection[str], Told], LabelledSet]]
_Pair = tuple[Path, Path | None]


def yolo_parts(root: Path) -> Iterator[YoloPart]:
    """(split, where, how to read it) of each part of ``root``; nothing where it is no YOLO folder."""
    places = dict(_by_folder(root))
    try:
        about: YoloNames | None = read_names(root)
    except InputError:
        about = None  # said when a part is read
    written: dict[str, list[Path]] = {}
    absent: dict[str, str] = {}
    for key, entries in about.parts.items() if about else ():
        there = [path for entry in entries if (path := _resolve(root, about, entry))]
        if there and len(there) == len(entries):
            written[split_of(key) or key] = there
        else:
            absent[split_of(key) or key] = f"{key} is {', '.join(entries)[:200]!r}, which is not there"
    if written:
        places.pop("", None)
    for split in dict.fromkeys((*places, *written)):
        images, labels = places.get(split, (root, root))
        lists = written.get(split, [])
        if split in places and (not lists or {p.resolve() for p in lists} == {images.resolve()}):
            table = root / f"{split}.txt"
            if not (table.is_file() and images == labels):
                told = absent.get(split or "train", "")
                yield _part(root, split, labels, partial(_of_folders, root, images, labels), told)
                continue
            lists = [table]
        yield _part(root, split, lists[0], partial(_of_entries, root, lists))


def _part(
    root: Path, split: str, at: Path, pairs: Callable[[Told], tuple[list[_Pair], list[Path]]], absent: str = ""
) -> YoloPart:
    def read(ignore: Collection[str], told: Told) -> LabelledSet:
        about = read_names(root)
        if absent:
            told.say(f"{root}: the data file says that {absent}; {at} was read")
        found, left = pairs(told)
        _once(found)
        return read_yolo(found, left, about, ignore, told)

    return split, at, read


def _by_folder(root: Path) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """(split, (folder of pictures, folder of labels)) as the names of folders tell."""
    for folder in sorted(f for f in root.glob("*") if f.is_dir()):
        if (folder / "labels").is_dir() and (split_of(folder.name) or names_of(root)):
            images = folder / "images" if (folder / "images").is_dir() else folder
            yield split_of(folder.name) or folder.name, (images, folder / "labels")
        elif match := re.fullmatch("obj_(.+)_data", folder.name):
            yield split_of(match[1]) or match[1], (folder, folder)
        elif split_of(folder.name) and _beside(folder):
            yield str(split_of(folder.name)), (folder, folder)
    labels, images = root / "labels", root / "images" if (root / "images").is_dir() else root
    if labels.is_dir() and not any(labels.glob("*.xml")):
        both = {f.name: None for top in (labels, images) for f in sorted(top.glob("*")) if f.is_dir()}
        names = [name for name in both if split_of(name) and images / name != labels]
        for name in names:
            of_images, of_labels = images / name, labels / name
            here = of_images if of_images.is_dir() else images, of_labels if of_labels.is_dir() else labels
            yield str(split_of(name)), here
        if not names:
            yield "", (images, labels)
    elif any((root / name).is_file() for name in LISTS) and _beside(root):
        yield "", (root, root)
    elif any((images / name).is_file() for name in LISTS) and _beside(images):
        yield "", (images, images)


def _beside(folder: Path) -> bool:
    """Whether a picture has a text file beside it."""
    stems = {p.stem for p in folder.glob("*.txt")} - _NO_LABELS
    return any(p.stem in stems for p in images_in(folder, deep=False))


def _label_files(folder: Path, deep: bool = True) -> list[Path]:
    found = sorted(folder.rglob("*.txt") if deep else folder.glob("*.txt"))
    files = [f for f in found if f.stem not in _NO_LABELS and not f.name.startswith(("README", "."))]
    for file in files:
        clean_name(file.name, f"{str(file.parent)!a} holds a label file called")
    return files


def _of_folders(root: Path, images: Path, labels: Path, _: Told) -> tuple[list[_Pair], list[Path]]:
    """The pictures below ``images`` with their label files below ``labels``; and label files without a picture."""
    pictures = images_in(images)
    files = {f.relative_to(labels).with_suffix("").as_posix(): f for f in _label_files(labels)}
    pairs: list[_Pair] = []
    for picture in pictures:
        pairs.append((picture, files.get(picture.relative_to(images).with_suffix("").as_posix())))
    used = {file for _, file in pairs if file}
    left = [file for file in files.values() if file not in used]
    if labels == root / "labels" and images.parent == root / "images":  # others' labels are not left over
        elsewhere = {p.stem for p in images_in(root / "images") if not p.is_relative_to(images)}
        left = [f for f in left if f.stem not in elsewhere]
    if images == root / "images" and labels.parent == root / "labels":  # and the other way round
        elsewhere = {f.stem for f in _label_files(root / "labels") if not f.is_relative_to(labels)}
        pairs = [(p, f) for p, f in pairs if f or p.stem not in elsewhere]
    return pairs, left


def _of_entries(root: Path, entries: Sequence[Path], told: Told) -> tuple[list[_Pair], list[Path]]:
    """As `_of_folders`, of folders of pictures and of lists of pictures."""
    pairs: dict[Path, Path | None] = {}
    left: list[Path] = []
    for entry in entries:
        if entry.is_dir():
            some_pairs, some_left = _of_folders(root, entry, _labels_of(entry), told)
            pairs.update(some_pairs)
            left += some_left
            continue
        pictures, folders = Pictures([entry.parent, root]), set[tuple[Path, Path]]()
        for number, line in read_lines(entry, "list"):
            where = f"{entry}, line {number}"  # Darknet's lists, and CVAT's, are relative to the folder above: data/
            picture = pictures.look(line.removeprefix("data/"), where) or pictures.find(line, where)
            file = _swapped(picture).with_suffix(".txt")
            beside = picture.with_suffix(".txt")
            if picture.is_file():
                pairs[picture] = next((f for f in (file, beside) if f.is_file()), None)
            folders.add((picture.parent, _swapped(picture).parent))
        for images, labels in sorted(folders):  # label files of pictures that are in no other list either
            left += [f for f in _label_files(labels, deep=False) if not pictures.of_stem(f.stem, images)]
        for note in pictures.notes():
            told.say(f"{entry.name}: {note}")
    return list(pairs.items()), left


def _labels_of(images: Path) -> Path:
    swapped = _swapped(images / "a").parent
    return swapped if swapped.is_dir() else images


def _swapped(picture: Path) -> Path:
    """``a/images/b/c.jpg`` as ``a/labels/b/c.jpg``."""
    parts = list(picture.parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "images":
            parts[i] = "labels"
            break
    return Path(*parts)


def _resolve(root: Path, about: YoloNames | None, entry: str) -> Path | None:
    """What an entry of data.yaml means: relative to its ``path``, to the folder, or written on another machine."""
    plain = Path(entry.replace("\\", "/"))
    base = about.base if about else root
    inside = [part for part in plain.parts if part not in ("..", ".", "/")]
    first = next((i for i, part in enumerate(inside) if split_of(Path(part).stem)), len(inside) - 2)
    tails = [root.joinpath(*inside[i:]) for i in range(max(first, 0) + 1) if inside]  # never without the part's name
    for path in (base / plain, root / plain, *tails):
        try:
            above = path != root and root.resolve().is_relative_to(path.resolve())  # ../../.. is the whole disk
            if path.exists() and (not above or path.resolve() == root.resolve()):
                return path
        except (OSError, ValueError, RuntimeError):  # RuntimeError: links in a circle
            return None
    return None


def _once(pairs: Sequence[_Pair]) -> None:
    """Raises InputError where two pictures share one label file."""
    of: dict[Path, Path] = {}
    for picture, file in pairs:
        if file is not None and of.setdefault(file, picture) != picture:
            raise InputError(
                f"{of[file]} and {picture} have one label file, {file}: rename one picture and give it its own"
            )
