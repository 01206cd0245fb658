"""What repair is worth: bodies found by the bundled model in simulated flights, with it and without.

python benchmarks/repair_gain.py [seed ...]

The detector looks at every 12th frame once the sensor's faults had time to be learnt. Two sensors: the simulator's
usual one, and a poor one with many dead pixels and strong column stripes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a checkout that is not installed

from edge.camera import open_camera
from edge.demo import MODEL
from edge.engine import Engine, open_engine
from edge.preprocess import Preprocessor, to_detections
from edge.records import Float32, Frame
from edge.thermal.repair import Repair

SENSORS = {"usual sensor": "", "poor sensor": ",dead=0.002,column_noise=0.15"}
LEARN, FRAMES, EVERY, FPS = 300, 420, 12, 15
THRESHOLD, FOUND, FALSE = 0.3, 0.5, 0.3  # lowest score; IoU of a body found; IoU below which a box is false


def fly(engine: Engine, source: str, repairs: bool) -> tuple[int, int, int]:
    """``(bodies, found, false)`` over one flight."""
    bodies = found = false = 0
    repair, preprocess = Repair(FPS), Preprocessor(engine.bundle)
    with open_camera(source) as camera:
        for frame in iter(camera.read, None):
            seen: Frame = repair(frame) if repairs else frame
            _, image, letterbox = preprocess.forward(seen)
            if frame.seq < LEARN or frame.seq % EVERY or frame.truth is None:
                continue
            boxes = to_detections(engine.infer(image), letterbox, THRESHOLD, seen).boxes
            overlap = ious(boxes, frame.truth.boxes)
            bodies += len(frame.truth.boxes)
            found += int((overlap.max(axis=0, initial=0) > FOUND).sum())
            false += int((overlap.max(axis=1, initial=0) < FALSE).sum())
    return bodies, found, false


def ious(a: Float32, b: Float32) -> Float32:
    """(N, M) intersection over union of boxes, (N, 4) and (M, 4) xyxy."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clip(0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b)]
    return np.asarray(common / (areas[0][:, None] + areas[1] - common), np.float32)


def main(seeds: list[int]) -> None:
    print(f"score {THRESHOLD:g} or more, IoU {FOUND:g}; flights {', '.join(map(str, seeds))}")
    print(f"{'':<32}{'bodies':>8}{'found':>8}{'false':>8}")
    with open_engine(MODEL, "ort") as engine:
        for name, faults in SENSORS.items():
            for repairs in (False, True):
                flights = [
                    fly(engine, f"sim:live=0,frames={FRAMES},fps={FPS},seed={seed},ffc_interval=0{faults}", repairs)
                    for seed in seeds
                ]
                row = "".join(f"{n:>8}" for n in np.sum(flights, axis=0))
                print(f"{name + (', repaired' if repairs else ', as it is'):<32}{row}", flush=True)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [2, 3, 4])
