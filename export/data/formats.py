"""Labels as teams have them: COCO and HIT-UAV JSON, Pascal VOC XML, YOLO text; one folder, told by what is in
it.

hituav/  annotations/train.json  train/*.jpg
coco/    train/_annotations.coco.json  train/*.jpg
voc/     Annotations/*.xml  JPEGImages/*  [ImageSets/Main/train.txt]
yolo/    labels/[train/]*.txt  images/[train/]*  classes.txt or data.yaml
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Collection
from pathlib import Path

import numpy as np
import yaml

from edge.camera.stills import SUFFIXES
from edge.errors import InputError
from export.data.coco import read_coco
from export.data.dataset import LabelledFrame, LabelledSet, read_pixels


def read_folder(folder: str | Path, split: str = "train", ignore: Collection[str] = ("DontCare",)) -> LabelledSet:
    """The labelled frames of ``folder``; ``split`` is used where the folder has one of that name.

    Raises InputError where the folder is none of the four layouts, or its labels cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"data folder {root} does not exist: give a folder with labelled frames")
    for labels, images in (
        (root / "annotations" / f"{split}.json", root / split),
        (root / split / "_annotations.coco.json", root / split),
        (root / f"{split}.json", root),
        (root / "annotations.json", root),
    ):
        if labels.is_file():
            return read_coco(labels, images, ignore)
    if (root / "Annotations").is_dir():
        return read_voc(root, split, ignore)
    if (root / "labels").is_dir():
        return read_yolo(root, split)
    raise InputError(
        f"{root} holds no labels: expected annotations/{split}.json (COCO, HIT-UAV), "
        f"Annotations/*.xml (Pascal VOC) "
        "or labels/*.txt (YOLO)"
    )


def read_voc(root: Path, split: str, ignore: Collection[str] = ("DontCare",)) -> LabelledSet:
    """Pascal VOC: pixel coordinates from 1, both ends inside; objects marked ``difficult`` become ignored
    regions.
    """
    listed = root / "ImageSets" / "Main" / f"{split}.txt"
    files = sorted((root / "Annotations").glob("*.xml"))
    if listed.is_file():
        names = {line.split()[0] for line in listed.read_text().splitlines() if line.strip()}
        files = [f for f in files if f.stem in names]
    parsed = [(file, _xml(file)) for file in files]
    found = {str(o.findtext("name")) for _, tree in parsed for o in tree.iter("object")}
    classes = tuple(sorted(found - set(ignore)))
    frames = []
    for file, tree in parsed:
        kept, labels, ignored = [], [], []
        try:
            size = [int(float(str(tree.findtext(f"size/{side}")))) for side in ("width", "height")]
            for thing in tree.iter("object"):
                x1, y1, x2, y2 = (
                    float(str(thing.findtext(f"bndbox/{name}"))) for name in ("xmin", "ymin", "xmax", "ymax")
                )
                name, box = str(thing.findtext("name")), (x1 - 1, y1 - 1, x2, y2)
                if name in classes and thing.findtext("difficult", "0") != "1":
                    kept.append(box)
                    labels.append(classes.index(name))
                else:
                    ignored.append(box)
        except ValueError as error:
            raise InputError(f"{file} is no Pascal VOC annotation ({error})") from None
        image = root / "JPEGImages" / (tree.findtext("filename") or file.stem)
        frames.append(_frame(_image(image, file), size[0], size[1], kept, labels, ignored))
    return _set(root, classes, frames)


def read_yolo(root: Path, split: str) -> LabelledSet:
    """YOLO: one line a box, ``class centre_x centre_y width height`` in parts of the image; image sizes are
    read.
    """
    names = _yolo_classes(root)
    classes, label_of = tuple(names.values()), {number: i for i, number in enumerate(names)}
    labels_in = root / "labels" / split if (root / "labels" / split).is_dir() else root / "labels"
    images_in = root / "images" / split if (root / "images" / split).is_dir() else root / "images"
    frames = []
    for image in _images_in(images_in):
        height, width = read_pixels(image).shape
        file, kept, labels = labels_in / f"{image.stem}.txt", [], []
        lines = file.read_text().splitlines() if file.is_file() else []  # no file: nothing is in the frame
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                label, x, y, w, h = (float(v) for v in line.split())
            except ValueError:
                raise InputError(f"{file}, line {number}: {line!r}: expected class x y width height") from None
            if label not in label_of:
                known = ", ".join(f"{n} {name}" for n, name in names.items())
                raise InputError(f"{file}, line {number}: class {label:g}: expected one of {known}")
            kept.append(((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height))
            labels.append(label_of[int(label)])
        frames.append(_frame(image, width, height, kept, labels, []))
    return _set(root, classes, frames)


def _yolo_classes(root: Path) -> dict[int, str]:
    """Names by the numbers that label files use."""
    for name in ("classes.txt", "labels/classes.txt"):
        if (root / name).is_file():
            lines = (root / name).read_text(encoding="utf-8-sig").splitlines()
            return dict(enumerate(line.strip() for line in lines if line.strip()))
    for file in sorted((*root.glob("*.yaml"), *root.glob("*.yml")), key=lambda f: (f.stem != "data", f.name)):
        names = _yaml_names(file)
        if names:
            return names
    raise InputError(f"{root} names no classes: expected classes.txt, or data.yaml with names")


def _yaml_names(file: Path) -> dict[int, str]:
    """Entry ``names`` of a YAML file, a list or an object by number; {} where it has none."""
    expected = "expected names: [person, car], or a line '0: person' for each class"
    try:
        # texts only: a class may be called no, on or 1e3
        content = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"{file} cannot be read as YAML ({why}): {expected}") from None
    names = content.get("names") if isinstance(content, dict) else None
    if not names:
        return {}
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    try:
        found = {int(number): str(name) for number, name in sorted(numbered.items(), key=lambda item: int(item[0]))}
    except (AttributeError, ValueError):
        raise InputError(f"{file} has names {names!r}: {expected}") from None
    if len(found) < len(numbered) or any(isinstance(name, list | dict) or not name for name in numbered.values()):
        raise InputError(f"{file} has names {names!r}: {expected}")
    return found


def _xml(file: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, OSError) as error:
        raise InputError(f"{file} is no Pascal VOC annotation ({error})") from None


def _images_in(folder: Path) -> list[Path]:
    """What flight takes for a still, by name."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


def _image(path: Path, annotation: Path) -> Path:
    """The image of an annotation, whose file name may lack or mistake its ending."""
    if path.is_file():
        return path
    beside = (path.parent / f"{annotation.stem}{ending}" for ending in sorted(SUFFIXES))
    return next((p for p in beside if p.is_file()), path)


def _frame(
    path: Path,
    width: int,
    height: int,
    boxes: list[tuple[float, float, float, float]],
    labels: list[int],
    ignored: list[tuple[float, float, float, float]],
) -> LabelledFrame:
    return LabelledFrame(
        path,
        width,
        height,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def _set(root: Path, classes: tuple[str, ...], frames: list[LabelledFrame]) -> LabelledSet:
    if not frames or not classes:
        raise InputError(
            f"{root} holds {len(frames)} labelled images and {len(classes)} classes: expected some of each"
        )
    return LabelledSet(classes, tuple(frames))
