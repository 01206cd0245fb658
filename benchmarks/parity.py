"""Is every exported detector the one that torchvision runs, and does TensorRT-RTX compile it.

python benchmarks/parity.py [--only frc_resnet18_fpn:layer1 ...] [--frames DIR] [--no-compile]

Parity: five depths x three pyramids and torchvision's four stock detectors, random weights, at 256 x 320 pixels, all
graphs in ONNX Runtime. The form for TensorRT bounds the adaptive RoIAlign samples of regions beyond 64 x 80 pixels at
stride 4, which random boxes are more often than real ones. Compile: the float16 graph at 512 x 640 in the reference
configuration, strongly typed, for SM86 (no GPU needed).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a checkout that is not installed

from edge.bundle import Bundle
from edge.camera.stills import read_still
from edge.records import RawDetections
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT
from export.build_process import build_in_process
from export.check_cli import TARGET, Silent
from export.configuration import PRESETS, preset
from export.detector import build_detector
from export.limits import refusals
from export.onnx_graph import float16_graph, float32_graph, trace
from export.parity import Pairs, join, pair
from export.pyramid import PYRAMIDS
from export.static import StaticDetector
from export.trt_build import BuildSettings
from tests.export.random_detectors import Grey, eager, enliven, in_onnxruntime, thermal_scene

HEIGHT, WIDTH = 256, 320
EVERY = [
    f"{name}:{pyramid}"
    for name in PRESETS
    for pyramid in (PYRAMIDS if name.startswith("frc_") else [preset(name).pyramid])
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=EVERY, choices=EVERY, metavar="NAME:PYRAMID")
    parser.add_argument("--frames", type=Path, help="a folder of grey frames, the first three are used")
    parser.add_argument("--no-parity", action="store_true")
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    scene = thermal_scene(HEIGHT, WIDTH)
    # mirrored: random weights are set to the statistics of one picture, and saturate on others
    frames = [scene, scene[:, ::-1].copy(), scene[::-1].copy()]
    if arguments.frames is not None:
        paths = sorted(p for p in arguments.frames.iterdir() if p.suffix in (".png", ".jpg"))[:3]
        frames = [np.ascontiguousarray(read_still(p)[0][:HEIGHT, :WIDTH], np.uint8) for p in paths]
    if not arguments.no_parity:
        print(f"{'':44s}   ONNX Runtime / torchvision   |   TensorRT form / torchvision    | its float16 / float32")
        least, median = " pairs alone least IoU  score", " alone  median   score  largest"
        print(f"{'detector':44s} {least} | {median} | {median}")
        for name in arguments.only:
            print(f"{name:44s} {parity(name, frames)}", flush=True)
    if not arguments.no_compile:
        print("detector                                           trace s   model MB  compile s  engine MB")
        for name in arguments.only:
            print(f"{name:48s}", compiled(name), flush=True)


def parity(name: str, frames: list[Grey]) -> str:
    """The file for ONNX Runtime against torchvision; the form for TensorRT in float32 against it; in float16."""
    arch, pyramid = name.split(":")
    configuration = preset(arch).changed(classes=3, pyramid=pyramid, channels=32, representation_size=128)
    smaller, larger = (HEIGHT, WIDTH) if arch.startswith("frc_") else (300, 500)
    model = enliven(build_detector(configuration.changed(min_size=smaller, max_size=larger)), frames[0])
    wanted = [eager(model, frame) for frame in frames]
    native = float32_graph(trace(StaticDetector(model, HEIGHT, WIDTH, "cpu")))
    traced = trace(StaticDetector(model, HEIGHT, WIDTH, "tensorrt"))
    typed = float16_graph(traced)
    if refusals(typed):
        raise SystemExit(f"{name}: TensorRT would refuse {refusals(typed)}")
    found = in_onnxruntime(float32_graph(traced), *frames)
    exact = matched(wanted, in_onnxruntime(native, *frames), 0.9)
    bounded = matched(wanted, found, 0.5)
    half = matched(found, in_onnxruntime(typed, *frames), 0.5)
    cells = [f"{len(exact.iou):5d} {alone(exact):5d} {exact.iou.min():8.5f} {largest(exact):8.1e}"]
    for pairs in (bounded, half):
        typical = np.median(np.abs(pairs.score_change))
        cells.append(f"{alone(pairs):5d} {np.median(pairs.iou):8.5f} {typical:8.1e} {largest(pairs):8.1e}")
    return " | ".join(cells)


def alone(pairs: Pairs) -> int:
    return int(pairs.lost.sum() + pairs.new.sum())


def largest(pairs: Pairs) -> float:
    return float(np.abs(pairs.score_change).max())


def matched(reference: list[RawDetections], other: list[RawDetections], min_iou: float) -> Pairs:
    return join([pair(a, b, 0.06, min_iou) for a, b in zip(reference, other, strict=True)])


def compiled(name: str) -> str:
    arch, pyramid = name.split(":")
    model = build_detector(preset(arch).changed(classes=3, pyramid=pyramid)).eval()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        graph = float16_graph(trace(StaticDetector(model, 512, 640, "tensorrt")))
        seconds = time.perf_counter() - begun
        path = Path(folder) / "model.fp16.onnx"
        path.write_bytes(graph.SerializeToString())
        settings = BuildSettings(workspace_mib=4096, compute_capability=TARGET)
        built = build_in_process("tensorrt_rtx", path, described(folder), settings, Silent())
    size = len(graph.SerializeToString()) / 1e6
    return f"{seconds:8.1f} {size:10.1f} {built.seconds:10.1f} {len(built.plan) / 1e6:10.1f}"


def described(folder: str) -> Bundle:
    """What the builder checks the graph's inputs and outputs against."""
    return Bundle(
        path=Path(folder),
        name="",
        architecture={},
        classes=("a", "b", "c"),
        height=512,
        width=640,
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
