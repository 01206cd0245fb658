"""How fast is the exported graph on this CPU, against torchvision itself and torchvision's own ONNX.

    python benchmarks/speed/graph.py [--rounds 15] [--threads 2] [--checkpoint FILE --mean X --std X]

The same weights, configuration and frames for all; each in a process of its own, and they take turns, so that a busy
machine is busy for everyone and nobody's idle threads spin on another's core.
Without a checkpoint: FRC_ResNet18FPN in the paper's reference configuration (layer1 pyramid, 256 channels, 1000
region proposals, 512 x 640), random weights.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torchvision.models.detection import FasterRCNN

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed
from benchmarks.command import at_least, run
from edge.engine.onnx_runtime import load
from export.detector.build import frc_resnet_fpn
from export.detector.checkpoint import load_detector
from export.graph.flops import cost_by_part
from export.graph.onnx_graph import float32_graph, trace
from export.graph.static import StaticDetector
from tests.support.random_detectors import enliven, thermal_scene

onnxruntime: Any = load()
HEIGHT, WIDTH = 512, 640
PRODUCT = 2 * 2048**3 / 1e9  # GFLOP of the matrix product that measures the machine
EAGER, THEIRS, OURS, PEAK = CONTESTANTS = "torchvision eager", "torchvision's ONNX", "static graph", "matrix product"
PRODUCTS = ("Conv", "FusedConv", "MatMul", "Gemm", "FusedGemm", "FusedMatMul")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least(1), default=15)
    parser.add_argument("--threads", type=at_least(0), default=os.cpu_count())
    parser.add_argument("--checkpoint", type=Path, help="a detector of yours instead of the reference one")
    parser.add_argument("--mean", type=float, default=0.4965)
    parser.add_argument("--std", type=float, default=0.1552)
    parser.add_argument("--sampling-ratio", type=at_least(0), default=2)
    parser.add_argument("--rpn-pre-nms", type=at_least(1), default=500)
    parser.add_argument("--rpn-post-nms", type=at_least(1), default=300)
    arguments = parser.parse_args()
    model = detector(arguments)
    if arguments.checkpoint is None:
        enliven(model, thermal_scene(HEIGHT, WIDTH, 0))
    with tempfile.TemporaryDirectory() as folder:
        write_models(model, Path(folder))
        times = measure(arguments, Path(folder))
        operators = by_operator(Path(folder), arguments.threads)
    report(model, times, operators)


def detector(arguments: argparse.Namespace) -> FasterRCNN:
    if arguments.checkpoint is None:
        grey = {"image_mean": (0.45,) * 3, "image_std": (0.16,) * 3}
        return frc_resnet_fpn(18, 1, "layer1", **grey)
    return load_detector(
        arguments.checkpoint,
        image_mean=(arguments.mean,),
        image_std=(arguments.std,),
        sampling_ratio=arguments.sampling_ratio,
        rpn_pre_nms_top_n_test=arguments.rpn_pre_nms,
        rpn_post_nms_top_n_test=arguments.rpn_post_nms,
    )


def write_models(model: FasterRCNN, folder: Path) -> None:
    torch.save(model.state_dict(), folder / "eager.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, file = torch.rand(3, HEIGHT, WIDTH), str(folder / "torchvision.onnx")
        torch.onnx.export(model, ([image],), file, dynamo=False, opset_version=17, input_names=["image"])
    graph = float32_graph(trace(StaticDetector(model, HEIGHT, WIDTH, "cpu")))
    (folder / "ours.onnx").write_bytes(graph.SerializeToString())


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Seconds a frame of each contestant, the first run left out."""
    context = multiprocessing.get_context("spawn")
    lines = {}
    for name in CONTESTANTS:
        here, there = context.Pipe()
        context.Process(target=serve, args=(name, arguments, folder, there), daemon=True).start()
        here.recv()  # loaded
        lines[name] = here
    times: dict[str, list[float]] = {name: [] for name in lines}
    for i in range(arguments.rounds + 1):
        for name, line in lines.items():
            line.send(i)
            times[name].append(line.recv())
    for line in lines.values():
        line.send(None)
    return {name: t[1:] for name, t in times.items()}


def serve(name: str, arguments: argparse.Namespace, folder: Path, line: Connection) -> None:
    """One contestant in a process of its own: a thread pool that still spins would take the next one's core."""
    torch.set_num_threads(arguments.threads)
    frames = [thermal_scene(HEIGHT, WIDTH, seed) for seed in range(3)]
    run = runner(name, arguments, folder)
    line.send("ready")
    while (i := line.recv()) is not None:
        begun = time.perf_counter()
        run(frames[i % len(frames)])
        line.send(time.perf_counter() - begun)


def runner(name: str, arguments: argparse.Namespace, folder: Path) -> Callable[[Any], Any]:
    if name == PEAK:
        work = torch.rand(2048, 2048)
        return lambda _: torch.mm(work, work)
    if name == OURS:
        ours = session(folder / "ours.onnx", arguments.threads)
        return lambda frame: ours.run(None, {"image": frame[None, :, :, None]})
    if name == THEIRS:
        theirs = session(folder / "torchvision.onnx", arguments.threads)
        return lambda frame: theirs.run(None, {"image": as_tensor(frame).numpy()})
    model = detector(arguments)
    model.load_state_dict(torch.load(folder / "eager.pth", weights_only=True))
    model.eval()

    def eager(frame: Any) -> Any:
        with torch.inference_mode():
            return model([as_tensor(frame)])

    return eager


def as_tensor(frame: Any) -> torch.Tensor:
    return torch.from_numpy(frame).float().div(255)[None].repeat(3, 1, 1)


def session(path: Path, threads: int, profiled: bool = False) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_profiling = profiled
    options.profile_file_prefix = str(path.with_suffix(""))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def by_operator(folder: Path, threads: int) -> dict[str, float]:
    """Milliseconds a frame of each operator of ours."""
    profiled = session(folder / "ours.onnx", threads, profiled=True)
    for i in range(9):
        profiled.run(None, {"image": thermal_scene(HEIGHT, WIDTH, i % 3)[None, :, :, None]})
    by_node: dict[str, list[tuple[float, str]]] = collections.defaultdict(list)
    for event in json.loads(Path(profiled.end_profiling()).read_text()):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            by_node[event["name"]].append((event["dur"] / 1e3, event["args"]["op_name"]))
    total: collections.Counter[str] = collections.Counter()
    for calls in by_node.values():
        total[calls[0][1]] += statistics.median(ms for ms, _ in calls)
    return dict(total.most_common())


def report(model: FasterRCNN, times: dict[str, list[float]], operators: dict[str, float]) -> None:
    """Medians, and the least of all runs, which other work on the machine disturbs least."""
    median = {name: statistics.median(t) * 1e3 for name, t in times.items()}
    least = {name: min(t) * 1e3 for name, t in times.items()}
    gflops = sum(c.gflops for c in cost_by_part(StaticDetector(model, HEIGHT, WIDTH, "tensorrt")).values())
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; onnxruntime {onnxruntime.__version__}")
    print(
        f"{gflops:.1f} GFLOP a frame as written; matrix product {PRODUCT / median[PEAK] * 1e3:.0f} GFLOP/s in the "
        f"median, {PRODUCT / least[PEAK] * 1e3:.0f} at best"
    )
    median["arithmetic at that rate"] = gflops / PRODUCT * median[PEAK]
    least["arithmetic at that rate"] = gflops / PRODUCT * least[PEAK]
    print(f"{'':24s}median, ms / static   least, ms / static")
    for name in (EAGER, THEIRS, OURS, "arithmetic at that rate"):
        by_median, by_least = (t[name] / t[OURS] for t in (median, least))
        print(f"{name:24s}{median[name]:10.1f} {by_median:7.2f}x {least[name]:11.1f} {by_least:7.2f}x")
    total = sum(operators.values())
    products = sum(ms for name, ms in operators.items() if name in PRODUCTS)
    print(
        f"static graph by operator, {products / total:.0%} in products: "
        + ", ".join(f"{name} {ms / total:.1%}" for name, ms in list(operators.items())[:10])
    )


if __name__ == "__main__":
    run(main)
