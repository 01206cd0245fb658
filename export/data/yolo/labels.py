"""YOLO labels: one text file a picture, one line a box, ``class centre_x centre_y width height`` in parts of it.

Lines of more numbers are polygons (Ultralytics segmentation, oriented boxes); six numbers are detections with a score.
A picture without a file may be background, or not labelled yet, or its file is called otherwise: this is told from all
of them together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from edge.errors import InputError
from export.data.boxes import Box, around, look_like_corners, outside
from export.data.dataset import IGNORED, LabelledFrame, LabelledSet, Told, labelled_frame
from export.data.pictures import size_of
from export.data.text_file import read_lines, some
from export.data.yolo.names import YoloNames, in_words

PIXELS = 2.0  # a part of the picture is 1 at most, and a little more where a box was drawn over the edge
_Line = tuple[int, Box, bool]  # class, box in parts of the picture, whether it was drawn around a polygon


def read_yolo(
    pairs: Sequence[tuple[Path, Path | None]],
    without_picture: Sequence[Path],
    about: YoloNames,
    ignore: Collection[str] = (IGNORED,),
    told: Told | None = None,
) -> LabelledSet:
    """The frames of pictures and their label files (None: there is none). ``without_picture``: label files that no
    picture has, to be told. Classes named in ``ignore`` become ignored regions.

    Raises InputError where a line is wrong, or no picture has a label file.
    """
    told = told or Told()
    ignored = {name.casefold() for name in ignore}
    kept = [number for number, name in about.names.items() if name.casefold() not in ignored]
    classes, label_of = tuple(about.names[n] for n in kept), {number: i for i, number in enumerate(kept)}
    chosen = _choose(pairs, without_picture, told)
    frames, values, boxes = [], list[Box](), list[Box]()
    unread: InputError | None = None
    for picture, file in chosen:
        lines = [_line(file, number, line, about) for number, line in read_lines(file, "labels")] if file else []
        if file:
            told.add("boxes are drawn around polygons", str(file), sum(line[2] for line in lines))
        try:
            frames.append(_frame(picture, lines, label_of, about, told))
        except InputError as error:
            told.add("pictures cannot be read and are left out", str(error))
            unread = unread or error
        plain = [line[1] for line in lines if not line[2]]
        boxes += plain
        values += [((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) for x1, y1, x2, y2 in plain]
    if unread and not frames:
        raise unread
    ones = [(1, 1)] * len(boxes)
    if look_like_corners(values, boxes, ones):
        raise InputError(
            f"{chosen[0][0].parent}: {outside(boxes, ones)} of {len(boxes)} boxes lie outside their pictures as centre "
            "and size, and all fit as two corners: expected class centre_x centre_y width height"
        )
    return LabelledSet(classes, tuple(frames), tuple(told.notes()))


def _choose(
    pairs: Sequence[tuple[Path, Path | None]], without_picture: Sequence[Path], told: Told
) -> list[tuple[Path, Path | None]]:
    """The pictures that are labelled, and those without a label file where they can be background."""
    bare = [picture for picture, file in pairs if file is None]
    count = len(pairs) - len(bare)
    left = some([file.name for file in without_picture])
    names = some([picture.name for picture in bare])
    if pairs and not count:
        there = f"and the names of its {len(without_picture)} label files are no pictures' ({left})" if left else ""
        raise InputError(
            f"none of the {len(bare)} pictures in {bare[0].parent} has a label file ({names}) {there}: expected "
            f"{bare[0].stem}.txt for {bare[0].name}"
        )
    if without_picture:
        told.say(f"{len(without_picture)} label files have no picture: {left}")
    if not bare:
        return list(pairs)
    if without_picture or len(bare) > count:
        why = "label files are left over" if without_picture else "most have none"
        told.say(
            f"{len(bare)} of {len(pairs)} pictures have no label file and are left out, as {why}: {names}; "
            "an empty file says that nothing is in a picture"
        )
        return [(picture, file) for picture, file in pairs if file is not None]
    told.say(f"{len(bare)} of {len(pairs)} pictures have no label file and are read as background: {names}")
    return list(pairs)


def _line(file: Path, number: int, line: str, about: YoloNames) -> _Line:
    where = f"{file}, line {number}"
    try:
        first, *values = (float(word) for word in line.split())
    except ValueError:
        raise InputError(f"{where}: {line[:80]!r}: expected class x y width height") from None
    if first not in about.names:
        raise InputError(f"{where}: class {first:g}: expected one of {in_words(about.names)}")
    if len(values) == 4 + about.keypoints:
        values = values[:4]
    if any(abs(v) > PIXELS for v in values):
        raise InputError(
            f"{where}: {line[:80]!r} holds {max(values, key=abs):g}: expected parts of the picture from 0 to 1, "
            "not pixels"
        )
    if len(values) == 4:
        x, y, w, h = values
        return int(first), (x - w / 2, y - h / 2, x + w / 2, y + h / 2), False
    if len(values) >= 6 and len(values) % 2 == 0:
        return int(first), around(values), True
    what = "a detection with its score, not a label" if len(values) == 5 else f"{len(values) + 1} numbers"
    raise InputError(
        f"{where}: {line[:80]!r} is {what}: expected class x y width height, or class x1 y1 x2 y2 x3 y3 ..."
    )


def _frame(
    picture: Path, lines: Sequence[_Line], label_of: dict[int, int], about: YoloNames, told: Told
) -> LabelledFrame:
    width, height = size_of(picture)
    kept, labels, regions = [], [], []
    for number, (x1, y1, x2, y2), _ in lines:
        box = x1 * width, y1 * height, x2 * width, y2 * height
        if number in label_of:
            kept.append(box)
            labels.append(label_of[number])
        else:
            told.add(f"boxes of {about.names[number]} are ignored regions", picture.name)
            regions.append(box)
    return labelled_frame(picture, width, height, kept, labels, regions)
