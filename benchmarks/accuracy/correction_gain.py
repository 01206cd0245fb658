"""What correction is worth: bodies found by the bundled model in simulated flights, with it and without.

python benchmarks/accuracy/correction_gain.py [seed ...]

The detector looks at every 12th frame once the sensor's faults had time to be learnt. Two sensors: the simulator's
usual one, and a poor one with many dead pixels and strong column stripes. The same flights through a sensor without
faults say what no correction betters. False alarms are the model's: warm stones and crowns of trees get higher scores
in a clean picture, as bodies do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import run, whole
from edge.app.demo import MODEL
from edge.camera import open_camera
from edge.data import Float32, Frame
from edge.engine import Engine, open_engine
from edge.model.transform import Preprocessor, to_detections
from edge.thermal.correct.correction import Correction

USUAL, POOR, FAULTLESS = "", ",dead=0.002,column_noise=0.15", ",dead=0,column_noise=0"
ROWS = [
    ("usual sensor, as it is", USUAL, False),
    ("usual sensor, corrected", USUAL, True),
    ("poor sensor, as it is", POOR, False),
    ("poor sensor, corrected", POOR, True),
    ("sensor without faults", FAULTLESS, False),
]
LEARN, FRAMES, EVERY, FPS = 300, 420, 12, 15
LOW, FOUND, FALSE = 0.3, 0.5, 0.3  # lowest score; IoU of a body found; IoU below which a box is false
Counts = dict[float, tuple[int, int]]


def fly(engine: Engine, source: str, corrects: bool) -> tuple[int, Counts]:
    """Bodies in one flight, and by lowest score ``(found, false)``."""
    thresholds = (LOW, engine.bundle.score_threshold)
    bodies, counts = 0, dict.fromkeys(thresholds, (0, 0))
    correct, preprocess = Correction(FPS), Preprocessor(engine.bundle)
    with open_camera(source) as camera:
        for frame in iter(camera.read, None):
            seen: Frame = correct(frame) if corrects else frame
            _, image, letterbox = preprocess.forward(seen)
            if frame.seq < LEARN or frame.seq % EVERY:
                continue
            bodies += len(frame.truth.boxes)
            raw = engine.infer(image)
            for threshold, (found, false) in counts.items():
                overlap = ious(to_detections(raw, letterbox, threshold, seen).boxes, frame.truth.boxes)
                found += int((overlap.max(axis=0, initial=0) > FOUND).sum())
                false += int((overlap.max(axis=1, initial=0) < FALSE).sum())
                counts[threshold] = (found, false)
    return bodies, counts


def ious(a: Float32, b: Float32) -> Float32:
    """(N, M) intersection over union of boxes, (N, 4) and (M, 4) xyxy."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clip(0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b)]
    return np.asarray(common / (areas[0][:, None] + areas[1] - common), np.float32)


def main(seeds: list[int]) -> None:
    with open_engine(MODEL, "ort") as engine:
        own = engine.bundle.score_threshold
        print(f"IoU {FOUND:g}; scores from {LOW:g} and, the model's own, {own:g}; flights {', '.join(map(str, seeds))}")
        heads = [f"{what} {score:g}" for score in (LOW, own) for what in ("found", "false")]
        print(f"{'':<28}{'bodies':>8}" + "".join(f"{head:>12}" for head in heads))
        for name, faults, corrects in ROWS:
            sources = (f"sim:live=0,frames={FRAMES},fps={FPS},seed={seed},ffc_interval=0{faults}" for seed in seeds)
            flights = [fly(engine, source, corrects) for source in sources]
            figures = [sum(counts[score][i] for _, counts in flights) for score in (LOW, own) for i in (0, 1)]
            row = "".join(f"{n:>12}" for n in figures)
            print(f"{name:<28}{sum(bodies for bodies, _ in flights):>8}{row}", flush=True)


if __name__ == "__main__":
    run(lambda: main([whole("seed", seed) for seed in sys.argv[1:]] or [2, 3, 4]))
