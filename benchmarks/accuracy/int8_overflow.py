"""Do sums of products of bytes overflow here, in ONNX Runtime and in OpenVINO, and what does that change?

    python benchmarks/accuracy/int8_overflow.py [BUNDLE --frames DIR] [--count 12]

x86 without VNNI adds two products of bytes in 16 bits, which is enough for weights of 7 bits and not of 8: of a sum
that does not fit there remains the greatest number that does. First a made layer: all inputs and weights are the
greatest there are, so that each sum is known. Then the INT8 graph of BUNDLE on frames of DIR: how far scores and boxes
are from those of the float graph, and from those of ONNX Runtime's kernels that cannot overflow, which `edge` uses.
OpenVINO takes part where it is installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, run
from benchmarks.peers.detectors import AbsentError, openvino_int8
from edge.data import RawDetections
from edge.engine import openvino
from edge.engine.onnx_runtime import load
from edge.engine.ort import OrtEngine
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from edge.model.graph_io import INPUT, OUTPUTS, raw_detections
from edge.system.cpu import byte_products
from edge.system.host import host_facts
from export.graph.int8.calibrate import calibration_frames
from export.parity.pairs import join, pair

CHANNELS, SIDE = 64, 8
EXPECTED = 9.0 * CHANNELS  # of a 3x3 window of ones
MOST = {8: 127, 7: 64}  # the greatest weight by bits; twice 255 * 64 fits 16 bits
LEAST_SCORE = 0.2

Values = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE")
    parser.add_argument("--frames", metavar="DIR", help="frames to compare on")
    parser.add_argument("--count", type=at_least(1), default=12, help="how many of the 32 that are spread over all")
    arguments = parser.parse_args()
    print(f"{host_facts()['cpu']}: {', '.join(byte_products()) or 'no products of bytes'}; one thread")
    ones = np.ones((1, CHANNELS, SIDE, SIDE), np.float32)
    for bits, most in MOST.items():
        graph = made(most).SerializeToString()
        print(f"a made layer, weights of {bits} bits, sum {EXPECTED:g}")
        for name, runtime in RUNTIMES.items():
            try:
                print(f"  {name}: {runtime(graph, ones)[0, 0, SIDE // 2, SIDE // 2]:g}", flush=True)
            except AbsentError as error:
                print(f"  {name}: {error}")
    if arguments.bundle and arguments.frames:
        on_frames(Bundle.load(arguments.bundle), arguments.frames, arguments.count)


def made(most: int) -> onnx.ModelProto:
    """A convolution of bytes, (1, C, S, S) float32 ``x`` to ``y``: all its weights are ``most`` / ``most``.

    Behind it a ReLU, whose answer is rounded to bytes, as in a detector.
    """
    weights = np.full((CHANNELS, CHANNELS, 3, 3), most, np.int8)
    values = {
        "input scale": np.float32(1 / 255),
        "none": np.uint8(0),
        "weights": weights,
        "scales": np.full(CHANNELS, 1 / most, np.float32),
        "nones": np.zeros(CHANNELS, np.int8),
        "scale": np.float32(EXPECTED / 255),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "input scale", "none"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "input scale", "none"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["weights", "scales", "nones"], ["kernel"], axis=0),
        helper.make_node("Conv", ["rounded", "kernel"], ["sums"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["sums"], ["positive"]),
        helper.make_node("QuantizeLinear", ["positive", "scale", "none"], ["answer"]),
        helper.make_node("DequantizeLinear", ["answer", "scale", "none"], ["y"]),
    ]
    shape = [1, CHANNELS, SIDE, SIDE]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]
    opset = helper.make_opsetid("", 19)
    return helper.make_model(helper.make_graph(nodes, "made", ends[:1], ends[1:], tensors), opset_imports=[opset])


def in_onnxruntime(graph: bytes, x: Values, careful: bool) -> Values:
    """``y``. ``careful``: with the kernels that cannot overflow, as `edge.engine.ort` asks for them."""
    answer: Values = session(graph, careful).run(["y"], {"x": x})[0]
    return answer


def in_openvino(graph: bytes, x: Values) -> Values:
    """``y``. Raises AbsentError."""
    try:
        core: Any = openvino.load().Core()
    except ImportError as error:
        raise AbsentError(f"openvino cannot be imported ({error}): {openvino.INSTALL}") from None
    compiled = core.compile_model(core.read_model(graph), "CPU", {"INFERENCE_NUM_THREADS": 1})
    return np.asarray(compiled({"x": x})["y"], np.float32)


RUNTIMES: dict[str, Callable[[bytes, Values], Values]] = {
    "ONNX Runtime, session.x64quantprecision (as in edge)": lambda graph, x: in_onnxruntime(graph, x, True),
    "ONNX Runtime as it is": lambda graph, x: in_onnxruntime(graph, x, False),
    "OpenVINO": in_openvino,
}


def session(graph: bytes | str, careful: bool) -> Any:
    """Of one thread."""
    onnxruntime = load()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 3
    options.add_session_config_entry("session.x64quantprecision", str(int(careful)))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def on_frames(bundle: Bundle, source: str, count: int) -> None:
    """Prints how far each is from the careful one and from the float graph, on ``count`` frames."""
    images = calibration_frames(bundle, source).images[:count]
    with OrtEngine(bundle, 1, ONNX_INT8) as engine, OrtEngine(bundle, 1, ONNX_CPU) as plain:
        careful = [engine.infer(image) for image in images]
        exact = [plain.infer(image) for image in images]
    print(f"{bundle.path.name}, {ONNX_INT8}, {len(images)} frames; detections of score {LEAST_SCORE} and more")
    hasty = session(str(bundle.file(ONNX_INT8)), careful=False)

    def as_it_is(image: npt.NDArray[np.uint8]) -> RawDetections:
        answers = hasty.run(OUTPUTS, {INPUT: image[None, :, :, None]})
        return raw_detections(dict(zip(OUTPUTS, answers, strict=True)))

    found = {"ONNX Runtime as in edge": careful, "ONNX Runtime as it is": [as_it_is(image) for image in images]}
    try:
        detect = openvino_int8(bundle, 1).detect
        found["OpenVINO"] = [detect(image) for image in images]
    except AbsentError as error:
        print(f"  OpenVINO: {error}")
    for what, reference in ((f"from {ONNX_CPU}", exact), ("from ONNX Runtime as in edge", careful)):
        print(f"  {what}")
        for name, others in found.items():
            if others is not reference:
                print(f"    {name}: {distance(reference, others)}", flush=True)


def distance(reference: Sequence[RawDetections], others: Sequence[RawDetections]) -> str:
    """Of the same frames, in words."""
    pairs = join([pair(a, b, LEAST_SCORE) for a, b in zip(reference, others, strict=True)])
    change = np.abs(pairs.score_change)
    return (
        f"{len(pairs.iou)} pairs, {pairs.lost.sum()} lost, {pairs.new.sum()} new; scores moved by "
        f"{change.mean():.4f} in the mean, {change.max():.3f} at most; IoU "
        f"{pairs.iou.mean():.4f} in the mean, {pairs.iou.min():.3f} at least"
    )


if __name__ == "__main__":
    run(main)
