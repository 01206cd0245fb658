"""How many rounds of suppression frames need in the graph for TensorRT (export/graph/stages/nms.py).

    python benchmarks/exported/rounds.py FRAMES [--model edge/models/hituav-r18] [--frames 58]

Greedy suppression has settled when a round changes nothing; counted are the rounds of each frame up to that one, in all
sets of boxes together. The graph runs as many as it was traced with, and says in ``converged`` where they were too few.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed
from benchmarks.command import at_least, run
from edge.camera.stills import read_still
from edge.model.bundle import Bundle
from export.detector.checkpoint import load_detector
from export.graph.stages.nms import ROUNDS, next_round, removals
from export.graph.static import StaticDetector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, metavar="FRAMES", help="a folder of grey frames of the model's size")
    parser.add_argument("--model", type=Path, default=Path("edge/models/hituav-r18"), help="a bundle of --store shared")
    parser.add_argument("--frames", type=at_least(1), default=58, help="how many, spread over all")
    arguments = parser.parse_args()
    bundle = Bundle.load(arguments.model)
    detector: Any = StaticDetector(load_detector(arguments.model), bundle.height, bundle.width)
    needed: dict[str, Counter[int]] = {"proposals": Counter(), "postprocess": Counter()}
    for stage, counts in needed.items():
        getattr(detector, stage).suppress.function = counting(counts)
    paths = sorted(p for p in arguments.images.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    step = max(1, len(paths) // arguments.frames)
    for path in paths[::step][: arguments.frames]:
        pixels = np.ascontiguousarray(read_still(path)[0], np.uint8)
        if pixels.shape != (bundle.height, bundle.width):
            sys.exit(f"{path} has {pixels.shape[1]}x{pixels.shape[0]} px: expected {bundle.width}x{bundle.height}")
        with torch.no_grad():
            detector(torch.from_numpy(pixels)[None, :, :, None])
    print(f"{sum(needed['proposals'].values())} frames; the graph runs {ROUNDS} rounds")
    for stage, counts in needed.items():
        print(f"{stage}: rounds x frames: " + ", ".join(f"{rounds} x {n}" for rounds, n in sorted(counts.items())))


def counting(counts: Counter[int]) -> Callable[..., Any]:
    def suppress(boxes: Any, valid: Any, threshold: float, groups: Any, _: int) -> Any:
        beats = removals(boxes, valid, threshold, groups)
        before, keep = torch.zeros(0), torch.ones_like(boxes[..., 0])
        rounds = 0
        while not torch.equal(before, keep):
            before, keep = keep, next_round(beats, keep)
            rounds += 1
        counts[rounds] += 1
        return (keep > 0.5) & valid, torch.ones(1, dtype=torch.bool)

    return suppress


if __name__ == "__main__":
    run(main)
