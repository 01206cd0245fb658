"""A flight in small, as a process: open the engine, infer, close; errors as the command line shows them.

python -m tests.cuda_sim.fly BUNDLE FRAMES [plain] [zero-copy] [forget] [ctrl-c]
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import numpy as np

from edge.errors import EdgeError
from edge.model.bundle import Bundle


def fly(folder: str, frames: int, *options: str) -> None:
    from edge.engine.trt import TrtEngine

    bundle = Bundle.load(folder)
    engine = TrtEngine(bundle, cuda_graph="plain" not in options, zero_copy="zero-copy" in options)
    try:
        print("opened", flush=True)
        if "ctrl-c" in options:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        image = np.arange(bundle.height * bundle.width, dtype=np.uint8).reshape(bundle.height, bundle.width)
        for _ in range(frames):
            raw = engine.infer(image)
        print(f"{frames} frames, best score {raw.scores[0]:.3f}, {engine.description}")
        for note in engine.notes:
            print(f"note: {note}")
    finally:
        if "forget" not in options:
            engine.close()
    kept.append(engine)


kept: list[object] = []  # what nobody closed lives until the interpreter ends


def main() -> int:
    try:
        fly(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    except EdgeError as error:
        print(f"edge: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("edge: interrupted", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
