"""Is the data what training believes it is? Problems are named, fixed copies are returned, no file is
changed.

Boxes (`tidy`, no image is read; training and evaluation always do it): outside the frame, of no size, twice; ignored
regions of which nothing is left.
Images (`inspect`): unreadable, truncated, of another size, in colour, to be turned, black-hot among white-hot, the same
frame twice, nearly the same frame in a row (they must not be parted by a split).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Pixels
from export.data.dataset import (
    ImageError,
    LabelledFrame,
    LabelledSet,
    check_orientation,
    read_grey,
    read_pixels,
)
from export.data.runs import run_of

KINDS = {
    "box outside": "clipped to the frame, dropped where nothing is left",
    "box of no size": "dropped",
    "box twice": "dropped once",
    "ignored region": "dropped: of no size, or outside the frame",
    "empty class": "no boxes in any frame; kept, as labels count on it",
    "unreadable": "frame left out",
    "truncated": "frame left out",
    "size": "frame left out: its boxes belong to another size",
    "orientation": "frame left out: EXIF says to turn it, and its boxes may be drawn on the turned picture",
    "colour": "frame left out: a palette is not a temperature",
    "black-hot": "frame left out: objects are dark where the others' are bright",
    "same frame": "left out, the first stays",
    "near-duplicate": "kept; split by run, so that such frames are not parted",
}
_STAYS = ("ignored region", "near-duplicate", "empty class")
NEAR = 3  # bits of 64
CONTRAST = 12.0  # grey levels; parked cars and bicycles are often colder than the ground, people are not


@dataclass(frozen=True)
class Problem:
    """``kind``: of `KINDS`. ``file``: the image, or None. ``detail``: for a person. ``box``: xyxy in its pixels,
    where it is about one. ``other``: the image it is like.
    """

    kind: str
    file: Path | None
    detail: str
    box: tuple[float, ...] = ()
    other: Path | None = None


def tidy(data: LabelledSet) -> tuple[LabelledSet, list[Problem]]:
    """Boxes clipped to their frames, without those of no size and repeated ones; and what was found."""
    problems: list[Problem] = []
    frames = tuple(_tidy_frame(frame, problems) for frame in data.frames)
    fixed = replace(data, frames=frames)
    for name, count in fixed.count().items():
        if not count:
            problems.append(Problem("empty class", None, name))
    return fixed, problems


def _tidy_frame(frame: LabelledFrame, problems: list[Problem]) -> LabelledFrame:
    limit = np.array([frame.width, frame.height] * 2, np.float32)
    kept, seen = [], set()
    clipped = frame.boxes.clip(0, limit)
    for i, (box, label) in enumerate(zip(frame.boxes.tolist(), frame.labels.tolist(), strict=True)):
        key = (label, *box)
        text = f"box {[round(v, 1) for v in box]} in {frame.width}x{frame.height}"
        if not all(np.isfinite(box)) or box[2] <= box[0] or box[3] <= box[1]:
            problems.append(Problem("box of no size", frame.path, text, tuple(box)))
            continue
        if (frame.boxes[i] != clipped[i]).any():
            problems.append(Problem("box outside", frame.path, text, tuple(box)))
        if key in seen:
            problems.append(Problem("box twice", frame.path, text, tuple(box)))
            continue
        seen.add(key)
        if (clipped[i, 2:] > clipped[i, :2]).all():
            kept.append(i)
    regions = frame.ignored.clip(0, limit)
    there = (regions[:, 2:] > regions[:, :2]).all(1)  # not those that are no numbers, either
    for box in frame.ignored[~there].tolist():
        text = f"region {[round(v, 1) for v in box]} in {frame.width}x{frame.height}"
        problems.append(Problem("ignored region", frame.path, text, tuple(box)))
    return replace(frame, boxes=clipped[kept], labels=frame.labels[kept], ignored=regions[there])


def leaves_out(kind: str) -> bool:
    """Whether a problem of this kind leaves its frame out."""
    return not kind.startswith("box") and kind not in _STAYS


def inspect(
    data: LabelledSet,
    hot_classes: Sequence[str] = ("person", "deer"),
    tell: Callable[[int], None] = lambda _: None,
) -> tuple[LabelledSet, list[Problem]]:
    """The set without the frames that cannot be used, and every problem of `tidy` and of the images.

    ``hot_classes``: names, in lower case, of what is warmer than its surroundings; polarity is judged on
    them.
    """
    fixed, problems = tidy(data)
    first: dict[str, Path] = {}
    previous: tuple[int, str, Path] | None = None
    for i, frame in enumerate(sorted(fixed.frames, key=lambda f: f.path.name)):
        hot = np.array([data.classes[label].lower() in hot_classes for label in frame.labels], bool)
        found, pixels = _inspect_frame(frame, hot)
        if pixels is not None:
            exact = hashlib.sha256(pixels.tobytes()).hexdigest()
            hashed, run = dhash(pixels), (run_of(frame.path) or ("", 0))[0]
            if exact in first:
                found.append(Problem("same frame", frame.path, f"as {first[exact].name}", other=first[exact]))
            elif previous is not None and run == previous[1] and (hashed ^ previous[0]).bit_count() <= NEAR:
                text = f"nearly as {previous[2].name}"
                found.append(Problem("near-duplicate", frame.path, text, other=previous[2]))
            first.setdefault(exact, frame.path)
            previous = hashed, run, frame.path
        problems += found
        tell(i + 1)
    bad = {p.file for p in problems if p.file and leaves_out(p.kind)}
    return fixed.without(lambda frame: frame.path in bad), problems


def _inspect_frame(frame: LabelledFrame, hot: npt.NDArray[np.bool_]) -> tuple[list[Problem], Pixels | None]:
    try:
        pixels = read_pixels(frame.path)
        check_orientation(frame)
    except ImageError as error:
        return [Problem(error.kind, frame.path, str(error))], None
    height, width = pixels.shape
    if (width, height) != (frame.width, frame.height):
        text = f"the image is {width}x{height}, its annotation {frame.width}x{frame.height}"
        return [Problem("size", frame.path, text)], pixels
    contrast = _contrast(frame, hot)
    if contrast is not None and contrast < -CONTRAST:
        return [Problem("black-hot", frame.path, f"warm bodies are {-contrast:.0f} grey levels darker")], pixels
    return [], pixels


def _contrast(frame: LabelledFrame, hot: npt.NDArray[np.bool_]) -> float | None:
    """Median over warm bodies of (middle of the box - ring around it), grey levels; None with under 3
    bodies.
    """
    if hot.sum() < 3:
        return None
    grey = read_grey(frame)
    differences = []
    for x1, y1, x2, y2 in frame.boxes[hot]:
        w, h = x2 - x1, y2 - y1
        inner = grey[int(y1 + h / 4) : int(y2 - h / 4) + 1, int(x1 + w / 4) : int(x2 - w / 4) + 1]
        outer = grey[max(0, int(y1 - h / 2)) : int(y2 + h / 2) + 1, max(0, int(x1 - w / 2)) : int(x2 + w / 2) + 1]
        differences.append(float(np.percentile(inner, 75)) - float(np.median(outer)))
    return float(np.median(differences))


def dhash(pixels: Pixels) -> int:
    """64-bit difference hash: whether each of 8x8 cells is brighter than its left neighbour."""
    small = cv2.resize(pixels, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int32)
    return int("".join("1" if b else "0" for b in (small[:, 1:] > small[:, :-1]).ravel()), 2)


def examples(problems: Sequence[Problem]) -> dict[str, str]:
    """The first problem of each kind, in a line."""
    first: dict[str, str] = {}
    for p in problems:
        about = f"{p.file.name}: " if p.file and str(p.file) not in p.detail else ""
        first.setdefault(p.kind, about + p.detail)
    return first


def told(problems: Sequence[Problem]) -> list[str]:
    """A line for each kind: how many, and the first."""
    first = examples(problems)
    return [f"{kind}: {count}; the first: {first[kind]}" for kind, count in summary(problems).items()]


def summary(problems: Sequence[Problem]) -> dict[str, int]:
    """Problems by kind, in the order of `KINDS`."""
    counts = Counter(p.kind for p in problems)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}
