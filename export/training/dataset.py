"""Labelled frames: what training and evaluation read, from COCO or HIT-UAV JSON.

data = read_coco("annotations/train.json", "train", ignore=("DontCare",))
data.frames[0].boxes, data.frames[0].labels, read_grey(data.frames[0].path)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.records import Float32, InputError, Pixels

Int64 = npt.NDArray[np.int64]
# HIT-UAV: day or night _ altitude _ camera angle _ weather _ frame number
_HITUAV_NAME = re.compile(r"(?P<run>\d_\d+_\d+_\d+)_(?P<number>\d+)$")


@dataclass(frozen=True)
class LabelledFrame:
    """One frame and what is in it.

    ``boxes``: (N, 4) float32 xyxy, pixels of the file, as annotated (`export.training.clean.tidy` clips them
    and drops those of no size). ``labels``: (N,) int64, 0 = first
    class. ``ignored``: (M, 4) float32 xyxy, regions that count neither as object nor as background.
    """

    path: Path
    width: int
    height: int
    boxes: Float32
    labels: Int64
    ignored: Float32


@dataclass(frozen=True)
class LabelledSet:
    """``classes``: names by label. ``frames``: in the order of the annotation file."""

    classes: tuple[str, ...]
    frames: tuple[LabelledFrame, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def without(self, unwanted: Callable[[LabelledFrame], bool]) -> LabelledSet:
        """The same set without the frames for which ``unwanted`` says so."""
        return replace(self, frames=tuple(f for f in self.frames if not unwanted(f)))

    def count(self) -> dict[str, int]:
        """Boxes by class name."""
        labels = np.concatenate([f.labels for f in self.frames] or [np.zeros(0, np.int64)])
        counts = np.bincount(labels, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, counts, strict=True)}


def read_coco(annotations: str | Path, images: str | Path, ignore: Collection[str] = ("DontCare",)) -> LabelledSet:
    """Frames of a COCO file, or of HIT-UAV's own JSON (keys ``annotation`` and ``filename``, ids from 0).

    Classes named in ``ignore``, and COCO's ``iscrowd`` boxes, become ignored regions. Labels count up in the
    order of the category ids.

    Raises InputError where the file cannot be read, lacks a key, or names an unknown image or category.
    """
    source, folder = Path(annotations), Path(images)
    raw = _read_json(source)
    try:
        boxes_key = "annotations" if "annotations" in raw else "annotation"
        categories = {int(c["id"]): str(c["name"]) for c in sorted(raw["categories"], key=lambda c: int(c["id"]))}
        classes = tuple(name for name in categories.values() if name not in ignore)
        by_image: dict[int, list[Any]] = {int(image["id"]): [] for image in raw["images"]}
        for box in raw[boxes_key]:
            by_image[int(box["image_id"])].append(box)
        label_of = {i: classes.index(name) for i, name in categories.items() if name not in ignore}
        frames = tuple(
            _frame(folder, image, by_image[int(image["id"])], set(categories), label_of) for image in raw["images"]
        )
    except KeyError as error:
        raise InputError(
            f"{source} has no {error}: wanted COCO's images, annotations and categories, each box "
            f"with a known "
            "image_id and category_id"
        ) from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{source} cannot be used ({error}): wanted COCO's JSON") from None
    if not classes or not frames:
        raise InputError(f"{source} holds {len(frames)} images and {len(classes)} classes: wanted at least one of each")
    return LabelledSet(classes, frames)


def _frame(
    folder: Path, image: dict[str, Any], boxes: list[Any], known: set[int], label_of: dict[int, int]
) -> LabelledFrame:
    name = str(image["file_name"] if "file_name" in image else image["filename"])
    kept, labels, ignored = [], [], []
    for box in boxes:
        x, y, w, h = (float(v) for v in box["bbox"])
        category = int(box["category_id"])
        if category not in known:
            raise KeyError(f"category {category} (box of {name})")
        corners = (x, y, x + w, y + h)
        if category not in label_of or box.get("iscrowd", 0):
            ignored.append(corners)
        else:
            kept.append(corners)
            labels.append(label_of[category])
    return LabelledFrame(
        folder / name,
        int(image["width"]),
        int(image["height"]),
        np.array(kept, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"annotations {path} cannot be read ({error.strerror}): check the path") from None
    except ValueError as error:
        raise InputError(f"annotations {path} are not JSON ({error})") from None


def read_pixels(path: Path) -> Pixels:
    """(H, W) uint8 or uint16 of an image file; a grey picture stored in three channels becomes one.

    Raises InputError where the file is missing, broken, or in colour.
    """
    # an absent file would otherwise be only a line on stderr
    data = np.frombuffer(path.read_bytes(), np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"image {path} cannot be read: wanted an 8-bit or 16-bit grey image file")
    if image.ndim == 3:
        colours = image[..., :3].astype(np.int32)
        if np.ptp(colours, axis=2).max() > 16:  # lossy files differ by a few levels
            raise InputError(f"image {path} is in colour: wanted grey, white = hot; switch the palette off")
        image = image[..., 1]
    return image.astype(np.uint8) if image.dtype == np.uint8 else image.astype(np.uint16)


def run_of(path: Path) -> tuple[str, int] | None:
    """Flight run and frame number of a HIT-UAV file name, or None for another name."""
    match = _HITUAV_NAME.search(path.stem)
    return (match["run"], int(match["number"])) if match else None
