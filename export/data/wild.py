"""Frames of wild ground with animals as labelled sets: simulated whole, or simulated animals in real frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputError
from edge.sim.wild.frame import make_frame
from edge.sim.wild.onto import LEVELS, LEVELS_WIDE, WIDE, set_onto, wider_range
from edge.sim.wild.scene import HEIGHT, WIDTH
from edge.sim.wild.seen import Body
from export.data.dataset import LabelledFrame, LabelledSet, read_frame
from export.data.simulate import Made, write_set

ANIMAL = "Animal"
REAL_QUALITY = 90  # JPEG
# HIT-UAV: day or night, altitude in m, angle in degrees, weather, frame
_TAKEN = re.compile(r"[01]_(?P<altitude>\d+)_(?P<angle>\d+)_\d+_\d+")


def simulate_wild(
    out: Path,
    frames: int,
    seed: int,
    split: str,
    classes: Sequence[str],
    eight_bit: float,
    tell: Callable[[int], None] = lambda _: None,
    kind: str = "wild",
) -> LabelledSet:
    """Write ``frames`` frames, each another scene: ``eight_bit`` of them, about, as JPEG of a camera's 8 bit, the
    others as uint16 counts in PNG. ``kind``: see `edge.sim.wild.frame.make_frame`. See
    `export.data.simulate.write_set` for what stands where.
    """

    def made() -> Iterator[Made]:
        for index in range(frames):
            frame = make_frame(seed, index, eight_bit, kind)
            name = f"{kind}{seed}-{index:05d}_000"
            if frame.scene.agc is None:
                file, encoded = f"{name}.png", cv2.imencode(".png", frame.pixels)[1].tobytes()
            else:
                quality = [cv2.IMWRITE_JPEG_QUALITY, frame.scene.agc.quality]
                file, encoded = f"{name}.jpg", cv2.imencode(".jpg", frame.pixels, quality)[1].tobytes()
            height, width = frame.pixels.shape
            path, none = out / split / file, np.zeros((0, 4), np.float32)
            empty = LabelledFrame(path, width, height, none, np.zeros(0, np.int64), none, frame.temperature)
            yield _with_bodies(empty, encoded, frame.bodies, classes)

    return write_set(out, split, classes, made(), tell)


def simulate_onto(
    out: Path,
    frames: int,
    seed: int,
    split: str,
    real: LabelledSet,
    tell: Callable[[int], None] = lambda _: None,
) -> LabelledSet:
    """Write ``frames`` of the frames of ``real``, drawn at random, with simulated animals in them, as JPEG; their own
    labels stay, and the class Animal is added. Each frame is taken once before any is taken again.

    Raises InputError where a frame is not 640x512 of 8 bit, or its name does not tell altitude and angle.
    """
    known = {name.casefold() for name in real.classes}
    classes = real.classes if ANIMAL.casefold() in known else (*real.classes, ANIMAL)

    def made() -> Iterator[Made]:
        order = np.random.default_rng(seed)
        left: list[int] = []
        for index in range(frames):
            left = left or order.permutation(len(real.frames)).tolist()
            frame = real.frames[left.pop()]
            altitude, angle = taken_at(frame.path)
            pixels = read_frame(frame)
            if pixels.dtype != np.uint8 or pixels.shape != (HEIGHT, WIDTH):
                height, width = pixels.shape
                raise InputError(
                    f"{frame.path} is {width}x{height} of {8 * pixels.itemsize} bit: expected frames of "
                    f"{WIDTH}x{HEIGHT} of 8 bit to set animals into"
                )
            rng = np.random.default_rng((seed, index))
            taken = np.concatenate((frame.boxes, frame.ignored))
            picture, levels = pixels.view(np.uint8), LEVELS
            if rng.random() < WIDE:
                picture, levels = wider_range(picture, rng), LEVELS_WIDE
            seen, bodies = set_onto(picture, taken, altitude, angle, rng, levels)
            encoded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, REAL_QUALITY])[1].tobytes()
            path = out / split / f"onto{seed}-{index:05d}_{frame.path.stem}.jpg"
            own = LabelledFrame(path, WIDTH, HEIGHT, frame.boxes, frame.labels, frame.ignored)
            yield _with_bodies(own, encoded, bodies, classes)

    return write_set(out, split, classes, made(), tell)


def taken_at(path: Path) -> tuple[float, float]:
    """Altitude in m and angle in degrees below the horizon, as HIT-UAV's file names tell them.

    Raises InputError where the name does not.
    """
    found = _TAKEN.fullmatch(path.stem)
    if not found or not 20 <= int(found["angle"]) <= 90 or not int(found["altitude"]):
        raise InputError(
            f"{path.name} does not tell at which altitude and angle it was taken, so animals cannot be set into it at "
            "the right scale: expected names as HIT-UAV's, such as 0_60_30_0_00001.jpg (60 m, 30 degrees)"
        )
    return float(found["altitude"]), float(found["angle"])


def _with_bodies(frame: LabelledFrame, encoded: bytes, bodies: Sequence[Body], classes: Sequence[str]) -> Made:
    """The frame with its bodies: those that are to be found as boxes, the others as ignored regions."""
    label_of = {name.casefold(): i for i, name in enumerate(classes)}
    boxes, labels, ignored, said = [], [], [], []
    for body in bodies:
        label = label_of.get(body.species, label_of.get(body.name, -1))
        if body.found_by_eye and label >= 0:
            boxes.append(body.box)
            labels.append(label)
            said.append({"species": body.species, "pose": body.pose, "visible": round(body.visible, 3)})
        else:
            ignored.append(body.box)
    whole = LabelledFrame(
        frame.path,
        frame.width,
        frame.height,
        np.concatenate((frame.boxes, np.array(boxes, np.float32).reshape(-1, 4))),
        np.concatenate((frame.labels, np.array(labels, np.int64))),
        np.concatenate((frame.ignored, np.array(ignored, np.float32).reshape(-1, 4))),
        frame.temperature,
    )
    return Made(whole, encoded, ({},) * len(frame.boxes) + tuple(said))
