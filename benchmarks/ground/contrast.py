"""Whether the stated probability of detection holds where the picture is worse than the labelled ones.

python benchmarks/ground/contrast.py HIT-UAV [--every 6]

HIT-UAV: its folder, with val/ and annotations/val.json. Every so many of its validation frames are made worse in known
ways, and the bundled model looks at them as in flight. *found*: part of the labelled persons that a detection at the
bundle's score fits (IoU 0.5). *stated*: what ``edge run --coverage`` would say, the mean over the same persons, by
size, the usual grey levels and the clutter of each picture. *poor*: frames that a flight would leave out for their
condition. *unlike*: others of which it says nothing, as they are flatter, less sharp or noisier than nearly all that
recall was measured on. *left*: found, and stated, of the persons in the frames that are neither. The bundle's recall
was measured on the same frames as they are, so only the rows of worse pictures are a test.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, read_json, run
from edge.app.settings import MODEL
from edge.data import Frame
from edge.engine import open_engine
from edge.geo.coverage.coverage import POOR
from edge.health.scene import Health
from edge.measure.matching import iou
from edge.model.recall import read_recall
from edge.model.transform import Preprocessor, to_detections
from edge.thermal.contrast import clutter
from edge.thermal.sharpness import grey_range, sharpness
from edge.thermal.windows import Grey

CLASS, MIN_IOU = "Person", 0.5
Worse = Callable[[Grey, np.random.Generator], Grey]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=at_least(1), default=6)
    asked = parser.parse_args()
    frames = labelled(asked.folder)[:: asked.every]
    print(f"{len(frames)} frames, {sum(len(boxes) for _, boxes in frames)} persons: found, stated, poor, unlike, left")
    for name, worse in WAYS.items():
        print(f"  {name}: {', '.join(judged(frames, worse))}", flush=True)


def labelled(folder: Path) -> list[tuple[Path, np.ndarray]]:
    """Frames with persons, and their boxes (N, 4) xyxy px."""
    told = read_json(folder / "annotations" / "val.json", "images")
    (label,) = (one["id"] for one in told["categories" if "categories" in told else "category"] if one["name"] == CLASS)
    names = {one["id"]: one.get("file_name") or one["filename"] for one in told["images"]}
    boxes: dict[str, list[list[float]]] = {}
    for one in told["annotations" if "annotations" in told else "annotation"]:
        if one["category_id"] == label:
            x, y, w, h = one["bbox"]
            boxes.setdefault(names[one["image_id"]], []).append([x, y, x + w, y + h])
    return [(folder / "val" / name, np.array(boxes[name])) for name in sorted(boxes)]


def noise(sigma: float) -> Worse:
    return lambda picture, rng: to_grey(picture + rng.normal(0, sigma, picture.shape))


def fog(left: float) -> Worse:
    """Differences to the picture's median become so much smaller."""
    return lambda picture, _: to_grey(np.median(picture) + left * (picture - np.median(picture)))


def blur(sigma: float) -> Worse:
    return lambda picture, _: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def to_grey(picture: np.ndarray) -> Grey:
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


WAYS: dict[str, Worse] = {
    "as they are": lambda picture, _: picture,
    "noise of 8 grey levels": noise(8),
    "noise of 16 grey levels": noise(16),
    "noise of 32 grey levels": noise(32),
    "half of all differences": fog(0.5),
    "a quarter of all differences": fog(0.25),
    "blurred, sigma 1 px": blur(1),
    "blurred, sigma 2 px": blur(2),
}


def judged(frames: list[tuple[Path, np.ndarray]], worse: Worse) -> list[str]:
    found, stated, poor, unlike = [], [], 0, 0
    kept: list[bool] = []
    rng = np.random.default_rng(0)
    with open_engine(MODEL, "ort") as engine:
        bundle = engine.bundle
        curve = read_recall(bundle, CLASS, bundle.thresholds[CLASS])
        assert curve is not None
        assert curve.grey is not None
        assert curve.pictures is not None
        for seq, (path, boxes) in enumerate(frames):
            frame = Frame(worse(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), rng), seq, float(seq))
            picture, image, box = Preprocessor(bundle).forward(frame)
            seen = to_detections(engine.infer(image), box, bundle.thresholds, frame)
            bad = bool(set(Health(bundle).judge(frame, picture, 0.0, seen)) & POOR)
            persons = seen.boxes[seen.labels == bundle.classes.index(CLASS)]
            overlap = iou(boxes, persons) if len(persons) else np.zeros((len(boxes), 1))
            found.append(overlap.max(axis=1) >= MIN_IOU)
            sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
            scale = min(bundle.width / frame.width, bundle.height / frame.height)
            differs = not bad and bool(curve.pictures.unlike(grey_range(picture), sharpness(picture, scale)))
            poor, unlike = poor + bad, unlike + differs
            kept += [not bad and not differs] * len(boxes)
            row = curve.row(curve.grey / clutter(picture, float(np.median(sides))))
            bins = np.searchsorted(curve.edges_px, sides * scale, side="right") - 1
            stated.append(row[bins])
    said, hits = np.concatenate(stated), np.concatenate(found)
    known = ~np.isnan(said)
    left = known & np.array(kept)
    parts = f"{hits[known].mean():.2f}", f"{said[known].mean():.2f}"
    rest = f"{hits[left].mean():.2f}, {said[left].mean():.2f} of {left.sum()}" if left.any() else "none"
    return [*parts, *(f"{n} of {len(frames)}" for n in (poor, unlike)), rest]


if __name__ == "__main__":
    run(main)
