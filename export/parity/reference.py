"""Detections that the user's own program wrote, compared with what a bundle finds in the same files.

Written by the script of `edge-export reference` (`export.parity.reference_script`). It is the one comparison that no
wrong assumption about the detector survives: nothing in it was rebuilt from what this package believes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from edge.camera import open_camera
from edge.data import Frame, RawDetections
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import ONNX_INT8, Bundle, sha256
from edge.model.letterbox import Letterbox
from edge.model.thresholds import Thresholds
from edge.model.transform import Preprocessor
from edge.system.declared import declared, json_file
from edge.system.files import reason_of
from export.parity.causes import Seen, likely_causes
from export.parity.compare import FLOAT16, INT8, Comparison, Tolerance, float16_detector
from export.parity.pairs import Pairs, join, pair

MOST_BYTES = 64 << 20  # of the file
WAY = "write it again with the script of edge-export reference"
# another decoder of pictures, another torch and perhaps a GPU: rounding is wider than between two graphs here
OTHER_PROGRAM = Tolerance(iou=0.95, score=0.02, unpaired=0.01)

_Number = Annotated[float, Meta(ge=-1e9, le=1e9)]  # as pixels of any picture are; float32 holds it at any scale
_Box = tuple[_Number, _Number, _Number, _Number]
_Pixels = Annotated[int, Meta(ge=1, le=1_000_000)]
_Size = tuple[_Pixels, _Pixels]
_MANY = 100_000  # detections in a picture, pictures


class Picture(msgspec.Struct):
    """What was found in one file. ``file``: its name in the folder. ``size``, ``input``: width and height of the
    picture and of what the model got, pixels; ``range``: lowest and highest value of that. ``boxes``: xyxy, pixels of
    the input. ``labels``: torchvision's, 1 = first class.
    """

    file: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    size: _Size
    input: _Size
    boxes: Annotated[list[_Box], Meta(max_length=_MANY)]
    scores: Annotated[list[Annotated[float, Meta(ge=0, le=1)]], Meta(max_length=_MANY)]
    labels: Annotated[list[Annotated[int, Meta(ge=0, le=_MANY)]], Meta(max_length=_MANY)]
    range: tuple[_Number, _Number] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.scores) == len(self.labels):
            raise ValueError("expected as many scores and labels as boxes")
        if not self.file or self.file.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", self.file):
            raise ValueError(f"file {self.file!r}: expected a name in the folder of --images")

    def detections(self) -> RawDetections:
        """In pixels of the picture. Raises ValueError where the program stretched it unevenly."""
        factors = np.array(self.input) / np.array(self.size)
        # a padded or rounded size is a fraction of a per cent off
        if abs(factors[0] / factors[1] - 1) > 0.02:
            raise ValueError(
                f"the model got {self.input[0]}x{self.input[1]} of a picture of {self.size[0]}x{self.size[1]}, which "
                "is no even scale: leave the size in prepare() to the model, or pass the picture as it is"
            )
        boxes = np.asarray(np.asarray(self.boxes, np.float64).reshape(-1, 4) / np.tile(factors, 2), np.float32)
        labels = np.asarray(self.labels, np.int32) - 1
        return RawDetections(boxes, np.asarray(self.scores, np.float32), labels)


class Reference(msgspec.Struct):
    """The file. ``settings``: of the program's detector, named as fields of `Configuration`."""

    format: Literal[1]
    images: Annotated[list[Picture], Meta(min_length=1, max_length=_MANY)]
    settings: dict[str, Any] = {}
    versions: dict[str, Any] = {}


def read_reference(path: Path) -> Reference:
    """Raises InputError where it cannot be read, or is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} has more than {MOST_BYTES >> 20} MB: {WAY}, with fewer --frames")
        return declared(json_file(path, MOST_BYTES), Reference)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}): {WAY}") from None
    except ValueError as error:
        raise InputError(f"{path} holds no reference detections ({error}): {WAY}") from None


def compare_with_reference(
    bundle: Bundle,
    folder: Path,
    reference: Reference,
    most: int | None = None,
    min_score: float | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[list[Comparison], list[str]]:
    """The user's program against ``model.onnx`` as in flight, and that against ``model.fp16.onnx`` and, where there is
    one, ``model.int8.onnx``.

    ``folder``: where the files of ``reference`` are. ``most``: of its files, spread; None = all. ``min_score``: as
    `export.parity.compare.compare`; what either side drops below its own threshold is not compared. Boxes are compared
    in pixels of the pictures. Returns the comparisons, and what is likely wrong where the first is beyond tolerance.

    Raises InputError where a file is missing or another one, or its size as read here is another.
    """
    images = reference.images[:: -(-len(reference.images) // most)] if most else reference.images
    least = (bundle.thresholds if min_score is None else Thresholds.of(min_score)).at_least(
        max(bundle.graph_score_threshold, _number(reference.settings, "box_score_thresh"))
    )
    engine, half = OrtEngine(bundle), float16_detector(bundle)
    engines = [engine]
    if ONNX_INT8 in bundle.files:
        engines.append(OrtEngine(bundle, graph=ONNX_INT8))
    int8: list[Pairs] = []
    seen: list[Seen] = []
    exact: list[Pairs] = []
    rounded: list[Pairs] = []
    unsettled = [0, 0, 0]
    try:
        for done, picture in enumerate(images):
            progress(done, len(images))
            frame = _frame(folder, picture)
            _, image, box = Preprocessor(bundle).forward(frame)
            flown, typed = engine.infer(image), half(image)
            theirs, ours = _theirs(picture), _in_picture(flown, box)
            seen.append(Seen(theirs, ours, picture.range, (box.scale_x, box.scale_y)))
            exact.append(pair(theirs, ours, least))
            rounded.append(pair(flown, typed, least))
            unsettled[0] += not flown.converged
            unsettled[1] += not typed.converged
            for other in engines[1:]:
                bytewise = other.infer(image)
                int8.append(pair(flown, bytewise, least))
                unsettled[2] += not bytewise.converged
    finally:
        for opened in engines:
            opened.close()
    progress(len(images), len(images))
    names = ("your program", "float32", "float16")
    first = Comparison(names[0], names[1], join(exact), OTHER_PROGRAM, len(images), unsettled[0])
    second = Comparison(names[1], names[2], join(rounded), FLOAT16, len(images), unsettled[1])
    causes = likely_causes(bundle, reference.settings, seen, first, least) if first.failures else []
    third = [Comparison(names[1], "int8", join(int8), INT8, len(images), unsettled[2])] * (len(engines) > 1)
    return [first, second, *third], causes


def _number(settings: Mapping[str, Any], name: str) -> float:
    value = settings.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else 0.0


def _frame(folder: Path, picture: Picture) -> Frame:
    path = folder / picture.file
    try:
        digest = sha256(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({reason_of(error)}): expected the folder of frames that the reference was made of"
        ) from None
    if digest != picture.sha256:
        raise InputError(f"{path} is not the file that the reference was made of (its sha256 differs): {WAY}")
    with open_camera(str(path)) as camera:
        frame = camera.read()
    assert frame is not None  # a still that opens has one
    if (frame.width, frame.height) != picture.size:
        raise InputError(
            f"{path} is read as {frame.width}x{frame.height}, the program of the reference saw "
            f"{picture.size[0]}x{picture.size[1]}: a rotation tag, or counts of another size than the picture; save "
            "the frames as plain PNG"
        )
    return frame


def _theirs(picture: Picture) -> RawDetections:
    try:
        return picture.detections()
    except ValueError as error:
        raise InputError(f"{picture.file}: {error}") from None


def _in_picture(found: RawDetections, box: Letterbox) -> RawDetections:
    boxes, kept = box.inverse(found.boxes)
    kept &= found.scores > 0  # the others are padding
    return RawDetections(boxes[kept], found.scores[kept], found.labels[kept], found.converged)
