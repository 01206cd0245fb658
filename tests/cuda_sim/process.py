"""Python in a process of its own that finds the simulated driver, the stand-in, and real pycuda unless it shall not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cuda_sim.build import Simulator, Unavailable, simulator
from tests.support.children import run_child
from tests.support.loaded import run_loaded

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 540


@dataclass(frozen=True)
class Ended:
    """How a process ended. ``cuda``: the driver's counters at its end; ``tensorrt``: the stand-in's."""

    code: int
    out: str
    err: str
    cuda: Mapping[str, int]
    tensorrt: Mapping[str, Any]

    def leaks(self) -> dict[str, int]:
        """What was still held, and every access that a GPU would not have forgiven. Empty is right."""
        held = ("contexts", "pushed", "streams", "events", "device_allocations", "host_allocations", "graphs")
        bad = ("graph_execs", "freed_with_context", "pageable_copies", "bad_accesses", "overruns")
        found = {name: self.cuda[name] for name in (*held, *bad) if self.cuda[name]}
        return found | {name: n for name, n in self.tensorrt.get("alive", {}).items() if n}


def simulator_or_skip() -> Simulator:
    """The simulator; skips the test, saying why, where there is none."""
    try:
        return simulator()
    except Unavailable as reason:
        pytest.skip(str(reason))


def environment(sim: Simulator, reports: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Of a process under the simulator; it leaves its counters in the folder ``reports``."""
    return {
        **os.environ,
        "LD_LIBRARY_PATH": f"{sim.driver}:{os.environ.get('LD_LIBRARY_PATH', '')}",
        "PYTHONPATH": f"{sim.pycuda}:{ROOT / 'tests' / 'trt_sim'}:{ROOT}",
        "SIM_DRIVER": str(sim.driver),
        "SIM_PYCUDA": str(sim.pycuda),
        **_reports_in(reports),
        **settings,
    }


def run(sim: Simulator, arguments: Sequence[str], **settings: str) -> Ended:
    """``python ARGUMENTS`` under the simulator. ``settings``: environment, such as ``CUDA_SIM_FAIL``."""
    with tempfile.TemporaryDirectory() as name:
        done = run_child(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(sim, Path(name), settings),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        return _ended(done.returncode, done.stdout, done.stderr, Path(name))


def fork(sim: Simulator, module_or_code: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """``python -m MODULE WORDS``, or ``python -c CODE WORDS`` that begins with `FOUND`, on the simulated driver;
    forked from a process that has ``edge`` loaded.
    """
    with tempfile.TemporaryDirectory() as name:
        return run_loaded(
            [sys.executable, *module_or_code],
            cwd=ROOT,
            env=environment(sim, Path(name), {}),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )


FOUND = "from tests.cuda_sim.fly_each import found; found()\n"
Flights = Sequence[tuple[Sequence[str], Mapping[str, str]]]
CALLS = ("pycuda", "ctypes")
WITHOUT_PYCUDA = {"SIM_CALLS": "ctypes"}  # a flight's setting: its process does not find pycuda


def fly_each(sim: Simulator, flights: Flights, program: str = "fly") -> list[Ended]:
    """``python -m tests.cuda_sim.fly WORDS`` for each of ``flights``: words, and environment variables.

    ``program``: ``edge`` for ``edge WORDS``, ``edge-export`` and ``pytest`` likewise.
    """
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, str(i)) for i in range(len(flights))]
        for folder in folders:
            folder.mkdir()
        asked = Path(name, "flights.json")
        asked.write_text(
            json.dumps(
                [
                    (str(folder), list(words), {**_reports_in(folder), **settings})
                    for folder, (words, settings) in zip(folders, flights, strict=True)
                ]
            )
        )
        done = fork(sim, ["-m", "tests.cuda_sim.fly_each", program, str(asked)])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        return [
            _ended(int((at / "code").read_text()), (at / "out").read_text(), (at / "err").read_text(), at)
            for at in folders
        ]


def _reports_in(folder: Path) -> dict[str, str]:
    return {"CUDA_SIM_REPORT": str(folder / "cuda.json"), "TRT_SIM_REPORT": str(folder / "trt.json")}


def _ended(code: int, out: str, err: str, reports: Path) -> Ended:
    cuda, trt = reports / "cuda.json", reports / "trt.json"
    return Ended(
        code,
        out,
        err,
        json.loads(cuda.read_text()) if cuda.exists() else {},
        json.loads(trt.read_text()) if trt.exists() else {},
    )
