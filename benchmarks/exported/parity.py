"""Is every exported detector the one that torchvision runs, and does TensorRT-RTX compile it: writes docs/parity.md.

    python benchmarks/exported/parity.py [--only frc_resnet18_fpn:layer1 ...] [--frames DIR] [--no-parity]
        [--no-compile]

Each row is kept in out/parity/ as soon as it is done; a second run does what is missing, and --again everything.
What the columns mean stands above the tables.
"""

from __future__ import annotations

import argparse
import copy
import importlib.metadata
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import FasterRCNN

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least
from benchmarks.exported import parity_page
from edge.camera.stills import read_still
from edge.data import RawDetections
from edge.model.bundle import Bundle
from edge.system.files import write_whole
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT
from export.commands.check import TARGET, Silent
from export.detector.build import build_detector
from export.detector.configuration import PRESETS, preset
from export.detector.pyramid import PYRAMIDS
from export.graph.onnx_graph import float16_graph, float32_graph, trace
from export.graph.stages.roi_align import levels_of, pool_gather, pool_native
from export.graph.static import StaticDetector
from export.graph.trt_operators import refusals
from export.parity.pairs import join, pair
from export.tensorrt.build import BuildSettings
from export.tensorrt.process import build_in_process
from tests.support.random_detectors import Grey, eager, enliven, in_onnxruntime, thermal_scene

HEIGHT, WIDTH = 256, 320  # of parity; a quarter of the reference frame, everything else as in the reference
FULL = (512, 640)  # of the compiled graphs
LEAST_SCORE = 0.06  # just above the 0.05 below which torchvision drops detections
EVERY = [
    f"{name}:{pyramid}"
    for name in PRESETS
    for pyramid in (PYRAMIDS if name.startswith("frc_") else [preset(name).pyramid])
]
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=EVERY, choices=EVERY, metavar="NAME:PYRAMID")
    parser.add_argument("--frames", type=Path, help="a folder of real grey frames, one is used")
    parser.add_argument("--channels", type=at_least(1), default=64, help="of the pyramid, for parity (256: hours)")
    parser.add_argument("--rows", type=Path, default=Path("out/parity"), help="where finished rows are kept")
    parser.add_argument("--page", type=Path, default=Path("docs/parity.md"))
    parser.add_argument("--no-parity", action="store_true")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--again", action="store_true", help="also what is done already")
    arguments = parser.parse_args()
    jobs: dict[str, Callable[[], Row]] = {}
    if not arguments.no_parity:
        jobs["sampling"] = sampling
        pictures = {"random": random_frames()}
        if arguments.frames is not None:
            pictures["real"] = real_frames(arguments.frames)
        for kind, frames in pictures.items():
            for name in arguments.only:
                jobs[f"parity {name} {kind}"] = lambda name=name, frames=frames: parity(
                    name, frames, arguments.channels
                )
    if not arguments.no_compile:
        if importlib.util.find_spec("tensorrt_rtx") is None:
            sys.exit("needs tensorrt-rtx (pip install tensorrt-rtx), or --no-compile")
        for name in arguments.only:
            if name.startswith("frc_"):
                jobs[f"compile {name}"] = lambda name=name: compiled(name)
    for title, job in jobs.items():
        path = arguments.rows / (title.replace(" ", "-").replace(":", "-") + ".json")
        if arguments.again or not done(path, arguments.channels):
            row = {"row": title, **job()}
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, (json.dumps(row, indent=1) + "\n").encode())
            print(json.dumps(row), flush=True)
            write_page(arguments.rows, arguments.page)  # as far as it goes
    write_page(arguments.rows, arguments.page)


def write_page(rows: Path, page: Path) -> None:
    found = {row["row"]: row for row in (json.loads(path.read_text()) for path in sorted(rows.glob("*.json")))}
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(page, parity_page.write(found, EVERY).encode())


def done(path: Path, channels: int) -> bool:
    return path.exists() and json.loads(path.read_text()).get("channels", channels) == channels


def random_frames() -> list[Grey]:
    return and_mirrored(thermal_scene(HEIGHT, WIDTH))


def and_mirrored(frame: Grey) -> list[Grey]:
    """Random weights are set to the statistics of one picture. On another they saturate: hundreds of scores of
    exactly 1, and which hundred of those are kept is anybody's choice.
    """
    return [frame, frame[:, ::-1].copy()]


def real_frames(folder: Path) -> list[Grey]:
    """The middle of a frame from a quarter into the folder."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not paths:
        sys.exit(f"{folder} holds no .png or .jpg frames")
    path = paths[len(paths) // 4]
    pixels = np.ascontiguousarray(read_still(path)[0], np.uint8)
    if pixels.shape[0] < HEIGHT or pixels.shape[1] < WIDTH:
        sys.exit(f"{path} is {pixels.shape[1]}x{pixels.shape[0]}: expected {WIDTH}x{HEIGHT} or larger")
    top, left = (pixels.shape[0] - HEIGHT) // 2, (pixels.shape[1] - WIDTH) // 2
    return and_mirrored(pixels[top : top + HEIGHT, left : left + WIDTH].copy())


def parity(name: str, frames: list[Grey], channels: int) -> Row:
    """Every form of one detector on the same frames, see the page for which is held against which."""
    arch, pyramid = name.split(":")
    smaller, larger = (HEIGHT, WIDTH) if arch.startswith("frc_") else (300, 500)
    configuration = preset(arch).changed(
        classes=3, pyramid=pyramid, channels=channels, min_size=smaller, max_size=larger
    )
    model = enliven(build_detector(configuration), frames[0])
    expected = [eager(model, frame) for frame in frames]
    row = {
        "versions": {p: importlib.metadata.version(p) for p in ("torch", "torchvision", "onnxruntime")},
        "frames": len(frames),
        "channels": channels,
        "eager64": figures(expected, [in_float64(model, frame) for frame in frames]),
        "cpu": figures(expected, run(float32_graph(trace(StaticDetector(model, HEIGHT, WIDTH, "cpu"))), frames)),
    }
    if configuration.sampling_ratio <= 0:
        traced = trace(StaticDetector(model, HEIGHT, WIDTH, "tensorrt"))
        row["bounded"] = figures(expected, run(float32_graph(traced), frames))
        model.roi_heads.box_roi_pool.sampling_ratio = 2
        expected = [eager(model, frame) for frame in frames]
    traced = trace(StaticDetector(model, HEIGHT, WIDTH, "tensorrt"))
    typed = float16_graph(traced)
    if refusals(typed):
        sys.exit(f"{name}: TensorRT would refuse {refusals(typed)}")
    found = run(float32_graph(traced), frames)
    row["plain"] = figures(expected, found)
    row["half"] = figures(found, run(typed, frames))
    return row


def in_float64(model: FasterRCNN, frame: Grey) -> RawDetections:
    """What torchvision finds with the same weights in float64."""
    double = copy.deepcopy(model).double()
    channels = len(model.transform.image_mean)
    x = torch.from_numpy(frame).double().div(255)[None].repeat(channels, 1, 1)
    with torch.no_grad():
        found = double([x])[0]
    labels = (found["labels"] - 1).int().numpy()
    return RawDetections(found["boxes"].float().numpy(), found["scores"].float().numpy(), labels)


def run(graph: Any, frames: list[Grey]) -> list[RawDetections]:
    found = in_onnxruntime(graph, *frames)
    if not all(raw.converged for raw in found):
        sys.exit("the suppression of a random detector had not settled: more rounds are needed")
    return found


def figures(reference: list[RawDetections], other: list[RawDetections]) -> Row:
    pairs = join([pair(a, b, LEAST_SCORE) for a, b in zip(reference, other, strict=True)])
    change = np.abs(pairs.score_change)
    return {
        "pairs": len(pairs.iou),
        "alone": int(pairs.lost.sum() + pairs.new.sum()),
        "least_iou": float(pairs.iou.min()),
        "median_iou": float(np.median(pairs.iou)),
        "largest_score": float(change.max()),
        "median_score": float(np.median(change)),
    }


def sampling() -> Row:
    """How far bounded sampling is from adaptive sampling, by the side of the region: relative error of the features."""
    model = enliven(build_detector(preset("frc_resnet18_fpn").changed(pyramid="layer1")), thermal_scene(*FULL))
    image = torch.from_numpy(thermal_scene(*FULL)).float().div(255)[None].repeat(3, 1, 1)
    with torch.no_grad():
        features = model.backbone(model.transform([image])[0].tensors)
    maps = list(features.values())[:4]
    scales = [0.25, 0.125, 0.0625, 0.03125]
    generator = torch.Generator().manual_seed(0)
    sides = []
    for side in (16, 32, 60, 80, 96, 128, 192, 256, 384):
        corner = torch.rand(50, 2, generator=generator) * torch.tensor([FULL[1] - side, FULL[0] - side])
        boxes = torch.cat((corner, corner + side), 1)
        levels = levels_of(boxes, 4, 2, 640, 4)
        pooled, place = pool_native(maps, boxes, levels, scales, (8, 10), -1)
        exact = pooled[place].flatten(2).transpose(1, 2)
        errors = {}
        for most in (1, 2, 3, 4):
            bounded = pool_gather(maps, boxes, levels, scales, (8, 10), -1, most)
            error = (bounded - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)
            errors[str(most)] = float(error.max())
        sides.append({"side": side, "stride": 2 ** (2 + int(levels[0])), "errors": errors})
    return {"sides": sides}


def compiled(name: str) -> Row:
    """Trace, type and compile the reference configuration; no GPU is needed for that."""
    arch, pyramid = name.split(":")
    model = build_detector(preset(arch).changed(classes=3, pyramid=pyramid)).eval()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        graph = float16_graph(trace(StaticDetector(model, *FULL, "tensorrt"))).SerializeToString()
        seconds = time.perf_counter() - begun
        path = Path(folder) / "model.fp16.onnx"
        path.write_bytes(graph)
        settings = BuildSettings(workspace_mib=4096, compute_capability=TARGET)
        built = build_in_process("tensorrt_rtx", path, described(folder), settings, Silent())
    return {
        "tensorrt_rtx": importlib.metadata.version("tensorrt-rtx"),
        "target": TARGET,
        "trace_seconds": seconds,
        "onnx_bytes": len(graph),
        "seconds": built.seconds,
        "bytes": len(built.plan),
    }


def described(folder: str) -> Bundle:
    """What the builder checks the graph's inputs and outputs against."""
    return Bundle(
        path=Path(folder),
        name="",
        architecture={},
        classes=("a", "b", "c"),
        height=FULL[0],
        width=FULL[1],
        normalise_8bit=DEFAULT_8BIT,
        normalise_16bit=DEFAULT_16BIT,
        trained_mean=0.5,
        trained_std=0.2,
        score_threshold=0.5,
        graph_score_threshold=0.05,
        max_detections=100,
        files={},
    )


if __name__ == "__main__":
    main()
