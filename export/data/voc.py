"""Pascal VOC: one XML a picture, with corners in pixels.

Tools do not agree on where pixels begin, so it is told from what they write, for a whole set at once:

VOC itself (devkit_doc, "coordinates are 1-based", both ends inside) and converters after it: 1.
LabelImg, CVAT, Label Studio, HIT-UAV's XML (its boxes are those of its JSON): 0. Roboflow: both corners one further.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from edge.errors import InputError
from export.data.boxes import Box, turns
from export.data.dataset import IGNORED, LabelledFrame, LabelledSet, Told, labelled_frame
from export.data.pictures import Pictures, images_in, size_of
from export.data.text_file import read_lines, some
from export.data.voc_file import VocFile, read_voc_file

ZERO: Box = (0.0, 0.0, 0.0, 0.0)
ONE: Box = (-1.0, -1.0, 0.0, 0.0)  # from VOC's inclusive pixels to edges
BOTH: Box = (-1.0, -1.0, -1.0, -1.0)


def read_voc(
    files: Sequence[Path],
    pictures: Pictures,
    ignore: Collection[str] = (IGNORED,),
    origin: int | None = None,
    told: Told | None = None,
) -> LabelledSet:
    """The frames of XML ``files``. Objects marked ``difficult``, and those of classes named in ``ignore``, become
    ignored regions. ``origin``: 0 or 1, where pixels begin; None: as the files tell.

    Raises InputError where a file is no annotation, or two are of one picture.
    """
    told = told or Told()
    parsed = [read_voc_file(file) for file in files]
    spelling = _classes(parsed, told)
    ignored = {name.casefold() for name in ignore}
    classes = tuple(sorted(name for folded, name in spelling.items() if folded not in ignored))
    label_of = {name.casefold(): i for i, name in enumerate(classes)}
    shift, why = _shift(parsed) if origin is None else ((ZERO, ONE)[origin], "as asked for")
    frames, file_of = [], dict[Path, Path]()
    unknown: InputError | None = None
    for file in parsed:
        path = _picture(file, pictures)
        if path in file_of:
            raise InputError(
                f"{file_of[path]} and {file.path} are of one picture, {path}: put all its boxes into one file, or "
                "correct <filename>"
            )
        file_of[path] = file.path
        try:
            frames.append(_frame(file, path, label_of, shift, told))
        except InputError as error:
            told.add("files have no size and no picture to read it from, and are left out", str(error))
            unknown = unknown or error
    if unknown and not frames:
        raise unknown
    if any(not thing.exact for file in parsed for thing in file.objects):
        told.say(f"VOC boxes were read with pixels {_in_words(shift)}, {why}; --voc-origin 0 or 1 says otherwise")
    empty = [f.path.name for f in frames if not len(f.boxes) and not len(f.ignored)]
    if empty:
        told.say(f"{len(empty)} of {len(frames)} pictures have no boxes and are background: {some(empty)}")
    return LabelledSet(classes, tuple(frames), (*told.notes(), *pictures.notes()))


def _classes(parsed: Sequence[VocFile], told: Told) -> dict[str, str]:
    """Names by their casefolded ones; a name that is written in two ways is one class, called as most often."""
    ways: dict[str, dict[str, int]] = {}
    for file in parsed:
        for thing in file.objects:
            counts = ways.setdefault(thing.name.casefold(), {})
            counts[thing.name] = counts.get(thing.name, 0) + 1
    for counts in ways.values():
        if len(counts) > 1:
            told.say(f"{' and '.join(sorted(counts))} are one class, written in {len(counts)} ways")
    return {folded: max(sorted(counts), key=lambda name: counts[name]) for folded, counts in ways.items()}


def _shift(parsed: Sequence[VocFile]) -> tuple[Box, str]:
    """What is to be added to the corners of these files, and the evidence for it."""
    for file in parsed:
        for thing in file.objects:
            if not thing.exact and min(thing.box[:2]) < 1:  # which NaN is not
                return ZERO, f"as {file.path.name} has a box that begins at {min(thing.box[:2]):g}"
    named = next((f for f in parsed if f.source), None)
    voc = named is not None and any(re.search("pascal|voc", f.source) for f in parsed)
    if not voc:
        for file in parsed:
            if any(v % 1 for thing in file.objects if not thing.exact for v in thing.box if math.isfinite(v)):
                return ZERO, f"as {file.path.name} has parts of a pixel"
    roboflow = named is not None and "roboflow" in named.source
    for file in parsed if roboflow else ():
        for thing in file.objects:
            if file.width and (thing.box[2] == file.width + 1 or thing.box[3] == file.height + 1):
                return BOTH, f"both ends, as {file.path.name} has a box that ends one pixel outside"
    if named is not None and not voc and not roboflow:
        return ZERO, f"as tools other than VOC's write them (source: {named.source[:60]!r})"
    return ONE, f"as VOC has them (source: {named.source[:60]!r})" if named else "as VOC has them (no source is named)"


def _in_words(shift: Box) -> str:
    return "from 0" if shift == ZERO else "from 1"


def _picture(file: VocFile, pictures: Pictures) -> Path:
    """The picture of a file: that of its <filename>, whose ending may lack or be wrong, else the one of its own name.

    Raises InputError where these are two pictures.
    """
    own = pictures.of_stem(file.path.stem, file.path.parent)
    if file.picture is None:
        return own or pictures.find(f"{file.path.stem}.jpg", str(file.path))
    where = f"{file.path}, <filename>"
    named = pictures.look(file.picture, where)
    named = named or pictures.of_stem(Path(file.picture.replace("\\", "/")).stem, file.path.parent)
    if named and own and named.stem != own.stem:
        raise InputError(
            f"{where} is {file.picture}, but {own} has the name of the file: remove one or rename the file"
        )
    return named or own or pictures.find(file.picture, where)


def _frame(file: VocFile, path: Path, label_of: dict[str, int], shift: Box, told: Told) -> LabelledFrame:
    width, height = file.width, file.height
    if not width:
        try:
            width, height = size_of(path)
        except InputError as error:
            raise InputError(f"{file.path} has no <size>, and {error}: give its size, or leave it out") from None
    kept, labels, regions = [], [], []
    for i, thing in enumerate(file.objects, 1):
        where, box = f"object {i} of {file.path.name}", thing.upright(shift)
        if turns(thing.degrees):
            told.add("boxes are turned and were read as the upright boxes around them", where)
        label = label_of.get(thing.name.casefold())
        if label is None or thing.difficult:
            marked = f"boxes of {thing.name}" if label is None else "boxes marked difficult"
            told.add(f"{marked} are ignored regions", where)
            regions.append(box)
        else:
            kept.append(box)
            labels.append(label)
    return labelled_frame(path, width, height, kept, labels, regions)


def listed(root: Path, files: Sequence[Path], table: Path, told: Told) -> list[Path]:
    """Those of ``files`` that a list of ImageSets/Main names: a line is a name, with its folder or without, with spaces
    in quotes or without, and perhaps 1, 0 or -1 behind it.

    Raises InputError where it names none of them.
    """
    by_path = {f.relative_to(root).with_suffix("").as_posix(): f for f in files}
    by_stem: dict[str, list[Path]] = {}
    for f in files:
        by_stem.setdefault(f.stem, []).append(f)
    chosen: dict[Path, None] = {}
    for number, line in read_lines(table, "list"):
        quoted = re.fullmatch(r'"([^"]+)"(?:\s+-?[01])?', line)
        for name in (quoted[1],) if quoted else (line, re.sub(r"\s+-?[01]$", "", line)):
            plain = name.replace("\\", "/").removesuffix(".jpg").removesuffix(".xml")
            same = by_stem.get(plain.rpartition("/")[2], [])
            found = by_path.get(plain) or (same[0] if len(same) == 1 else None)
            if found:
                chosen[found] = None
                break
        else:
            told.add(f"names in {table.name} have no annotation file", f"line {number}, {line[:80]!r}")
    if not chosen:
        raise InputError(f"{table} names none of the {len(files)} files of {root}: expected their names, one a line")
    if len(chosen) < len(files):
        told.say(f"{table} names {len(chosen)} of the {len(files)} annotation files; the others are left out")
    return [f for f in files if f in chosen]


def unlabelled(frames: Sequence[LabelledFrame], folder: Path) -> list[str]:
    """A note on pictures in ``folder`` that no annotation file is of; they are left out."""
    known = {frame.path for frame in frames}
    left = [p.name for p in images_in(folder) if p not in known]
    return [f"{len(left)} pictures have no annotation file and are left out: {some(left)}"] if left else []
