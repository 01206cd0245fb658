"""How fast is the exported graph on this CPU, against torchvision itself and torchvision's own ONNX.

    python benchmarks/graph.py [--rounds 7] [--threads 2] [--checkpoint FILE --mean X --std X]

The same weights, configuration and frames for all; runs take turns, so that a busy machine is busy for everyone.
Without a checkpoint: FRC_ResNet18FPN in the paper's reference configuration (layer1 pyramid, 256 channels, 1000
regions, 512 x 640), random weights.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torchvision.models.detection import FasterRCNN

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a checkout that is not installed
from export.checkpoint import load_detector
from export.detector import frc_resnet_fpn
from export.flops import cost_by_part
from export.onnx_graph import float32_graph, trace
from export.static import StaticDetector
from tests.export.random_detectors import enliven, thermal_scene

HEIGHT, WIDTH = 512, 640
PRODUCT = 2 * 2048**3 / 1e9  # GFLOP of the matrix product that measures the machine
PRODUCTS = ("Conv", "FusedConv", "MatMul", "Gemm", "FusedGemm", "FusedMatMul")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--checkpoint", type=Path, help="a detector of yours instead of the reference one")
    parser.add_argument("--mean", type=float, default=0.4965)
    parser.add_argument("--std", type=float, default=0.1552)
    parser.add_argument("--sampling-ratio", type=int, default=2)
    parser.add_argument("--rpn-pre-nms", type=int, default=500)
    parser.add_argument("--rpn-post-nms", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    frames = [thermal_scene(HEIGHT, WIDTH, seed) for seed in range(3)]
    model = detector(arguments)
    if arguments.checkpoint is None:
        enliven(model, frames[0])
        torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        runs, profile = contestants(model, Path(folder), arguments.threads)
        times: dict[str, list[float]] = {name: [] for name in (*runs, "peak")}
        work = torch.rand(2048, 2048)
        for i in range(arguments.rounds + 1):
            for name, run in runs.items():
                begun = time.perf_counter()
                run(frames[i % len(frames)])
                times[name].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            torch.mm(work, work)
            times["peak"].append(time.perf_counter() - begun)
        report(model, {name: t[1:] for name, t in times.items()}, profile())


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


def contestants(
    model: FasterRCNN, folder: Path, threads: int
) -> tuple[dict[str, Callable[[Any], Any]], Callable[[], dict[str, float]]]:
    """What runs a frame, by name, and milliseconds by operator of ours."""
    image = torch.rand(3, HEIGHT, WIDTH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = str(folder / "torchvision.onnx")
        torch.onnx.export(model, ([image],), theirs, dynamo=False, opset_version=17, input_names=["image"])
    ours = str(folder / "ours.onnx")
    graph = float32_graph(trace(StaticDetector(model, HEIGHT, WIDTH, "cpu")))
    Path(ours).write_bytes(graph.SerializeToString())

    def session(path: str, profiled: bool = False) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.enable_profiling = profiled
        options.profile_file_prefix = str(folder / "profile")
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def as_tensor(frame: Any) -> torch.Tensor:
        return torch.from_numpy(frame).float().div(255)[None].repeat(3, 1, 1)

    def eager(frame: Any) -> Any:
        with torch.no_grad():
            return model([as_tensor(frame)])

    their_session, our_session = session(theirs), session(ours)

    def profile() -> dict[str, float]:
        profiled = session(ours, profiled=True)
        for seed in range(3):
            profiled.run(None, {"image": thermal_scene(HEIGHT, WIDTH, seed)[None, :, :, None]})
        events = json.loads(Path(profiled.end_profiling()).read_text())
        by_node: dict[str, list[tuple[float, str]]] = collections.defaultdict(list)
        for event in events:
            if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
                by_node[event["name"]].append((event["dur"] / 1e3, event["args"]["op_name"]))
        total: collections.Counter[str] = collections.Counter()
        for calls in by_node.values():
            total[calls[0][1]] += statistics.median(ms for ms, _ in calls)
        return dict(total.most_common())

    runs = {
        "torchvision eager": eager,
        "torchvision's ONNX": lambda frame: their_session.run(None, {"image": as_tensor(frame).numpy()}),
        "static graph": lambda frame: our_session.run(None, {"image": frame[None, :, :, None]}),
    }
    return runs, profile


def report(model: FasterRCNN, times: dict[str, list[float]], operators: dict[str, float]) -> None:
    """Medians, and the least of all runs, which other work on the machine disturbs least."""
    median = {name: statistics.median(t) * 1e3 for name, t in times.items()}
    least = {name: min(t) * 1e3 for name, t in times.items()}
    gflops = sum(c.gflops for c in cost_by_part(StaticDetector(model, HEIGHT, WIDTH, "tensorrt")).values())
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; onnxruntime {onnxruntime.__version__}")
    print(
        f"{gflops:.1f} GFLOP a frame as written; matrix product {PRODUCT / median['peak'] * 1e3:.0f} GFLOP/s in the "
        f"median, {PRODUCT / least['peak'] * 1e3:.0f} at best"
    )
    median["arithmetic at that rate"] = gflops / PRODUCT * median["peak"]
    least["arithmetic at that rate"] = gflops / PRODUCT * least["peak"]
    print(f"{'':24s}median, ms / static   least, ms / static")
    for name in ("torchvision eager", "torchvision's ONNX", "static graph", "arithmetic at that rate"):
        by_median, by_least = (t[name] / t["static graph"] for t in (median, least))
        print(f"{name:24s}{median[name]:10.1f} {by_median:7.2f}x {least[name]:11.1f} {by_least:7.2f}x")
    total = sum(operators.values())
    products = sum(ms for name, ms in operators.items() if name in PRODUCTS)
    print(
        f"static graph by operator, {products / total:.0%} in products: "
        + ", ".join(f"{name} {ms / total:.1%}" for name, ms in list(operators.items())[:10])
    )


if __name__ == "__main__":
    main()
