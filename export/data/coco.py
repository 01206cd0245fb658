"""Labels as COCO has them, and as HIT-UAV does (keys ``annotation`` and ``filename``, ids from 0).

Who writes COCO, and what is theirs: Roboflow (category 0 is the project's name), CVAT (turned boxes are upright ones
with an attribute), Label Studio (backslashes, addresses), converters (texts for numbers, polygons without boxes).
Nothing is matched by luck: an id or a name that comes twice is refused.

Two keys are ours. An image may carry ``"temperature": {"gain": K a count, "offset": K}``: the normaliser of flight uses
that scale where the camera gives one, so training must as well. Images and boxes that ``edge-export data propose``
wrote carry ``"proposed": true``: a model's opinion is no label, and is refused as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.data import TemperatureScale
from edge.errors import InputError
from export.data.boxes import Box, around, look_like_corners, outside, turned, turns
from export.data.coco_file import (
    EXPECTED,
    Coco,
    CocoBox,
    CocoImage,
    boxes_by_image,
    categories_by_id,
    name_of,
    unchecked,
)
from export.data.dataset import IGNORED, LabelledSet, Told, labelled_frame
from export.data.json_file import read_json
from export.data.pictures import Pictures, size_of
from export.data.splits import split_in, split_of
from export.data.text_file import some

ACCEPT, LEAVE_OUT = "accept", "leave-out"


def read_coco(
    annotations: str | Path, images: str | Path, ignore: Collection[str] = (IGNORED,), proposals: str | None = None
) -> LabelledSet:
    """Frames of a COCO file, or of HIT-UAV's own JSON; ``images``: the folder that file names are relative to.

    Classes named in ``ignore``, whatever their case, and boxes marked ``iscrowd`` or ``ignore`` become ignored
    regions. Labels count up in the order of the category ids. A size that is not given is read from the picture.
    ``proposals``: `ACCEPT` takes proposals that nobody has checked as labels, `LEAVE_OUT` leaves their images out; both
    are told in the notes.

    Raises InputError where the file cannot be read, lacks a key, names an unknown image or category, gives one id or
    one name to two, or holds proposals and nobody said what to do with them.
    """
    source = Path(annotations)
    return read_coco_in(source, Pictures([Path(images)], split_of(split_in(source.stem))), ignore, proposals)


def read_coco_in(
    source: Path, pictures: Pictures, ignore: Collection[str] = (IGNORED,), proposals: str | None = None
) -> LabelledSet:
    """As `read_coco`, with ``pictures`` that know where to look."""
    coco = read_json(source, Coco, "annotations", EXPECTED)
    key = "annotation" if coco.annotations is None else "annotations"
    boxes = coco.annotation if coco.annotations is None else coco.annotations
    if boxes is None:
        raise InputError(f"annotations {source} have no 'annotations': {EXPECTED}")
    if coco.annotation and coco.annotations:
        raise InputError(f"annotations {source} have both 'annotations' and 'annotation': {EXPECTED}")
    told = Told()
    names = categories_by_id(source, coco.categories, {box.category_id for box in boxes}, told)
    ignored = {name.casefold() for name in ignore}
    classes = tuple(name for name in names.values() if name.casefold() not in ignored)
    label_of = {i: classes.index(name) if name in classes else None for i, name in names.items()}
    by_image = boxes_by_image(source, coco.images, boxes, names)
    left_out = _proposals(source, coco, boxes, proposals, told)
    frames, paths, sizes = [], dict[Path, int](), dict[int, tuple[int, int]]()
    unknown: InputError | None = None
    for i, image in enumerate(coco.images):
        if image.id in left_out:
            continue
        path = _picture(source, i, image, pictures, paths)
        try:
            width, height = sizes[image.id] = _size(source, i, image, path)
        except InputError as error:
            told.add("images have no size and no picture to read it from, and are left out", str(error))
            unknown = unknown or error
            continue
        kept, labels, regions = [], [], []
        for j in by_image[image.id]:
            box, place = boxes[j], f"box {j} of image {image.id}, {path.name}"
            corners, label = _corners(source, f"{key}[{j}]", box, path.name, told), label_of[box.category_id]
            if label is None or box.iscrowd or box.ignore:
                marked = f"boxes of {names[box.category_id]}" if label is None else "boxes marked iscrowd or ignore"
                told.add(f"{marked} are ignored regions", place)
                regions.append(corners)
            else:
                kept.append(corners)
                labels.append(label)
        frames.append(labelled_frame(path, width, height, kept, labels, regions, _temperature(source, i, image)))
    if unknown and not frames:
        raise unknown
    if not classes or not frames:
        raise InputError(
            f"{source} holds {len(frames)} images and {len(classes)} classes: expected at least one of each"
        )
    _judge(source, key, [box for box in boxes if box.image_id in sizes], sizes, told)
    empty = [f.path.name for f in frames if not len(f.boxes) and not len(f.ignored)]
    background = [f"{len(empty)} of {len(frames)} pictures have no boxes and are background: {some(empty)}"]
    return LabelledSet(classes, tuple(frames), (*told.notes(), *pictures.notes(), *background[: len(empty)]))


def _proposals(source: Path, coco: Coco, boxes: Sequence[CocoBox], chosen: str | None, told: Told) -> set[int]:
    """Ids of the images to leave out. Raises InputError where there are proposals and nobody chose."""
    images = coco.images
    ids = unchecked(coco.info, images, boxes)
    if not ids:
        return ids
    first = next(f"image {image.id}, {name_of(image)}" for image in images if image.id in ids)
    what = f"{len(ids)} of {len(images)} pictures hold proposals that nobody has checked"
    if chosen is None:
        raise InputError(
            f"annotations {source}: {what}, the first is {first}: correct them in a labelling tool and give its "
            "export; edge-export data check --proposals leave-out leaves these pictures out, --proposals accept takes "
            "the proposals as labels"
        )
    told.say(f"{what}, {'and are left out' if chosen == LEAVE_OUT else 'taken as labels'}; the first: {first}")
    return ids if chosen == LEAVE_OUT else set()


def _picture(source: Path, i: int, image: CocoImage, pictures: Pictures, paths: dict[Path, int]) -> Path:
    name = name_of(image)
    if name is None:
        raise InputError(f"annotations {source}: image {image.id} has no 'file_name': images[{i}]: {EXPECTED}")
    path = pictures.find(name, f"annotations {source}: image {image.id}")
    if path in paths:
        raise InputError(
            f"annotations {source}: images {paths[path]} and {image.id} are one picture, {path}: list each once, "
            "with all its boxes"
        )
    paths[path] = image.id
    return path


def _size(source: Path, i: int, image: CocoImage, path: Path) -> tuple[int, int]:
    if image.width and image.height and 0 < image.width < 1e6 and 0 < image.height < 1e6:
        return int(image.width), int(image.height)
    try:
        return size_of(path)
    except InputError as error:
        raise InputError(
            f"annotations {source}: images[{i}]: image {image.id} has no 'width' and 'height', and {error}: give "
            "its size, or leave it out"
        ) from None


def _temperature(source: Path, i: int, image: CocoImage) -> TemperatureScale | None:
    scale = image.temperature
    try:
        return TemperatureScale(scale.gain, scale.offset) if scale else None
    except InputError as error:
        raise InputError(f"annotations {source}: images[{i}]: image {image.id}, {name_of(image)}: {error}") from None


def _corners(source: Path, place: str, box: CocoBox, file: str, told: Told) -> Box:
    about = f"(id {box.id}, image {box.image_id}, {file})"
    if not box.bbox:
        points = _points(box.segmentation)
        if points:
            told.add("boxes are drawn around polygons", f"{place} {about}")
            return around(points)
        if box.bbox is None:
            raise InputError(
                f"annotations {source} cannot be used: {place} {about} has no 'bbox', and no polygon: {EXPECTED}"
            )
    if len(box.bbox) != 4:  # five are a turned box: HIT-UAV's rotate_json
        raise InputError(
            f"annotations {source} cannot be used: {place}.bbox: expected 'array' of length 4, got {len(box.bbox)} "
            f"{about}: {EXPECTED}, and bbox: [x, y, width, height]"
        )
    x, y, w, h = box.bbox
    corners = (x, y, x + w, y + h)
    try:
        degrees = float((box.attributes if isinstance(box.attributes, dict) else {}).get("rotation") or 0)
    except (TypeError, ValueError):
        degrees = 0.0
    if not turns(degrees):
        return corners
    told.add("boxes are turned and were read as the upright boxes around them", f"{place} {about}")
    return turned(corners, degrees)


def _points(segmentation: Any) -> list[float]:
    """x, y, x, y, ... of polygons as COCO has them, [[x, y, ...], ...]; [] where there are none."""
    rings = segmentation if isinstance(segmentation, list) else []
    if rings and not isinstance(rings[0], list):
        rings = [rings]
    good = all(
        isinstance(ring, list) and len(ring) >= 6 and not len(ring) % 2 and all(type(v) in (int, float) for v in ring)
        for ring in rings
    )
    return [float(v) for ring in rings for v in ring] if good else []


def _judge(
    source: Path, key: str, boxes: Sequence[CocoBox], size_by_id: dict[int, tuple[int, int]], told: Told
) -> None:
    """Refuse boxes that are plainly meant otherwise than COCO has them; count what is doubtful."""
    given = [box for box in boxes if box.bbox]
    values = [tuple(box.bbox or ()) for box in given]
    sizes = [size_by_id[box.image_id] for box in given]
    corners: list[Box] = [(x, y, x + w, y + h) for x, y, w, h in values]
    if look_like_corners(values, corners, sizes):
        raise InputError(
            f"annotations {source}: {outside(corners, sizes)} of {len(values)} boxes lie outside their pictures as "
            f"x, y, width, height, and all fit as x1, y1, x2, y2, such as {list(values[0])}: {EXPECTED}, "
            "and bbox: [x, y, width, height]"
        )
    if any(v % 1 for four in values for v in four) and all(0 <= v <= 1 for four in values for v in four):
        raise InputError(
            f"annotations {source}: all boxes are parts of the picture from 0 to 1, such as {list(values[0])}: "
            "expected pixels"
        )
    over = outside(corners, sizes)
    if over > 0.05 * len(values):
        told.add(f"of {len(values)} boxes reach outside their pictures", source.name, over)
    for i, box in enumerate(boxes):
        if box.score is not None:
            told.add("boxes carry a score, as detections do and labels do not", f"{key}[{i}]")
    ids = Counter(str(box.id) for box in boxes if box.id is not None)
    for number, count in ids.items():
        if count > 1:
            told.add("ids of boxes come twice or more (nothing is matched by them)", number)


def to_coco(data: LabelledSet, folder: Path | None = None) -> dict[str, Any]:
    """COCO's JSON, as `read_coco` reads it; ignored regions are ``iscrowd`` boxes of a category of their own.

    File names are relative to ``folder``, without one absolute.
    """
    ignore = len(data.classes)
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for i, frame in enumerate(data.frames):
        path = frame.path.relative_to(folder) if folder else frame.path.resolve()
        image = {"id": i, "file_name": path.as_posix(), "width": frame.width, "height": frame.height}
        if frame.temperature is not None:
            image["temperature"] = {"gain": frame.temperature.gain, "offset": frame.temperature.offset}
        images.append(image)
        groups = [(frame.boxes, frame.labels.tolist(), 0), (frame.ignored, [ignore] * len(frame.ignored), 1)]
        for corners, labels, crowd in groups:
            for (x1, y1, x2, y2), label in zip(corners.astype(np.float64).tolist(), labels, strict=True):
                w, h = x2 - x1, y2 - y1
                row = {"id": len(boxes) + 1, "image_id": i, "category_id": label, "bbox": [x1, y1, w, h]}
                boxes.append({**row, "area": w * h, "iscrowd": crowd})
    categories = [{"id": i, "name": name} for i, name in enumerate((*data.classes, IGNORED))]
    return {"images": images, "annotations": boxes, "categories": categories}
