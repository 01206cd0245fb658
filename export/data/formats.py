"""Labels as they come out of the tools that teams use: one folder, told by what is in it.

COCO    annotations/[instances_]train.json with train/ or images/train/ (CVAT, HIT-UAV), train/_annotations.coco.json
        (Roboflow), result.json with images/ (Label Studio)
VOC     Annotations/*.xml (or annotations/, xmls/, labels/) with JPEGImages/ or images/ and ImageSets/Main/train.txt
        (CVAT, Label Studio), XML files beside their pictures in train/ (Roboflow) or in the folder itself (LabelImg)
YOLO    labels/[train/] with images/[train/], train/labels with train/images (Roboflow), obj_train_data/ (CVAT), what
        data.yaml says (Ultralytics), text files beside their pictures (LabelImg)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edge.camera.stills import SUFFIXES
from edge.errors import InputError
from export.data.coco import read_coco_in
from export.data.dataset import IGNORED, LabelledSet, Told
from export.data.pictures import Pictures
from export.data.splits import choose, split_in, split_of
from export.data.text_file import read_bytes, some
from export.data.voc import listed, read_voc, unlabelled
from export.data.yolo.layout import yolo_parts

_WHOLE = ("annotations", "_annotations.coco", "result", "labels", "coco", "instances", "dataset")
_XML_IN = ("Annotations", "annotations", "xmls", "labels")
_OTHER_COCO = ("captions_", "person_keypoints_", "image_info_", "stuff_", "panoptic_", "notes", "cleaned", "held_back")
_NOTHING = "If they show no object at all: docs/labels.md, Frames that show nothing"
_EXPECTED = (
    "expected COCO (annotations/train.json or train/_annotations.coco.json), Pascal VOC (Annotations/*.xml or XML "
    "files beside the pictures) or YOLO (labels/*.txt with images/)"
)
Read = Callable[[Collection[str], Told], LabelledSet]


@dataclass(frozen=True)
class _Part:
    """``split``: train, val, test, another name, or "" for all there is. ``at``: where its labels are."""

    kind: str
    split: str
    at: Path
    read: Read


def read_folder(
    folder: str | Path,
    split: str | None = None,
    ignore: Collection[str] = (IGNORED,),
    voc_origin: int | None = None,
    proposals: str | None = None,
) -> LabelledSet:
    """The labelled frames of one part of ``folder``: of ``split``, such as "val", which folders called valid or
    validation are too; None: of train, or of the only part. A folder without parts is read whole.

    ``voc_origin``: 0 or 1, where the pixels of Pascal VOC begin; None: as the files tell. ``proposals``: of COCO, see
    `export.data.coco.read_coco`. What was assumed and left out stands in the set's ``notes``.

    Raises InputError where the folder holds no labels that are known, or several kinds of them, or has no such part, or
    its labels cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"data folder {root} does not exist: give a folder with labelled frames{_unpack(root)}")
    parts = _parts(root, voc_origin, proposals)
    if not parts:
        raise InputError(f"{root} holds no labels that are known: {_EXPECTED}{_hint(root, voc_origin)}")
    kinds = {part.kind: part for part in reversed(parts)}
    if len(kinds) > 1:
        there = ", ".join(f"{part.kind} ({part.at.relative_to(root)})" for part in reversed(kinds.values()))
        raise InputError(
            f"{root} holds several kinds of labels, {there}: leave one kind in the folder, or name a COCO file: "
            "--annotations FILE"
        )
    part, told = _chosen(root, parts, split), Told()
    data = part.read(ignore, told)
    if not data.frames or not data.classes:
        raise InputError(
            f"{part.at} holds {len(data)} labelled images and {len(data.classes)} classes: expected some of each"
        )
    known = list(dict.fromkeys(p.split for p in parts))
    if len(known) > 1:
        which = f"{root}: its part {part.split} was read, of {', '.join(known)}"
    elif split is not None and part.split != (split_of(split) or split):
        which = f"{root} has no parts: all of it was read as {split}"
    else:
        return data
    return replace(data, notes=(which, *data.notes))


def _chosen(root: Path, parts: list[_Part], split: str | None) -> _Part:
    known = list(dict.fromkeys(part.split for part in parts))
    if len(known) == 1 and known[0] not in ("train", "val", "test"):
        split = known[0]  # no parts: all of it
    name = choose(known, split, str(root))
    here = [part for part in parts if part.split == name]
    if len(here) > 1:
        raise InputError(
            f"{root} has two label files for {name or 'its pictures'}: {here[0].at.relative_to(root)} and "
            f"{here[1].at.relative_to(root)}: remove one, or name one: --annotations FILE"
        )
    return here[0]


def _parts(root: Path, voc_origin: int | None, proposals: str | None = None) -> list[_Part]:
    parts = [*_coco_parts(root, proposals), *_voc_parts(root, voc_origin)]
    return parts + [_Part("YOLO", split, at, read) for split, at, read in yolo_parts(root)]


def _coco_parts(root: Path, proposals: str | None) -> Iterator[_Part]:
    for file in sorted(root.glob("annotations/*.json")):
        if not file.name.startswith(_OTHER_COCO) and _is_coco(file):
            split = "" if file.stem in _WHOLE else split_in(file.stem)
            folders = [*_named(root, split), root / "images", file.parent, root]
            yield _coco(file, split, folders, proposals)
    for folder in _folders(root):
        named = split_of(folder.name)
        files = sorted(folder.glob("*.json")) if named else [folder / "_annotations.coco.json"]
        for file in files:
            if file.is_file() and _is_coco(file):
                yield _coco(file, named or folder.name, [folder, folder / "images", folder / "data"], proposals)
    for file in sorted(root.glob("*.json")):
        if not file.name.startswith(_OTHER_COCO) and _is_coco(file):
            split = "" if file.stem in _WHOLE else split_in(file.stem)
            yield _coco(file, split, [*_named(root, split), root / "images", root / "data", root], proposals)


def _coco(file: Path, split: str, folders: list[Path], proposals: str | None) -> _Part:
    there = [folder for folder in folders if folder.is_dir()]

    def read(ignore: Collection[str], _: Told) -> LabelledSet:
        return read_coco_in(file, Pictures(there, split or None), ignore, proposals)

    return _Part("COCO", split, file, read)


def _is_coco(file: Path) -> bool:
    """Whether a JSON file can be COCO's: it has its keys, or the name of one whose keys are wrong."""
    if split_of(file.stem) or file.stem in _WHOLE or file.stem.startswith("instances_"):
        return True
    data = read_bytes(file, "labels").replace(b"\0", b"")  # UTF-16
    return b'"images"' in data and b'"categories"' in data and b'"annotation' in data


def _voc_parts(root: Path, origin: int | None) -> Iterator[_Part]:
    for base, own in [(root, None), *((f, split_of(f.name)) for f in _folders(root) if split_of(f.name))]:
        below = next((base / name for name in _XML_IN if any((base / name).rglob("*.xml"))), None)
        if below and (files := sorted(below.rglob("*.xml"))):
            tables = {} if own else _tables(base)
            folders = [f for f in (base / "JPEGImages", base / "images", base) if f.is_dir()]
            splits = {split_of(f.name): f for f in _folders(below) if split_of(f.name)} if not tables else {}
            for split, table in tables.items():
                yield _voc(below, split, files, folders, origin, table)
            for name, folder in splits.items():
                yield _voc(folder, str(name), sorted(folder.rglob("*.xml")), [folder, *folders], origin)
            if not tables and not splits:
                yield _voc(below, own or "", files, folders, origin)
        elif files := [f for f in sorted(base.glob("*.xml")) if b"<annotations" not in read_bytes(f, "labels")[:2000]]:
            yield _voc(base, own or "", files, [base], origin)


def _voc(
    at: Path, split: str, files: list[Path], folders: list[Path], origin: int | None, table: Path | None = None
) -> _Part:
    def read(ignore: Collection[str], told: Told) -> LabelledSet:
        chosen = listed(at, files, table, told) if table else files
        pictures = Pictures(folders, split or None)
        data = read_voc(chosen, pictures, ignore, origin, told)
        left = unlabelled(data.frames, folders[0]) if table is None else []
        return replace(data, notes=(*data.notes, *left))

    return _Part("Pascal VOC", split, at, read)


def _tables(base: Path) -> dict[str, Path]:
    """Lists of pictures by split; VOC's lists of one class, such as car_train.txt, are none."""
    files = sorted((base / "ImageSets/Main").glob("*.txt"))
    return {split_of(f.stem) or f.stem: f for f in files if not re.search("_(train|val|trainval|test)$", f.stem)}


def _named(root: Path, split: str) -> list[Path]:
    """Folders of pictures that are called as the split."""
    both = [*_folders(root), *_folders(root / "images")]
    return [f for f in both if split and (f.name == split or split_of(f.name) == split)]


def _folders(root: Path) -> list[Path]:
    return sorted(f for f in root.glob("*") if f.is_dir() and not f.name.startswith("."))


def _hint(root: Path, voc_origin: int | None) -> str:
    """What may have been meant instead: a folder below, a file of another kind."""
    near = _folders(root)[:50]
    below = [f for f in near if _parts(f, voc_origin)] or [
        f for folder in near for f in _folders(folder)[:50] if _parts(f, voc_origin)
    ]
    if below:
        return f"; {some([str(f) for f in below])} does: give that folder"
    if (root / "annotations.xml").is_file():
        return "; annotations.xml is CVAT's own: export the task as COCO 1.0"
    names = sorted(p.name for p in root.glob("*"))
    if not names:
        return "; it is empty"
    pictures = any(Path(name).suffix.lower() in SUFFIXES for name in names)
    label = f". Boxes to begin with: edge-export data propose {root} --out DIR. {_NOTHING}" if pictures else ""
    return f"; it holds {some(names, 5)}{_unpack(root)}{label}"


def _unpack(root: Path) -> str:
    packed = [root] if root.is_file() else sorted(root.glob("*.zip"))
    return f"; unpack {packed[0].name} first" if packed and packed[0].suffix == ".zip" else ""
