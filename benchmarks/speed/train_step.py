"""Seconds of one training step, forward and backward, with float32 products and with bfloat16 ones, taking turns.

python benchmarks/speed/train_step.py [steps]

The bundled model, four crops of 320 px with eight boxes each, all cores. The optimiser and the drawing of crops are
not in it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from export.detector.checkpoint import load_detector
from export.training.augment import Crop
from export.training.criterion import DetectionCriterion
from export.training.prepare import multiplies_bfloat16, prepare_for_training

BUNDLE = Path(__file__).resolve().parents[2] / "edge/models/hituav-r18"
SIDE, BOXES, BATCH, WARM_UP = 320, 8, 4, 2


def crops() -> list[Crop]:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(BATCH):
        corner = rng.uniform(0, SIDE - 40, (BOXES, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(10, 40, (BOXES, 2))], axis=1).astype(np.float32)
        pixels = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        made.append(Crop(pixels, boxes, rng.integers(0, 4, BOXES), np.zeros((0, 4), np.float32)))
    return made


def main(steps: int) -> None:
    made = crops()
    kinds = {"float32": False, "bfloat16": True}
    losses, seconds = {}, {kind: [] for kind in kinds}
    for kind, mixed in kinds.items():
        model = load_detector(BUNDLE)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith("backbone.body.conv1"))
        prepare_for_training(model, mixed)
        losses[kind] = DetectionCriterion(model)
    for i in range(WARM_UP + steps):
        for kind, of in losses.items():
            torch.manual_seed(i)
            began = time.perf_counter()
            torch.stack(list(of(made).values())).sum().backward()
            if i >= WARM_UP:
                seconds[kind].append(time.perf_counter() - began)
    native = "has" if multiplies_bfloat16(torch.device("cpu")) else "lacks"
    print(f"{BATCH} crops of {SIDE} px, {steps} steps, {torch.get_num_threads()} threads; this CPU {native} bfloat16")
    for kind, took in seconds.items():
        print(f"{kind:<10}median {np.median(took):.3f} s   least {min(took):.3f} s")
    print(f"bfloat16 takes {np.median(seconds['bfloat16']) / np.median(seconds['float32']):.2f} of the time")


if __name__ == "__main__":
    run(lambda: main(number_of("steps", 15)))
