"""Simulated flights as labelled 16-bit frames, to mix with real ones: what no 8-bit set can teach, the counts of
a radiometric camera through the normaliser of flight, and heights, seasons and cameras that were never flown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.data import TemperatureScale
from edge.errors import InputError
from edge.sim.camera import Simulator
from edge.sim.settings import MIN_DEPRESSION_DEG, SimulatorSettings
from edge.sim.truth import SimulatedFrame
from edge.system.files import reason_of, write_whole
from export.data.coco import to_coco
from export.data.dataset import IGNORED, LabelledFrame, LabelledSet
from export.data.text_file import clean_name

FRAMES_A_FLIGHT = 8  # of one ground, seconds apart, so that they differ
LEAST_VISIBLE = 0.5  # a body hidden further is an ignored region


@dataclass(frozen=True)
class Made:
    """A frame that is to be written: its labels with ``frame.path`` where, ``encoded`` the file. ``said``: COCO's
    ``attributes`` of each box; none at all where it is empty.
    """

    frame: LabelledFrame
    encoded: bytes
    said: tuple[Mapping[str, object], ...] = ()


def write_set(
    out: Path, split: str, classes: Sequence[str], made: Iterable[Made], tell: Callable[[int], None]
) -> LabelledSet:
    """Write the files of ``out/split`` and, last, ``out/annotations/split.json`` (COCO). ``tell`` is given the number
    of frames done.

    Raises InputError where ``split`` is no name of a folder in ``out``, is there already, or cannot be written, and
    for classes that nobody could read back.
    """
    _check_classes(classes)
    if split in ("", ".", "..", "annotations") or Path(split).name != split:
        raise InputError(f"--split {split!r}: expected the name of a folder in {out}, such as train or val")
    labels = out / "annotations" / f"{split}.json"
    if labels.exists():
        raise InputError(f"{labels} is there already: give another --out or --split, or remove it")
    done: list[LabelledFrame] = []
    said: list[Mapping[str, object]] = []
    try:
        for folder in (out / split, labels.parent):
            folder.mkdir(parents=True, exist_ok=True)
        for one in made:
            write_whole(one.frame.path, one.encoded)
            done.append(one.frame)
            said += [*(one.said or ({},) * len(one.frame.boxes)), *({},) * len(one.frame.ignored)]
            tell(len(done))
        data = LabelledSet(tuple(classes), tuple(done))
        coco = to_coco(data, out / split)
        for row, attributes in zip(coco["annotations"], said, strict=True):
            if attributes:
                row["attributes"] = dict(attributes)
        write_whole(labels, json.dumps(coco).encode())
    except OSError as error:
        raise InputError(f"{out} cannot be written ({reason_of(error)}): make space, or give another --out") from None
    return data


def _check_classes(classes: Sequence[str]) -> None:
    known: set[str] = set()
    for name in classes:
        folded = clean_name(name, "--classes: a class is called").casefold()
        if folded == IGNORED.casefold():
            raise InputError(f"--classes: {name} is what ignored regions are called: expected another name")
        if folded in known:
            raise InputError(f"--classes: {name} comes twice, whatever the case: expected each class once")
        known.add(folded)


def simulate(
    out: Path,
    frames: int,
    seed: int,
    split: str = "train",
    classes: Sequence[str] = ("Person", "Car", "Bicycle", "OtherVehicle"),
    tell: Callable[[int], None] = lambda _: None,
) -> LabelledSet:
    """Write survey flights as ``out/split/*.png`` (uint16 counts of 0.01 K) and their labels: see `write_set`.

    Bodies take the class of their name (person, deer, car), whatever its case; a deer is of class Animal where there is
    no class Deer. A body whose name is no class, and one less than half visible, becomes an ignored region. The same
    ``frames`` and ``seed`` give the same files.
    """
    label_of = {name.casefold(): i for i, name in enumerate(classes)}
    label_of.setdefault("deer", label_of.get("animal", -1))

    def made() -> Iterator[Made]:
        for flight, settings in enumerate(_flights(frames, seed)):
            with Simulator(settings) as camera:
                for frame in iter(camera.read, None):
                    path = out / split / f"sim{seed}-{flight:04d}_{frame.seq:03d}.png"
                    encoded = cv2.imencode(".png", frame.pixels)[1].tobytes()
                    yield Made(_labelled(path, frame, label_of), encoded)

    return write_set(out, split, classes, made(), tell)


def _flights(frames: int, seed: int) -> Iterator[SimulatorSettings]:
    """Settings of as many flights as ``frames`` take."""
    for flight, start in enumerate(range(0, frames, FRAMES_A_FLIGHT)):
        rng = np.random.default_rng((seed, flight))
        yield _flight(rng, min(FRAMES_A_FLIGHT, frames - start))


def _flight(rng: np.random.Generator, frames: int) -> SimulatorSettings:
    """Survey flights as people fly them: 30 to 120 m, looking down or ahead, from frost to a warm evening."""
    focal = float(rng.choice([13.0, 19.0, 25.0]))
    altitude = float(np.exp(rng.uniform(np.log(30), np.log(120))))
    half_view = np.degrees(np.arctan(512 / 2 * 17e-3 / focal))
    shallowest = -(MIN_DEPRESSION_DEG + half_view + 3)  # 3: the flight's own shake stays clear of the limit
    pitch = -90.0 if rng.random() < 0.3 else float(rng.uniform(-90, min(shallowest, -35)))
    air = float(rng.uniform(-8, 24))
    return SimulatorSettings(
        frames=frames,
        live=0,
        seed=int(rng.integers(2**32)),
        fps=float(rng.uniform(0.3, 0.8)),
        speed=float(rng.uniform(3, 12)),
        altitude=altitude,
        pitch=pitch,
        focal=focal,
        people=int(rng.integers(60, 300)),
        cars=int(rng.integers(20, 120)),
        deer=int(rng.integers(0, 40)),
        air=air,
        ground=air + float(rng.uniform(-3, 4)),
        blur=float(rng.uniform(0.5, 1.0)),
        netd=float(rng.uniform(0.03, 0.10)),
        column_noise=float(rng.uniform(0.0, 0.06)),
        ffc_interval=0.0,
    )


def _labelled(path: Path, frame: SimulatedFrame, label_of: dict[str, int]) -> LabelledFrame:
    truth = frame.truth
    labels = np.array([label_of.get(name.casefold(), -1) for name in truth.names], np.int64)
    kept = (labels >= 0) & (truth.visible >= LEAST_VISIBLE)
    scale = frame.temperature if isinstance(frame.temperature, TemperatureScale) else None
    return LabelledFrame(path, frame.width, frame.height, truth.boxes[kept], labels[kept], truth.boxes[~kept], scale)
