"""What tiles find, and what they cost: simulated flights with the truth, with and without ``--tiles``.

python benchmarks/accuracy/tiles.py [--frames 20] [--seed 21] [--altitude 240] [--model BUNDLE] [--backend ort]

Two cameras with the same lens, 19 mm: 1280x1024 pixels of 8.5 um, and 640x512 of 17 um. AP50, recall and precision are
those of ``edge-export eval``; the latter two at the bundle's score. Bodies seen by less than half, and of classes that
the model does not know, count neither way. ``ms``: median processor time of this process a frame, engine included.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, run
from edge.app.demo import LEAST_VISIBLE
from edge.app.settings import MODEL
from edge.engine import open_engine
from edge.engine.tiled import tiling_of
from edge.measure.average_precision import Judged, rank
from edge.model.bundle import Bundle
from edge.model.tiling import TilePlan, whole
from edge.model.transform import Preprocessor, to_detections
from edge.sim.camera import Simulator
from edge.sim.settings import parse_settings

CAMERAS = (
    ("1280x1024", "width=1280,height=1024,pixel=8.5", (None, "auto")),
    ("640x512", "width=640,height=512,pixel=17", (None, "2x2")),
)
FLIGHT = "live=0,fps=0.5,ffc_interval=0"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=at_least(1), default=20)
    parser.add_argument("--seed", type=at_least(0), default=21)
    parser.add_argument("--altitude", type=float, default=240.0, help="metres")
    parser.add_argument("--model", default=str(MODEL))
    parser.add_argument("--backend", default="ort")
    asked = parser.parse_args(arguments)
    bundle = Bundle.load(asked.model)
    flight = f"{asked.frames} frames each at {asked.altitude:g} m, seed {asked.seed}"
    print(f"{bundle.name}, {flight}, score {bundle.thresholds}")
    print(f"{'camera':<11}{'--tiles':<9}{'scale':>6}{'calls':>6}{'ms':>8}  {'class':<9}{'boxes':>6}", end="")
    print(f"{'px':>5}{'AP50':>7}{'recall':>8}{'precision':>11}")
    for name, camera, choices in CAMERAS:
        source = f"sim:{camera},{FLIGHT},altitude={asked.altitude:g},frames={asked.frames},seed={asked.seed}"
        for tiles in choices:
            judged, plan, ms = judge(source, bundle, asked.backend, tiles)
            start = f"{name:<11}{tiles or '-':<9}{plan.scale:>6.2f}{len(plan.looks):>6}{ms:>8.0f}"
            for label, known in enumerate(bundle.classes):
                ranking = rank(judged, label, 0.5)
                if not ranking.total:
                    continue
                hits = ranking.hits[ranking.scores >= np.float32(bundle.thresholds[known])]
                sizes = np.concatenate([j.true_boxes[j.true_labels == label] for j in judged])
                length = float(np.median((sizes[:, 2:] - sizes[:, :2]).max(axis=1)))
                ap = 100 * (ranking.average_precision() or 0.0)
                recall, precision = 100 * hits.sum() / ranking.total, 100 * hits.mean() if len(hits) else float("nan")
                print(f"{start}  {known:<9}{ranking.total:>6}{length:>5.0f}{ap:>7.1f}{recall:>8.1f}{precision:>11.1f}")
                start = " " * len(start)
    return 0


def judge(source: str, bundle: Bundle, backend: str, tiles: str | None) -> tuple[list[Judged], TilePlan, float]:
    """What was found in each frame and what is there, the looks at a frame, and the time that one takes."""
    judged, took, settings = [], [], parse_settings(source)
    with Simulator(settings) as camera, open_engine(bundle, backend, tiles=tiles) as engine:
        tiling = tiling_of(engine)
        plan = (tiling.plan if tiling else whole)(settings.width, settings.height, bundle.width, bundle.height)
        preprocess = Preprocessor(bundle, tiling=tiling)
        for frame in iter(camera.read, None):
            before = time.process_time()
            _, image, box = preprocess.forward(frame)
            found = to_detections(engine.infer(image), box, 0.0, frame)
            took.append((time.process_time() - before) * 1e3)
            truth = frame.truth
            labels = np.array([label_of(bundle, name) for name in truth.names], np.int64)
            there = (labels >= 0) & (truth.visible >= LEAST_VISIBLE)
            judged.append(
                Judged(
                    *(found.boxes, found.scores, found.labels),
                    *(truth.boxes[there], labels[there], truth.boxes[~there]),
                )
            )
    return judged, plan, float(np.median(took))


def label_of(bundle: Bundle, name: str) -> int:
    """The label of a simulated body; -1 where the model has no such class."""
    known = [one.casefold() for one in bundle.classes]
    return known.index(name) if name in known else -1


if __name__ == "__main__":
    run(main)
