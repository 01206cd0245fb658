"""Many flights, each a process of its own, forked from this one, which was forked from one that has ``edge`` loaded.

python -m tests.cuda_sim.fly_each fly|edge|edge-export|pytest FLIGHTS.json

fly: `tests.cuda_sim.fly`; edge: the command on the aircraft; edge-export: the one that makes models; pytest: tests that
need the simulated driver.

SIM_DRIVER: the folder of the driver; PYTHONPATH is put before the path that this process has already.

FLIGHTS.json: for each a folder, the words of its command line and its environment variables; the folder gets ``out``,
``err`` and ``code``. The libraries of the driver and of pycuda are mapped before the fork and do nothing there; neither
pycuda nor TensorRT is imported. SIM_CALLS=ctypes: without pycuda.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import onnxruntime.capi._pybind_state  # noqa: F401  computes for the stand-in

import edge.engine.passport_check
import edge.engine.readiness  # noqa: F401
from edge.model.bundle import Bundle
from tests.cuda_sim import fly

BUNDLED = Path(__file__).resolve().parents[2] / "edge" / "models" / "hituav-r18"


def each(program: str, flights: list[tuple[str, list[str], dict[str, str]]]) -> int:
    """Returns to the end of the interpreter in every process: what is released there is part of the flight. One that
    closes its engine gets less: the end of the process without the interpreter's, where nothing may be left either.
    """
    driver = found()
    main = {"edge": edge_main, "edge-export": export_main, "fly": fly_main, "pytest": pytest_main}[program]()
    assert not {"pycuda", "tensorrt"} & set(sys.modules)
    for library in Path(os.environ["SIM_PYCUDA"], "pycuda").glob("_driver.*.so"):
        ctypes.CDLL(str(library))
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
            if settings.get("SIM_CALLS") == "ctypes":
                sys.path.remove(os.environ["SIM_PYCUDA"])
            driver.sim_read_faults()
            sys.argv = [program, *words]
            code = main()
            if program == "pytest":  # its end is nobody's matter; exit handlers would wait for threads left behind
                sys.stdout.flush()
                os._exit(code)
            if program == "fly" and "forget" not in words:
                atexit._run_exitfuncs()
                sys.stdout.flush()
                ctypes.CDLL(None).exit(code)
            return code
        _, status = os.waitpid(flight, 0)
        Path(folder, "code").write_text(str(os.waitstatus_to_exitcode(status)))
    return 0


def found() -> ctypes.CDLL:
    """The simulated driver; from now on this process finds it, the stand-in and pycuda, as one that began with them."""
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    # by its path once: from then on whoever loads "libcuda.so.1" is given it, by its own name
    return ctypes.CDLL(str(Path(os.environ["SIM_DRIVER"], "libcuda.so.1")))


def fly_main() -> Callable[[], int]:
    """The flight in small. What each would look up about this machine and about bundles is looked up once."""
    platform.platform()
    Bundle.load(BUNDLED)
    return fly.main


def edge_main() -> Callable[[], int]:
    """The command, with all that each flight would load."""
    import edge.camera
    import edge.engine.ort  # noqa: F401
    from edge.app import run  # noqa: F401
    from edge.commands.main import main

    return main


def export_main() -> Callable[[], int]:
    """The other command, with all that building an engine loads here."""
    import export.commands.engine  # noqa: F401
    from export.commands.main import main

    return main


def pytest_main() -> Callable[[], int]:
    """Pytest, with all that each run would load."""
    import onnx  # noqa: F401
    import pytest

    import tests.conftest  # noqa: F401

    edge_main()
    # of the plugins only the one that pyproject.toml sets
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return lambda: pytest.main(["-p", "pytest_timeout", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(each(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
