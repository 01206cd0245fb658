"""Proposals on the disk: pictures that a labelling tool opens, the raw frames beside them, and a COCO file.

OUT/images/FLIGHT/NAME.png   8-bit grey, as the model sees the frame: for the labelling tool
OUT/raw/FLIGHT/NAME.png      the frame itself, where that is another: 16-bit counts, to train on
OUT/proposals.json           COCO; every picture and every box is marked as a proposal
OUT/chosen.csv               which frames were chosen, and why
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.app.review.keep import stored
from edge.camera import open_camera
from edge.data import Frame, Pixels, TemperatureScale
from edge.errors import EdgeError, InputError
from edge.model.bundle import Bundle
from edge.model.normalisers import Normalisers
from edge.model.thresholds import Thresholds
from edge.system.files import reason_of, write_whole
from export.data.assist.choose import Choice
from export.data.assist.look import Seen
from export.data.assist.proposals import Proposal
from export.data.coco_file import UNCHECKED

IMAGES, RAW, JSON, CSV = "images", "raw", "proposals.json", "chosen.csv"
DESCRIPTION = f"proposed by thermal-edge; {UNCHECKED}"
ID_BYTES = 6  # of the name's hash: two of a million names are alike once in 500 such sets


@dataclass(frozen=True)
class Written:
    """``images``, ``boxes``: how many. ``raw``: how many of the images have a raw frame beside them. ``converted``: how
    many of those are in other counts than the source's, see `stored`.
    """

    images: int
    boxes: int
    raw: int
    converted: int


def image_id(name: str) -> int:
    """The id of a picture, by its name alone: the same in every run, whatever else is proposed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:ID_BYTES], "big")


def check_empty(out: Path) -> None:
    """Raises InputError where there is something in the folder."""
    try:
        if any(out.iterdir()):
            raise InputError(f"{out} is not empty, and nothing is overwritten: give another --out")
    except OSError as error:
        raise InputError(f"{out} cannot be written ({reason_of(error)}): give another --out") from None


def write_proposals(
    out: Path,
    seen: Sequence[Seen],
    bundle: Bundle,
    lowest: Thresholds,
    choices: Sequence[Choice] = (),
    tell: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write what the head of this file lists for the frames ``seen``, source by source; ``proposals.json`` comes last.

    ``choices``: why each was chosen, () where all were taken. ``tell`` is given how many pictures are done.

    Raises InputError where a source has changed since it was looked at, EdgeError where ``out`` cannot be written.
    """
    reasons = {choice.candidate.name: choice.reason for choice in choices}
    normalisers = Normalisers(bundle.normalise_8bit, bundle.normalise_16bit)
    images, boxes, raw, converted = [], list[dict[str, Any]](), 0, 0
    try:
        for done, (one, frame) in enumerate(_again(seen), 1):
            pixels, scale = stored(frame)
            grey = normalisers.grey(pixels, scale)
            _write_png(out / IMAGES / one.flight / f"{one.name}.png", grey)
            differs = pixels.dtype != np.uint8 or not np.array_equal(grey, pixels)
            if differs:
                _write_png(out / RAW / one.flight / f"{one.name}.png", pixels)
            raw += differs
            converted += pixels is not frame.pixels
            images.append(_image(one, scale, reasons.get(one.name)))
            boxes += [_box(one, proposal, len(boxes) + i) for i, proposal in enumerate(one.proposed.boxes, 1)]
            tell(done)
        if choices:
            write_whole(out / CSV, _table(choices))
        categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(bundle.classes, 1)]
        info = {"description": DESCRIPTION, "model": bundle.name, "checkpoint_sha256": bundle.checkpoint_sha256}
        said = {**info, "score": lowest.least, "scores": lowest.to_json()}
        content = {"info": said, "images": images, "annotations": boxes, "categories": categories}
        write_whole(out / JSON, json.dumps(content, indent=1).encode())
    except OSError as error:
        raise EdgeError(f"{out} cannot be written ({reason_of(error)}): make space, or give another --out") from None
    return Written(len(images), len(boxes), raw, converted)


def check_names(seen: Sequence[Seen]) -> None:
    """Raises InputError where two frames have one name."""
    sources: dict[str, str] = {}
    for one in seen:
        if one.name in sources:
            raise InputError(
                f"{sources[one.name]} and {one.source} both give a picture called {one.name}: rename one of the two "
                "sources, or propose each into an --out of its own"
            )
        sources[one.name] = one.source


def _again(seen: Sequence[Seen]) -> Iterator[tuple[Seen, Frame]]:
    """Each frame of ``seen`` with its pixels, read from its source a second time."""
    sources: dict[str, dict[int, Seen]] = {}
    for one in seen:
        sources.setdefault(one.source, {})[one.seq] = one
    for source, missing in sources.items():
        with open_camera(source, reconnect_s=0) as camera:
            while missing and (frame := camera.read()) is not None:
                if frame.seq not in missing:
                    continue
                one = missing.pop(frame.seq)
                if (frame.width, frame.height, frame.origin) != (one.width, one.height, one.origin):
                    raise InputError(f"source {source!r} has changed while it was looked at: run it again")
                yield one, frame
        if missing:
            raise InputError(f"source {source!r} has lost {len(missing)} frames while it was looked at: run it again")


def _write_png(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, cv2.imencode(".png", pixels)[1].tobytes())


def _image(one: Seen, scale: TemperatureScale | None, reason: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": image_id(one.name),
        "file_name": f"{one.flight}/{one.name}.png",
        "width": one.width,
        "height": one.height,
        "proposed": True,
        "flight": one.flight,
    }
    if one.followed:
        row["seconds"] = round(one.t, 3)
    if one.utc is not None:
        row["date_captured"] = one.utc
    if scale is not None:
        row["temperature"] = {"gain": scale.gain, "offset": scale.offset}
    return row if reason is None else {**row, "reason": reason}


def _box(one: Seen, proposal: Proposal, number: int) -> dict[str, Any]:
    x1, y1, x2, y2 = (round(v, 2) for v in proposal.box)
    w, h = round(x2 - x1, 2), round(y2 - y1, 2)
    marks: Mapping[str, bool] = {"interpolated": proposal.interpolated, "flicker": proposal.flicker}
    row = {
        "id": number,
        "image_id": image_id(one.name),
        "category_id": proposal.label + 1,  # CVAT takes a category 0 for none
        "bbox": [x1, y1, w, h],
        "area": round(w * h, 2),
        "segmentation": [],  # CVAT wants it, empty for a box
        "iscrowd": 0,
        "score": round(proposal.score, 4),
        "proposed": True,
        "source": proposal.source,
        **{key: True for key, holds in marks.items() if holds},
        "attributes": {"proposed": True},  # what labelling tools keep, if their label has such an attribute
    }
    return {**row, "track_id": proposal.track} if proposal.track else row


def _table(choices: Sequence[Choice]) -> bytes:
    """A line a frame, in the order in which to label them. ``at``: seconds, of stills without a rate their number."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("rank", "picture", "at", "doubt", "reason"))
    for rank, choice in enumerate(choices, 1):
        one = choice.candidate
        rows.writerow((rank, f"{one.flight}/{one.name}.png", f"{one.t:.3f}", f"{choice.doubt:.3f}", choice.reason))
    return text.getvalue().encode()
