"""Labelled frames: what training and evaluation work on, and how their pixels are read: as in flight.

data = read_coco("annotations/train.json", "train")
data.frames[0].boxes, data.frames[0].labels, read_grey(data.frames[0])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.camera.stills import CUT_OFF, Picture, read_picture
from edge.data import Float32, Frame, Pixels, TemperatureScale
from edge.errors import InputError
from edge.model.normalisers import Normalisers
from edge.system.files import reason_of
from edge.thermal.windows import Grey
from export.data.pictures import BY_LINES, orientation_of

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
    """``classes``: names by label. ``frames``: in the order of the annotation file. ``notes``: what was assumed and
    what was left out on the way, a line each, for a command to print.
    """

    classes: tuple[str, ...]
    frames: tuple[LabelledFrame, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    def without(self, unwanted: Callable[[LabelledFrame], bool]) -> LabelledSet:
        """The same set without the frames for which ``unwanted`` says so."""
        return replace(self, frames=tuple(f for f in self.frames if not unwanted(f)))

    def with_classes(self, names: Sequence[str]) -> LabelledSet:
        """The same frames with these classes alone, in this order; boxes of others are dropped, and a note counts them.

        A name finds its class whatever its case, and is then what the class is called. Raises InputError for a name
        that is no class here, or comes twice.
        """
        order = [self._label(name) for name in names]
        if len(set(order)) < len(order) or not order:
            raise InputError(f"classes {', '.join(names) or '(none)'}: expected one or more, each once")
        label_of = np.full(len(self.classes), -1, np.int64)
        label_of[order] = range(len(order))
        frames = []
        for frame in self.frames:
            kept = label_of[frame.labels] >= 0
            frames.append(replace(frame, boxes=frame.boxes[kept], labels=label_of[frame.labels[kept]]))
        others = {name: n for i, (name, n) in enumerate(self.count().items()) if i not in order}
        dropped = f"left out: {_boxes(others)}; they count as background" if others else ""
        return LabelledSet(tuple(names), tuple(frames), (*self.notes, *filter(None, [dropped])))

    def ignoring(self, names: Sequence[str]) -> LabelledSet:
        """The same frames without these classes: their boxes become ignored regions, neither object nor background,
        and a note counts them. Raises InputError for a name that is no class here, whatever its case.
        """
        gone = {self._label(name) for name in names}
        left = [i for i in range(len(self.classes)) if i not in gone]
        label_of = np.full(len(self.classes), -1, np.int64)
        label_of[left] = range(len(left))
        frames = []
        for frame in self.frames:
            kept = label_of[frame.labels] >= 0
            regions = np.concatenate([frame.ignored, frame.boxes[~kept]])
            labels = label_of[frame.labels[kept]]
            frames.append(replace(frame, boxes=frame.boxes[kept], labels=labels, ignored=regions))
        ignored = {name: n for i, (name, n) in enumerate(self.count().items()) if i in gone}
        told = f"ignored regions: {_boxes(ignored)}" if ignored else ""
        notes = (*self.notes, *filter(None, [told]))
        return LabelledSet(tuple(self.classes[i] for i in left), tuple(frames), notes)

    def _label(self, name: str) -> int:
        if name in self.classes:
            return self.classes.index(name)
        folded = [known.casefold() for known in self.classes]
        if name.casefold() not in folded:
            raise InputError(f"class {name!r}: expected one of {', '.join(self.classes)}")
        return folded.index(name.casefold())

    def count(self) -> dict[str, int]:
        """Boxes by class name."""
        labels = np.concatenate([f.labels for f in self.frames] or [np.zeros(0, np.int64)])
        counts = np.bincount(labels, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, counts, strict=True)}


@dataclass
class Told:
    """What is assumed or left out while labels are read: counted by kind, with the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """``count`` more of ``kind``, such as "boxes are turned"; ``where``: the first of them."""
        if count:
            self.counts[kind] += count
            self.first.setdefault(kind, where)

    def say(self, line: str) -> None:
        """A line that is no count."""
        self.lines.append(line)

    def notes(self) -> list[str]:
        """The lines, then one a kind."""
        return self.lines + [f"{n} {kind}; the first: {self.first[kind]}" for kind, n in self.counts.items()]


def labelled_frame(
    path: Path,
    width: int,
    height: int,
    boxes: Sequence[Sequence[float]],
    labels: Sequence[int],
    ignored: Sequence[Sequence[float]],
    temperature: TemperatureScale | None = None,
) -> LabelledFrame:
    """A frame of lists, as label files give them; ``boxes`` and ``ignored``: xyxy."""
    with np.errstate(over="ignore"):  # a number that float32 cannot hold becomes infinite, which `tidy` drops and names
        corners, regions = (np.array(b, np.float64).reshape(-1, 4).astype(np.float32) for b in (boxes, ignored))
    return LabelledFrame(path, width, height, corners, np.array(labels, np.int64), regions, temperature)


def _boxes(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} boxes of {name}" for name, n in counts.items())


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
    return LabelledSet(tuple(classes), tuple(frames), tuple(note for data in sets for note in data.notes))


class ImageError(InputError):
    """An image that cannot be trained on. ``kind``: why, one of `export.data.clean.KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_pixels(path: Path) -> Pixels:
    """(H, W) uint8 grey or uint16 counts of an image file: the very pixels that flight sees (`read_picture`).

    Raises ImageError where the file is missing or broken, or in a colour palette: flight makes the best of it, but
    brightness in a palette is not heat, and a detector should not learn it.
    """
    return _read(path).pixels


def _read(path: Path) -> Picture:
    expected = "expected an 8-bit or 16-bit grey image file"
    try:
        picture = read_picture(path)
    except FileNotFoundError:
        raise ImageError(
            "unreadable", f"image {path} is not there (no such file): check the folder of images"
        ) from None
    except OSError as error:
        raise ImageError("unreadable", f"image {path} cannot be read ({reason_of(error)}): {expected}") from None
    except ValueError as error:
        kind = "truncated" if str(error) == CUT_OFF else "unreadable"
        raise ImageError(kind, f"image {path} cannot be read ({error}): {expected}") from None
    if picture.coloured:
        raise ImageError("colour", f"image {path} is in colour: expected grey, white = hot; switch the palette off")
    return picture


def check_orientation(frame: LabelledFrame) -> None:
    """Raises ImageError where a picture with boxes says that it is to be turned: most labelling tools do so, flight
    does not, and nobody knows on which of the two pictures the boxes were drawn.
    """
    turned = orientation_of(frame.path) if len(frame.boxes) or len(frame.ignored) else BY_LINES
    if turned != BY_LINES:
        raise ImageError(
            "orientation",
            f"image {frame.path} has EXIF orientation {turned}, which is not followed, and its boxes may be drawn on "
            "the turned picture: save it turned (magick mogrify -auto-orient), or without the tag if they are drawn on "
            "the picture as stored (exiftool -Orientation=)",
        )


def read_frame(frame: LabelledFrame) -> Pixels:
    """The pixels of a labelled frame, (height, width) uint8 or uint16. Raises ImageError as `read_pixels` and
    `check_orientation`, and where the boxes belong to another size.
    """
    return sensor_frame(frame).pixels


def sensor_frame(frame: LabelledFrame, seq: int = 0) -> Frame:
    """The frame as flight has it: `read_frame`'s pixels, and the scale of the label file, else that of the image."""
    picture = _read(frame.path)
    check_orientation(frame)
    height, width = picture.pixels.shape
    if (width, height) != (frame.width, frame.height):
        raise ImageError(
            "size",
            f"image {frame.path} is {width}x{height}, its boxes are for {frame.width}x{frame.height}: "
            "edge-export data check writes a list without such frames",
        )
    return Frame(picture.pixels, seq, 0.0, temperature=frame.temperature or picture.temperature)


def read_grey(frame: LabelledFrame, normalisers: Normalisers | None = None) -> Grey:
    """(height, width) uint8 of a frame's file, as the normaliser of flight shows it to the detector.

    Raises ImageError as `read_frame`, and InputError where the normaliser does not take such pixels.
    """
    seen = sensor_frame(frame)
    return (normalisers or Normalisers()).grey(seen.pixels, seen.temperature)
