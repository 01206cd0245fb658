"""Recall and precision of a run over an annotated clip.

    edge run --source CLIP.avi --out out/clip
    python benchmarks/accuracy/clip.py out/clip/detections.jsonl ANNOTATIONS.json [--threshold T]

ANNOTATIONS: ``{"categories": [{"id", "name"}], "frames": [{"objects": [{"category_id", "bbox_xywh"}]}]}``,
frames in the order of the clip. The category DontCare counts neither way.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import read_json, run
from edge.errors import InputError
from edge.measure.matching import Tally
from edge.measure.read_detections import DetectionsFile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("detections", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--threshold", type=float, default=0.0, help="count scores from here on")
    parser.add_argument("--iou", type=float, default=0.5)
    arguments = parser.parse_args()

    truth = read_json(arguments.annotations, "categories", "frames")
    names = {category["id"]: category["name"] for category in truth["categories"]}
    tally = Tally(arguments.iou)
    lines = list(DetectionsFile(arguments.detections))
    if lines and lines[-1].seq >= len(truth["frames"]):
        raise InputError(
            f"{arguments.detections} has frame {lines[-1].seq}, {arguments.annotations} {len(truth['frames'])} frames: "
            "expected the annotations of that clip"
        )
    for line in lines:
        found = [d for d in line.detections if d.score >= arguments.threshold]
        objects = truth["frames"][line.seq]["objects"]
        corners = np.array([o["bbox_xywh"] for o in objects], np.float32).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        there = [names[o["category_id"]] for o in objects]
        tally.add(
            np.array([d.box for d in found], np.float32).reshape(-1, 4),
            np.array([d.score for d in found], np.float32),
            [d.name for d in found],
            corners,
            there,
            [name == "DontCare" for name in there],
        )
    print(f"{len(lines)} of {len(truth['frames'])} frames, IoU {arguments.iou}, score >= {arguments.threshold}")
    print(f"{'class':14}{'found':>7}{'missed':>8}{'false':>7}{'recall':>8}{'precision':>11}")
    for name, row in tally.to_json().items():
        rates = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("recall", "precision")]
        print(f"{name:14}{row['found']:>7}{row['missed']:>8}{row['false']:>7}{rates[0]:>8}{rates[1]:>11}")


if __name__ == "__main__":
    run(main)
