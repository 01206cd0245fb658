"""Back from the labelling tool: corrected labels put on the frames that the proposals were made of.

A tool has seen the 8-bit pictures, and its export knows neither the raw frames nor what a count is worth. And most
tools drop the mark of a proposal, whether somebody looked at it or not: what is exactly as proposed is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.data import TemperatureScale
from edge.errors import InputError
from export.data.assist.write import IMAGES, JSON, RAW
from export.data.coco import LEAVE_OUT
from export.data.coco_file import EXPECTED, Coco, CocoBox, CocoImage
from export.data.dataset import LabelledFrame, LabelledSet
from export.data.json_file import read_json

_HASH, _ROBOFLOW = re.compile(r"^[0-9a-f]{8}-(?=.)"), re.compile(r"_png\.rf\.\w+$")  # Label Studio's, before the name
SAME_PX = 0.05  # tools round to 0.01 px, or to a millionth of the picture's side


@dataclass(frozen=True)
class _Was:
    """A proposed picture: its entry, its boxes and the names of their classes."""

    image: CocoImage
    boxes: tuple[CocoBox, ...]
    names: Mapping[int, str]


def corrected(data: LabelledSet, folder: Path, proposals: str | None = None) -> LabelledSet:
    """The labels of ``data`` on the frames of ``folder``, which `export.data.assist.write` wrote: raw ones where there
    are such, with their temperature scale. Pictures are matched by name, whatever the tool put around it.

    Notes say how many are exactly as proposed, which ``proposals`` = `LEAVE_OUT` leaves out, and how many of the
    proposed ones are not in ``data``. Ignored regions stay.

    Raises InputError where ``folder`` holds no proposals, or a picture of ``data`` is none of it.
    """
    known = _read(folder / JSON)
    frames: list[LabelledFrame] = []
    untouched: list[str] = []
    for frame in data.frames:
        stem = frame.path.stem
        name = next((n for n in (stem, _HASH.sub("", stem), _ROBOFLOW.sub("", stem)) if n in known), stem)
        was = known.pop(name, None)
        if was is None:
            raise InputError(
                f"{frame.path.name} is no picture of {folder / JSON}, or comes twice: expected the export of these "
                "pictures, under their names"
            )
        if _as_proposed(frame, data.classes, was):
            untouched.append(frame.path.name)
            if proposals == LEAVE_OUT:
                continue
        frames.append(_on_its_frame(frame, folder, was.image))
    notes = list(data.notes)
    if untouched:
        way = "are left out" if proposals == LEAVE_OUT else "stay; --proposals leave-out leaves them out"
        notes.append(
            f"{len(untouched)} of {len(data)} pictures are exactly as proposed, whether somebody looked at them or "
            f"not, and {way}; the first: {untouched[0]}"
        )
    if known:
        notes.append(f"{len(known)} proposed pictures are not among the labels; the first: {next(iter(known))}")
    return replace(data, frames=tuple(frames), notes=tuple(notes))


def _read(file: Path) -> dict[str, _Was]:
    coco = read_json(file, Coco, "proposals", f"expected what edge-export data propose wrote; {EXPECTED}")
    names = {category.id: str(category.name) for category in coco.categories}
    boxes: dict[int, list[CocoBox]] = {image.id: [] for image in coco.images}
    for box in coco.annotations or []:
        boxes.setdefault(box.image_id, []).append(box)
    return {Path(image.file_name or "").stem: _Was(image, tuple(boxes[image.id]), names) for image in coco.images}


def _as_proposed(frame: LabelledFrame, classes: tuple[str, ...], was: _Was) -> bool:
    if len(frame.boxes) != len(was.boxes) or len(frame.ignored):
        return False
    now = sorted((classes[k].casefold(), *box) for k, box in zip(frame.labels, frame.boxes.tolist(), strict=True))
    then = []
    for box in was.boxes:
        x, y, w, h = box.bbox if box.bbox and len(box.bbox) == 4 else (np.nan,) * 4
        then.append((was.names.get(box.category_id, "").casefold(), x, y, x + w, y + h))
    left = list(then)
    for name, *corners in now:
        same = (i for i, (other, *old) in enumerate(left) if other == name and np.allclose(corners, old, 0, SAME_PX))
        found = next(same, None)
        if found is None:
            return False
        left.pop(found)
    return True


def _on_its_frame(frame: LabelledFrame, folder: Path, image: CocoImage) -> LabelledFrame:
    told, name = image.temperature, image.file_name or ""
    raw = folder / RAW / name
    path = raw if raw.is_file() else folder / IMAGES / name
    scale = TemperatureScale(told.gain, told.offset) if told else None
    return replace(frame, path=path, temperature=scale)
