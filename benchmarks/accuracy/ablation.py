"""What matters for small warm objects: the normaliser in training against the one in flight, the pyramid, the anchors.

    python benchmarks/accuracy/ablation.py --out out/ablation --backbone resnet18.pth --steps 400 --seeds 3

Trains a small detector on simulated 16-bit flights for each cell and seed, evaluates it on flights of
another seed, and prints the tables as markdown: AP50 in per cent, mean and standard deviation over seeds. A finished
cell is a JSON file in the folder: the command goes on where it was stopped. A small budget compares, it does not
say how good a detector can get. Only the anchored window is jittered in training: the others have none to jitter.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, run
from edge.model.normalisers import Normalisers
from edge.system.files import write_whole
from edge.thermal.normalise import NormaliseSpec
from export.data.dataset import LabelledSet
from export.data.formats import read_folder
from export.data.simulate import simulate
from export.detector.build import frc_resnet_fpn
from export.evaluate.evaluate import detect_with_model, figures, judge
from export.training.augment import Augmentation
from export.training.loop import Trainer
from export.training.settings import TrainSettings
from export.training.start import calibrate_norms, grey_statistics, load_backbone

CLASSES = ("Person", "Car")
TRAIN_SEED, VAL_SEED = 101, 202
# 16-bit counts have no identity: the nearest is a window that is fixed for every flight
NORMALISERS = {
    "fixed window": "window:low=-30,high=60,unit=celsius",
    "minmax": "minmax",
    "percentile": "percentile",
    "anchored": "anchored",
    "clahe": "clahe",
}
ANCHORS = {"small": ((4, 8, 16, 32, 64),), "default": ((32,), (64,), (128,), (256,), (512,))}
BINS = ("all", "small", "medium", "large")


def cells() -> dict[str, dict[str, str]]:
    """What is trained: each normaliser, each other pyramid, the other anchors; all else as the paper has it."""
    base = {"normaliser": "anchored", "pyramid": "layer1", "anchors": "small"}
    found = {f"normaliser-{name.replace(' ', '-')}": {**base, "normaliser": name} for name in NORMALISERS}
    found |= {f"pyramid-{name}": {**base, "pyramid": name} for name in ("conv1", "classic")}
    return {**found, "anchors-default": {**base, "anchors": "default"}}


def run_cell(
    cell: dict[str, str], seed: int, train: LabelledSet, val: LabelledSet, out: Path, how: argparse.Namespace
) -> dict[str, Any]:
    """Train one detector and evaluate it: AP50 by normaliser in flight and size."""
    trained_with = Normalisers(spec_16bit=NormaliseSpec.parse(NORMALISERS[cell["normaliser"]]))
    mean, std = grey_statistics(train, trained_with, frames=40)
    torch.manual_seed(seed)
    model = frc_resnet_fpn(
        18,
        len(CLASSES),
        cell["pyramid"],  # type: ignore[arg-type]
        channels=32,
        representation_size=256,
        sampling_ratio=2,
        anchor_sizes=ANCHORS[cell["anchors"]],
        image_mean=(mean,) * 3,
        image_std=(std,) * 3,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=200,
    )
    if how.backbone:
        load_backbone(model, how.backbone)
    else:
        calibrate_norms(model, train, trained_with)
    settings = TrainSettings(
        steps=how.steps,
        batch=how.batch,
        learning_rate=1e-3,
        seed=seed,
        frozen=("backbone.body.conv1", "backbone.body.layer1") if how.backbone else (),
        normalise_16bit=str(trained_with.spec_16bit),
        augmentation=Augmentation(crop=how.crop),
    )
    trainer = Trainer(model, train, out, settings)
    trainer.run(lambda _: None)
    if trainer.progress < 1:
        raise KeyboardInterrupt  # the trainer took the signal and saved its state
    model = ema_model(trainer)
    others = NORMALISERS if cell["pyramid"] == "layer1" and cell["anchors"] == "small" else [cell["normaliser"]]
    flown = {}
    for name in others:
        flight = Normalisers(spec_16bit=NormaliseSpec.parse(NORMALISERS[name]))
        result = figures(judge(val, detect_with_model(model, flight)), val.classes)
        flown[name] = {"all": result["ap50"], **result["ap50_by_size"]}
    return {"cell": cell, "seed": seed, "seconds": trainer.seconds, "ap50": flown}


def ema_model(trainer: Trainer) -> Any:
    """The trainer's model with the EMA of its weights, ready to detect."""
    trainer.model.load_state_dict(trainer.ema_state())
    return trainer.model.eval()


def tables(rows: list[dict[str, Any]]) -> str:
    """The markdown of all finished cells."""
    lines = ["| trained with \\ flown with | " + " | ".join(NORMALISERS) + " |", "|---" * (1 + len(NORMALISERS)) + "|"]
    base = {"pyramid": "layer1", "anchors": "small"}
    for name in NORMALISERS:
        cell = {"normaliser": name, **base}
        lines.append(f"| {name} | " + " | ".join(_bar(rows, cell, flown, "all") for flown in NORMALISERS) + " |")
    lines += ["", "| anchored, both ways | " + " | ".join(BINS) + " |", "|---" * (1 + len(BINS)) + "|"]
    for pyramid, anchors in (("layer1", "small"), ("conv1", "small"), ("classic", "small"), ("layer1", "default")):
        cell = {"normaliser": "anchored", "pyramid": pyramid, "anchors": anchors}
        values = " | ".join(_bar(rows, cell, "anchored", size) for size in BINS)
        lines.append(f"| pyramid {pyramid}, anchors {anchors} | {values} |")
    lines += ["", "| same normaliser both ways | " + " | ".join(BINS) + " |", "|---" * (1 + len(BINS)) + "|"]
    for name in NORMALISERS:
        values = " | ".join(_bar(rows, {"normaliser": name, **base}, name, size) for size in BINS)
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


def _bar(rows: list[dict[str, Any]], cell: dict[str, str], flown: str, size: str) -> str:
    """Mean and standard deviation over seeds, per cent; the number of seeds where it is under two."""
    values = [row["ap50"][flown][size] for row in rows if row["cell"] == cell and flown in row["ap50"]]
    known = [100 * value for value in values if value is not None]
    if len(known) < 2:
        return f"{known[0]:.0f} (1 seed)" if known else "-"
    return f"{statistics.mean(known):.0f} ± {statistics.stdev(known):.0f}"


def data(out: Path, split: str, frames: int, seed: int) -> LabelledSet:
    """Simulated flights, made once."""
    folder = out / f"data-{split}-{frames}"
    if not (folder / "annotations" / f"{split}.json").exists():
        simulate(folder, frames, seed, split, CLASSES)
    return read_folder(folder, split)


def main() -> None:
    """Run what is missing, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    parser.add_argument("--steps", type=at_least(1), default=400, help="of training a cell")
    parser.add_argument("--backbone", type=Path, metavar="FILE", help="ResNet18 weights to start from")
    parser.add_argument("--batch", type=at_least(1), default=2)
    parser.add_argument("--crop", type=at_least(1), default=192, help="px")
    parser.add_argument("--seeds", type=at_least(1), default=2)
    parser.add_argument("--train-frames", type=at_least(1), default=160)
    parser.add_argument("--val-frames", type=at_least(1), default=24)
    how = parser.parse_args()
    console = Console(stderr=True)
    start = how.backbone.stem if how.backbone else "nothing"
    budget = f"{start}-{how.steps}x{how.batch}x{how.crop}-{how.train_frames}-{how.val_frames}"
    done = how.out / budget
    done.mkdir(parents=True, exist_ok=True)
    train, val = data(how.out, "train", how.train_frames, TRAIN_SEED), data(how.out, "val", how.val_frames, VAL_SEED)
    for seed in range(1, how.seeds + 1):  # a whole table of one seed before the next
        for name, cell in cells().items():
            file = done / f"{name}-seed{seed}.json"
            if file.exists():
                continue
            row = run_cell(cell, seed, train, val, done / f"{name}-seed{seed}", how)
            write_whole(file, (json.dumps(row) + "\n").encode())
            shutil.rmtree(done / f"{name}-seed{seed}")  # weights and optimiser, 200 MB
            console.print(f"{name}, seed {seed}: {row['ap50'][cell['normaliser']]['all']:.3f}, {row['seconds']:.0f} s")
    rows = [json.loads(file.read_text()) for file in sorted(done.glob("*.json"))]
    print(
        f"AP50, per cent, {how.val_frames} simulated frames; {how.steps} steps of {how.batch} crops of {how.crop} px "
        f"from {start}, {how.train_frames} training frames, {how.seeds} seeds\n"
    )
    print(tables(rows))


if __name__ == "__main__":
    run(main)
