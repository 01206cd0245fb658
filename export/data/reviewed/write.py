"""Reviewed flights on the disk: the frames themselves and a COCO file, which training takes as it is.

OUT/images/FLIGHT/FLIGHT_000123.png   the frame as the camera gave it: 16-bit counts, or 8-bit grey
OUT/annotations.json                  COCO: objects, ignored regions as iscrowd, frames without objects as negatives
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from edge.app.review.keep import levelled, read_kept, stored
from edge.camera import open_camera
from edge.camera.stills import read_picture
from edge.data import Frame, TemperatureScale
from edge.errors import EdgeError, InputError, SourceError
from edge.recording.seek import Frames
from edge.system.files import reason_of, write_whole
from export.data.assist.look import check_file_source
from export.data.assist.write import image_id
from export.data.reviewed.flights import IGNORED, OBJECT, Chosen, Region, Reviewed

IMAGES, JSON = "images", "annotations.json"
DESCRIPTION = "flights that people reviewed with thermal-edge; what nobody reviewed is an ignored region"


@dataclass(frozen=True)
class Written:
    """``images``: frames; ``empty``: of them those without an object. ``objects``: by class name. ``ignored``: regions
    by why. ``wrong``: boxes that are background. ``without_pixels``: frames that are kept nowhere. ``converted``: those
    in other counts than the camera's, see `stored`. ``losses``: of recordings.
    """

    images: int
    empty: int
    objects: Mapping[str, int]
    ignored: Mapping[str, int]
    wrong: int
    without_pixels: int
    converted: int
    losses: tuple[str, ...]


def write_reviewed(
    out: Path,
    flights: Mapping[str, Reviewed],
    source: str | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write what the head of this file lists for ``flights``, by the names of their folders of pictures; the COCO file
    comes last. ``source``: where the frames of a flight without a recording are; of one flight alone. ``tell`` is given
    how many pictures are done.

    Raises InputError where a source cannot be read or is another one, EdgeError where ``out`` cannot be written.
    """
    classes = _classes(flights.values())
    images, boxes = list[dict[str, Any]](), list[dict[str, Any]]()
    objects, ignored, losses = Counter[str](dict.fromkeys(classes, 0)), Counter[str](), list[str]()
    needed, empty, wrong, converted = 0, 0, 0, 0
    try:
        for name, flight in flights.items():
            needed += len(flight.chosen)
            for chosen, frame in _with_pixels(flight, source, losses):
                pixels, scale = stored(frame)
                converted += pixels is not frame.pixels
                if (frame.width, frame.height) != (chosen.width, chosen.height):
                    raise InputError(
                        f"{flight.folder}: frame {chosen.seq} is {frame.width}x{frame.height}, it was searched at "
                        f"{chosen.width}x{chosen.height}: expected the flight's own frames"
                    )
                file = f"{name}/{name}_{chosen.seq:06d}.png"
                path = out / IMAGES / file
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, cv2.imencode(".png", pixels)[1].tobytes())
                images.append(_image(file, name, chosen, scale))
                for region in chosen.regions:
                    label = flight.classes[region.label] if region.label < len(flight.classes) else str(region.label)
                    objects[label] += region.kind == OBJECT
                    ignored[region.why] += region.kind == IGNORED
                    boxes.append(_box(file, region, classes.index(label) + 1, len(boxes) + 1))
                empty += not chosen.objects
                wrong += chosen.wrong
                tell(len(images))
        if images:
            categories = [{"id": i, "name": label, "supercategory": ""} for i, label in enumerate(classes, 1)]
            content = {"info": {"description": DESCRIPTION}, "images": images, "annotations": boxes}
            write_whole(out / JSON, json.dumps({**content, "categories": categories}, indent=1).encode())
    except OSError as error:
        raise EdgeError(f"{out} cannot be written ({reason_of(error)}): make space, or give another --out") from None
    return Written(
        len(images), empty, objects, +ignored, wrong, needed - len(images), converted, tuple(dict.fromkeys(losses))
    )


def _classes(flights: Sequence[Reviewed] | Any) -> list[str]:
    """Names of all flights, in the order in which they come; a label without a name is called by its number."""
    names: dict[str, None] = {}
    for flight in flights:
        names.update(dict.fromkeys(flight.classes))
        for chosen in flight.chosen:
            names.update({str(r.label): None for r in chosen.regions if r.label >= len(flight.classes)})
    return list(names)


def _with_pixels(flight: Reviewed, source: str | None, losses: list[str]) -> Iterator[tuple[Chosen, Frame]]:
    """The frames of a flight that are kept somewhere, levelled where the user did not look: in the recording, as the
    review kept them, or in ``source``.
    """
    left = {chosen.seq: chosen for chosen in flight.chosen}
    folder = flight.folder / "recording"
    if folder.is_dir():
        try:
            frames = Frames(folder)
        except SourceError as error:
            losses.append(str(error))
        else:
            losses += frames.losses
            for seq in [seq for seq in left if seq in frames]:
                try:
                    frame = frames[seq]
                except SourceError as error:
                    losses.append(str(error))
                    continue
                yield left.pop(seq), _level(frame)
    for seq in list(left):
        if (kept := read_kept(flight.folder, seq)) is not None:
            path, about = kept
            told = about.temperature
            scale = None if told is None else TemperatureScale(told.gain, told.offset)
            yield left.pop(seq), Frame(_pixels(path), seq, 0.0, temperature=scale)
    if source is not None and left:
        with open_camera(source, reconnect_s=0) as camera:
            check_file_source(source, camera)
            while left and (one := camera.read()) is not None:
                if one.seq in left:
                    yield left.pop(one.seq), _level(one)


def _level(frame: Frame) -> Frame:
    pixels = levelled(frame)
    return frame if pixels is frame.pixels else Frame(pixels, frame.seq, frame.t_capture, temperature=frame.temperature)


def _pixels(path: Path) -> Any:
    try:
        return read_picture(path).pixels
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read ({why}): expected what the review wrote") from None


def _image(file: str, flight: str, chosen: Chosen, scale: TemperatureScale | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": image_id(file),
        "file_name": file,
        "width": chosen.width,
        "height": chosen.height,
        "flight": flight,
        "seq": chosen.seq,
    }
    if chosen.utc is not None:
        row["date_captured"] = chosen.utc
    if scale is not None:
        row["temperature"] = {"gain": scale.gain, "offset": scale.offset}
    return row


def _box(file: str, region: Region, category: int, number: int) -> dict[str, Any]:
    x1, y1, x2, y2 = (round(v, 2) for v in region.box)
    w, h = round(x2 - x1, 2), round(y2 - y1, 2)
    row = {
        "id": number,
        "image_id": image_id(file),
        "category_id": category,
        "bbox": [x1, y1, w, h],
        "area": round(w * h, 2),
        "segmentation": [],
        "iscrowd": int(region.kind == IGNORED),
        "reviewed": region.why,
    }
    return row if region.track is None else {**row, "track_id": region.track}
