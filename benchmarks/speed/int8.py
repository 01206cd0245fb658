"""The INT8 graph of a bundle: how fast it is here, and which layer costs how much accuracy.

    python benchmarks/speed/int8.py speed BUNDLE [--threads 2] [--rounds 60] [--beside OTHER ...]
    python benchmarks/speed/int8.py sensitivity BUNDLE --calibrate TRAIN --frames OTHERS [--count 12] [--layers]

``speed``: the two graphs in turns, in one process, on a grey frame: the median of each, and the ratio of the two with
its spread over five parts of the run; and the same by processor time, which other programs disturb less. It says
what the processor has to multiply bytes with. ``--beside``: the INT8 graphs of other bundles take turns with them, and
the part of the first one's time that each takes is printed as well.

``sensitivity``: the graph is made anew with all of it in INT8, with all but the sums of residual blocks, and with one
part of the detector at a time (``--layers``: one convolution or linear layer); each sees the same frames as the float
graph. Printed is how far scores and boxes moved, the greatest last; on stderr, how many graphs are done. The bundle
must be one of --store shared: its detector is read back out of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed
from benchmarks.command import at_least, run
from edge.data import RawDetections
from edge.engine.onnx_runtime import load
from edge.engine.ort import OrtEngine
from edge.model.bundle import ONNX_INT8, Bundle
from edge.model.graph_io import INPUT, OUTPUTS, raw_detections
from edge.system.cpu import what_it_has
from edge.system.host import host_facts
from export.detector.checkpoint import load_detector
from export.graph.int8.add import float_graph
from export.graph.int8.calibrate import calibrated, calibration_frames
from export.graph.int8.layers import plan_of
from export.graph.int8.rewrite import quantised
from export.parity.pairs import join, pair

PARTS = 5
LEAST_SCORE = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    fast = commands.add_parser("speed")
    fast.set_defaults(run=speed)
    layers = commands.add_parser("sensitivity")
    layers.set_defaults(run=sensitivity)
    for sub in (fast, layers):
        sub.add_argument("bundle", type=Path, metavar="BUNDLE")
    fast.add_argument("--threads", type=at_least(0), default=0, help="0 = one a core that this process may use")
    fast.add_argument("--rounds", type=at_least(1), default=60)
    fast.add_argument("--beside", type=Path, nargs="+", default=[], metavar="BUNDLE", help="other bundles, in INT8")
    layers.add_argument("--calibrate", required=True, metavar="DIR", help="frames to calibrate on")
    layers.add_argument("--frames", required=True, metavar="DIR", help="other frames, to compare on")
    layers.add_argument(
        "--count", type=at_least(1), default=12, help="how many of them, of the 32 that are spread over all"
    )
    layers.add_argument("--layers", action="store_true", help="one layer at a time, not one part")
    arguments = parser.parse_args()
    arguments.run(arguments)


def speed(arguments: argparse.Namespace) -> None:
    bundle, beside = Bundle.load(arguments.bundle), [Bundle.load(path) for path in arguments.beside]
    with ExitStack() as stack:
        engines = {"float": stack.enter_context(OrtEngine(bundle, arguments.threads))}
        for name, one in zip(
            ("INT8", *(f"INT8 of {path}" for path in arguments.beside)), (bundle, *beside), strict=True
        ):
            engines[name] = stack.enter_context(OrtEngine(one, arguments.threads, ONNX_INT8))
        greys = [np.full((one.height, one.width), 128, np.uint8) for one in (bundle, bundle, *beside)]
        taken: dict[str, list[float]] = {name: [] for name in engines}
        used: dict[str, list[float]] = {name: [] for name in engines}
        for turn in range(arguments.rounds + 3):
            for (name, engine), grey in zip(engines.items(), greys, strict=True):
                start, cpu = time.perf_counter(), time.process_time()
                engine.infer(grey)
                if turn >= 3:
                    taken[name].append((time.perf_counter() - start) * 1000)
                    used[name].append((time.process_time() - cpu) * 1000)
        has = what_it_has(bundle.weight_bits) or "no products of bytes"
        print(f"{host_facts()['cpu']}: {has}; weights of {bundle.weight_bits} bits; {engines['float'].description}")
    for name, times in taken.items():
        print(
            f"{name}: median {median(times):.1f} ms, least {min(times):.1f} ms of {len(times)} frames; "
            f"processor time: median {median(used[name]):.1f} ms"
        )
    for what, by in (("", taken), (" by processor time", used)):
        plain, own = by["float"], by["INT8"]
        print(f"INT8 is {median(plain) / median(own):.2f} times as fast as float{what}{_spread(plain, own)}")
        for name in list(by)[2:]:
            part = median(by[name]) / median(own)
            print(f"{name} takes {part:.2f} of the time of INT8{what}{_spread(by[name], own)}")


def _spread(above: list[float], below: list[float]) -> str:
    ratios = ratios_of(above, below, max(1, len(above) // PARTS))
    return f" ({min(ratios):.2f} .. {max(ratios):.2f} in {len(ratios)} parts of the run)"


def ratios_of(above: list[float], below: list[float], part: int) -> list[float]:
    """Of the medians of each part of the run."""
    starts = range(0, part * PARTS, part)
    return [median(above[i : i + part]) / median(below[i : i + part]) for i in starts if below[i : i + part]]


def sensitivity(arguments: argparse.Namespace) -> None:
    bundle = Bundle.load(arguments.bundle)
    model = load_detector(arguments.bundle)
    graph = float_graph(bundle, model)
    plan = plan_of(graph)
    grids = calibrated(graph, plan, calibration_frames(bundle, arguments.calibrate))
    images = calibration_frames(bundle, arguments.frames).images[: arguments.count]
    expected = found_by(graph, images)
    print(f"{len(images)} frames of {arguments.frames}; detections of score {LEAST_SCORE} and more")
    print("score change: mean, largest | 1 - IoU: mean | lost, new | layer")
    rows = []
    sums = frozenset(node.name for node in graph.graph.node if node.op_type == "Add") & frozenset(plan.layers)
    layers = [name for name in plan.layers if name not in sums]
    left = {"all": frozenset[str](), "all but the sums of blocks": sums}
    parts = {name: [name] for name in layers}
    if not arguments.layers:
        parts = {
            part: [name for name in layers if part_of(name) == part] for part in dict.fromkeys(map(part_of, layers))
        }
    left |= {part: frozenset(plan.layers) - set(names) for part, names in parts.items()}
    for done, (name, kept) in enumerate(left.items()):
        print(f"{done} of {len(left)} graphs", file=sys.stderr, flush=True)
        chosen = plan_of(graph, kept)
        alone = quantised(graph, replace(chosen, same_scale={}), grids | of_maxima(plan.same_scale, grids))
        pairs = join([pair(a, b, LEAST_SCORE) for a, b in zip(expected, found_by(alone, images), strict=True)])
        change = np.abs(pairs.score_change)
        rows.append((float(change.mean()), name))
        print(
            f"{change.mean():.4f} {change.max():.3f} | {1 - pairs.iou.mean():.4f} | "
            f"{pairs.lost.sum()} {pairs.new.sum()} | {name}",
            flush=True,
        )
    print("the greatest first: " + ", ".join(f"{name} {change:.4f}" for change, name in sorted(rows, reverse=True)[:8]))


def part_of(layer: str) -> str:
    """``layer1`` of the ResNet to ``roi_head``."""
    words = layer.strip("/").split("/")
    return words[2] if words[:2] == ["backbone", "body"] else words[1] if words[0] == "backbone" else words[0]


def of_maxima(same: Any, grids: dict[str, Any]) -> dict[str, Any]:
    return {name: grids[other] for name, other in same.items()}


def found_by(graph: onnx.ModelProto, images: Sequence[np.ndarray]) -> list[RawDetections]:
    """What a graph finds in ONNX Runtime, integers without saturation."""
    onnxruntime = load()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answers = [session.run(OUTPUTS, {INPUT: image[None, :, :, None]}) for image in images]
    return [raw_detections(dict(zip(OUTPUTS, answer, strict=True))) for answer in answers]


if __name__ == "__main__":
    run(main)
