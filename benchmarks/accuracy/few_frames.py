"""What a team with a few labelled frames of its own gets: fine-tuning at 30, 100, 300 and 1000 frames.

    python benchmarks/accuracy/few_frames.py DATA --out DIR (--from MODEL | --backbone FILE) [--frames 30,100,300,1000]

DATA is a labelled folder of many flights, such as HIT-UAV, whose frames stand in for the team's own. Whole flights
are held back, and all figures are measured on them alone. The others are drawn by chance, flight by flight, as a team
labels them, until there are enough frames; of the last flight evenly. The frames of a smaller number are among those of
every larger one. Each number is a training by edge-export train with the same steps, and an evaluation by
edge-export eval.

The start must not have seen DATA: a model whose record names HIT-UAV is refused. --backbone begins from a ResNet's
weights alone, with a detector as wide as the bundled one.

What is finished stays in DIR: the same command goes on where it was stopped. It ends with the curve as markdown, which
is also in DIR/few_frames.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import answered, at_least, run
from edge.errors import EdgeError, InputError
from edge.system.files import write_whole
from export.commands.main import main as edge_export
from export.data.coco import to_coco
from export.data.dataset import LabelledFrame, LabelledSet
from export.data.formats import read_folder
from export.data.runs import flights_of, split_by_run
from export.detector.checkpoint import read_checkpoint

SEEN = re.compile(r"hit.?uav", re.IGNORECASE)
RESULT = "few_frames.json"
WIDTH = "--channels 64 --sampling-ratio 2"
Export = Callable[[Sequence[str]], int]


def draw(data: LabelledSet, count: int, seed: int) -> tuple[LabelledSet, int]:
    """``count`` frames of ``data``, of whole flights in an order that ``seed`` gives, of the last one evenly; and of
    how many flights they are. A larger ``count`` has all frames of a smaller one.
    """
    flights = flights_of(data)
    order = sorted(flights, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
    taken: list[LabelledFrame] = []
    for number, name in enumerate(order, 1):
        missing, frames = count - len(taken), flights[name]
        if len(frames) >= missing:
            taken += [frames[(2 * i + 1) * len(frames) // (2 * missing)] for i in range(missing)]
            return replace(data, frames=tuple(taken)), number
        taken += frames
    raise InputError(f"--frames {count}: only {len(taken)} frames are not held back: give fewer, or hold back less")


def main(arguments: Sequence[str] | None = None, export: Export = edge_export) -> int:
    asked = _parser().parse_args(arguments)
    return answered("few_frames", lambda: _run(asked, export))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA", help="labelled folder of many flights; its part train")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the runs, to go on from too")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--from", dest="start", type=Path, metavar="MODEL", help="bundle or checkpoint to start from")
    start.add_argument("--backbone", type=Path, metavar="FILE", help="weights of a ResNet alone, to start from")
    parser.add_argument("--frames", default="30,100,300,1000", metavar="N,...", help="how many (default: %(default)s)")
    parser.add_argument(
        "--hold-back", type=float, default=0.25, metavar="PART", help="held back (default: %(default)s)"
    )
    parser.add_argument(
        "--every", type=at_least(1), default=2, help="judge on each Nth held frame (default: %(default)s)"
    )
    parser.add_argument("--steps", type=at_least(1), default=800, help="of each training (default: %(default)s)")
    parser.add_argument("--batch", type=at_least(1), default=4, help="crops a step (default: %(default)s)")
    parser.add_argument("--crop", type=at_least(1), default=320, help="side of a crop, px (default: %(default)s)")
    parser.add_argument(
        "--seed", type=at_least(0), default=1, help="which frames, and of the training (default: %(default)s)"
    )
    parser.add_argument(
        "--train", metavar="OPTIONS", help=f"more options of edge-export train, in quotes (with --backbone: {WIDTH!r})"
    )
    parser.add_argument("--threads", type=at_least(0), default=0, help="CPU threads; 0: one for each core")
    return parser


def _run(asked: argparse.Namespace, export: Export) -> int:
    if asked.train is None:
        asked.train = WIDTH if asked.backbone else ""
    numbers = sorted({int(word) for word in asked.frames.split(",") if word.strip().isdecimal()} - {0})
    if not numbers:
        raise InputError(f"--frames {asked.frames!r}: expected whole numbers, such as 30,100")
    about = _start(asked)
    data = read_folder(asked.data, "train")
    own, held = split_by_run(data, asked.hold_back)
    sets = {number: draw(own, number, asked.seed) for number in numbers}  # refused before the first hour
    settings = {
        name: getattr(asked, name) for name in ("hold_back", "every", "steps", "batch", "crop", "seed", "train")
    } | {
        "start": about,
        "data": str(asked.data.resolve()),
    }
    _same(asked.out, settings)
    _write(asked.out / "held.json", to_coco(held))
    print(
        f"{len(held)} frames of {len(flights_of(held))} flights are held back, of {len(data)} frames; start: {about}",
        flush=True,
    )
    rows = [*_before(asked, export)]
    for number, (frames, flights) in sets.items():
        folder = asked.out / f"{number:05d}"
        _write(folder / "train.json", to_coco(frames))
        began = time.monotonic()
        found = _figures(folder, partial(_train, asked, folder, export), asked, export)
        row = {"frames": number, "flights": flights, "boxes": frames.count(), **found}
        rows.append(row)
        print(f"{number} frames of {flights} flights: {(time.monotonic() - began) / 60:.1f} min", flush=True)
    _write(asked.out / RESULT, {**settings, "held": {"frames": len(held)}, "classes": data.classes, "rows": rows})
    print("\n".join(table(rows, data.classes)))
    return 0


def _start(asked: argparse.Namespace) -> str:
    """What is started from, in words. Raises InputError for a model that has seen HIT-UAV."""
    if asked.backbone:
        return f"the ResNet of {asked.backbone.name}, all else from nothing"
    checkpoint = read_checkpoint(asked.start)
    record = json.dumps([checkpoint.origin(), checkpoint.training, str(asked.start.name)], default=str)
    if told := SEEN.search(record):
        raise InputError(
            f"{asked.start} says {told[0]}: it was trained on these very frames, and its curve would be none; give a "
            "model that has not seen them, or --backbone FILE"
        )
    return f"{asked.start.name}, sha256 {checkpoint.sha256()[:16]}"


def _same(out: Path, settings: dict[str, Any]) -> None:
    """Raises InputError where ``out`` holds runs with other settings."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "settings.json"
    if file.exists() and (before := json.loads(file.read_text())) != settings:
        differing = ", ".join(key for key in settings if before.get(key) != settings[key])
        raise InputError(f"{out} holds runs with another {differing}: give the same, or another --out")
    _write(file, settings)


def _before(asked: argparse.Namespace, export: Export) -> list[dict[str, Any]]:
    """The start itself, where it knows all classes: what one has with no frame of one's own."""
    if asked.backbone:
        return []
    try:
        found = _figures(asked.out / "00000", lambda: asked.start, asked, export)
    except InputError:
        print("the start does not know all classes of these frames: no row without fine-tuning")
        return []
    return [{"frames": 0, "flights": 0, "boxes": {}, **found}]


def _train(asked: argparse.Namespace, folder: Path, export: Export) -> Path:
    words = ["--from", asked.start] if asked.start else ["--backbone", asked.backbone]
    words += ["--annotations", folder / "train.json", "--images", asked.data, "--out", folder / "run"]
    for name in ("steps", "batch", "crop", "seed", "threads"):
        words += [f"--{name}", getattr(asked, name)]
    _must(export(["train", *map(str, words), *shlex.split(asked.train), "--quiet"]), "training")
    return folder / "run/model.pth"


def _figures(folder: Path, model: Callable[[], Path], asked: argparse.Namespace, export: Export) -> dict[str, Any]:
    """AP50 of what ``model`` gives, which is asked for only where the figures are not there yet."""
    file = folder / "figures.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["--checkpoint", model(), "--annotations", asked.out / "held.json", "--images", asked.data]
        code = export(["eval", *map(str, words), "--every", str(asked.every), "--json", str(file), "--quiet"])
        if code == 2:
            raise InputError("the frames cannot be judged with this model")
        _must(code, "evaluation")
    found = json.loads(file.read_text())
    return {"images": found["images"], "ap50": found["ap50"], "per_class_ap50": found["per_class_ap50"]}


def _must(code: int, what: str) -> None:
    if code:
        raise EdgeError(f"the {what} ended with exit code {code}; the same command goes on")


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, (json.dumps(content) + "\n").encode())


def table(rows: Sequence[dict[str, Any]], classes: Sequence[str]) -> list[str]:
    """The curve as markdown: AP50 in per cent."""
    lines = [f"| frames | flights | boxes | {' | '.join(classes)} | mean |", "|---" * (4 + len(classes)) + "|"]
    for row in rows:
        values = [row["per_class_ap50"].get(name) for name in classes] + [row["ap50"]]
        shown = ["-" if value is None else f"{100 * value:.1f}" for value in values]
        cells = [row["frames"], row["flights"], sum(row["boxes"].values()), *shown]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


if __name__ == "__main__":
    run(main)
