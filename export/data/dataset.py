"""Labelled frames: what training and evaluation work on, and how their pixels are read: as in flight.

data = read_coco("annotations/train.json", "train")
data.frames[0].boxes, data.frames[0].labels, read_grey(data.frames[0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.camera.stills import COLOUR, CUT_OFF, read_still
from edge.data import Float32, Pixels, TemperatureScale
from edge.errors import InputError
from edge.model.normalisers import Normalisers
from edge.system.files import reason_of
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
        raise ImageError("unreadable", f"image {path} cannot be read ({reason_of(error)}): {expected}") from None
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
