"""The tests on a GPU, with one of the two that can call the driver, or with real TensorRT; `make test-gpu` runs all.

python -m tests.gpu.run pycuda|ctypes|tensorrt|rtx [WORDS OF PYTEST]
python -m tests.gpu.run simulated pycuda|ctypes [WORDS OF PYTEST]

pycuda, ctypes: by which of them the driver is called; the detector runs in torch in TensorRT's place. rtx: TensorRT-RTX
in its place, on the GPUs that this takes. simulated: on the simulated driver, with no GPU, as far as that goes.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cuda_sim.build import simulator
from tests.cuda_sim.process import run

HERE = Path(__file__).resolve().parent
FILES = {
    "pycuda": ["gpu_driver.py", "gpu_detector.py"],
    "ctypes": ["gpu_driver.py", "gpu_detector.py"],
    "tensorrt": ["gpu_tensorrt.py"],
    "rtx": ["gpu_tensorrt.py"],
}


def main(which: str, words: list[str]) -> int:
    if which == "simulated":
        ended = run(simulator(), ["-m", "tests.gpu.run", *words])
        print(ended.out + ended.err)
        return ended.code
    which, _, file = which.partition("/")
    needed = {"pycuda": "pycuda", "rtx": "tensorrt_rtx"}.get(which)
    if needed and importlib.util.find_spec(needed) is None:
        print(f"skipped: {needed} is not installed")
        return 0
    if not file:  # each in a process of its own: torch leaves its context current, which is what the driver's look for
        each = [[sys.executable, "-m", "tests.gpu.run", f"{which}/{name}", *words] for name in FILES[which]]
        return max(subprocess.call(command) for command in each)
    if which == "ctypes":
        absent: dict[str, Any] = {"pycuda": None}  # as where it is not installed
        sys.modules.update(absent)
    if which != "tensorrt":
        sys.path.insert(0, str(HERE / ("rtx" if which == "rtx" else "stand_in")))
    return pytest.main(["-rs", "-p", "no:cacheprovider", *words, str(HERE / file)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
