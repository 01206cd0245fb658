"""Labelled frames: what training and evaluation read, from COCO or HIT-UAV JSON.

    data = read_coco("annotations/train.json", "train", ignore=("DontCare",))
    data.frames[0].boxes, data.frames[0].labels, read_grey(data.frames[0])

One key is ours: an image may carry ``"temperature": {"gain": K a count, "offset": K}``. The normaliser of flight
uses that scale where the camera gives one, so training must as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.camera.stills import COLOUR, CUT_OFF, read_still
from edge.data import Float32, Pixels, TemperatureScale
from edge.errors import InputError
from edge.model.normalisers import Normalisers
from edge.thermal.windows import Grey

Int64 = npt.NDArray[np.int64]
IGNORED = "DontCare"


@dataclass(frozen=True)
class LabelledFrame:
    """One frame and what is in it.

    ``boxes``: (N, 4) float32 xyxy, pixels of the file, as annotated (`export.data.clean.tidy` clips them
    and drops those of no size). ``labels``: (N,) int64, 0 = first class. ``ignored``: (M, 4) float32 xyxy,
    regions that count neither as object nor as background. ``temperature``: scale of 16-bit counts, or None.
    ``source``: which of several data sets it came from, see `merge`.
    """

    path: Path
    width: int
    height: int
    boxes: Float32
    labels: Int64
    ignored: Float32
    temperature: TemperatureScale | None = None
    source: int = 0


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


def read_coco(annotations: str | Path, images: str | Path, ignore: Collection[str] = (IGNORED,)) -> LabelledSet:
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
            f"{source} has no {error}: expected COCO's images, annotations and categories, each box "
            f"with a known "
            "image_id and category_id"
        ) from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{source} cannot be used ({error}): expected COCO's JSON") from None
    if not classes or not frames:
        raise InputError(
            f"{source} holds {len(frames)} images and {len(classes)} classes: expected at least one of each"
        )
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
        _temperature(image.get("temperature")),
    )


def _temperature(given: Any) -> TemperatureScale | None:
    if given is None:
        return None
    return TemperatureScale(float(given["gain"]), float(given.get("offset", 0.0)))


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


def merge(sets: Sequence[LabelledSet]) -> LabelledSet:
    """One set of several: classes are matched by name, whatever its case; names that only later sets have follow
    those of the first. ``source`` of each frame is the number of its set.
    """
    classes: list[str] = []
    for data in sets:
        known = {name.casefold() for name in classes}
        classes += [name for name in data.classes if name.casefold() not in known]
    label_of = {name.casefold(): i for i, name in enumerate(classes)}
    frames: list[LabelledFrame] = []
    for source, data in enumerate(sets):
        labels = np.array([label_of[name.casefold()] for name in data.classes], np.int64)
        frames += [replace(f, labels=labels[f.labels], source=source) for f in data.frames]
    return LabelledSet(tuple(classes), tuple(frames))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"annotations {path} cannot be read ({error.strerror}): check the path") from None
    except ValueError as error:
        raise InputError(f"annotations {path} are not JSON ({error})") from None


class ImageError(InputError):
    """An image that cannot be trained on. ``kind``: why, one of `export.data.clean.KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_pixels(path: Path) -> Pixels:
    """(H, W) uint8 grey or uint16 counts of an image file: the very pixels that flight sees (`read_still`).

    Raises ImageError where the file is missing or broken, or in a colour palette: flight makes the best of it, but
    brightness in a palette is not heat, and a detector should not learn it.
    """
    expected = "expected an 8-bit or 16-bit grey image file"
    try:
        pixels, note = read_still(path)
    except OSError as error:
        raise ImageError("unreadable", f"image {path} cannot be read ({error.strerror}): {expected}") from None
    except ValueError as error:
        kind = "truncated" if str(error) == CUT_OFF else "unreadable"
        raise ImageError(kind, f"image {path} cannot be read ({error}): {expected}") from None
    if note == COLOUR:
        raise ImageError("colour", f"image {path} is in colour: expected grey, white = hot; switch the palette off")
    return pixels


def read_frame(frame: LabelledFrame) -> Pixels:
    """The pixels of a labelled frame, (height, width) uint8 or uint16. Raises ImageError as `read_pixels`, and where
    the boxes belong to another size.
    """
    pixels = read_pixels(frame.path)
    height, width = pixels.shape
    if (width, height) != (frame.width, frame.height):
        raise ImageError(
            "size",
            f"image {frame.path} is {width}x{height}, its boxes are for {frame.width}x{frame.height}: "
            "edge-export data check writes a list without such frames",
        )
    return pixels


def read_grey(frame: LabelledFrame, normalisers: Normalisers | None = None) -> Grey:
    """(height, width) uint8 of a frame's file, as the normaliser of flight shows it to the detector.

    Raises ImageError as `read_frame`, and InputError where the normaliser does not take such pixels.
    """
    return (normalisers or Normalisers()).grey(read_frame(frame), frame.temperature)
