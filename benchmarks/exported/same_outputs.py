"""Do two graphs of one detector give the same outputs, bit for bit, in ONNX Runtime on the CPU?

    python benchmarks/exported/same_outputs.py BEFORE.onnx AFTER.onnx FRAMES [--frames 12]

On grey frames of the folder, spread over all, and on made ones whose scores tie or are nothing: black, white, noise, a
pattern that repeats, squares. A graph whose weights lie in `model.weights` needs that file beside it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, run
from edge.camera.stills import read_still
from edge.engine.onnx_runtime import load
from edge.errors import InputError

Grey = npt.NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, metavar="BEFORE.onnx")
    parser.add_argument("after", type=Path, metavar="AFTER.onnx")
    parser.add_argument("images", type=Path, metavar="FRAMES")
    parser.add_argument("--frames", type=at_least(1), default=12)
    arguments = parser.parse_args()
    for path in (arguments.before, arguments.after):
        if not path.is_file():
            raise InputError(f"{path}: no such file: expected a graph, such as model.onnx of a bundle")
    onnxruntime = load()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    graphs = [
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for path in (arguments.before, arguments.after)
    ]
    height, width = graphs[0].get_inputs()[0].shape[1:3]
    paths = sorted(p for p in arguments.images.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    real = [read_still(p)[0] for p in paths[:: max(1, len(paths) // arguments.frames)][: arguments.frames]]
    frames = [np.ascontiguousarray(pixels, np.uint8) for pixels in real] + made(height, width)
    names = [output.name for output in graphs[0].get_outputs()]
    same = found = 0
    for frame in frames:
        before, after = (graph.run(names, {"image": frame[None, :, :, None]}) for graph in graphs)
        same += all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        found += int((before[names.index("scores")] > 0).sum())
    print(f"{same} of {len(frames)} frames ({len(real)} of the folder) have identical {', '.join(names)}; {found} rows")
    sys.exit(same < len(frames))


def made(height: int, width: int) -> list[Grey]:
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (32, 32), np.uint8)
    squares = rng.integers(0, 2, (height // 8, width // 8), np.uint8) * 255
    return [
        np.zeros((height, width), np.uint8),
        np.full((height, width), 255, np.uint8),
        rng.integers(0, 256, (height, width), np.uint8),
        np.tile(tile, (height // 32, width // 32)),
        squares.astype(np.uint8).repeat(8, 0).repeat(8, 1),
    ]


if __name__ == "__main__":
    run(main)
