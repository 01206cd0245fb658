"""Many flights, each a process of its own, forked from this one: only this one starts up.

python -m tests.cuda_sim.fly_each fly|edge FLIGHTS.json

fly: `tests.cuda_sim.fly`; edge: the command on the aircraft.

FLIGHTS.json: for each a folder, the words of its command line and its environment variables; the folder gets ``out``,
``err`` and ``code``. Neither the driver nor TensorRT is loaded before the fork.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import onnxruntime.capi._pybind_state  # noqa: F401  computes for the stand-in

import edge.engine.passport_check
import edge.engine.readiness  # noqa: F401
from tests.cuda_sim import fly


def each(program: str, flights: list[tuple[str, list[str], dict[str, str]]]) -> int:
    """Returns to the end of the interpreter in every process: what is released there is part of the flight."""
    main = edge_main() if program == "edge" else fly.main
    assert not {"pycuda", "tensorrt"} & set(sys.modules)
    gc.freeze()  # no flight looks through, and so copies, what all have
    for folder, words, settings in flights:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on of threads: the libraries' sleep
            flight = os.fork()
        if not flight:
            for name, number in (("out", 1), ("err", 2)):
                with Path(folder, name).open("wb") as file:
                    os.dup2(file.fileno(), number)
            os.environ.update(settings)
            sys.argv = [program, *words]
            return main()
        _, status = os.waitpid(flight, 0)
        Path(folder, "code").write_text(str(os.waitstatus_to_exitcode(status)))
    return 0


def edge_main() -> Callable[[], int]:
    """The command, with all that each flight would load."""
    import edge.camera
    import edge.engine.ort  # noqa: F401
    from edge.app import run  # noqa: F401
    from edge.commands.main import main

    return main


if __name__ == "__main__":
    sys.exit(each(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
