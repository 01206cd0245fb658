"""What a COCO file says, and that it says each thing once: an id is one image's, one category's, a name one class's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from edge.errors import InputError
from export.data.dataset import Told
from export.data.text_file import clean_name

UNCHECKED = "no person has checked it"  # in the description of proposals, and of what edge report writes
EXPECTED = "expected COCO's images, annotations and categories, each box with a known image_id and category_id"


class CocoTemperature(Struct):
    """Kelvin a count, and of count 0; ours."""

    gain: float
    offset: float = 0.0


class CocoCategory(Struct):
    """One class."""

    id: int
    name: str | int | float
    supercategory: Any = None


class CocoImage(Struct):
    """One picture; HIT-UAV says ``filename``."""

    id: int
    width: int | float | None = None
    height: int | float | None = None
    file_name: str | None = None
    filename: str | None = None
    temperature: CocoTemperature | None = None
    proposed: Any = None  # ours: its boxes are proposals that nobody has checked


class CocoBox(Struct):
    """One object: a box, or a polygon without one."""

    image_id: int
    category_id: int
    id: Any = None
    bbox: list[float] | None = None  # x, y of the top left corner, width, height
    segmentation: Any = None
    iscrowd: bool | int | None = 0
    ignore: bool | int | None = 0
    attributes: Any = None  # CVAT's; "rotation" is in degrees
    score: Any = None
    proposed: Any = None  # ours, also among the attributes, where labelling tools keep it


class Coco(Struct):
    """The whole file; HIT-UAV says ``annotation``."""

    categories: list[CocoCategory]
    images: list[CocoImage]
    annotations: list[CocoBox] | None = None
    annotation: list[CocoBox] | None = None
    info: Any = None


def categories_by_id(source: Path, listed: Sequence[CocoCategory], used: set[int], told: Told) -> dict[int, str]:
    """Names by id, in the order of the ids. Raises InputError where an id or a name comes twice."""
    names: dict[int, str] = {}
    for category in sorted(listed, key=lambda c: c.id):
        name = clean_name(str(category.name), f"annotations {source}: category {category.id} is called")
        others = {str(c.supercategory) for c in listed if c is not category}
        own = str(category.supercategory or "none").casefold()
        if others == {name} and own == "none" and category.id not in used:
            told.say(f"category {category.id} ({name!r}) is the name of all others together and has no boxes: left out")
            continue
        if category.id in names:
            raise InputError(
                f"annotations {source}: category id {category.id} is both {names[category.id]!r} and {name!r}: "
                "give each class an id of its own"
            )
        for other, known in names.items():
            if known.casefold() == name.casefold():
                raise InputError(
                    f"annotations {source}: categories {other} ({known!r}) and {category.id} ({name!r}) have one name: "
                    "give both one id, or two names"
                )
        names[category.id] = name
    return names


def boxes_by_image(
    source: Path, images: Sequence[CocoImage], boxes: Sequence[CocoBox], names: dict[int, str]
) -> dict[int, list[int]]:
    """Numbers of boxes by image id. Raises InputError for an id of two images, and for a box of none."""
    by_image: dict[int, list[int]] = {}
    file_of: dict[int, str | None] = {}
    for image in images:
        if image.id in by_image:
            raise InputError(
                f"annotations {source}: image id {image.id} is both {file_of[image.id]} and {name_of(image)}: "
                "nobody can tell whose boxes are whose; give each picture an id of its own"
            )
        by_image[image.id], file_of[image.id] = [], name_of(image)
    for i, box in enumerate(boxes):
        for what, number, known in (("image", box.image_id, by_image), ("category", box.category_id, names)):
            if number not in known:
                of = f" (id {box.id}, image {box.image_id}, {file_of.get(box.image_id, 'unknown')})"
                raise InputError(
                    f"annotations {source}: box {i} is of {what} {number}, which is not listed{of}: {EXPECTED}"
                )
        by_image[box.image_id].append(i)
    return by_image


def unchecked(info: Any, images: Sequence[CocoImage], boxes: Sequence[CocoBox]) -> set[int]:
    """Ids of the images that hold what a model found and nobody has checked: they say so themselves, or one of their
    boxes, or the file's ``info`` does of all.
    """
    whole = isinstance(info, dict) and UNCHECKED in str(info.get("description"))
    said = {image.id for image in images if whole or _holds(image.proposed)}
    return said | {
        box.image_id
        for box in boxes
        if _holds(box.proposed) or (isinstance(box.attributes, dict) and _holds(box.attributes.get("proposed")))
    }


def _holds(mark: Any) -> bool:
    """Tools write a mark as they like: true, 1, "true", "True"."""
    return str(mark).strip().casefold() in ("true", "1", "1.0", "yes")


def name_of(image: CocoImage) -> str | None:
    """The name of its file as written."""
    return image.filename if image.file_name is None else image.file_name
